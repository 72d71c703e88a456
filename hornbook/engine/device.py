"""What depends on the device: which one computes, its name and threads, and how arrays come to it."""

import ctypes
import os
from typing import Any

import numpy as np
import tensorflow as tf

from hornbook.data.source import Array
from hornbook.data.storage.readers import ALIGNMENT, aligned

__all__ = ["describe_device", "has_gpu", "num_threads", "on_device"]


def has_gpu() -> bool:
    """Return whether TensorFlow sees a GPU, on which it then computes."""
    return bool(tf.config.list_physical_devices("GPU"))


def describe_device() -> str:
    """Return the device in words: ``CPU 2 threads`` or the GPU's name."""
    if has_gpu():
        details = tf.config.experimental.get_device_details(tf.config.list_physical_devices("GPU")[0])
        return f"GPU {details.get('device_name', '')}".strip()
    return f"CPU {num_threads()} threads"


def num_threads() -> int:
    """Return how many threads one operation may use on the CPU."""
    chosen = tf.config.threading.get_intra_op_parallelism_threads() or int(os.environ.get("TF_NUM_INTRAOP_THREADS", 0))
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return chosen or available


def on_device(x: Array) -> Any:
    """Return a tensor of an array, which nobody may write to as long as the tensor is used.

    A GPU has a copy. On the CPU the tensor lives in the array's own memory, so that runs side by side share what they
    train on: `tf.constant` would copy it twice. An array that begins where TensorFlow's kernels cannot read it is copied.
    """
    if has_gpu() or x.dtype == bool or not x.size:
        return tf.constant(x)
    if x.ctypes.data % ALIGNMENT or not x.flags.c_contiguous:
        copy = aligned(x.shape, x.dtype)
        copy[...] = x
        x = copy
    return tf.experimental.dlpack.from_dlpack(_writable(x).__dlpack__())


def _writable(x: Array) -> Array:
    """Return an array over the same memory that NumPy lends to TensorFlow, as it does with none that is read-only."""
    if x.flags.writeable:
        return x
    memory = (ctypes.c_char * x.nbytes).from_address(x.ctypes.data)
    memory.owner = x  # type: ignore[attr-defined]  # the memory stays as long as somebody sees it
    return np.frombuffer(memoryview(memory), x.dtype).reshape(x.shape)
