"""TensorFlow's own distribution strategies: several devices of one machine, or several machines by TF_CONFIG."""

import contextlib
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import tensorflow as tf

from hornbook.errors import RunError, UsageError
from hornbook.runs.directory import RunDirectory

__all__ = ["is_chief", "make_strategy", "own_folder", "scope", "worker_losses"]


def make_strategy(name: str | None) -> Any:
    """Return a `tf.distribute` strategy, or None for one device.

    Args:
        name: ``mirrored`` for all GPUs (or logical CPU devices) of this machine, ``multi_worker`` for the workers that
            the environment variable TF_CONFIG lists.

    Raises:
        UsageError: If TF_CONFIG is missing or wrong.
    """
    if name is None:
        return None
    if name == "mirrored":
        gpus = [device.name for device in tf.config.list_logical_devices("GPU")]
        if gpus:
            return tf.distribute.MirroredStrategy(gpus)
        cpus = [device.name for device in tf.config.list_logical_devices("CPU")]
        # Collectives between logical CPU devices mix up those of batch normalization and of gradients.
        return tf.distribute.MirroredStrategy(cpus, cross_device_ops=tf.distribute.ReductionToOneDevice())
    _check_tf_config()
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except RuntimeError as error:
        raise UsageError(
            "training.strategy: multi_worker has to start before TensorFlow has run anything. Train in a fresh process."
        ) from error


def _check_tf_config() -> None:
    form = (
        """TF_CONFIG='{"cluster": {"worker": ["host1:port", "host2:port"]}, "task": {"type": "worker", "index": 0}}'"""
    )
    text = os.environ.get("TF_CONFIG")
    if not text:
        raise UsageError(f"training.strategy: multi_worker needs the environment variable TF_CONFIG: {form}")
    try:
        config = json.loads(text)
        (workers,), index = config["cluster"].values(), int(config["task"]["index"])
        is_good = "worker" in config["cluster"] and config["task"]["type"] == "worker" and 0 <= index < len(workers)
        is_good = is_good and isinstance(workers, list) and all(re.fullmatch(r".+:\d+", host) for host in workers)
    except (ValueError, KeyError, TypeError, AttributeError):
        is_good = False
    if not is_good:
        raise UsageError(f"TF_CONFIG cannot be read. Expected {form}")


def is_chief(strategy: Any) -> bool:
    """Return whether this process writes the run: the only one, or the first worker."""
    resolver = getattr(strategy, "cluster_resolver", None)
    return resolver is None or not resolver.task_id


@contextlib.contextmanager
def own_folder(make: Callable[[], RunDirectory], strategy: Any) -> Iterator[RunDirectory]:
    """Make the run's folder for the chief; the other workers do the same work in one that is removed afterwards."""
    if is_chief(strategy):
        folder = make()
        with folder.locked():
            yield folder
        return
    with tempfile.TemporaryDirectory(prefix="hornbook-worker-") as temporary:
        folder = RunDirectory(Path(temporary))
        folder.best.parent.mkdir()
        yield folder


@contextlib.contextmanager
def scope(strategy: Any) -> Iterator[None]:
    """Build variables for a strategy while this is open; nothing for None."""
    if strategy is None:
        yield
        return
    with strategy.scope():
        yield


@contextlib.contextmanager
def worker_losses(strategy: Any) -> Iterator[None]:
    """Turn what TensorFlow raises when a worker is gone into one message.

    Raises:
        RunError: If a worker was lost; the run can be resumed from its last epoch.
    """
    try:
        yield
    except (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.InternalError, tf.errors.CancelledError,
            tf.errors.DeadlineExceededError) as error:  # fmt: skip
        if getattr(strategy, "cluster_resolver", None) is None:
            raise
        raise RunError(
            "a worker was lost, so training cannot go on. The last whole epoch is saved: start all workers again with "
            "'hornbook resume RUN' on the same folder."
        ) from error
