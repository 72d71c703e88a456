"""The command line, a file per verb or pair of verbs: parse, call one function, print."""
