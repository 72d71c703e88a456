"""A run's model for other programs: converted, then run in the format's own runtime and compared, or refused."""
