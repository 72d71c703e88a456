"""Networks that no memory holds: refused with an estimate while they are built, and named where they fail later."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import keras
import tensorflow as tf

from hornbook.data.load import memory_bytes
from hornbook.errors import Problem, RecipeError, RunError

__all__ = ["named_exhaustion", "within_memory"]


@contextmanager
def within_memory(*, trains: bool) -> Iterator[None]:
    """Count the weights of the layers that are built within, before they are made.

    Args:
        trains: Whether each trainable weight will have a gradient beside it.

    Raises:
        RecipeError: As soon as they need more memory than the machine has.
    """
    needed, most, add_weight = 0, memory_bytes(), keras.layers.Layer.add_weight

    @wraps(add_weight)
    def counted(layer: keras.layers.Layer, *args: Any, **options: Any) -> Any:
        nonlocal needed
        shape = options.get("shape", args[0] if args else None)
        if shape is not None and all(isinstance(size, int) for size in shape):
            copies = 2 if trains and options.get("trainable", True) else 1
            needed += 4 * copies * math.prod(shape)
        if needed > most:
            what = "its weights and their gradients" if trains else "its weights"
            message = (
                f"up to layer '{layer.name}' this network needs {bytes_text(needed)} for {what}, and this machine has "
                f"{bytes_text(most)} of memory."
            )
            raise RecipeError([Problem(("model",), message, "Make it smaller.", code="layer")])
        return add_weight(layer, *args, **options)

    keras.layers.Layer.add_weight = counted
    try:
        yield
    finally:
        keras.layers.Layer.add_weight = add_weight


@contextmanager
def named_exhaustion(needs: Callable[[], str]) -> Iterator[None]:
    """Turn TensorFlow's and Python's errors for want of memory into one that says what there was to hold.

    Args:
        needs: Returns what was to be held: parameters, batch.

    Raises:
        RunError: In place of them.
    """
    try:
        yield
    except (MemoryError, tf.errors.ResourceExhaustedError) as error:
        raise RunError(
            f"out of memory: {needs()}. This machine has {bytes_text(memory_bytes())}. Use a smaller "
            "'training.batch_size' or model; 'training.memory_budget' keeps large inputs on disk."
        ) from error


def bytes_text(count: float) -> str:
    """Return a number of bytes for people: ``720 GB``."""
    return f"{count / 1e9:,.0f} GB" if count >= 1e10 else f"{count / 1e9:.1f} GB"
