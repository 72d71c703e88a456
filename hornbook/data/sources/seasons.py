"""Hourly series drawn from a seed. The same seed gives the same series, on every machine."""

import numpy as np

from hornbook.data.source import Array, Source
from hornbook.data.sources.synthetic import EXAMPLES_STREAM
from hornbook.data.windows.cutting import Series
from hornbook.data.windows.source import Layout, windows_source
from hornbook.data.windows.steps import UNITS_US, Step
from hornbook.recipes.sources.synthetic import Seasons

__all__ = ["make_seasons"]

BEGIN = int(np.datetime64("2024-01-01", "us").astype(np.int64))  # a Monday
LASTING = 0.7
"""Share of the noise that is that of the hour before."""


def make_seasons(spec: Seasons, *, seed: int) -> Source:
    """Return the windows of hourly series."""
    values = season_values(spec, seed=seed)
    hours = BEGIN + np.arange(spec.steps, dtype=np.int64) * UNITS_US["h"]
    has_several = spec.count > 1
    series = Series(
        times=np.tile(hours, spec.count),
        numbers=np.repeat(np.arange(spec.count, dtype=np.int32), spec.steps),
        names=tuple(str(number) for number in range(spec.count)) if has_several else ("",),
        columns={"value": values.astype(np.float32).reshape(-1)},
        where="seasons",
    )
    layout = Layout(
        "time", "series" if has_several else None, ("value",), ("value",), spec.window, spec.horizon, spec.stride,
        Step("time", UNITS_US["h"]), calendar=spec.calendar or (),
    )  # fmt: skip
    return windows_source(spec, series, layout)


def season_values(spec: Seasons, *, seed: int) -> Array:
    """Return series (count, steps): level, trend, a day of two waves, a week, and noise that lasts."""
    generator = np.random.default_rng([seed if spec.seed is None else spec.seed, EXAMPLES_STREAM])
    hours, count = np.arange(spec.steps), spec.count
    level, size, phase, trend = generator.uniform([10, 0.5, 0, 0], [30, 2, 24, 4], (count, 4)).T[..., np.newaxis]
    day = 2 * np.pi * (hours - phase) / 24
    values = 2 * np.sin(day) + 0.8 * np.sin(2 * day + 1) + np.sin(2 * np.pi * (hours - phase) / 168)
    drawn = generator.normal(0, spec.noise * (1 - LASTING**2) ** 0.5, (count, spec.steps))
    noise = np.zeros((count, spec.steps))
    for hour in range(spec.steps):
        noise[:, hour] = drawn[:, hour] + (LASTING * noise[:, hour - 1] if hour else 0)
    series: Array = level + size * (values + noise) + trend * hours / spec.steps
    return series
