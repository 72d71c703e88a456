"""A study's runs on other machines: what travels there, and what is called there."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from hornbook.atomic import write_text
from hornbook.engine.turns import side_by_side
from hornbook.errors import RunError
from hornbook.machines.cluster import Cluster
from hornbook.machines.crew import FarCrew
from hornbook.machines.worker import check_data, shelf
from hornbook.recipes.recipe import Recipe
from hornbook.study.cells import CellRunner, Figures, Source, train_cell
from hornbook.trainer.signals import StopRequest

__all__ = ["Job", "train_far"]


@dataclass(frozen=True)
class Job:
    """One run of a study: what lines call it, its recipe, and the text and overrides that make it."""

    label: str
    recipe: Recipe
    source: Source


def train_far(
    jobs: Sequence[Job],
    runner: CellRunner,
    cluster: Cluster,
    *,
    stop: StopRequest,
    say: Callable[[str], None],
    most: int | None,
) -> Iterator[Figures]:
    """Yield what runs left, in their order: those that are there, others trained by a cluster's machines.

    Args:
        jobs: The runs.
        runner: Finds those that are there, and the data's fingerprints.
        cluster: The connection.
        stop: Ends the trainings.
        say: Called with a sentence for the user.
        most: Runs at once at most.
    """
    there = [runner.there(job.recipe) for job in jobs]
    missing = [job for job, figures in zip(jobs, there, strict=True) if figures is None]
    runs = runner.runs.absolute()
    known = [(job.recipe.to_dict(), job.source, runner.data_info(job.recipe).fingerprint, str(runs)) for job in missing]
    with _proof(runs) as proof:
        team = FarCrew[Figures](
            cluster, stop, proof=proof, say=say, most=most,
            label=lambda number: missing[number].label,
            again=lambda number: partial(_train_again, *known[number]),
            lost=lambda number, reason: Figures(missing[number].recipe.seed, None, "failed", reason),
        )  # fmt: skip
        begun = [runner.found(job.recipe) for job in missing]
        work = [
            partial(_train, *one, earlier=None if path is None else str(path.absolute()))
            for one, path in zip(known, begun, strict=True)
        ]
        far = side_by_side(work, team, goes_on=lambda: stop.signal is None)
        for figures in there:
            figures = figures or next(far, None)
            if figures is None:
                return
            where = (
                figures.path and runner.runs / figures.path.relative_to(runs) if not figures.was_there else figures.path
            )
            yield replace(figures, path=where)


@contextmanager
def _proof(runs: Path) -> Iterator[Path]:
    """Yield a file in the folder of runs, by which machines see that they share it."""
    path = runs / f".shared-{os.urandom(4).hex()}"
    try:
        runs.mkdir(parents=True, exist_ok=True)
        write_text(path, "")
        yield path
    except OSError as error:
        raise RunError(f"{runs}: cannot be written ({error.strerror}).") from error
    finally:
        path.unlink(missing_ok=True)


def _train(plain: Mapping[str, Any], source: Source, fingerprint: str, runs: str, *, earlier: str | None) -> Figures:
    recipe = Recipe.model_validate(plain)
    check_data(recipe, fingerprint)
    return train_cell(recipe, source, None if earlier is None else Path(earlier), Path(runs), shelf())


def _train_again(plain: Mapping[str, Any], source: Source, fingerprint: str, runs: str) -> Figures:
    """Go on with what the process that died has left."""
    recipe = Recipe.model_validate(plain)
    check_data(recipe, fingerprint)
    return CellRunner(Path(runs)).run(recipe, source)
