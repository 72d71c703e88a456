"""Trials as text: short values for people, trials.csv for programs, best.yaml for the next training."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hornbook.display.text import number_text
from hornbook.recipes.language.text import to_yaml
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sections.sweep import PARAMETERS
from hornbook.runs.sweeps import Rejection, SweepFolder, TrialRow

__all__ = [
    "best_text", "csv_text", "figure_text", "figure_value", "figures_text", "ranking", "short_keys", "value_text",
    "values_text",
]  # fmt: skip


def short_keys(keys: Iterable[str]) -> dict[str, str]:
    """Return {key: its last part}, or the whole key where two end alike or the last part is a number."""
    keys = list(keys)
    last = {key: key.rsplit(".", 1)[-1] for key in keys}
    counts = [*last.values()]
    return {key: short if counts.count(short) == 1 and not short.isdecimal() else key for key, short in last.items()}


def value_text(value: Any) -> str:
    """Return a value of the space as people read it: ``sgd (momentum 0.9)``, ``300-100``."""
    if isinstance(value, Mapping):
        options = ", ".join(f"{key} {value_text(item)}" for key, item in value.items() if key != "name")
        return f"{value.get('name', '')} ({options})".strip() if options else str(value.get("name", "{}"))
    if isinstance(value, list | tuple):
        return "-".join(value_text(item) for item in value)
    if value is None or isinstance(value, bool):
        return "none" if value is None else str(value).lower()
    return number_text(value) if isinstance(value, int | float) else str(value)


def values_text(values: Mapping[str, Any], short: Mapping[str, str]) -> str:
    """Return all values of a trial in one line."""
    return ", ".join(f"{short.get(key, key)} {value_text(value)}" for key, value in values.items())


def figure_text(name: str, value: float) -> str:
    """Return what a trial reached in an objective: ``0.9514``, ``20,512`` parameters."""
    return f"{value:,.0f}" if name == PARAMETERS else f"{value:.4f}"


def figure_value(name: str, value: float) -> float:
    """Return the same for programs: parameters are a whole number."""
    return round(value) if name == PARAMETERS else value


def figures_text(figures: Mapping[str, float]) -> str:
    """Return what a trial reached in all objectives in one line."""
    return ", ".join(f"{name} {figure_text(name, value)}" for name, value in figures.items())


def csv_text(
    folder: SweepFolder,
    rejected: Sequence[Rejection],
    keys: Sequence[str],
    objectives: Sequence[str],
    front: Sequence[TrialRow] = (),
) -> str:
    """Return the table of all trials that have ended, and below them of what the rules rejected.

    Keys that a trial does not have stay empty. With several objectives a column says which trials are part of the front.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    several = len(objectives) > 1
    fixed = ["trial", "state", *objectives, *["front"] * several, "executions", "epochs", "seconds", "continues"]
    writer.writerow([*fixed, *keys, "reason", "run"])
    for row in folder.ended():
        outcome, proposal = row.outcome, row.proposal
        if outcome is None:
            continue
        figures = outcome.of(objectives)
        reached = [""] * len(objectives) if figures is None else [repr(figure_value(*one)) for one in figures.items()]
        reached += ["true" if any(row is one for one in front) else "false"] * several
        scores = " ".join(repr(one) for one in outcome.scores)
        goes_on = "" if proposal.parent is None else proposal.parent + 1
        facts = [proposal.trial + 1, outcome.state, *reached, scores, outcome.epochs, outcome.seconds, goes_on]
        run = outcome.runs[0] if outcome.runs else ""
        writer.writerow([*facts, *_cells(proposal.values, keys), outcome.reason, run])
    for one in rejected:
        writer.writerow(["", "rejected", *[""] * (len(fixed) - 2), *_cells(one.values, keys), one.reason, ""])
    return buffer.getvalue()


def _cells(values: Mapping[str, Any], keys: Sequence[str]) -> list[str]:
    return [_cell(values[key]) if key in values else "" for key in keys]


def _cell(value: Any) -> str:
    if isinstance(value, Mapping | list | tuple):
        return to_yaml(value).strip().replace("\n", " ")
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def ranking(folder: SweepFolder, direction: str, front: Sequence[TrialRow] = ()) -> list[TrialRow]:
    """Return the trials with a score, those of a front first, then the best by the first objective."""
    rows = [row for row in folder.ended() if row.outcome is not None and row.outcome.score is not None]
    sign = -1 if direction == "max" else 1

    def order(row: TrialRow) -> float:
        return sign * row.outcome.score if row.outcome is not None and row.outcome.score is not None else 0.0

    return [*front, *sorted((row for row in rows if not any(row is one for one in front)), key=order)]


def best_text(recipe: Recipe, lines: Sequence[str]) -> str:
    """Return a trial as an ordinary recipe, with what is known about it above."""
    return "".join(f"# {line}\n" for line in lines) + to_yaml(recipe.to_dict())
