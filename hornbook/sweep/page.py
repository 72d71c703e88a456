"""The page that a sweep leaves: report.html, one file that loads nothing from elsewhere."""

from typing import TYPE_CHECKING

from hornbook.display.page import render
from hornbook.recipes.language.text import to_yaml
from hornbook.sweep.coordinator import Coordinator
from hornbook.sweep.importance import importance
from hornbook.sweep.plots import chart_of
from hornbook.sweep.table import ranking, value_text

if TYPE_CHECKING:
    from hornbook.sweep.result import SweepResult

__all__ = ["report_html"]


def report_html(coordinator: Coordinator, result: "SweepResult") -> str:
    """Return the page: the winner selected and confirmed, importance, pictures, every trial, cost."""
    folder, sweep, direction = coordinator.folder, coordinator.sweep, coordinator.direction
    rows, best = list(folder.ended()), coordinator.best()
    scored = ranking(folder, direction)
    return render(
        "hornbook.sweep/page.html.jinja",
        name=coordinator.recipe.name or "recipe",
        sweep=sweep,
        better="higher" if direction == "max" else "lower",
        result=result,
        best=best,
        failed=[row for row in rows if row.outcome is not None and row.outcome.score is None],
        rows=scored,
        keys=list(sweep.space),
        value=value_text,
        importance=importance(scored, list(sweep.space), coordinator.recipe.seed),
        chart=chart_of(sweep, scored, direction=direction, best=best),
        epochs=sum(row.outcome.epochs for row in rows if row.outcome is not None),
        train_seconds=sum(row.outcome.seconds for row in rows if row.outcome is not None),
        seconds=coordinator.elapsed_s,
        rejected=len(coordinator.rejected),
        recipe=to_yaml(coordinator.recipe.to_dict()),
    )
