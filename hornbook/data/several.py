"""Several inputs by name, given from Python or in a .npz file, as one row each: their columns, then blocks.

Arrays (N,) and (N, F) and data frames are columns; (N, T, F) is a sequence, (N, H, W) of bytes and (N, H, W, C) a picture;
(N,) of str are texts, whose token numbers come last.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hornbook.data.canonical import check_finite, extremes, guess_kind, image_type, is_frame, to_float32
from hornbook.data.facts import Block, DataInfo, Feature
from hornbook.data.source import Array, Source
from hornbook.data.storage.rows import Inputs, Rows, in_memory, joined
from hornbook.data.text.encoder import encoded
from hornbook.data.text.given import as_array, numbers_or_texts
from hornbook.errors import DataError
from hornbook.recipes.language.hints import did_you_mean
from hornbook.runs.keras_file import NETWORK

__all__ = ["GROUPS", "named_inputs", "packed", "several_source"]

GROUPS = "groups"
"""The key of `DataInfo.extra` that says which columns each named input has; there where inputs were given by name."""
TEXTS = "OSTU"
"""The kinds of NumPy's types that hold texts."""
BRIGHTEST = 16.0


@dataclass(frozen=True)
class _Columns:
    """An input that is one column or several.

    Attributes:
        values: (N, F) float32.
        features: What they are.
        dialect: How a data frame's columns are written; nothing for an array.
        warnings: Sentences the user should read.
    """

    values: Inputs
    features: tuple[Feature, ...]
    dialect: Mapping[str, Any]
    warnings: tuple[str, ...] = ()


def several_source(roles: Mapping[str, Any]) -> Source:
    """Return a source of inputs by name, of the roles x, x_validation and x_test, and of targets.

    Raises:
        DataError: If roles have different names, inputs of one role different lengths, or one cannot be an input; with all
            that is wrong.
    """
    by_role = {role: value for role, value in roles.items() if role.startswith("x") and value is not None}
    _check_names(by_role)
    given: dict[str, Any] = {name: _as_array(value, f"x['{name}']") for name, value in by_role["x"].items()}
    columns: dict[str, _Columns] = {}
    blocks: list[Block] = []
    texts = [name for name, value in given.items() if _is_text(value)]
    for name, value in given.items():
        if is_frame(value):
            columns[name] = _of_frame(value, f"x['{name}']")
        elif name in texts:
            continue
        elif value.ndim <= 2:
            columns[name] = _of_array(value, name)
        else:
            blocks.append(_block(value, name))
    frames = [name for name, value in given.items() if is_frame(value)]
    if len(frames) > 1:
        raise DataError(f"x: {' and '.join(map(repr, frames))} are data frames. Join them into one.")
    _check_columns(columns, [*texts, *(block.name for block in blocks)])
    extra: dict[str, Any] = {GROUPS: {name: [each.name for each in one.features] for name, one in columns.items()}}
    for one in columns.values():
        extra |= one.dialect
    layout = _Layout(columns, tuple(blocks), tuple(texts))
    arrays: dict[str, Any] = {}
    for role, value in by_role.items():
        arrays[role], arrays[role.replace("x", "texts", 1)] = layout.pack(value, role)
    arrays |= {role: _targets(value) for role, value in roles.items() if role.startswith("y")}
    warnings = [warning for one in columns.values() for warning in one.warnings]
    warnings += [note for block in blocks for note in _too_bright(given[block.name], block)]
    features = tuple(feature for one in columns.values() for feature in one.features)
    return Source(
        **arrays, kind="table", features=features, warnings=tuple(warnings), extra=extra, blocks=tuple(blocks)
    )


def _targets(value: Any) -> Any:
    """Return targets as an array; those of several heads by name as a mapping of arrays."""
    return {name: np.asarray(each) for name, each in value.items()} if isinstance(value, Mapping) else np.asarray(value)


def named_inputs(info: DataInfo) -> dict[str, tuple[int, ...]]:
    """Return {name: shape of an example} of the inputs that a run's data has by name, in order; none for other runs."""
    if GROUPS not in info.extra:
        return {}
    groups = {name: (len(columns),) for name, columns in info.extra[GROUPS].items()}
    return groups | {block.name: block.shape for block in info.blocks}


def packed(arrays: Mapping[str, Any], info: DataInfo, where: str) -> tuple[Rows, tuple[str, ...]]:
    """Return inputs by name as the rows that a run's model reads, and notes about their texts.

    Args:
        arrays: One for each of the run's inputs, and others that are not looked at.
        info: Facts about the data that the model was trained on.
        where: What to call them in messages.

    Raises:
        DataError: If names, shapes or lengths do not fit; with all that is wrong.
    """
    shapes, faults, notes = named_inputs(info), list[str](), list[str]()
    faults += [f"no input '{name}'. {did_you_mean(name, arrays)}".rstrip() for name in shapes if name not in arrays]
    parts = {name: np.asarray(in_memory(arrays[name])) for name in shapes if name in arrays}
    for name, array in parts.items():
        if name in info.texts_beside and array.dtype.kind in TEXTS:
            texts = numbers_or_texts(array, f"{where}: '{name}'")
            parts[name], said = encoded(texts, info.extra["texts"][name], f"'{name}'")
            notes += said
        else:
            faults += _misfit(name, array, None if name in info.texts_beside else shapes[name])
    faults += _different_lengths({name: len(array) for name, array in parts.items() if array.ndim})
    if faults:
        raise DataError("\n  ".join([f"{where}: the inputs do not fit the model.", *faults]))
    allow_nan = bool(info.extra.get("has_missing"))
    beside = {block.name for block in info.blocks}
    for name, array in parts.items():
        check_finite(
            to_float32(array, f"{where}: {name}"), f"{where}: {name}", allow_nan=allow_nan and name not in beside
        )
    return joined([array.reshape(len(array), -1) for array in parts.values()]), tuple(notes)


def _misfit(name: str, array: Array, shape: tuple[int, ...] | None) -> list[str]:
    """Return why an array is not the input of a run: examples of another shape, or, where there is none, no texts."""
    if shape is None or array.dtype.kind in TEXTS:
        held, expected = ("numbers", "texts") if shape is None else ("texts", "numbers")
        return [f"'{name}' holds {held}, expected {expected}."]
    fits = math.prod(array.shape[1:]) == math.prod(shape) and array.ndim >= 1
    if fits and array.shape[1:] in {shape, shape[:-1] if shape[-1] == 1 else shape}:
        return []
    return [f"'{name}' has shape {array.shape}, expected (examples, {', '.join(map(str, shape))})."]


@dataclass(frozen=True)
class _Layout:
    """Which inputs there are, and how each stands in a row."""

    columns: Mapping[str, _Columns]
    blocks: Sequence[Block]
    texts: Sequence[str]

    def pack(self, inputs: Mapping[str, Any], role: str) -> tuple[Rows, dict[str, Array]]:
        """Return the inputs of a role as rows, and its texts by name.

        Raises:
            DataError: If lengths differ, or an example is of another kind or shape than in training; with all that is wrong.
        """
        given = {name: _as_array(value, f"{role}['{name}']") for name, value in inputs.items()}
        faults = [
            f"'{name}' holds {'texts' if _is_text(value) else 'no texts'}, unlike in x."
            for name, value in given.items()
            if _is_text(value) != (name in self.texts)
        ]
        faults += _different_lengths({name: len(value) for name, value in given.items()})
        if faults:
            raise DataError("\n  ".join([f"{role}: the inputs do not fit each other.", *faults]))
        parts: list[Inputs] = []
        for name, known in self.columns.items():
            values = known.values if role == "x" else _same_columns(given[name], known, f"{role}['{name}']")
            if values.shape[1] != len(known.features):
                faults.append(f"'{name}' has {values.shape[1]} columns, in x {len(known.features)}.")
            parts.append(values)
        for block in self.blocks:
            shape = given[block.name].shape[1:]
            if shape not in {block.shape, block.shape[:-1] if block.shape[-1] == 1 else block.shape}:
                faults.append(f"'{block.name}' has examples of shape {shape}, expected {block.shape}.")
            check_finite(given[block.name], f"{role}['{block.name}']")
            parts.append(given[block.name])
        if faults:
            raise DataError("\n  ".join([f"{role}: the inputs do not fit each other.", *faults]))
        if not self.columns:
            parts.insert(0, np.zeros((len(next(iter(given.values()))), 0), np.float32))
        return joined(parts), {name: given[name] for name in self.texts}


def _is_text(value: Any) -> bool:
    """Return whether what `_as_array` returned are texts."""
    return not is_frame(value) and value.dtype.kind == "O"


def _check_names(by_role: Mapping[str, Any]) -> None:
    faults = []
    for role, value in by_role.items():
        if not isinstance(value, Mapping):
            faults.append(f"{role} is {type(value).__name__}, expected inputs by name, as in other roles.")
            continue
        names = [name for name in value if not isinstance(name, str) or not name]
        faults += [f"{role}: a name of an input is text, found {name!r}." for name in names]
        faults += [
            f"{role}: an input cannot be called {name!r}. Rename it."
            for name in value
            if "/" in str(name) or name == NETWORK
        ]
    if not faults:
        known = list(by_role["x"])
        for role, value in by_role.items():
            faults += [f"{role}: no input '{name}', which x has." for name in known if name not in value]
            faults += [
                f"{role}: unknown input '{n}'. {did_you_mean(n, known)}".rstrip() for n in value if n not in known
            ]
    if not faults and not by_role["x"]:
        faults = ["x: there are no inputs."]
    if faults:
        raise DataError("\n  ".join(faults) if len(faults) == 1 else "\n  ".join(["inputs by name:", *faults]))


def _different_lengths(lengths: Mapping[str, int]) -> list[str]:
    if len(set(lengths.values())) <= 1:
        return []
    listed = ", ".join(f"'{name}' {length:,}" for name, length in lengths.items())
    return [f"inputs have different numbers of examples: {listed}."]


def _as_array(value: Any, where: str) -> Any:
    """Return an array of numbers, texts as objects (N,), or a data frame.

    Raises:
        DataError: If it is none of these.
    """
    if is_frame(value) or isinstance(value, Rows):
        return value
    try:
        array = as_array(value)
    except (ValueError, TypeError) as error:
        raise DataError(f"{where}: cannot be read as an array: {error}.") from error
    if array.ndim == 0:
        raise DataError(f"{where}: is a single value. Expected one per example.")
    if array.dtype.kind not in "biuf" + TEXTS:
        raise DataError(
            f"{where}: holds {array.dtype}, expected numbers, texts, or a data frame of columns with types."
        )
    return numbers_or_texts(array, where)


def _of_array(value: Array, name: str) -> _Columns:
    """Return numbers (N,) or (N, F) as columns that are called by the input's name."""
    values = value[:, np.newaxis] if value.ndim == 1 else value
    check_finite(values, f"x['{name}']")
    width = values.shape[1]
    names = [name] if width == 1 else [f"{name}_{place}" for place in range(1, width + 1)]
    return _Columns(to_float32(values, f"x['{name}']"), tuple(Feature(each, "number") for each in names), {})


def _of_frame(frame: Any, where: str) -> _Columns:
    """Return the columns of a data frame by the rule for tables."""
    from hornbook.data.tables.columns.features import encode_columns, infer_features, polars_frame  # polars
    from hornbook.data.tables.dialect import Dialect

    table = polars_frame(frame)
    if not table.width or not table.height:
        raise DataError(f"{where}: a data frame of shape {table.shape} holds no values.")
    features, dialect, warnings = infer_features(table, {}, dialect=Dialect(), where=where)
    values, _ = encode_columns(table, features, dialect=dialect, where=where)
    return _Columns(values, features, dialect.recorded(), warnings)


def _same_columns(value: Any, known: _Columns, where: str) -> Array:
    """Return the columns of another role as numbers, read as those of x were."""
    if not is_frame(value):
        values = value[:, np.newaxis] if value.ndim == 1 else value
        check_finite(values, where)
        return to_float32(values, where)
    from hornbook.data.tables.columns.features import encode_columns, polars_frame, require_columns  # polars
    from hornbook.data.tables.dialect import Dialect

    table = polars_frame(value)
    require_columns(list(dict.fromkeys(feature.source for feature in known.features)), table, where)
    return encode_columns(table, known.features, dialect=Dialect.of_run(known.dialect), where=where)[0]


def _block(value: Array, name: str) -> Block:
    """Return what an input of three axes or more is.

    Raises:
        DataError: If it can be nothing.
    """
    if value.ndim > 4:
        raise DataError(f"x['{name}']: has {value.ndim} axes {value.shape}. Expected columns, a sequence or pictures.")
    if guess_kind(value) == "sequence":
        return Block(name, "sequence", tuple(value.shape[1:]))
    shape = tuple(value.shape[1:]) if value.ndim == 4 else (*value.shape[1:], 1)
    return Block(name, "picture", shape, scale=_divisor(image_type(value, None)[1]))


def _divisor(scale: float | None) -> float | None:
    return None if scale == 1 else scale


def _too_bright(value: Array, block: Block) -> list[str]:
    """Return a warning about fractions that are no fractions of white."""
    if block.kind != "picture" or block.scale is not None:
        return []
    largest = max(map(abs, extremes(value)))
    if largest <= BRIGHTEST:
        return []
    return [f"'{block.name}': images of type {value.dtype} reach {largest:g} and are not scaled. Divide them by it."]


def _check_columns(columns: Mapping[str, _Columns], beside: Sequence[str]) -> None:
    """Refuse columns of two inputs that are called alike, or like one of the inputs beside them."""
    owners = {name: name for name in beside}
    faults = []
    for name, one in columns.items():
        for feature in one.features:
            other = owners.setdefault(feature.source, name)
            if other != name:
                faults.append(f"column '{feature.source}' is in '{other}' and in '{name}'. Rename one.")
    if faults:
        raise DataError("\n  ".join(faults))
