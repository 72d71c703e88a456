"""Targets as people have them → class numbers, label rows or float targets; and the task that they speak for."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from hornbook.data.canonical import check_finite, to_float32
from hornbook.data.facts import DataInfo, Task
from hornbook.data.precision import check_blur
from hornbook.data.source import Array, Source
from hornbook.data.storage.readers import is_mapped
from hornbook.data.tables.notation import is_date, is_number, notation_keys, unit_of
from hornbook.errors import DataError
from hornbook.recipes.sources.common import DataSpec
from hornbook.recipes.thresholds import FAINT

__all__ = ["SPLIT_NAMES", "Targets", "decided", "encode_targets", "final_task", "known_targets", "target_facts"]

Family = Literal["classes", "multilabel", "regression", "several"]
SPLIT_NAMES = ("y", "y_validation", "y_test")
ONE_HOT_NOTE = (
    "every row of the targets holds exactly one 1: read as one-hot classes; 'task: multilabel' reads them as labels."
)
MANY_VALUES = 20  # more distinct whole numbers than this: classes or a measure?
EXAMPLES_PER_CLASS = 10  # of images and the like, whose classes are numbered 0, 1, 2 … however many there are


@dataclass(frozen=True)
class Targets:
    """Encoded targets of a source.

    Attributes:
        family: What the values are, before it is known which classes are kept; `several` where they are of several heads.
        source: The source with y, y_validation and y_test encoded: int32 class numbers, or float32.
        class_names: Names of classes or labels in order; None for regression.
        warnings: Sentences the user should read.
    """

    family: Family
    source: Source
    class_names: tuple[str, ...] | None
    warnings: tuple[str, ...] = ()


def encode_targets(source: Source, task: Task | None) -> Targets:
    """Return the targets as numbers, and what family of task they belong to.

    Without a task, text, booleans and up to 20 different whole numbers are classes, and numbers with fractions are
    regression. More whole numbers are classes of images, sequences and tokens where they number them from 0; otherwise
    they are regression where their type has fractions, and else refused, as is text that holds numbers. Rows of 0/1 are
    labels, except that rows which each hold exactly one 1 are one-hot classes.

    Args:
        source: As loaded.
        task: From the recipe or the source; None to infer it.

    Raises:
        DataError: If the targets are missing, not finite, or do not fit the task.
    """
    arrays = {name: _clean(getattr(source, name), name) for name in SPLIT_NAMES if getattr(source, name) is not None}
    shapes = {values.shape[1:] for values in arrays.values()}
    if len(shapes) > 1:
        raise DataError(f"targets have different shapes in different splits: {', '.join(map(str, shapes))}.")
    if len({values.dtype.kind == "U" for values in arrays.values()}) > 1:
        raise DataError("targets are text in one split and numbers in another.")
    whole = np.concatenate(list(arrays.values()))
    _check_names(source.target_names, 1 if whole.ndim == 1 else whole.shape[1])
    family, warnings = _family(whole, task, source)
    if family == "regression":
        warnings += check_blur([*arrays.values()])
        return Targets(family, _with_targets(source, {n: _real(y, n) for n, y in arrays.items()}), None, warnings)
    if family == "multilabel":
        names = _row_names(source, whole)
        encoded = {name: values.astype(np.float32) for name, values in arrays.items()}
        return Targets(family, _with_targets(source, encoded), names, warnings)
    class_names = source.class_names
    if whole.ndim == 2:  # one-hot rows
        class_names = _row_names(source, whole)
        arrays = {name: values.argmax(axis=1) for name, values in arrays.items()}
    class_names, encoded = _number_classes(arrays, class_names)
    return Targets(family, _with_targets(source, encoded), class_names, warnings)


def _check_names(names: tuple[str, ...] | None, width: int) -> None:
    """Refuse names of targets that are not one for each of their columns."""
    if names is None:
        return
    if len(names) != width:
        raise DataError(
            f"there are {len(names)} names of targets ({_listed(names)}), but the targets have {width} "
            f"column{'' if width == 1 else 's'}. Name each once."
        )
    twice = [name for place, name in enumerate(names) if name in names[:place]]
    if twice:
        raise DataError(f"two targets are called '{twice[0]}'. Give each a name of its own.")


def _row_names(source: Source, rows: Array) -> tuple[str, ...]:
    """Return the names of the columns of label rows."""
    names = source.class_names or source.target_names or tuple(str(place) for place in range(rows.shape[1]))
    if len(names) != rows.shape[1]:
        raise DataError(f"targets have {rows.shape[1]} columns, but there are {len(names)} names for them.")
    return names


def final_task(family: Family, class_names: tuple[str, ...] | None, task: Task | None) -> Task:
    """Return the task once it is known which classes are kept: two classes are binary unless the recipe says otherwise.

    Raises:
        DataError: If the number of classes does not fit the task.
    """
    if family != "classes":
        return family
    names = class_names or ()
    if len(names) < 2:
        raise DataError(f"there is only one class ({', '.join(names)}), which leaves nothing to tell apart.")
    if task == "binary" and len(names) != 2:
        raise DataError(f"task: binary has two classes, found {len(names)}: {_listed(names)}. Use 'task: multiclass'.")
    if task in {"binary", "multiclass"}:
        return task
    return "binary" if len(names) == 2 else "multiclass"


def target_facts(targets: Iterable[Array]) -> dict[str, Any]:
    """Return what losses ask of a regression's targets, over the (N,) or (N, K) targets of all splits.

    ``lowest`` and ``highest``; how many are 0 (``zeros``); and of rows: the smallest and largest sum (``sums``), and how
    many hold nothing but 0 (``zero_rows``). Where a column varies by less than a model can bring back, the smallest
    deviation (``faintest``).
    """
    rows = np.concatenate([np.asarray(y, np.float64).reshape(len(y), -1) for y in targets if len(y)])
    sums, deviation = rows.sum(axis=1), rows.std(axis=0)
    faint = deviation[(rows.min(axis=0) < rows.max(axis=0)) & (deviation < FAINT)]
    return {
        "lowest": float(rows.min()),
        "highest": float(rows.max()),
        "zeros": int((rows == 0).sum()),
        "sums": [float(sums.min()), float(sums.max())],
        "zero_rows": int((rows == 0).all(axis=1).sum()),
        **({"faintest": float(faint.min())} if len(faint) else {}),
    }


def known_targets(values: Array, info: DataInfo, *, spec: DataSpec, where: str) -> Array:
    """Return targets of another file as the model has learned them: int32 class numbers, or float32.

    Args:
        values: As they stand in the file, (N,) or (N, K).
        info: Facts about the data that the model was trained on.
        spec: The recipe's section of it.
        where: What to call the targets in messages.

    Raises:
        DataError: If they are no such targets, or name a class that the model does not know.
    """
    y = _clean(values, where)
    if info.task == "regression":
        if y.dtype.kind == "U":
            raise DataError(f"{where}: the model predicts numbers, but the targets are text{_why_text(y)}")
        return _of_size(_real(y, where), info.target_size, where)
    if info.task == "multilabel":
        y = _of_size(y, info.num_classes, where)
        if y.dtype.kind == "U" or not np.isin(y, (0, 1)).all():
            raise DataError(f"{where}: the model predicts labels, whose targets are 0 and 1; found other values.")
        return y.astype(np.float32)
    if y.ndim == 2:
        if y.shape[1] != info.num_classes or not np.isin(y, (0, 1)).all() or not (y.sum(axis=1) == 1).all():
            raise DataError(f"{where}: found targets of shape {y.shape}, expected one class per example.")
        return np.asarray(y.argmax(axis=1), np.int32)
    return _known_classes(y, info.class_names or (), spec, where)


def _of_size(y: Array, size: int, where: str) -> Array:
    if (1 if y.ndim == 1 else y.shape[1]) != size:
        raise DataError(f"{where}: found targets of shape {y.shape}, the model predicts {size} per example.")
    return y


def _known_classes(y: Array, names: tuple[str, ...], spec: DataSpec, where: str) -> Array:
    """Return the numbers of classes that are given by name, or by number where names do not say it otherwise."""
    values, places = np.unique(y, return_inverse=True)
    found = [
        str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()
        for value in values.tolist()
    ]
    known = {name: number for number, name in enumerate(names)}
    if spec.relabel is not None:  # merged classes are called `a or b`
        known |= {part: number for number, name in enumerate(names) for part in name.split(" or ")}
    is_renumbered = spec.classes is not None or spec.relabel is not None
    if y.dtype.kind in "biuf" and not is_renumbered:
        is_named = getattr(spec, "class_names", None) is not None  # then the recipe's own targets are numbers
        if is_named or not (any(map(is_number, names)) or {*found} <= {*known}):
            known = {str(number): number for number in range(len(names))}
    unknown = [name for name in found if name not in known]
    if unknown:
        raise DataError(
            f"{where}: the targets hold classes that the model does not know: {_listed(unknown)}. Known: "
            f"{_listed(list(known))}. Write them alike, or remove these rows."
        )
    return np.array([known[name] for name in found], np.int32)[places.reshape(-1)]


def _clean(values: Array, name: str) -> Array:
    """Return targets as an (N,) or (N, K) array of numbers, booleans or text."""
    y = np.asarray(values)
    if is_mapped(y):
        y = y.copy()  # targets are always in memory
    if y.dtype.kind == "O":
        missing = [place for place, value in enumerate(y.ravel()) if _is_missing(value)]
        if missing:
            raise DataError(f"{name}: {len(missing):,} of {y.size:,} targets are missing, the first at [{missing[0]}].")
        y = np.asarray(y.tolist())
    if y.dtype.kind == "S":
        y = np.char.decode(y, "utf-8")
    if y.dtype.kind not in "biufU":
        raise DataError(f"{name}: found {y.dtype} targets, expected classes (text or whole numbers) or numbers.")
    if y.ndim > 1 and y.shape[-1] == 1:
        y = y.reshape(y.shape[:-1])
    if y.ndim > 2:
        raise DataError(f"{name}: found targets of shape {y.shape}, expected (examples,) or (examples, outputs).")
    check_finite(y, name)
    return y


def _is_missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and np.isnan(value))


def _family(y: Array, task: Task | None, source: Source) -> tuple[Family, tuple[str, ...]]:
    """Return what the targets are, and warnings."""
    is_text = y.dtype.kind == "U"
    if task == "regression":
        if is_text:
            raise DataError(f"task: regression needs numbers, but the targets are text{_why_text(y)}")
        return "regression", ()
    if y.ndim == 2:
        return _family_of_rows(y, task)
    if task == "multilabel":
        raise DataError("task: multilabel needs one 0/1 column per label, but the targets are one column.")
    fractions = y.dtype.kind == "f" and bool((y != np.floor(y)).any())
    if task in {"binary", "multiclass"}:
        if fractions:
            first = y[y != np.floor(y)][0]
            raise DataError(
                f"task: {task} needs classes, but the targets have fractions ({first:g} …). Use 'task: regression'."
            )
        return "classes", ()
    if fractions:
        return "regression", ()
    different = np.unique(y) if source.class_names is None else y[:0]
    num_values = len(different)
    if is_text:
        _refuse_numbers(y, different, source)
        if num_values > max(MANY_VALUES, len(y) / 2):
            raise DataError(
                f"the targets are text with {num_values:,} different values in {len(y):,} examples ('{y[0]}' …), which "
                "looks like no classes. If they are, say 'task: multiclass'."
            )
        return "classes", ()
    if num_values > MANY_VALUES and not _are_numbered(different, len(y), source):
        if y.dtype.kind == "f":
            return "regression", ()
        raise DataError(
            f"the targets are whole numbers with {num_values:,} different values in {len(y):,} examples: classes, or a "
            "measure? Say 'task: multiclass' or 'task: regression'."
        )
    return "classes", ()


def _are_numbered(different: Array, num_examples: int, source: Source) -> bool:
    """Return whether many whole numbers count classes from 0, as they do for images; a table's may count anything."""
    is_counted = different[0] == 0 and different[-1] == len(different) - 1
    return source.kind != "table" and bool(is_counted) and num_examples >= EXAMPLES_PER_CLASS * len(different)


def _refuse_numbers(y: Array, different: Array, source: Source) -> None:
    """Refuse text that holds numbers, which are classes only if the recipe says so; whole ones may number classes."""
    texts: list[str] = different.tolist()
    numbers = [text for text in texts if is_number(text)]
    if source.kind == "table" and (all(map(is_date, texts)) or unit_of(texts)):
        what = "dates or times" if is_date(texts[0]) else "numbers with a unit"
        raise DataError(
            f"the targets are text that holds {what} ('{y[0]}' …). Give them as numbers; if they are classes, say "
            "'task: multiclass'."
        )
    if not numbers or all(text.isdecimal() for text in texts) or (len(numbers) < len(texts) and source.kind != "table"):
        return
    raise DataError(
        f"the targets are text that holds numbers{_why_text(y)} If they are classes, say 'task: multiclass'."
    )


def _why_text(y: Array) -> str:
    """Return what is no plain number among targets of text, and what to do about it."""
    texts: list[str] = np.unique(y).tolist()
    numbers = [text for text in texts if is_number(text)]
    others = [text for text in texts if text not in numbers]
    if not numbers:
        return f" ('{y.flat[0]}' …)."
    if others:
        place = int(np.flatnonzero(y.ravel() == others[0])[0]) + 1
        return f": '{others[0]}' (example {place:,}) stands among them. Repair it, or remove these rows."
    odd = [text for text in texts if not _is_plain(text)]
    if not odd:
        return f" ('{texts[0]}' …). Give them as numbers."
    what, advice = notation_keys(odd, "the target")
    return f": '{odd[0]}' is one with {what}. {advice.replace('types: {the target: number}', 'types: {…: number}')}."


def _is_plain(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _family_of_rows(y: Array, task: Task | None) -> tuple[Family, tuple[str, ...]]:
    """Return what (N, K) targets are, K > 1."""
    is_binary = y.dtype.kind != "U" and bool(np.isin(y, (0, 1)).all())
    is_one_hot = is_binary and bool((y.sum(axis=1) == 1).all())
    if task == "multilabel":
        if not is_binary:
            raise DataError("task: multilabel needs targets of 0 and 1, found other values.")
        return "multilabel", ()
    if task in {"binary", "multiclass"}:
        if not is_one_hot:
            raise DataError(f"task: {task} needs one class per example, but the targets have {y.shape[1]} columns.")
        return "classes", ()
    if is_one_hot:
        return "classes", (ONE_HOT_NOTE,)
    if y.dtype.kind == "U":
        raise DataError(f"the targets are {y.shape[1]} columns of text. Expected one column, or columns of numbers.")
    return ("multilabel" if is_binary else "regression"), ()


def _number_classes(
    arrays: dict[str, Array], names: tuple[str, ...] | None
) -> tuple[tuple[str, ...], dict[str, Array]]:
    """Return class names in order and class numbers from 0: as given by the source, else sorted."""
    first = arrays["y"]
    if names is None:
        values = np.unique(np.concatenate(list(arrays.values())))
        names = tuple(_class_name(value) for value in values)
        return names, {name: np.searchsorted(values, y).astype(np.int32) for name, y in arrays.items()}
    if first.dtype.kind == "U":
        unknown = sorted({str(value) for y in arrays.values() for value in np.unique(y)} - set(names))
        if unknown:
            raise DataError(f"targets hold unknown classes: {_listed(unknown)}. Known: {_listed(names)}.")
        order = {name: number for number, name in enumerate(names)}
        return names, {key: np.array([order[str(value)] for value in y], dtype=np.int32) for key, y in arrays.items()}
    for key, y in arrays.items():
        if y.min() < 0 or y.max() >= len(names):
            bad = y[(y < 0) | (y >= len(names))][0]
            raise DataError(f"{key}: class number {bad:g}, but there are {len(names)} classes, numbered from 0.")
    return names, {key: y.astype(np.int32) for key, y in arrays.items()}


def decided(scores: Array, task: Task, threshold: float) -> Array:
    """Return what outputs (N, K) say: class numbers (N,), 0/1 rows (N, K) for labels, the outputs of a regression.

    `threshold` is the output above which a unit says yes.
    """
    if task == "multiclass":
        return np.asarray(scores.argmax(axis=-1))
    if task == "binary":
        return (scores[:, 0] > threshold).astype(np.int32)
    return (scores > threshold).astype(np.int32) if task == "multilabel" else scores


def _class_name(value: np.generic) -> str:
    is_whole = isinstance(value, np.floating)
    return str(int(value)) if is_whole else str(value.item())


def _real(y: Array, name: str) -> Array:
    return to_float32(y, name)


def _with_targets(source: Source, encoded: dict[str, Array]) -> Source:
    return replace(source, **encoded)  # type: ignore[arg-type]


def _listed(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(names[:10]) + (f" … ({len(names)} in all)" if len(names) > 10 else "")
