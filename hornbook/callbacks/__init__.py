"""What acts between the steps and epochs of a training, for Hornbook's own runs and, as Keras callbacks, for anybody's.

`RateSchedule`, `PerformanceSchedule`, `EarlyStopping`, `BestCheckpoint` and `from_recipe` are for `model.fit`; they import
Keras when they are first asked for. `hornbook.train` needs none of them: it does the same by itself.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hornbook.callbacks.for_fit import BestCheckpoint, EarlyStopping, PerformanceSchedule, RateSchedule, from_recipe

__all__ = ["BestCheckpoint", "EarlyStopping", "PerformanceSchedule", "RateSchedule", "from_recipe"]


def __getattr__(name: str) -> Any:
    """Import Keras and return one of the public names."""
    if name not in __all__:
        raise AttributeError(f"module 'hornbook.callbacks' has no attribute {name!r}")
    from hornbook import startup

    startup.import_tensorflow()
    from hornbook.callbacks import for_fit

    return getattr(for_fit, name)
