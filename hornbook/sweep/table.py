"""Trials as text: short values for people, trials.csv for programs, best.yaml for the next training."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hornbook.display.text import number_text
from hornbook.recipes.language.text import to_yaml
from hornbook.recipes.recipe import Recipe
from hornbook.runs.sweeps import Rejection, SweepFolder, TrialRow

__all__ = ["best_text", "csv_text", "ranking", "short_keys", "value_text", "values_text"]


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


def csv_text(folder: SweepFolder, rejected: Sequence[Rejection], keys: Sequence[str], objective: str) -> str:
    """Return the table of all trials that have ended, and below them of what the rules rejected.

    Keys that a trial does not have stay empty.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    fixed = ["trial", "state", objective, "executions", "epochs", "seconds", "continues"]
    writer.writerow([*fixed, *keys, "reason", "run"])
    for row in folder.ended():
        outcome, proposal = row.outcome, row.proposal
        if outcome is None:
            continue
        score = "" if outcome.score is None else repr(outcome.score)
        scores = " ".join(repr(one) for one in outcome.scores)
        goes_on = "" if proposal.parent is None else proposal.parent + 1
        facts = [proposal.trial + 1, outcome.state, score, scores, outcome.epochs, outcome.seconds, goes_on]
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


def ranking(folder: SweepFolder, direction: str) -> list[TrialRow]:
    """Return the trials with a score, the best first."""
    rows = [row for row in folder.ended() if row.outcome is not None and row.outcome.score is not None]
    sign = -1 if direction == "max" else 1

    def order(row: TrialRow) -> float:
        return sign * row.outcome.score if row.outcome is not None and row.outcome.score is not None else 0.0

    return sorted(rows, key=order)


def best_text(recipe: Recipe, lines: Sequence[str]) -> str:
    """Return the winner as an ordinary recipe, with what is known about it above."""
    return "".join(f"# {line}\n" for line in lines) + to_yaml(recipe.to_dict())
