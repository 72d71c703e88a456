"""A run as one HTML page that loads nothing from elsewhere. What a run lacks, or what is damaged, is said on it.

TensorFlow is imported by who asks for a page, because the model has to predict.
"""

import base64
import contextlib
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from hornbook.display.forecasts import figure_rows, steps_picture
from hornbook.display.health import heat_tables, layer_pictures
from hornbook.display.learning import learning_curves
from hornbook.display.page import render
from hornbook.display.shrunk import gains
from hornbook.display.text import path_text
from hornbook.errors import HornbookError
from hornbook.inference.importance import Importance
from hornbook.inference.report.charts import importance_picture, pictures_of
from hornbook.inference.report.examination import MOST_CLASSES, Examination
from hornbook.inference.report.gathered import Finding, class_means, gather, shown_finding
from hornbook.recipes.describe.chosen import chosen_keys, chosen_lines
from hornbook.recipes.load import load_recipe
from hornbook.runs.directory import Run

__all__ = ["page_of"]

MOST_EPOCHS = 200


def page_of(run: Run, *, findings: Sequence[Finding] | None = None, trust: bool = False) -> str:
    """Return a run's page.

    Args:
        run: The run.
        findings: What a check of the run has found; None where none was made.
        trust: Whether code that the run's model holds may be run.
    """
    found = gather(run, trust=trust)
    seen, health = found.seen, found.health
    importance = Importance.of_record(found.importance) if found.importance is not None else None
    tables, all_zero = heat_tables(health)
    forecast = found.result.get("forecast") or {}
    return render(
        "hornbook.inference.report/page.html.jinja",
        name=run.path.parent.name,
        folder=path_text(run.path),
        result=found.result,
        data=found.data,
        environment=found.environment,
        timing=_timing(found.result, found.history),
        gaps=found.gaps,
        findings=None if findings is None else [shown_finding(run, finding) for finding in findings],
        curves=learning_curves(found.history, best_epoch=found.best_epoch),
        pretraining=found.pretraining,
        epochs=_epochs(found.history),
        best=found.best_epoch,
        seen=seen,
        views=_views(seen),
        augmented=_png(seen.augmented) if seen is not None and seen.augmented is not None else "",
        importance=importance,
        importance_picture=importance_picture(importance) if importance is not None else "",
        forecast=forecast,
        forecast_rows=figure_rows(forecast),
        steps_picture=steps_picture(forecast) if forecast else "",
        heat=tables,
        all_zero=all_zero,
        layers=layer_pictures(health),
        measurements=len(health),
        recipe=_recipe_lines(run, found.recipe_text),
        has_source=any(source != found.recipe_text for source, _ in _sources(run)),
        range_test=_range_test(run),
        reuse=found.reuse,
        shrink=found.shrink,
        gains=list(gains(found.shrink)),
        exports=_exports(run),
        model_bytes=_model_bytes(run),
    )


def _views(seen: Examination | None) -> list[tuple[str, Examination, list[Any], dict[str, float], dict[str, Any]]]:
    """Return (head, what it does, classes to show, their means, pictures) of each head; of the only one without a name."""
    heads = {} if seen is None else seen.heads or {"": seen}
    return [
        (head, one, _classes(one), class_means(one), pictures_of(one, f"{head}-" if head else ""))
        for head, one in heads.items()
    ]


def _timing(result: Mapping[str, Any], history: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    seconds = [row["seconds"] for row in history if row.get("seconds")]
    if not seconds:
        return []
    total = result.get("seconds") or sum(seconds)
    rows = [("training", f"{total:.1f} s"), ("first epoch, with compiling", f"{seconds[0]:.2f} s")]
    if len(seconds) > 1:
        rows.append(("other epochs, median", f"{statistics.median(seconds[1:]):.3g} s"))
    return rows


def _epochs(history: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the table of epochs: names of its columns, its rows, and how many it leaves out."""
    step = max(1, -(-len(history) // MOST_EPOCHS))
    rows = [row for place, row in enumerate(history) if place % step == 0 or place == len(history) - 1]
    is_number = {key for row in rows for key, value in row.items() if not isinstance(value, bool | str | list | dict)}
    columns = [key for key in dict.fromkeys(key for row in rows for key in row) if key in is_number]
    return {"columns": columns, "rows": rows, "left_out": len(history) - len(rows)}


def _classes(examination: Examination | None) -> list[Any]:
    """Return the classes to show, in their order; of too many those with the smallest F1, the worst first."""
    if examination is None:
        return []
    classes = list(examination.classes)
    return classes if len(classes) <= MOST_CLASSES else sorted(classes, key=lambda one: one.f1)[:MOST_CLASSES]


def _recipe_lines(run: Run, text: str) -> list[tuple[str, bool]]:
    """Return the lines of the resolved recipe, and whether somebody chose what stands on them."""
    lines, chosen = text.splitlines(), set[int]()
    for source, overrides in (*_sources(run), (text, ())):
        options = [override for override in overrides if not override.startswith("--")]
        with contextlib.suppress(HornbookError):
            recipe = load_recipe(source + "\n", options, for_training=False, of_run=source == text)
            chosen = chosen_lines(text, chosen_keys(recipe))
            break
    return [(line, number in chosen) for number, line in enumerate(lines, 1)]


def _sources(run: Run) -> list[tuple[str, tuple[str, ...]]]:
    """Return the recipe as it was given, where that can be read."""
    try:
        return [run.source]
    except HornbookError:
        return []


def _range_test(run: Run) -> str:
    """Return the picture of the range test as a data URI, in which no script of a picture runs; empty without one."""
    path = run.rate_picture_path
    try:
        data = path.read_bytes() if path is not None else b""
    except OSError:
        return ""
    return f"data:image/svg+xml;base64,{base64.b64encode(data).decode('ascii')}" if 0 < len(data) < 300_000 else ""


def _png(picture: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(picture).decode('ascii')}"


def _model_bytes(run: Run) -> int | None:
    try:
        return run.model_path().stat().st_size
    except (HornbookError, OSError):
        return None


def _exports(run: Run) -> list[dict[str, Any]]:
    try:
        return run.exports
    except HornbookError:
        return []
