"""Imports TensorFlow without its messages. Whatever it writes to stderr is shown only if the import fails."""

import contextlib
import gc
import importlib
import importlib.abc
import os
import sys
import tempfile
import threading
import time

from hornbook.errors import HornbookError

__all__ = ["import_for_command", "import_tensorflow", "process_start"]

IMPORTED = time.perf_counter()


def process_start() -> float:
    """Return what `time.perf_counter()` was when this process began, or where the system does not tell, at this import."""
    try:
        with open("/proc/self/stat", "rb") as file:
            ticks = int(file.read().rpartition(b")")[2].split()[19])  # field 22, since the machine's start
        age_s = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        return IMPORTED
    return min(time.perf_counter() - age_s, IMPORTED)


def import_tensorflow(device: str | None = None) -> None:
    """Import TensorFlow and Keras once, quietly, on the TensorFlow backend.

    The messages come from C++ code and bypass Python's `sys.stderr`, so the file descriptor itself is held back while
    the import runs and the devices are listed. A GPU's memory is taken as it is needed, not all at once.

    Args:
        device: ``cpu`` hides all GPUs; ``gpu`` insists on one; None takes what there is.

    Raises:
        HornbookError: If a GPU was asked for and there is none.
    """
    if device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    if "tensorflow" not in sys.modules:
        _import_quietly()
    if device == "gpu" and not sys.modules["tensorflow"].config.list_physical_devices("GPU"):
        raise HornbookError(
            "--device gpu: TensorFlow sees no GPU here. Install 'hornbook[gpu]' and NVIDIA's driver, or leave --device out."
        )


def import_for_command(device: str | None = None) -> None:
    """Import TensorFlow as `import_tensorflow` does, without packages that a command has no use for.

    Keras imports scikit-learn for its wrappers and Matplotlib for its galleries whenever they are installed, TensorFlow's
    old Keras imports SciPy for sparse inputs: 100 MB and a quarter of the start-up. They are out of sight during the
    import; later they are there as ever. Nor is garbage collected meanwhile: the collector would look again and again
    through half a million objects that stay, which takes as long once more. It does not look at them later either.
    """
    if "keras" in sys.modules:
        import_tensorflow(device)
        return
    unseen, collected = _Unseen(), gc.isenabled()
    sys.meta_path.insert(0, unseen)
    gc.disable()
    try:
        import_tensorflow(device)
    finally:
        sys.meta_path.remove(unseen)
        gc.freeze()
        if collected:
            gc.enable()


class _Unseen(importlib.abc.MetaPathFinder):
    """Makes scikit-learn, SciPy and Matplotlib look as if they were not installed, to the thread that makes one."""

    def __init__(self) -> None:
        self._thread = threading.get_ident()

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if threading.get_ident() == self._thread and name in {"sklearn", "scipy", "matplotlib"}:
            raise ModuleNotFoundError(f"{name} is not imported with TensorFlow", name=name)


def _import_quietly() -> None:
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
        except Exception:
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
    for gpu in tensorflow.config.list_physical_devices("GPU"):
        with contextlib.suppress(RuntimeError, ValueError):  # too late, or not supported by the device
            tensorflow.config.experimental.set_memory_growth(gpu, True)
    tensorflow.get_logger().setLevel("ERROR")
