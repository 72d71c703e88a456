"""Forecasts that need no network: the last value again, the last season again. What a model has to beat. NumPy alone.

Hyndman and Athanasopoulos (2021), "Forecasting: Principles and Practice", section 5.2.
"""

import numpy as np

from hornbook.data.source import Array, Inputs
from hornbook.data.storage.rows import numbered_blocks
from hornbook.data.windows.source import Layout

__all__ = ["LAST", "SEASONAL", "naive_forecasts"]

LAST, SEASONAL = "last value", "seasonal"


def naive_forecasts(x: Inputs, layout: Layout) -> dict[str, Array]:
    """Return (N, H·T) float32 forecasts by name, of windows (N, W, F): `LAST`, and `SEASONAL` where a window holds a season.

    Nothing where a target's own past is no input.
    """
    if not {*layout.targets} <= {*layout.inputs}:
        return {}
    ahead = np.arange(layout.horizon)
    steps = {LAST: np.full(layout.horizon, layout.window - 1)}
    if layout.season is not None:
        steps[SEASONAL] = layout.window - layout.season + ahead % layout.season
    places = [layout.inputs.index(name) for name in layout.targets]
    found = {name: np.empty((len(x), layout.horizon, len(places)), np.float32) for name in steps}
    for start, block in numbered_blocks(x):
        for name, of_step in steps.items():
            found[name][start : start + len(block)] = block[:, of_step][:, :, places]
    return {name: values.reshape(len(x), -1) for name, values in found.items()}
