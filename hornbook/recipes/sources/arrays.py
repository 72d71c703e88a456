"""Arrays of your own: in NumPy files, or passed in Python."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from hornbook.errors import Path, Problem
from hornbook.recipes.language.spec import register
from hornbook.recipes.sources.common import Names, Stored, TargetNames
from hornbook.recipes.sources.texts import TextSettings

__all__ = ["Arrays", "Npy", "Npz"]

FileName = Annotated[str, Field(min_length=1)]
KnownKind = Literal["image", "table", "sequence", "tokens"]


@register
class Npz(Stored):
    """Arrays in a NumPy .npz file, written with `numpy.savez(path, x=…, y=…)`.

    For data of your own that is prepared in Python. Understands the keys x and y, or x_train and y_train with optional
    x_validation, y_validation, x_test, y_test. What the inputs are follows from their shape: (N, H, W, C) images, (N, H, W)
    of bytes grey images, (N, T, F) sequences, (N, F) a table; `input_kind` overrides it. Inputs above the memory budget are
    read from the file while training, unless it is compressed (`numpy.savez_compressed`). Pickled objects are refused.
    NumPy documentation, `numpy.lib.format`.

    Example:
        data: {name: npz, path: measurements.npz, inputs: x, targets: y}
    """

    name: Literal["npz"] = "npz"
    builds = "hornbook.data.sources.arrays:load_npz"
    has_split_column: ClassVar[bool] = True
    path_fields: ClassVar[frozenset[str]] = frozenset({"path"})

    path: FileName
    """The file, relative to the current folder."""
    inputs: str | None = None
    """Name of the array of inputs; x or x_train when omitted."""
    targets: str | None = None
    """Name of the array of targets; y or y_train when omitted."""
    test_inputs: str | None = None
    """Name of the array of test inputs; x_test, if there is one, when omitted."""
    test_targets: str | None = None
    """Name of the array of test targets; y_test, if there is one, when omitted."""
    weights: str | None = None
    """Name of the array of the examples' weights in loss and metrics, numbers of at least 0; omitted: all weigh the same."""
    test_weights: str | None = None
    """Name of the array of the test examples' weights; omitted: each weighs 1."""
    input_kind: KnownKind | None = None
    """What the inputs are, where their shape does not say it: whole numbers in rows may be `tokens`."""
    class_names: Names | None = None
    """Names of the classes 0, 1, …"""
    target_names: TargetNames | None = None
    """Names of the columns of several targets or labels, for predictions and for the metrics of each."""

    def problems(self, *, task: str | None = None, path: Path = ("data",)) -> Iterator[Problem]:
        """Yield a test set of which only half is named."""
        yield from _half_a_test_set(self, path)


@register
class Npy(Stored):
    """Arrays in NumPy .npy files of their own, written with `numpy.save(path, x)`.

    For data that does not fit into memory: a .npy file can be written in pieces (`numpy.lib.format.open_memmap`), and
    inputs above the memory budget are read from it while training. What the inputs are follows from their shape, as in
    `npz`. Pickled objects are refused. NumPy documentation, `numpy.lib.format`.

    Example:
        data: {name: npy, inputs: x.npy, targets: y.npy}
    """

    name: Literal["npy"] = "npy"
    builds = "hornbook.data.sources.arrays:load_npy"
    path_fields: ClassVar[frozenset[str]] = frozenset({"inputs", "targets", "test_inputs", "test_targets"})

    inputs: FileName
    """The file of inputs, one example per row, relative to the current folder."""
    targets: FileName
    """The file of targets."""
    test_inputs: FileName | None = None
    """A file of test inputs; with `test_targets`."""
    test_targets: FileName | None = None
    """A file of test targets; with `test_inputs`."""
    input_kind: KnownKind | None = None
    """What the inputs are, where their shape does not say it: whole numbers in rows may be `tokens`."""
    class_names: Names | None = None
    """Names of the classes 0, 1, …"""
    target_names: TargetNames | None = None
    """Names of the columns of several targets or labels, for predictions and for the metrics of each."""

    def problems(self, *, task: str | None = None, path: Path = ("data",)) -> Iterator[Problem]:
        """Yield a test set of which only half is named."""
        yield from _half_a_test_set(self, path)


def _half_a_test_set(spec: Npz | Npy, path: Path) -> Iterator[Problem]:
    if (spec.test_inputs is None) != (spec.test_targets is None):
        given, other = ("test_inputs", "test_targets") if spec.test_inputs else ("test_targets", "test_inputs")
        yield Problem((*path, given), f"'{other}' is missing.", "Name both or neither.", code="data-columns")


@register
class Arrays(Stored):
    """Arrays passed in Python: `hornbook.train(recipe, data=(x, y))`.

    Says in a recipe that its data comes from Python; the shared keys (split, classes, limit …) apply to the arrays. Cannot
    be loaded from the command line. Hornbook.

    Example:
        data: {name: arrays, split: {validation: 0.2}}
    """

    name: Literal["arrays"] = "arrays"
    builds = "hornbook.data.sources.arrays:refuse_to_load"
    has_split_column: ClassVar[bool] = True

    text: TextSettings | None = None
    """Which tokens texts become, where x or one of several inputs holds these; omitted: words, see `text_folder`."""
