"""Finding the learning rate: range tests, what they suggest, and `learning_rate: auto`."""
