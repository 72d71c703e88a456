"""The winner again, with seeds that the search has not seen."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hornbook.data import Shelf
from hornbook.engine.turns import Team, side_by_side
from hornbook.recipes.recipe import Recipe
from hornbook.runs.directory import Run, newest_run
from hornbook.runs.sweeps import CONFIRM
from hornbook.trainer.listeners import Listener
from hornbook.trainer.resume import resume
from hornbook.trainer.signals import Interrupted, StopRequest
from hornbook.trainer.train import train

__all__ = ["Confirmation", "confirm", "confirm_one"]


@dataclass(frozen=True)
class Confirmation:
    """One training of the winner.

    Attributes:
        run: Its folder, relative to the sweep's.
        was_there: Whether it was finished already.
        exit_code: 130 or 143 where a signal ended it.
        validation: Loss and metrics of the final weights on the validation split.
        test: The same on the test split.
    """

    run: str
    was_there: bool = False
    exit_code: int = 0
    validation: Mapping[str, float] = field(default_factory=dict)
    test: Mapping[str, float] = field(default_factory=dict)


def confirm(
    jobs: Sequence[Callable[[], Confirmation]],
    folder: Path,
    *,
    team: int | Team[Confirmation],
    stop: StopRequest,
    told: Callable[[int, Confirmation], None],
) -> tuple[list[Path], int]:
    """Train the winner with fresh seeds; return the runs, up to the first that a signal ended, and that one's exit code.

    Args:
        jobs: Calls of `confirm_one`.
        folder: The sweep's.
        team: Who trains, as of `side_by_side`.
        stop: Tells whether to end.
        told: Called after each training that took place now, with its number from 0.
    """
    runs: list[Path] = []
    exit_code = 0
    try:
        for place, one in enumerate(side_by_side(jobs, team, goes_on=lambda: stop.signal is None)):
            runs.append(folder / one.run)
            exit_code = exit_code or one.exit_code
            if not one.was_there:
                told(place, one)
    except Interrupted as error:
        exit_code = error.exit_code
    return runs, exit_code or stop.exit_code


def confirm_one(recipe: Recipe, folder: Path, listener: Listener, shelf: Shelf) -> Confirmation:
    """Train a recipe of the winner, named for its run; what is there already is gone on with, or found to be done.

    Args:
        recipe: The winner's, with a fresh seed.
        folder: The sweep's.
        listener: Hears of the run.
        shelf: Where data is found that was read before.
    """
    known = newest_run(folder / CONFIRM / (recipe.name or ""))
    if known is not None and Run(known).result["state"] == "finished":
        return Confirmation(_inside(folder, known), was_there=True)
    if known is not None:
        result = resume(known, listeners=[listener], shelf=shelf, trust=recipe.is_trusted)
        if result is None:
            return Confirmation(_inside(folder, known), was_there=True)
        run = known  # as the sweep's folder is named
    else:
        result = train(recipe, runs=folder / CONFIRM, listeners=[listener], shelf=shelf)
        run = result.run
    return Confirmation(
        _inside(folder, run), exit_code=result.exit_code, validation=result.validation, test=result.test
    )


def _inside(folder: Path, run: Path) -> str:
    return str(run.relative_to(folder))
