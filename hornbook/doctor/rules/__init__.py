"""Rules of diagnosis, a file per area; each rule is a function of a case that yields findings."""
