"""The page that a sweep leaves: report.html, one file that loads nothing from elsewhere."""

from importlib import resources
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, StrictUndefined

from hornbook.recipes.language.text import to_yaml
from hornbook.report.text import number_text
from hornbook.runs.sweeps import TrialRow
from hornbook.sweep.coordinator import Coordinator
from hornbook.sweep.importance import importance
from hornbook.sweep.plots import HEIGHT, SLICE_HEIGHT, SLICE_WIDTH, WIDTH, Axis, axes_of, colour, lines_of
from hornbook.sweep.table import ranking, value_text

if TYPE_CHECKING:
    from hornbook.sweep.sweep import SweepResult

__all__ = ["report_html"]


def report_html(coordinator: Coordinator, result: "SweepResult") -> str:
    """Return the page: the winner selected and confirmed, importance, pictures, every trial, cost."""
    folder, sweep, direction = coordinator.folder, coordinator.sweep, coordinator.direction
    rows, best = list(folder.ended()), coordinator.best()
    axes = axes_of(sweep, rows)
    scored = ranking(folder, direction)
    text = (resources.files("hornbook.sweep") / "page.html.jinja").read_text(encoding="utf-8")
    page = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    page.filters |= {"number": number_text, "value": value_text}
    number = best.proposal.trial if best is not None else -1
    return page.from_string(text).render(
        name=coordinator.recipe.name or "recipe",
        sweep=sweep,
        direction=direction,
        result=result,
        best=best,
        failed=[row for row in rows if row.outcome is not None and row.outcome.score is None],
        rows=scored,
        keys=list(sweep.space),
        importance=importance(scored, list(sweep.space), coordinator.recipe.seed),
        axes=axes,
        lines=lines_of(scored, axes, direction=direction, best=number),
        slices=[_slice(axis, axes[-1], scored, direction, number) for axis in axes[:-1]],
        size=(WIDTH, HEIGHT, SLICE_WIDTH, SLICE_HEIGHT),
        epochs=sum(row.outcome.epochs for row in rows if row.outcome is not None),
        train_seconds=sum(row.outcome.seconds for row in rows if row.outcome is not None),
        seconds=coordinator.elapsed_s,
        rejected=coordinator.rejected,
        recipe=to_yaml(coordinator.recipe.to_dict()),
    )


def _slice(axis: Axis, objective: Axis, rows: list[TrialRow], direction: str, best: int) -> dict[str, Any]:
    """Return the points of one key against the objective."""
    points = []
    for row in rows:
        score = row.outcome.score if row.outcome is not None else None
        place = axis.place(row.proposal.values.get(axis.name))
        height = objective.place(score) if score is not None else None
        if place is None or height is None or score is None:
            continue
        title = f"trial {row.proposal.trial + 1}: {value_text(row.proposal.values[axis.name])}, {number_text(score)}"
        shade = colour(height if direction == "max" else 1 - height)
        is_best = row.proposal.trial == best
        points.append((SLICE_WIDTH * place, SLICE_HEIGHT * (1 - height), shade, title, is_best))
    return {"axis": axis, "points": points[::-1]}
