"""TensorFlow's own distribution strategies: several devices of one machine, or several machines by TF_CONFIG."""

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import tensorflow as tf

from hornbook.engine.cluster import check_cluster
from hornbook.errors import RunError, UsageError
from hornbook.runs.writing import RunDirectory

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
    check_cluster()
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except RuntimeError as error:
        raise UsageError(
            "training.strategy: multi_worker has to start before TensorFlow has run anything. Train in a fresh process."
        ) from error


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
