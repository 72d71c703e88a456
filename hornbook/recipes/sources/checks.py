"""Checks of a recipe's `data` section that need no data: which keys fit which source. Each yields problems."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from hornbook.errors import Path, Problem
from hornbook.recipes.language.hints import did_you_mean
from hornbook.recipes.sources.common import Augmentation, DataSpec, SplitSpec

__all__ = ["augmentation_faults", "find_class", "missing_column", "relabel_faults", "section_problems"]

OF_COLUMNS = ("robust", "quantile")
"""Ways to standardize that are of columns of numbers."""
NOUNS = {"image": "images", "table": "a table", "sequence": "sequences", "tokens": "tokens"}


def section_problems(spec: DataSpec, *, task: str | None = None, path: Path = ("data",)) -> Iterator[Problem]:
    """Yield every problem that a data section has by itself.

    Args:
        spec: The section.
        task: The recipe's `task`, if it names one.
        path: Where the section stands in the recipe.
    """
    yield from _shared_problems(spec, task=task or spec.task_hint, path=path)
    yield from spec.problems(task=task, path=path)


def _shared_problems(spec: DataSpec, *, task: str | None, path: Path) -> Iterator[Problem]:
    yield from _kind_rules(spec, path)
    yield from _class_rules(spec, task, path)
    yield from _relabel_rules(spec, path)
    yield from _split_rules(spec, task, path)


def _kind_rules(spec: DataSpec, path: Path) -> Iterator[Problem]:
    """Keys that only make sense for one kind of input."""
    found = NOUNS.get(spec.data_kind or "")
    if found is None:
        return
    if spec.augmentation is not None:
        for message, hint in augmentation_faults(spec.augmentation, spec.data_kind, spec.known_channels):
            where = f"'{_name(spec)}' is {found}"
            yield Problem((*path, "augmentation"), message.format(inputs=where), hint, code="data-kind")
    if spec.data_kind != "image" and spec.scale:
        message = f"only images are scaled, but '{_name(spec)}' is {found}."
        yield Problem((*path, "scale"), message, "Tables are standardized: 'standardize: true'.", code="data-kind")
    if spec.data_kind in {"table", "sequence"} and spec.standardize == "per_feature":
        message = f"only images have pixels, but '{_name(spec)}' is {found}."
        hint = "Use 'standardize: true', which takes each column by itself."
        yield Problem((*path, "standardize"), message, hint, code="data-kind")
    if spec.data_kind != "table" and spec.standardize in OF_COLUMNS:
        message = f"'{spec.standardize}' is of the number columns of a table, but '{_name(spec)}' is {found}."
        yield Problem((*path, "standardize"), message, "Use 'standardize: true'.", code="data-kind")
    elif spec.data_kind == "tokens" and spec.standardize:
        message = f"token numbers have no mean to subtract, and '{_name(spec)}' is tokens."
        yield Problem((*path, "standardize"), message, "Remove it.", code="data-kind")


def augmentation_faults(given: Augmentation, kind: str | None, channels: int | None) -> Iterator[tuple[str, str]]:
    """Yield (message, hint) for what cannot be done to this kind of inputs; ``{inputs}`` stands for what they are.

    Args:
        given: What is to be done.
        kind: What the inputs are.
        channels: Of images, where it is known.
    """
    if kind != "image" and given.of_images:
        keys = " and ".join(repr(key) for key in given.of_images)
        verb, pronoun = ("change", "them") if len(given.of_images) > 1 else ("changes", "it")
        yield f"{keys} {verb} images, but {{inputs}}.", f"Remove {pronoun}."
    if kind == "tokens" and given.mixup:
        yield "'mixup' mixes numbers, but {inputs}, and between two tokens there is none.", "Remove it."
    colors = [key for key in ("saturation", "hue") if getattr(given, key)]
    if kind == "image" and colors and channels not in (None, 3):
        keys = " and ".join(repr(key) for key in colors)
        found = "grey" if channels == 1 else f"of {channels} channels"
        yield (
            f"{keys} {'change' if len(colors) > 1 else 'changes'} red, green and blue, but {{inputs}} that are {found}.",
            "Remove it; 'brightness' and 'contrast' are for all images.",
        )


def _class_rules(spec: DataSpec, task: str | None, path: Path) -> Iterator[Problem]:
    """`classes` and `relabel` need classes, and known ones."""
    if task in {"regression", "multilabel"}:
        for key in ("classes", "relabel"):
            if getattr(spec, key) is not None:
                message = f"the task is {task}, which has no classes to choose from."
                yield Problem((*path, key), message, f"Remove '{key}', or set 'task: multiclass'.", code="data-classes")
        return
    names = spec.known_classes
    if names is not None:
        listed: list[tuple[Path, Any]] = [
            ((*path, "classes", place), name) for place, name in enumerate(spec.classes or ())
        ]
        listed += [((*path, "relabel", name), name) for name in spec.relabel or ()]
        for place, name in listed:
            if find_class(name, names) is None:
                message = f"'{_name(spec)}' has no class {name!r}."
                yield Problem(place, message, did_you_mean(str(name), names), code="data-classes")
    for name, times in Counter(map(str, spec.classes or ())).items():
        if times > 1:
            yield Problem(
                (*path, "classes"), f"class {name} is listed {times} times.", "List it once.", code="data-classes"
            )
    if spec.classes is not None and len(spec.classes) == 1:
        message = "one class alone leaves nothing to tell apart."
        yield Problem((*path, "classes"), message, "List two or more.", code="data-classes")


def _relabel_rules(spec: DataSpec, path: Path) -> Iterator[Problem]:
    """`relabel` covers exactly the kept classes, with labels 0, 1, … without gaps."""
    if spec.relabel is None:
        return
    names = spec.known_classes
    kept: Sequence[Any] | None = spec.classes if spec.classes is not None else names
    if names is not None:
        if any(find_class(name, names) is None for name in (*(spec.classes or ()), *spec.relabel)):
            return  # reported by _class_rules
        kept = [names[find_class(name, names) or 0] for name in kept or ()]
        relabel = {names[find_class(name, names) or 0]: label for name, label in spec.relabel.items()}
    else:
        relabel = {str(name): label for name, label in spec.relabel.items()}
    for message, hint in relabel_faults(relabel, None if kept is None else [str(name) for name in kept]):
        yield Problem((*path, "relabel"), message, hint, code="data-classes")


def relabel_faults(relabel: Mapping[str, int], kept: Sequence[str] | None) -> Iterator[tuple[str, str]]:
    """Yield (message, hint) for everything wrong with new labels; `kept` None means that the classes are unknown."""
    if kept is not None:
        forgotten = [name for name in kept if name not in relabel]
        foreign = [name for name in relabel if name not in kept]
        if forgotten:
            yield (
                f"no new label for class {', '.join(forgotten)}.",
                "Give every kept class one, or keep fewer with 'classes'.",
            )
        if foreign:
            yield (
                f"class {', '.join(foreign)} is not among the kept classes.",
                "Add it to 'classes', or remove it here.",
            )
    labels = sorted(set(relabel.values()))
    if labels != list(range(len(labels))):
        yield f"new labels are {', '.join(map(str, labels))}.", "Labels count from 0 without gaps."
    elif len(labels) < 2 <= len(relabel):
        yield "every class gets the same label, which leaves nothing to tell apart.", "Use two labels or more."


def find_class(name: int | str, names: Sequence[str]) -> int | None:
    """Return the number of a class given by its name, or by its number where the names are no numbers themselves."""
    if str(name) in names:
        return names.index(str(name))
    if {*names} == {"False", "True"} and str(name).capitalize() in names:  # true and TRUE are the same boolean
        return names.index(str(name).capitalize())
    is_number = isinstance(name, int) and not any(_is_integer(known) for known in names)
    return int(name) if is_number and 0 <= int(name) < len(names) else None


def _is_integer(text: str) -> bool:
    try:
        int(text)
    except ValueError:
        return False
    return True


def _split_rules(spec: DataSpec, task: str | None, path: Path) -> Iterator[Problem]:
    """Methods fit the source, and `column` goes with the methods that read it."""
    split = spec.split
    if split is None or spec.divides_itself:
        return
    place = (*path, "split")
    yield from _fold_rules(split, place)
    if split.method == "stratified" and task in {"regression", "multilabel"}:
        message = f"stratified keeps the mix of classes, but the task is {task}."
        yield Problem((*place, "method"), message, "Use 'random'.", code="data-split")
    if split.format is not None and split.method != "time":
        message = "a format of dates is read by the method 'time' only."
        yield Problem((*place, "format"), message, "Add 'method: time', or remove it.", code="data-split")
    needs_column = split.method in {"time", "group"}
    if split.column is not None and not needs_column:
        message = "a column is read by the methods 'time' and 'group' only."
        hint = "Add 'method: time' or 'method: group', or remove it."
        yield Problem((*place, "column"), message, hint, code="data-split")
    elif split.column is not None and not spec.has_split_column:
        message = f"'{_name(spec)}' has no columns to split by."
        yield Problem((*place, "column"), message, "Remove it.", code="data-split")
    elif needs_column and split.column is None and spec.has_split_column:
        verb = "orders" if split.method == "time" else "groups"
        message = f"'{split.method}' needs the column that {verb} the examples."
        yield Problem((*place, "method"), message, "Add 'column'.", code="data-split")
    elif needs_column and not spec.has_split_column and type(spec).__module__.startswith("hornbook."):
        hint = "For examples that are in order already use 'last'." if split.method == "time" else "Use 'random'."
        message = f"'{_name(spec)}' has nothing to split by {split.method}."
        yield Problem((*place, "method"), message, hint, code="data-split")


def _fold_rules(split: SplitSpec, place: Path) -> Iterator[Problem]:
    """`folds` and `fold` come together, and leave no room for another way to a test set."""
    if (split.folds is None) != (split.fold is None):
        key, other = ("fold", "folds") if split.folds is None else ("folds", "fold")
        yield Problem((*place, key), f"'{key}' needs '{other}'.", "Write {folds: 5, fold: 0}.", code="data-split")
    if split.folds is None:
        return
    if split.fold is not None and split.fold >= split.folds:
        message = f"there is no fold {split.fold} among {split.folds}."
        yield Problem((*place, "fold"), message, f"Folds count from 0 to {split.folds - 1}.", code="data-split")
    if split.test is not None:
        message = "with folds one of them is the test set."
        yield Problem((*place, "test"), message, "Remove it, or remove 'folds' and 'fold'.", code="data-split")
    if split.method in {"first", "last"}:
        message = f"folds are random, stratified, by group or by time, not '{split.method}'."
        yield Problem((*place, "method"), message, "Remove 'folds' and 'fold'.", code="data-split")


def missing_column(name: str, columns: Iterable[str]) -> tuple[str, str]:
    """Return (message, hint) for a column that is not there."""
    return f"no column {name!r}.", did_you_mean(name, columns)


def _name(spec: DataSpec) -> str:
    return str(getattr(spec, "name", "data"))
