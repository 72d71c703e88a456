"""Arrays as sources: from .npz and .npy files, from the recipe itself, or passed in Python."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np

from hornbook.data.canonical import column_names, guess_kind, is_frame
from hornbook.data.facts import DataKind
from hornbook.data.pipeline import prepare
from hornbook.data.several import several_source
from hornbook.data.source import Source, Splits
from hornbook.data.sources.given import given, stream_splits
from hornbook.data.sources.streams import Stream
from hornbook.data.sources.texts import TEXT, text_source, unread
from hornbook.data.storage.rows import Inputs, Rows, in_memory
from hornbook.data.storage.stored import open_npy, open_npz
from hornbook.data.targets.heads import refuse_unread
from hornbook.data.text.given import are_texts
from hornbook.errors import DataError, RecipeError, UsageError
from hornbook.recipes.language.hints import did_you_mean
from hornbook.recipes.sections.heads import Heads
from hornbook.recipes.sources.arrays import Arrays, Npy, Npz
from hornbook.recipes.sources.checks import section_problems
from hornbook.recipes.sources.common import DataSpec
from hornbook.recipes.sources.synthetic import Inline

__all__ = ["from_arrays", "load_inline", "load_npy", "load_npz", "refuse_to_load"]

INPUT_KEYS = ("x", "x_train", "X", "X_train", "inputs")
TARGET_KEYS = ("y", "y_train", "Y", "Y_train", "targets")
SPLIT_KEYS = {
    "x_validation": ("x_validation", "x_val", "X_val"),
    "y_validation": ("y_validation", "y_val"),
    "x_test": ("x_test", "X_test"),
    "y_test": ("y_test",),
}
WEIGHT_KEYS = ("weights", "weights_validation", "weights_test")
FORMS = (
    "(x, y), (x, y, sample_weight), {'x': …, 'y': …}, ((x_train, y_train), (x_test, y_test)), a Source, Splits, or a source "
    "of batches: a tf.data.Dataset, a function that returns a generator, a keras.utils.PyDataset"
)


def load_npz(spec: Npz, *, seed: int) -> Source:
    """Return the arrays of a .npz file as a source; inputs stay in the file.

    Raises:
        DataError: If the file cannot be read or lacks an array.
    """
    path = Path(spec.path).expanduser()
    arrays = open_npz(path)
    named = {"x": spec.inputs, "y": spec.targets, "x_test": spec.test_inputs, "y_test": spec.test_targets}
    named |= {"weights": spec.weights, "weights_test": spec.test_weights}
    renamed: dict[str, str] = {}
    for role, name in named.items():
        if name is not None and name not in arrays:
            raise DataError(f"{path}: no array '{name}'. {did_you_mean(name, arrays)}".rstrip())
        if name is not None:
            renamed[role] = name
    column = spec.split.column if spec.split else None
    source, unused = _from_mapping(arrays, renamed, column=column, kind=spec.input_kind, where=f"{path}: ")
    warnings = (f"{path.name}: arrays that nothing reads: {', '.join(unused)}.",) if unused else ()
    return _named(source, spec, warnings=warnings)


def load_npy(spec: Npy, *, seed: int) -> Source:
    """Return the arrays of .npy files as a source; inputs stay in the files.

    Raises:
        DataError: If a file cannot be read.
    """
    files = {"x": spec.inputs, "y": spec.targets, "x_test": spec.test_inputs, "y_test": spec.test_targets}
    source = _build({role: open_npy(file) for role, file in files.items() if file is not None}, spec.input_kind)
    return _named(source, spec)


def _named(source: Source, spec: Npz | Npy, **more: Any) -> Source:
    return replace(source, class_names=spec.class_names, target_names=spec.target_names, **more)


def load_inline(spec: Inline, *, seed: int) -> Source:
    """Return the examples that are written in the recipe: (N, F) float32."""
    targets: list[Any] = [list(target) if isinstance(target, tuple) else target for target in spec.targets]
    return Source(np.array(spec.inputs, dtype=np.float32), np.array(targets), "table")


def refuse_to_load(spec: Arrays, *, seed: int) -> Source:
    """Explain that the arrays are not here."""
    raise DataError(
        "the recipe's data is 'arrays': pass them in Python, hornbook.train(recipe, data=(x, y)). To evaluate a run that "
        "was trained so, or to predict with it, name a file of examples."
    )


def from_arrays(
    data: Any,
    *,
    spec: DataSpec | None = None,
    seed: int = 42,
    task: str | None = None,
    heads: Heads | None = None,
    kind: DataKind | None = None,
    memory_budget: int | None = None,
    batching: tuple[int, bool] = (32, False),
) -> Splits:
    """Return splits of arrays that are passed in Python.

    Args:
        data: One of: (x, y); (x, y, sample_weight); a mapping with x and y, or x_train, y_train and optional x_validation,
            y_validation, x_test, y_test, with optional weights, weights_validation, weights_test of the examples; pairs
            ((x_train, y_train), (x_test, y_test)) or (train, validation, test); a `Source`; `Splits`, which are returned as
            they are. x may be a polars or pandas data frame: a table with typed columns; or memory-mapped, or `Rows`; or
            texts, (N,) of str; or a mapping of several inputs by name, see `hornbook.data.several`.
            Or a source of batches: a `tf.data.Dataset`, a function that returns a generator, a `keras.utils.PyDataset`, a
            `Stream`, whose inputs may be one array, several by name, or texts; one pass over it becomes the training split,
            and the source itself is what training reads.
        spec: A recipe's data section, of which only the keys that all sources share apply (split, classes, limit …).
        seed: The same seed gives the same split.
        task: As in a recipe; None to infer it from the targets.
        heads: A recipe's several heads, by name: y is then an array whose columns they name, or a mapping of arrays by name.
        kind: What the inputs are, where their shape does not say it.
        memory_budget: As of `load`.
        batching: The batch size, and whether a rest is left out, where a source gives single examples.

    Raises:
        UsageError: If `data` is none of the above.
        RecipeError, DataError: As `load`; if targets that are given by name are no head's.
    """
    if isinstance(data, Splits):
        if [*(heads or ())] != [head.name for head in data.info.heads]:
            raise UsageError("data: the splits are for other heads than the recipe's. Pass arrays, or a Source.")
        return data
    data = given(data)
    if isinstance(data, Stream):
        keys: dict[str, Any] = {"seed": seed, "task": task, "heads": heads, "memory_budget": memory_budget}
        return stream_splits(data, spec, build=partial(_build, kind=kind), batching=batching, **keys)
    shared = {key: getattr(spec, key) for key in DataSpec.shared} if spec is not None else {}
    section = Arrays(**shared, text=getattr(spec, "text", None))
    errors = [problem for problem in section_problems(section, task=task) if problem.severity == "error"]
    if errors:
        raise RecipeError(errors)
    column = section.split.column if section.split else None
    source = _as_source(data, kind, column)
    if not isinstance(data, Source):
        refuse_unread(source.y, heads)
    return prepare(source, section, seed=seed, task=task, heads=heads, memory_budget=memory_budget)


def _as_source(data: Any, kind: DataKind | None, column: str | None) -> Source:
    if isinstance(data, Source):
        return data
    if isinstance(data, Mapping):
        weights = {key: key for key in WEIGHT_KEYS if key in data}
        source, unused = _from_mapping(dict(data), weights, column=column, kind=kind, where="data: ")
        if unused:
            raise UsageError(
                f"data: unknown keys {', '.join(map(str, unused))}. Expected: x, y, x_train, y_train, x_test, weights …"
            )
        return source
    if not isinstance(data, tuple | list) or len(data) not in {2, 3}:
        raise UsageError(f"data: found {type(data).__name__}, expected {FORMS}.")
    if all(isinstance(part, tuple) and len(part) == 2 for part in data):
        splits = ("", "_test") if len(data) == 2 else ("", "_validation", "_test")
        pairs = {
            f"{axis}{split}": part[place]
            for split, part in zip(splits, data, strict=True)
            for place, axis in ((0, "x"), (1, "y"))
        }
        return _build(pairs, kind)
    if len(data) == 3:
        weighted = {} if data[2] is None else {"weights": data[2]}
        return _build({"x": data[0], "y": data[1], **weighted}, kind)
    return _build({"x": data[0], "y": data[1]}, kind)


def _from_mapping(
    arrays: dict[str, Any], named: dict[str, str], *, column: str | None, kind: DataKind | None, where: str
) -> tuple[Source, list[str]]:
    """Return a source of arrays by name, and the names that have no role. `named` maps roles to names that are given."""
    found = dict(named)
    for role, candidates in {"x": INPUT_KEYS, "y": TARGET_KEYS, **SPLIT_KEYS}.items():
        name = next((name for name in candidates if name in arrays and name not in found.values()), None)
        if role not in found and name is not None:
            found[role] = name
    for role, noun in (("x", "inputs"), ("y", "targets")):
        if role not in found:
            raise DataError(
                f"{where}no array of {noun}. Expected '{role}' or '{role}_train', found: {', '.join(arrays)}."
            )
    if column is not None and column not in arrays:
        raise DataError(f"{where}no array '{column}' to split by. {did_you_mean(column, arrays)}".rstrip())
    source = _build({role: arrays[name] for role, name in found.items()}, kind)
    unused = [name for name in arrays if name not in found.values() and name != column]
    return replace(source, split_by=None if column is None else _in_memory(arrays[column])), unused


def _build(roles: dict[str, Any], kind: DataKind | None) -> Source:
    """Return a source of arrays by role."""
    weights = {name: _in_memory(roles.pop(name)) for name in WEIGHT_KEYS if name in roles}
    return replace(_unweighted(roles, kind), **weights)


def _unweighted(roles: dict[str, Any], kind: DataKind | None) -> Source:
    if any(isinstance(value, Mapping) for role, value in roles.items() if role[0] == "x"):
        return replace(several_source(roles), target_names=column_names(roles["y"]))
    if are_texts(roles["x"]):
        return _of_texts(roles)
    if is_frame(roles["x"]):
        from hornbook.data.tables.columns.features import frame_source  # polars: a tenth of a second and 30 MB

        return frame_source(roles)
    arrays = {role: _as_targets(value, role) for role, value in roles.items()}
    kind = kind or guess_kind(arrays["x"])
    return Source(kind=kind, target_names=column_names(roles["y"]), **cast("Any", arrays))


def _as_targets(value: Any, role: str) -> Any:
    """Return inputs or targets as an array; targets by name as a mapping of arrays."""
    if role[0] == "y" and isinstance(value, Mapping):
        return {name: _as_array(array, f"{role}[{name!r}]") for name, array in value.items()}
    return _as_array(value, role)


def _of_texts(roles: dict[str, Any]) -> Source:
    """Return a source of texts by role.

    Raises:
        DataError: If other splits hold none.
    """
    wrong = [role for role, value in roles.items() if role[0] == "x" and not are_texts(value)]
    if wrong:
        raise DataError(f"{wrong[0]}: expected a list or an array (N,) of texts, as x is.")
    targets = {role: _as_targets(value, role) for role, value in roles.items() if role[0] == "y"}
    own: dict[str, Any] = {role: value for role, value in targets.items() if role != "y"}
    for split in ("validation", "test"):
        if f"x_{split}" in roles:
            own[f"x_{split}"] = unread(len(roles[f"x_{split}"]))
            own[f"texts_{split}"] = {TEXT: np.asarray(roles[f"x_{split}"], object)}
    return text_source(np.asarray(roles["x"], object), targets["y"], **own)


def _in_memory(value: Any) -> Any:
    return np.asarray(in_memory(value))


def _as_array(value: Any, role: str) -> Inputs:
    if isinstance(value, Rows) and role[0] == "x":
        return value
    try:
        array = np.asarray(in_memory(value))
    except (ValueError, TypeError) as error:
        raise DataError(f"{role}: cannot be read as an array: {error}.") from error
    if array.dtype.kind == "O" and role[0] == "x":
        raise DataError(f"{role}: holds objects or rows of different length, expected an array of numbers.")
    return array
