"""The page that a sweep leaves: report.html, one file that loads nothing from elsewhere."""

from typing import TYPE_CHECKING

from hornbook.display.page import render
from hornbook.recipes.language.text import to_yaml
from hornbook.sweep.coordinator import Coordinator
from hornbook.sweep.report.importance import importance
from hornbook.sweep.report.plots import chart_of, front_charts
from hornbook.sweep.report.table import figure_text, ranking, value_text

if TYPE_CHECKING:
    from hornbook.sweep.result import SweepResult

__all__ = ["report_html"]


def report_html(coordinator: Coordinator, result: "SweepResult") -> str:
    """Return the page: winner or front, selected and confirmed, importance, pictures, every trial, cost."""
    folder, sweep, directions = coordinator.folder, coordinator.sweep, coordinator.directions
    rows, best, objectives = list(folder.ended()), coordinator.best(), coordinator.sweep.objectives
    members = coordinator.front() if len(objectives) > 1 else []
    scored = ranking(folder, directions[objectives[0]], members)
    keys = list(sweep.space)
    return render(
        "hornbook.sweep.report/page.html.jinja",
        name=coordinator.recipe.name or "recipe",
        sweep=sweep,
        objectives=objectives,
        better={name: "higher" if one == "max" else "lower" for name, one in directions.items()},
        result=result,
        best=best,
        failed=[row for row in rows if row.outcome is not None and row.outcome.score is None],
        rows=scored,
        keys=keys,
        value=value_text,
        figure=figure_text,
        members=members,
        fronts=list(front_charts(scored, members, directions, best)) if members else [],
        importance={name: importance(scored, keys, coordinator.recipe.seed, objective=name) for name in objectives},
        charts={
            name: chart_of(sweep, scored, objective=name, direction=one, best=best) for name, one in directions.items()
        },
        epochs=sum(row.outcome.epochs for row in rows if row.outcome is not None),
        train_seconds=sum(row.outcome.seconds for row in rows if row.outcome is not None),
        seconds=coordinator.elapsed_s,
        rejected=len(coordinator.rejected),
        recipe=to_yaml(coordinator.recipe.to_dict()),
    )
