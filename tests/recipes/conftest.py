"""Hypothesis without clocks and chance: the same examples on every machine, however busy it is."""

from hypothesis import HealthCheck, settings

settings.register_profile("hornbook", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("hornbook")
