"""Learning curves: training and validation over the number of examples, and over the size of the network."""
