"""What a new recipe is to begin with, for a file of one's own: a table, an archive of arrays, or a folder of pictures."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from hornbook.data.facts import DataInfo
from hornbook.data.pipeline import load
from hornbook.data.source import Splits
from hornbook.data.storage.files import relative_to
from hornbook.data.targets.leaks import leaking_column
from hornbook.errors import DataError, RecipeError, UsageError
from hornbook.recipes.describe.scaffold import Length, Row, Start, small_share
from hornbook.recipes.describe.words import flow_yaml
from hornbook.recipes.language.hints import nearest_file
from hornbook.recipes.language.overrides import apply_overrides
from hornbook.recipes.language.spec import catalog
from hornbook.recipes.language.text import document_of
from hornbook.recipes.sources.common import DataSpec
from hornbook.recipes.thresholds import UNBALANCED

__all__ = ["start_from"]

SEED = 42
MOST_SIZE = 96
"""Height and width of pictures, beyond which they take long on a CPU."""
LONGEST_VALUE = 100
MOST_REASONS = 20


def start_from(path: str, *, target: str | None = None, overrides: Sequence[str] = ()) -> Start:
    """Return what a recipe for a file can begin with; the file is read as training would read it.

    Args:
        path: A table, a .npz archive, or a folder with a folder of pictures for each class.
        target: The column of a table to predict.
        overrides: What is known of the data: ``data.separator=;``.

    Raises:
        UsageError: If there is no such file, or it is not clear which column is the target.
        DataError: If it cannot be read, or holds nothing to learn.
        RecipeError: If an override cannot be meant.
    """
    file = Path(path).expanduser()
    is_elsewhere = "://" in path or any(sign in path for sign in "*?[")  # whoever reads tables knows
    if not file.exists() and not is_elsewhere:
        hint = nearest_file(file) or relative_to()
        raise UsageError(
            f"{path}: there is no such file, and no data source of that name ('hornbook list data'). {hint}"
        )
    is_table = not file.is_dir() and file.suffix.lower() != ".npz"
    if target is not None and not is_table:
        raise UsageError(f"{path}: '--target' names a column of a table, and this is none. Leave it out.")
    section = _overridden({"name": _source_of(file), "path": path}, overrides)
    if is_table:
        from hornbook.data.tables.draft import read_table  # polars

        reading = read_table(section, target)
        return _start(path, reading.section, reading.comments, reading.task, reading.notes)
    comments: dict[str, list[str]] = {}
    if file.is_dir() and "size" not in section:
        section["size"] = _size_of_pictures(file)
        comments["size"] = ["pixels, each way; more show finer things and take longer"]
    return _start(path, section, comments, None, [])


def _start(
    path: str, section: dict[str, Any], comments: dict[str, list[str]], task: tuple[str, str] | None, notes: list[str]
) -> Start:
    """Return the start for a section that can be loaded."""
    splits, share = _loaded(section, task[0] if task is not None else None)
    info = splits.info
    size = info.counts["train"]
    if share is not None:
        section["split"] = {**section.get("split", {}), "validation": share}
        why = f"a tenth of {size + info.counts['validation']:,} examples would be too few to judge an epoch by"
        comments.setdefault("split", []).append(why)
    leak = leaking_column(splits)
    if leak is not None:
        notes.append(f"column '{leak[0]}' tells the target by itself: if it is not known before the target is, drop it")
    return Start(
        Path(path).name,
        section["name"],
        info.describe(),
        info.kind,
        (*_section_rows(section, comments), *([("task", *task)] if task is not None else [])),
        Length.of_size(size, info.kind),
        training=tuple(_training(info)),
        notes=tuple(notes),
    )


def _overridden(section: dict[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    document = document_of({"data": section})
    apply_overrides(document, overrides)
    others = [key for key in document.tree if key != "data"]
    if document.problems:
        raise RecipeError(document.problems)
    if others:
        raise UsageError(f"'{others[0]}' is for the recipe once it is written: here only keys of 'data' can be set.")
    return dict(document.tree["data"])


def _source_of(file: Path) -> str:
    if file.is_dir():
        return "image_folder"
    return "npz" if file.suffix.lower() == ".npz" else "table"


def _loaded(section: Mapping[str, Any], task: str | None) -> tuple[Splits, float | None]:
    """Return the examples, and the share to hold out for validation where the usual tenth is too small."""
    splits = load(_spec(section), seed=SEED, task=task)
    counts = splits.info.counts
    given = section.get("split", {})
    share = small_share(counts["train"] + counts.get("validation", 0)) if "validation" not in given else None
    if share is None or splits.validation is None:
        return splits, None
    return load(_spec({**section, "split": {**given, "validation": share}}), seed=SEED, task=task), share


def _spec(section: Mapping[str, Any]) -> DataSpec:
    return cast(DataSpec, catalog("data")[section["name"]].model_validate(dict(section)))


def _section_rows(section: Mapping[str, Any], comments: Mapping[str, Sequence[str]]) -> list[Row]:
    """Return the rows of `data`; several reasons for a key stand above it, a line each."""
    rows: list[Row] = [("data", "", "")]
    for key, value in section.items():
        reasons = list(comments.get(key, ()))
        if len(reasons) > 1:
            shown = [
                *reasons[:MOST_REASONS],
                *([f"… and {len(reasons) - MOST_REASONS:,} more"] if reasons[MOST_REASONS:] else []),
            ]
            rows += [("  ", "", reason) for reason in shown]
        rows.append((f"  {key}", _flow(value), reasons[0] if len(reasons) == 1 else ""))
    return rows


def _flow(value: Any) -> str:
    """Return a value as YAML, in several lines where it is long."""
    text = flow_yaml(value)
    if len(text) <= LONGEST_VALUE or not isinstance(value, list | dict):
        return text
    parts = (
        [flow_yaml([item])[1:-1] for item in value]
        if isinstance(value, list)
        else [flow_yaml({key: item})[1:-1] for key, item in value.items()]
    )
    lines = [""]
    for part in parts:
        if len(lines[-1]) + len(part) > LONGEST_VALUE:
            lines.append("")
        lines[-1] += f"{part}, "
    inside = "\n".join(f"    {line.rstrip()}" for line in lines).rstrip(",")
    return f"{text[0]}\n{inside}\n  {text[-1]}"


def _training(info: DataInfo) -> list[Row]:
    """Return what classes of very different size ask of the training."""
    counts = [count for count in info.class_counts if count]
    if len(counts) < 2 or max(counts) < UNBALANCED * min(counts):
        return []
    share = f"the rarest class has {min(counts) / sum(counts):.1%} of the rows"
    return [
        ("  class_weights", "balanced", share),
        ("  metrics", "[accuracy, auc]", "accuracy alone hides the rarest class"),
    ]


def _size_of_pictures(folder: Path) -> int:
    """Return the size of squares for the pictures of a folder: that of the smaller ones among the first, 96 at most."""
    from PIL import Image

    from hornbook.data.pictures.listing import list_files

    sides = []
    for name in list_files(folder).names[:50]:
        try:
            with Image.open(folder / name) as picture:
                sides.append(min(picture.size))
        except OSError:
            continue
    if not sides:
        raise DataError(f"{folder}: holds no picture that can be read, in folders of classes.")
    return max(8, min(MOST_SIZE, int(np.median(sides))))
