"""Event files, as TensorBoard reads them: of runs here, of the trials of a sweep in `hornbook.sweep.report.tensorboard`."""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

__all__ = ["EventFile", "event_files"]

PATTERN = "events.out.tfevents.*"


def event_files(folder: Path) -> list[Path]:
    """Return the event files in a folder."""
    return sorted(folder.glob(PATTERN))


class EventFile:
    """One event file, written as it comes; a context manager.

    Args:
        folder: Where; made if it is not there.

    Raises:
        OSError, tf.errors.OpError: If it cannot be written, here and in every method.
    """

    def __init__(self, folder: Path) -> None:
        import tensorflow as tf

        folder.mkdir(parents=True, exist_ok=True)
        name = PATTERN.replace("*", f"{int(time.time()):010d}.{os.urandom(4).hex()}")
        self.path = folder / name
        self._writer = tf.io.TFRecordWriter(str(self.path))
        self._write(file_version="brain.Event:2")

    def __enter__(self) -> "EventFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def scalar(self, name: str, value: float, step: int, *, time_s: float | None = None) -> None:
        """Add a point of a curve."""
        from tensorboard.plugins.scalar import metadata

        self._tensor(name, np.float32(value), step, metadata.create_summary_metadata("", ""), time_s)

    def text(self, name: str, text: str) -> None:
        """Add a text in Markdown."""
        from tensorboard.plugins.text import metadata

        self._tensor(name, np.array(text.encode(), object), 0, metadata.create_summary_metadata("", ""), None)

    def histogram(self, name: str, picture: Mapping[str, Any], step: int) -> None:
        """Add a histogram: {"from", "to", "counts" of as many bins of one width}."""
        from tensorboard.plugins.histogram import metadata

        counts = np.asarray(picture["counts"], np.float64)
        edges = np.linspace(picture["from"], picture["to"], len(counts) + 1)
        bins = np.stack([edges[:-1], edges[1:], counts], axis=1)
        self._tensor(name, bins, step, metadata.create_summary_metadata("", ""), None)

    def summary(self, summary: Any, *, step: int = 0, time_s: float | None = None) -> None:
        """Add a summary that one of TensorBoard's plug-ins has made."""
        from tensorboard.compat.proto.summary_pb2 import Summary

        # Some plug-ins make TensorFlow's class of the same message.
        self._write(step=step, time_s=time_s, summary=Summary.FromString(summary.SerializeToString()))

    def flush(self) -> None:
        """Let readers see what has been added."""
        self._writer.flush()

    def close(self) -> None:
        """End the file."""
        self._writer.close()

    def _tensor(self, name: str, value: Any, step: int, metadata: Any, time_s: float | None) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.util.tensor_util import make_tensor_proto

        tensor = make_tensor_proto(value)
        self.summary(
            Summary(value=[Summary.Value(tag=name, tensor=tensor, metadata=metadata)]), step=step, time_s=time_s
        )

    def _write(self, *, time_s: float | None = None, **parts: Any) -> None:
        from tensorboard.compat.proto.event_pb2 import Event

        event = Event(wall_time=time.time() if time_s is None else time_s, **parts)
        self._writer.write(event.SerializeToString())
