"""Imports TensorFlow without its messages. Whatever it writes to stderr is shown only if the import fails."""

import importlib
import os
import sys
import tempfile

__all__ = ["import_tensorflow"]


def import_tensorflow() -> None:
    """Import TensorFlow and Keras once, quietly, on the TensorFlow backend.

    The messages come from C++ code and bypass Python's `sys.stderr`, so the file descriptor itself is held back while
    the import runs and the devices are listed.
    """
    if "tensorflow" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    try:
        sys.stderr.flush()
        saved = os.dup(2)
    except (OSError, ValueError):
        _import()
        return
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            _import()
        except BaseException:
            os.dup2(saved, 2)
            held.seek(0)
            os.write(2, held.read())
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)


def _import() -> None:
    tensorflow = importlib.import_module("tensorflow")
    importlib.import_module("keras")
    tensorflow.config.list_physical_devices()
    tensorflow.get_logger().setLevel("ERROR")
