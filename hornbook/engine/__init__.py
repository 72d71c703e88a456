"""Training steps as compiled programs: chunks, feeds, evaluation, prediction, several devices."""
