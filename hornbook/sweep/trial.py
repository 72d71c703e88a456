"""One trial: its runs, trained or gone on with, and what they say about the objective."""

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hornbook.data import Shelf
from hornbook.errors import DataError, DivergedError, RecipeError, RunError
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sections.sweep import PARAMETERS
from hornbook.runs.directory import Run, is_pretraining, newest_run
from hornbook.runs.sweeps import TRIALS, Outcome
from hornbook.trainer.listeners import Listener, Position
from hornbook.trainer.resume import resume
from hornbook.trainer.session import Candidate
from hornbook.trainer.signals import Interrupted
from hornbook.trainer.train import train

__all__ = ["Reporter", "Task", "confirmation_name", "run_trial", "with_seed"]

REPORT_S = 0.5  # between two reports about a running epoch


@dataclass(frozen=True)
class Task:
    """What a worker is told to train.

    Attributes:
        trial: The trial's number.
        root: The number that its runs are called by: that of the first trial they served.
        recipe: The trial's recipe.
        objectives: The figures that count.
        executions: Runs, each with the next seed.
        until: Epochs to train altogether; None for all of the recipe's.
        since: Epochs that earlier trials have paid for.
    """

    trial: int
    root: int
    recipe: Recipe
    objectives: tuple[str, ...]
    executions: int = 1
    until: int | None = None
    since: int = 0

    def names(self) -> list[str]:
        """Return the names of its runs."""
        name = f"trial-{self.root + 1:03d}"
        return [name if place == 0 else f"{name}-{place + 1}" for place in range(self.executions)]


class Reporter(Listener):
    """Tells another process how far a run is, as often as somebody could read it.

    Args:
        send: Called with the text.
    """

    def __init__(self, send: Callable[[str], None]) -> None:
        self.send, self._last_s = send, 0.0

    def on_chunk(self, place: Position) -> None:
        """Tell."""
        if time.monotonic() - self._last_s > REPORT_S:
            self._last_s = time.monotonic()
            self.send(f"epoch {place.epoch} {100 * place.batch // place.batches} %")


def run_trial(task: Task, folder: Path, listener: Listener, shelf: Shelf) -> Outcome:
    """Train what a task asks for; what is there already, of this or an earlier trial, is gone on with.

    A training that fails is an outcome with its reason; only what concerns the whole sweep is raised.

    Raises:
        RunError: If nothing can be written.
        DataError: If the data cannot be used.
    """
    reached: list[dict[str, float]] = []
    epochs, seconds, runs = 0, 0.0, []
    for place, name in enumerate(task.names()):
        state, reason, exit_code = _train_one(task, place, folder / TRIALS, listener, shelf)
        run = newest_run(folder / TRIALS / name)
        runs += [str(run.relative_to(folder))] if run is not None else []
        rows = _rows(run)
        trained = rows[task.since :]
        epochs, seconds = epochs + len(trained), seconds + sum(row.get("seconds", 0.0) for row in trained)
        if state in ("finished", "paused"):
            reached.append({name: _score(run, rows, name) for name in task.objectives})
            continue
        facts = {"epochs": epochs, "seconds": round(seconds, 3), "runs": tuple(runs), "reason": reason}
        scores = tuple(one[task.objectives[0]] for one in reached)
        return Outcome(state, scores=scores, exit_code=exit_code, **facts)
    means = {name: sum(one[name] for one in reached) / len(reached) for name in task.objectives}
    scores = tuple(one[task.objectives[0]] for one in reached)
    figures = means if len(means) > 1 else {}
    return Outcome(
        "finished", means[task.objectives[0]], scores, epochs, round(seconds, 3), runs=tuple(runs), figures=figures
    )


def _train_one(task: Task, place: int, trials: Path, listener: Listener, shelf: Shelf) -> tuple[str, str, int]:
    """Return (state, reason, exit code) of one run, which is begun, gone on with, or found to be done."""
    name = task.names()[place]
    changed = with_seed(task.recipe, task.recipe.seed + place, name=name)
    earlier, candidate = newest_run(trials / name), Candidate(until=task.until)
    try:
        if earlier is not None and _is_done(earlier, task.until):
            return "finished", "", 0
        if earlier is not None and Run(earlier).result["state"] == "diverged":
            return "diverged", str(Run(earlier).result.get("stop_reason", "")), 0
        if earlier is not None:
            result = resume(earlier, listeners=[listener], candidate=candidate, shelf=shelf, trust=changed.is_trusted)
            return (result.state, result.stop_reason, result.exit_code) if result is not None else ("finished", "", 0)
        shutil.rmtree(trials / name, ignore_errors=True)  # a process killed before the run was one has left it
        result = train(changed, runs=trials, listeners=[listener], candidate=candidate, shelf=shelf)
        return result.state, result.stop_reason, result.exit_code
    except DivergedError as error:
        return "diverged", _first_line(error), 0
    except Interrupted as error:  # while its learning rate was looked for
        return "interrupted", str(error), error.exit_code
    except (RunError, DataError):  # no other trial could do better
        raise
    except Exception as error:
        return "failed", _first_line(error), 0


def confirmation_name(trial: int, seed: int, *, is_winner: bool) -> str:
    """Return what the run of a fresh seed is called, the winner's or that of one trial of a front; both count from 1."""
    return f"confirm-{seed}" if is_winner else f"trial-{trial:03d}-{seed}"


def with_seed(recipe: Recipe, seed: int, *, name: str) -> Recipe:
    """Return the recipe under another name and seed, on the same division into training, validation and test."""
    values: dict[str, Any] = {"name": name}
    if seed != recipe.seed:
        values["seed"] = seed % 2**31
        if recipe.data.effective_split().seed is None:
            values["data.split.seed"] = recipe.seed
    return recipe.replaced(values)


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = " ".join(lines[:2]) if isinstance(error, RecipeError) else (lines[0] if lines else "")
    name = "" if isinstance(error, DivergedError | RecipeError) else f"{type(error).__name__}: "
    return (name + text)[:500]


def _is_done(run: Path, until: int | None) -> bool:
    result = Run(run).result
    if result["state"] == "finished":
        return True
    return until is not None and result["state"] == "paused" and (result.get("epochs") or 0) >= until


def _rows(run: Path | None) -> list[dict[str, Any]]:
    return [row for row in Run(run).history if not is_pretraining(row)] if run is not None else []


def _score(run: Path | None, rows: Sequence[Mapping[str, Any]], objective: str) -> float:
    """Return what a run on disk says of the objective.

    Raises:
        RunError: If its history says nothing of it.
    """
    if run is None:
        raise RunError(f"{objective}: there is no run to read it from.")
    try:
        if objective == PARAMETERS:
            return float(Run(run).result[PARAMETERS])
        return score_of(rows, Run(run).result, objective)
    except (IndexError, KeyError, TypeError) as error:
        raise RunError(f"{run}: its history does not have {objective} of the epoch that counts.") from error


def score_of(rows: Sequence[Mapping[str, Any]], result: Mapping[str, Any], objective: str) -> float:
    """Return the objective of the weights that a run ends with: the last epoch's, or the best's where that is kept."""
    best = int(result.get("best_epoch") or 0) if result.get("final") == "best" else 0
    row = rows[best - 1] if best else rows[-1]
    return float(row[objective])
