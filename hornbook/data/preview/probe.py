"""What `hornbook check` can tell from data without training: files that are there, their headings, and small ones whole.

A file of up to a few megabytes is loaded as training loads it, so that whatever is wrong with it shows. Of a larger one the
names are read that it has, and the first rows of a table.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path as FilePath

import numpy as np

from hornbook.data.beside import differing_paths, missing_paths
from hornbook.data.canonical import check_lengths
from hornbook.data.load import load_data
from hornbook.data.pictures.listing import require_folder
from hornbook.data.pipeline import check_class_keys, load, read
from hornbook.data.source import Source, Splits
from hornbook.data.storage.files import existing_file, existing_files
from hornbook.data.targets.classes import new_numbers
from hornbook.data.targets.heads import encode_heads
from hornbook.data.targets.labels import encode_targets, final_task
from hornbook.errors import DataError, HornbookError, Path, Problem, RecipeError
from hornbook.recipes.facts import Facts
from hornbook.recipes.language.spec import Spec
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sections.heads import Heads
from hornbook.recipes.sections.pretraining import PretrainingSpec
from hornbook.recipes.sources.checks import missing_column, section_problems
from hornbook.recipes.sources.pictures import ImageFolder, ImageList
from hornbook.recipes.sources.table import Table, TableFiles
from hornbook.recipes.sources.texts import TextFolder

__all__ = ["WHOLE_BYTES", "Seen", "probe"]

WHOLE_BYTES = 4 * 2**20  # a table of this size is read in half a second
SAMPLE_ROWS = 1000
KEY = re.compile(r"(?P<key>(data|task|heads|training|pretraining)(\.[a-z0-9_]+)*): ")


@dataclass(frozen=True)
class Seen:
    """What a look at the data has shown.

    Attributes:
        facts: What is known about the data.
        problems: What is wrong between data and recipe, or should be known.
        splits: The examples, where all of them were to be loaded and can be used.
    """

    facts: Facts
    problems: tuple[Problem, ...] = ()
    splits: Splits | None = None


def probe(recipe: Recipe, *, whole: bool = False) -> Seen:
    """Look at a recipe's data.

    Args:
        recipe: A recipe whose data section is valid by itself.
        whole: Whether to load all of the data, whatever its size and wherever it comes from.
    """
    seen, others = _probe(recipe, whole=whole), {} if whole else differing_paths(recipe)
    notes = [Problem(key, text, severity="warning", code="data-file") for key, text in others.items()]
    return replace(seen, problems=(*seen.problems, *notes))


def _probe(recipe: Recipe, *, whole: bool) -> Seen:
    """Look at a recipe's data; nothing is said of where its files lie."""
    facts = Facts.named(recipe)
    if any(problem.severity == "error" for problem in section_problems(recipe.data, task=recipe.task)):
        return Seen(facts)  # the rules report it
    problems = list(_files(recipe.data, ("data",)))
    pretraining = recipe.pretraining
    if pretraining is not None:
        problems += _files(pretraining, ("pretraining",))
        problems += _files(pretraining.data, ("pretraining", "data")) if pretraining.data is not None else []
    if not problems and isinstance(recipe.data, Table | ImageList):
        problems += _columns(recipe.data, recipe.heads or {})
    if problems:
        elsewhere = missing_paths(recipe)
        return Seen(facts, tuple(replace(one, message=elsewhere.get(one.path, one.message)) for one in problems))
    try:
        if whole:
            return _whole(recipe)
        if isinstance(recipe.data, ImageFolder | ImageList):
            return Seen(_of_files(recipe, recipe.data, facts))
        if _size(recipe.data) > WHOLE_BYTES:
            return Seen(_outline(recipe, facts))
        if pretraining is not None and _is_at_hand(pretraining):
            return Seen(_facts(recipe, load_data(recipe).splits))
        return Seen(_facts(recipe, load(recipe.data, seed=recipe.seed, task=recipe.task, heads=recipe.heads)))
    except RecipeError as error:
        return Seen(facts, tuple(error.problems))
    except HornbookError as error:
        return Seen(facts, (_placed(error),))


def _whole(recipe: Recipe) -> Seen:
    splits = load_data(recipe).splits
    notes = [Problem(("data",), text, severity="warning", code="data-content") for text in splits.info.warnings]
    return Seen(_facts(recipe, splits), tuple(notes), splits)


def _facts(recipe: Recipe, splits: Splits) -> Facts:
    return Facts.of(recipe, splits.info, is_standardized=splits.preprocessing.variance is not None)


def _files(section: Spec, path: Path) -> Iterator[Problem]:
    """Yield the files that a section names and that are not there."""
    for key, name in sorted(section.paths().items()):
        try:
            _existing(section, name)
        except DataError as error:
            place = tuple(int(part) if part.isdecimal() else part for part in key.split("."))
            yield Problem((*path, *place), str(error), code="data-file")


def _existing(section: Spec, path: str) -> list[FilePath]:
    """Return the files of a path, or the folder that it has to be; only a table's may be a pattern."""
    if isinstance(section, ImageFolder | TextFolder):
        return [require_folder(path, noun="pictures" if isinstance(section, ImageFolder) else "texts")]
    return existing_files(path) if isinstance(section, TableFiles) else [existing_file(path)]


def _is_at_hand(pretraining: PretrainingSpec) -> bool:
    """Return whether the inputs of pretraining are the recipe's own, or in small files."""
    other = pretraining.data
    if other is None:
        return _size(pretraining) <= WHOLE_BYTES
    return bool(other.paths()) and _size(other) <= WHOLE_BYTES


def _size(section: Spec) -> int:
    if isinstance(section, TextFolder):
        return sum(file.stat().st_size for file in FilePath(section.path).expanduser().rglob("*.txt"))
    return sum(file.stat().st_size for path in section.paths().values() for file in _existing(section, path))


def _placed(error: HornbookError) -> Problem:
    """Return an error as a problem of the key that it is about: its message begins with it."""
    text = " ".join(line.strip() for line in str(error).splitlines())
    key = KEY.match(text)
    if key is not None:
        parts = key["key"].split(".")
        return Problem(tuple(parts), text[key.end() :], code="data-content")
    return Problem(("data",), text, code="data-content")


def _outline(recipe: Recipe, facts: Facts) -> Facts:
    """Return what a large file tells without its inputs: names, lengths and targets, or the first rows of a table."""
    data = recipe.data
    if isinstance(data, Table):
        _first_rows(recipe, data)
    if isinstance(data, Table | TextFolder):
        return facts
    source = read(data, seed=recipe.seed, task=recipe.task, heads=recipe.heads)
    if source.division is not None:
        size = source.y.shape[1] if source.y.ndim == 2 else 1
        return replace(facts, train_size=len(source.division["train"]), target_size=size)
    return _told(recipe, source, facts)


def _of_files(recipe: Recipe, data: ImageFolder | ImageList, facts: Facts) -> Facts:
    """Return what picture files tell: all of them where they are small, else their names and targets."""
    from hornbook.data.sources.pictures import outline  # Pillow

    source = outline(data, most_bytes=WHOLE_BYTES)
    if source is None:
        return _facts(recipe, load(data, seed=recipe.seed, task=recipe.task, heads=recipe.heads))
    return _told(recipe, source, facts)


def _told(recipe: Recipe, source: Source, facts: Facts) -> Facts:
    """Return what a source tells without its inputs."""
    data = recipe.data
    if recipe.heads is not None:
        several = encode_heads(source, recipe.heads, hint=data.task_hint)
        return replace(facts, kind=source.kind).divided(recipe, _sizes(several.source))
    check_lengths(source)
    targets = encode_targets(source, recipe.task)
    check_class_keys(targets, data)
    names = targets.class_names
    if names is not None and targets.family == "classes":
        _, names = new_numbers(names, data.classes, data.relabel)
    task = final_task(targets.family, names, recipe.task)
    y = targets.source.y
    known = replace(
        facts,
        task=None if task == "several" else task,
        kind=source.kind,
        num_classes=len(names) if names is not None else None,
        class_names=names,
        target_size=y.shape[1] if y.ndim == 2 else 1,
    )
    return known.divided(recipe, _sizes(source))


def _sizes(source: Source) -> dict[str, int]:
    """Return the examples of the splits that a source has."""
    others = (("validation", source.x_validation), ("test", source.x_test))
    return {"train": len(source.x)} | {name: len(x) for name, x in others if x is not None}


def _first_rows(recipe: Recipe, spec: Table) -> None:
    """Raise a DataError if the first rows show that the targets are of another kind than the task needs."""
    from hornbook.data.sources.table import table_frame
    from hornbook.data.tables.columns.features import target_array
    from hornbook.data.tables.dialect import Dialect
    from hornbook.data.tables.files import table_name

    frame = table_frame(spec, rows=SAMPLE_ROWS)
    each = [(name,) for name in spec.target_columns] if recipe.heads is not None else [spec.target_columns]
    dialect, where = Dialect.of_spec(spec), table_name(spec.path)
    for columns in each:
        y = target_array(columns, frame, dialect, where, numbers=spec.types or ())
    if recipe.task is not None:
        encode_targets(Source(np.zeros((len(y), 1), np.float32), y, "table"), recipe.task)


def _columns(spec: Table | ImageList, heads: Heads) -> Iterator[Problem]:
    """Yield every column that a recipe names and the table lacks."""
    from hornbook.data.sources.table import table_frame  # polars: a tenth of a second and 30 MB
    from hornbook.data.tables.text import no_heading_hint

    try:
        columns = table_frame(spec, rows=SAMPLE_ROWS).columns
    except DataError as error:
        yield Problem(("data", "path"), str(error), code="data-content")
        return
    is_one = isinstance(spec.target, str)
    named: list[tuple[Path, str]] = [
        (("target",) if is_one else ("target", place), name) for place, name in enumerate(spec.target_columns)
    ]
    of_heads = dict(_targets(heads))
    named = [(path, name) for path, name in named if name not in of_heads.values()]
    for key in ("file", "splits"):
        if getattr(spec, key, None) is not None:
            named.append(((key,), getattr(spec, key)))
    for key in ("columns", "types", "drop"):
        for place, name in enumerate(getattr(spec, key, None) or ()):
            named.append(((key, name if isinstance(getattr(spec, key), dict) else place), name))
    if spec.split is not None and spec.split.column is not None:
        named.append((("split", "column"), spec.split.column))
    if spec.weight is not None:
        named.append((("weight",), spec.weight))
    places = [*of_heads.items(), *((("data", *path), name) for path, name in named)]
    for path, name in places:
        if name not in columns:
            message, hint = missing_column(name, columns)
            yield Problem(path, message, hint + no_heading_hint(columns), code="data-columns")


def _targets(heads: Heads) -> Iterator[tuple[Path, str]]:
    """Yield (place in the recipe, column) of each target that a head names."""
    for head, named in heads.items():
        for place, column in enumerate(named.named_columns()):
            yield ("heads", head, "target", *((place,) if isinstance(named.target, tuple) else ())), str(column)
