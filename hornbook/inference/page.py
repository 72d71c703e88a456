"""A run as one HTML page that loads nothing from elsewhere. What a run lacks, or what is damaged, is said on it.

TensorFlow is imported by who asks for a page, because the model has to predict.
"""

import base64
import contextlib
import shlex
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hornbook.atomic import write_text
from hornbook.errors import HornbookError
from hornbook.inference.examination import MOST_CLASSES, Examination, examine
from hornbook.inference.page_charts import pictures_of
from hornbook.recipes.describe.chosen import chosen_keys, chosen_lines
from hornbook.recipes.load import load_recipe
from hornbook.report.health import heat_tables, layer_pictures
from hornbook.report.learning import learning_curves
from hornbook.report.page import render
from hornbook.report.text import path_text
from hornbook.runs.directory import Run, is_pretraining

__all__ = ["page_of", "write_page"]

MOST_EPOCHS = 200

Finding = Mapping[str, Any]
"""What a check of a run has found: `code`, `fault`, `severity`, `confidence`, `evidence`, `overrides`."""


class _Reader:
    """Reads a run file by file; what cannot be read becomes a sentence instead of an error."""

    def __init__(self) -> None:
        self.gaps: list[str] = []

    def read(self, what: str, get: Callable[[], Any], instead: Any) -> Any:
        """Return what `get` returns, or `instead` with a sentence that `what` is not on the page."""
        try:
            return get()
        except (HornbookError, OSError) as error:
            self.gaps.append(f"{what}: {error}")
            return instead


def write_page(
    run: Run, *, output: Path | None = None, findings: Sequence[Finding] | None = None, trust: bool = False
) -> Path:
    """Write a run's page; returns its file, report.html in the run's folder where nothing else is said.

    Args:
        run: The run.
        output: The file to write.
        findings: What a check of the run has found; None where none was made.
        trust: Whether code that the run's model holds may be run.

    Raises:
        RunError: If the file cannot be written.
    """
    path = output if output is not None else run.page_path
    write_text(path, page_of(run, findings=findings, trust=trust))
    return path


def page_of(run: Run, *, findings: Sequence[Finding] | None = None, trust: bool = False) -> str:
    """Return a run's page; see `write_page`."""
    reader = _Reader()
    result = reader.read("Result", lambda: run.result, {"state": "unknown"})
    data = reader.read("Data", lambda: run.data, {})
    environment = reader.read("Environment", lambda: run.environment, {})
    history = reader.read("Learning curves", lambda: run.history, None)
    health = reader.read("Layers", lambda: run.health, None)
    examination: Examination | None = reader.read("Predictions", lambda: examine(run, trust=trust), None)
    text = reader.read("Recipe", lambda: run.recipe_text, "")
    reuse = reader.read("Reused layers", lambda: run.reuse, None)
    gaps = [*_expected(history, health, result), *reader.gaps]
    history, health = history or [], health or []
    trained = [row for row in history if not is_pretraining(row)]
    best = result.get("best_epoch") or 0
    tables, all_zero = heat_tables(health)
    return render(
        "hornbook.inference/page.html.jinja",
        name=run.path.parent.name,
        folder=path_text(run.path),
        result=result,
        data=data,
        environment=environment,
        timing=_timing(result, trained),
        gaps=gaps,
        findings=None if findings is None else [_shown_finding(run, finding) for finding in findings],
        curves=learning_curves(trained, best_epoch=best),
        pretraining=len(history) - len(trained),
        epochs=_epochs(trained),
        best=best,
        seen=examination,
        classes=_classes(examination),
        means=_means(examination),
        pictures=pictures_of(examination) if examination is not None else {},
        heat=tables,
        all_zero=all_zero,
        layers=layer_pictures(health),
        measurements=len(health),
        recipe=_recipe_lines(run, text),
        has_source=any(source != text for source, _ in _sources(run)),
        range_test=_range_test(run),
        reuse=reuse,
        model_bytes=_model_bytes(run),
    )


def _expected(history: list[Any] | None, health: list[Any] | None, result: Mapping[str, Any]) -> list[str]:
    """Return sentences about what a whole run would have and this one has not; None is what cannot be read."""
    sentences = []
    state = result["state"]
    if state not in {"finished", "unknown"}:
        reason = (result.get("stop_reason") or "").removesuffix(".")
        sentences.append(f"This run is not finished: {state}{f' ({reason})' if reason else ''}.")
    if history == []:
        sentences.append("Learning curves: no epoch was completed.")
    if health == []:
        sentences.append("Layers: nothing was recorded (`health: off`, a trial of a sweep, or an earlier version).")
    return sentences


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


def _shown_finding(run: Run, finding: Finding) -> dict[str, Any]:
    """Return a finding with its overrides as a command, and its evidence as (name, value) where it has names."""
    overrides = finding.get("overrides") or []
    if isinstance(overrides, Mapping):
        overrides = [f"{key}={value}" for key, value in overrides.items()]
    command = ["hornbook", "train", "--config", path_text(run.recipe_path), *map(str, overrides)]
    evidence = finding.get("evidence")
    return {
        **dict.fromkeys(("code", "fault", "severity", "confidence")),
        **finding,
        "command": shlex.join(command) if overrides else "",
        "evidence": list(evidence.items()) if isinstance(evidence, Mapping) else [],
        "sentences": [] if not evidence or isinstance(evidence, Mapping) else _listed(evidence),
    }


def _listed(evidence: Any) -> list[str]:
    return [str(one) for one in evidence] if isinstance(evidence, list | tuple) else [str(evidence)]


def _classes(examination: Examination | None) -> list[Any]:
    """Return the classes to show, in their order; of too many those with the smallest F1, the worst first."""
    if examination is None:
        return []
    classes = list(examination.classes)
    return classes if len(classes) <= MOST_CLASSES else sorted(classes, key=lambda one: one.f1)[:MOST_CLASSES]


def _means(examination: Examination | None) -> dict[str, float]:
    """Return the means over all classes of which the split holds examples."""
    known = [one for one in examination.classes if one.support] if examination is not None else []
    if len(known) < 2:
        return {}
    means = {key: statistics.fmean(getattr(one, key) for one in known) for key in ("precision", "recall", "f1")}
    for key in ("area", "average_precision"):
        values = [getattr(one, key) for one in known]
        means |= {key: statistics.fmean(values)} if None not in values else {}
    return means


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


def _model_bytes(run: Run) -> int | None:
    try:
        return run.model_path().stat().st_size
    except (HornbookError, OSError):
        return None
