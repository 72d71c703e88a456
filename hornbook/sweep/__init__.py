"""Sweeps: many trainings of one recipe, decided by keras-tuner's oracles, recorded so that nothing finished is lost."""
