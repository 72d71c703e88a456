"""How a sweep ends: who is trained again, and what is left to read: best.yaml, front/, result.json, report.html."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hornbook.display.intervals import Interval, mean_interval
from hornbook.errors import HornbookError
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sections.sweep import PARAMETERS
from hornbook.recipes.trial import trial_recipe
from hornbook.runs.directory import Run
from hornbook.runs.sweeps import BEST, FRONT, REPORT, TABLE, TrialRow
from hornbook.sweep.coordinator import Coordinator
from hornbook.sweep.front import is_beaten
from hornbook.sweep.report.table import best_text, figure_value, figures_text, ranking, short_keys, values_text
from hornbook.sweep.result import Member, SweepResult
from hornbook.sweep.trial import confirmation_name, with_seed
from hornbook.sweep.view import View
from hornbook.trainer.signals import signal_name

__all__ = ["close", "fresh_seeds", "interrupted", "winners"]

FRESH = 1000  # the winner's seeds begin so far above the recipe's


def winners(coordinator: Coordinator) -> list[TrialRow]:
    """Return whom to train again: the winner, or where several objectives leave none the whole front.

    Raises:
        HornbookError: If no trial has a score.
    """
    best = coordinator.best()
    rows = [best] if best is not None else coordinator.front()
    if not rows:
        _write(coordinator, "finished")
        raise HornbookError(_no_score(coordinator))
    return rows


def fresh_seeds(coordinator: Coordinator, row: TrialRow) -> list[Recipe]:
    """Return a trial's recipe with each seed that selection has not seen, named for the folder of its run."""
    recipe, trial, is_winner = _recipe_of(coordinator, row), row.proposal.trial + 1, coordinator.best() is row
    return [
        with_seed(
            recipe, (recipe.seed + FRESH + place) % 2**31, name=confirmation_name(trial, place + 1, is_winner=is_winner)
        )
        for place in range(coordinator.sweep.confirm)
    ]


def _recipe_of(coordinator: Coordinator, row: TrialRow) -> Recipe:
    recipe = trial_recipe(coordinator.recipe, row.proposal.values)
    if recipe is None:
        raise TypeError("the trial was trained and cannot be now")
    return recipe


def interrupted(coordinator: Coordinator, view: View, exit_code: int) -> SweepResult:
    """Write how far it came, and return that."""
    _write(coordinator, "interrupted")
    reason = f"stopped by {signal_name(exit_code)}"
    folder = coordinator.folder
    result = SweepResult(folder.path, "interrupted", reason, len(folder.ended()), exit_code=exit_code)
    view.end(result)
    return result


def close(coordinator: Coordinator, runs: Sequence[Path], view: View) -> SweepResult:
    """Write recipes, result and report.

    Args:
        coordinator: Knows the trials.
        runs: The trainings with fresh seeds, in the order of `winners`.
        view: Hears of the end.
    """
    from hornbook.sweep.report.page import report_html

    folder, sweep, best = coordinator.folder, coordinator.sweep, coordinator.best()
    again = {
        row.proposal.trial: _figures(runs[place * sweep.confirm : (place + 1) * sweep.confirm])
        for place, row in enumerate(winners(coordinator))
    }
    front = _members(coordinator, again) if len(sweep.objectives) > 1 else ()
    for row, member in zip(coordinator.front(), front, strict=False):
        folder.path.joinpath(FRONT).mkdir(exist_ok=True)
        folder.write_text(member.recipe, _text(coordinator, row, member.confirmed, Path(member.recipe).name))
    result = SweepResult(folder.path, "finished", coordinator.stop_reason, len(folder.ended()), front=front)
    facts: dict[str, Any] = {"confirm_runs": [str(run.relative_to(folder.path)) for run in runs]}
    if best is not None and best.outcome is not None:
        confirmed, score = again[best.proposal.trial], best.outcome.score
        folder.write_text(BEST, _text(coordinator, best, confirmed, BEST))
        own = {"best": best.proposal.trial + 1, "values": best.proposal.values, "score": score}
        facts = {**own, "confirmed": plain(confirmed), **facts}
        result = replace(result, best=dict(best.proposal.values), score=score, confirmed=confirmed)
    if front:
        facts["front"] = [front_record(member) for member in front]
    folder.write_text(REPORT, report_html(coordinator, result))
    _write(coordinator, "finished", facts)
    view.end(result)
    return result


def plain(confirmed: dict[str, Interval]) -> dict[str, dict[str, Any]]:
    """Return intervals in JSON's types."""
    return {name: {"mean": one.mean, "half": one.half, "count": one.count} for name, one in confirmed.items()}


def front_record(member: Member) -> dict[str, Any]:
    """Return a member of the front in JSON's types."""
    return {**vars(member), "confirmed": plain(member.confirmed)}


def _members(coordinator: Coordinator, again: dict[int, dict[str, Interval]]) -> tuple[Member, ...]:
    """Return the front, with what fresh seeds say of it: also whether one of its members beats another by that."""
    directions, found, means = coordinator.directions, [], {}
    for row in coordinator.front():
        number, figures = row.proposal.trial, _reached(row, directions)
        confirmed = again.get(number, {})
        path = f"{FRONT}/trial-{number + 1:03d}.yaml"
        found.append(Member(number + 1, dict(row.proposal.values), figures, path, confirmed))
        if confirmed:
            values = {name: figures[name] if name == PARAMETERS else confirmed[name].mean for name in directions}
            means[number + 1] = [-one if directions[name] == "max" else one for name, one in values.items()]
    beaten = {number for number, one in means.items() if is_beaten(one, list(means.values()))}
    return tuple(replace(member, is_beaten=member.trial in beaten) for member in found)


def _text(coordinator: Coordinator, row: TrialRow, confirmed: dict[str, Interval], name: str) -> str:
    """Return a trial as a recipe of its own, with what is known about it above."""
    folder, sweep = coordinator.folder, coordinator.sweep
    count, figures = len(folder.ended()), _reached(row, sweep.objectives)
    lines = [
        f"Trial {row.proposal.trial + 1} of {count} of {folder.path.name}:",
        f"  {values_text(row.proposal.values, short_keys(sweep.space))}",
    ]
    if len(figures) > 1:
        lines += [
            f"No trial beats it in all of {figures_text(figures)}.",
            f"Selected from {count} noisy trials, so these are too good.",
        ]
    else:
        (first, score), *_ = figures.items()
        lines += [f"Selected by {first} {score:.4g}, the best of {count} noisy scores and so too good."]
    lines += [f"Fresh seeds ({value.count}): {figure} {value.text()}" for figure, value in confirmed.items()]
    lines += [f"Run: hornbook train --config {name}"]
    own = _recipe_of(coordinator, row).replaced({"name": coordinator.recipe.name or "recipe"})
    return best_text(own, lines)


def _figures(runs: Sequence[Path]) -> dict[str, Interval]:
    """Return mean and interval of every figure of the final weights, test figures first."""
    found: dict[str, list[float]] = {}
    for split, prefix in (("test", "test_"), ("validation", "val_")):
        for run in runs:
            for name, value in Run(run).result.get(split, {}).items():
                found.setdefault(prefix + name, []).append(math.nan if value is None else float(value))
    return {name: mean_interval(values) for name, values in found.items()}


def _write(coordinator: Coordinator, state: str, more: dict[str, Any] | None = None) -> None:
    folder, directions = coordinator.folder, coordinator.directions
    several = len(directions) > 1
    front = coordinator.front() if several else []
    first = next(iter(directions))
    rows = ranking(folder, directions[first], front)
    ended = [row.outcome for row in folder.ended() if row.outcome is not None]
    counts = {name: sum(outcome.state == name for outcome in ended) for name in ("finished", "diverged", "failed")}
    entries = [
        {
            "trial": row.proposal.trial + 1,
            "score": row.outcome.score,
            **({"figures": _reached(row, directions), "front": place < len(front)} if several else {}),
            "runs": list(row.outcome.runs),
        }
        for place, row in enumerate(rows)
        if row.outcome is not None
    ]
    folder.write_result(
        {
            "state": state,
            "stop_reason": coordinator.stop_reason,
            "objective": list(directions) if several else first,
            "direction": dict(directions) if several else directions[first],
            "tuner": coordinator.sweep.tuner.name,
            "trials": len(ended),
            **counts,
            "rejected": len(coordinator.rejected),
            "epochs": sum(outcome.epochs for outcome in ended),
            "seconds": round(coordinator.elapsed_s, 3),
            "ranking": entries,
            **(more or {}),
        }
    )


def _reached(row: TrialRow, objectives: Iterable[str]) -> dict[str, float]:
    figures = row.outcome.of(objectives) if row.outcome is not None else None
    if figures is None:
        raise TypeError("a trial without a score is ranked nowhere")
    return {name: figure_value(name, value) for name, value in figures.items()}


def _no_score(coordinator: Coordinator) -> str:
    path, rejected = coordinator.folder.path, coordinator.rejected
    if coordinator.folder.rows or not rejected:
        return f"{path}: no trial ended with a score. {TABLE} has each trial's reason."
    return (
        f"{path}: the rules reject every combination that was drawn ({len(rejected):,}), and {TABLE} has the reasons. "
        f"The first: {rejected[0].reason}"
    )
