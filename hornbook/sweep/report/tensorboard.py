"""Trials for TensorBoard's HParams page: `tensorboard --logdir runs/<recipe>/latest-sweep/tensorboard`."""

import math
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hornbook.recipes.sections.sweep import PARAMETERS, Choices, Sweep
from hornbook.runs.directory import Run, is_pretraining
from hornbook.runs.sweeps import TENSORBOARD, SweepFolder, TrialRow
from hornbook.sweep.report.table import value_text
from hornbook.trainer.tracking.events import EventFile

__all__ = ["write_new"]

EXPERIMENT = "experiment"


def write_new(folder: SweepFolder, sweep: Sweep) -> None:
    """Write the trials that have ended since the last time: values, the curves of the first execution, the score."""
    root = folder.path / TENSORBOARD
    if not (root / EXPERIMENT).is_dir():
        _write(root / EXPERIMENT, [(_description(sweep), 0)], {})
    for row in folder.ended():
        path = root / f"trial-{row.proposal.trial + 1:03d}"
        if not path.is_dir():
            _write(path, _session(row, sweep, path.name), _curves(row, folder.path))


def _plain(value: Any) -> Any:
    """Return a value as TensorBoard takes it: a number, a truth value or a text."""
    return value if isinstance(value, bool | int | float) else value_text(value)


def _description(sweep: Sweep) -> Any:
    """Return the summary that says which hyperparameters and metrics there are."""
    from tensorboard.plugins.hparams import api

    known = []
    for key, entry in sweep.space.items():
        values = [_plain(value) for value in entry.choices] if isinstance(entry, Choices) else []
        kinds = {type(value) for value in values}
        if isinstance(entry, Choices):
            domain = api.Discrete(sorted(set(values)) if len(kinds) == 1 else sorted({str(value) for value in values}))
        else:
            domain = api.RealInterval(float(entry.min), float(entry.max))
        known.append(api.HParam(key, domain))
    metrics = [*map(api.Metric, sweep.objectives), api.Metric("score", display_name="trial's score")]
    return api.hparams_config_pb(known, metrics)


def _session(row: TrialRow, sweep: Sweep, name: str) -> list[tuple[Any, int]]:
    """Return the summaries of a trial's values and of how it ended."""
    from tensorboard.plugins.hparams import api, api_pb2, summary

    values = {key: _plain(value) for key, value in row.proposal.values.items()}
    for key, entry in sweep.space.items():  # a key whose choices are of several kinds is a text throughout
        if key in values and isinstance(entry, Choices) and len({type(_plain(value)) for value in entry.choices}) > 1:
            values[key] = str(values[key])
    is_finished = row.outcome is not None and row.outcome.state == "finished"
    status = api_pb2.STATUS_SUCCESS if is_finished else api_pb2.STATUS_FAILURE
    return [(api.hparams_pb(values, trial_id=name), 0), (summary.session_end_pb(status), 0)]


def _curves(row: TrialRow, sweep_path: Path) -> dict[str, list[tuple[int, float]]]:
    """Return {figure: (epoch, value) …} of a trial's first execution, and its score."""
    found: dict[str, list[tuple[int, float]]] = {}
    outcome = row.outcome
    if outcome is None:
        return found
    for run in outcome.runs[:1]:
        epochs = [one for one in Run(sweep_path / run).history if not is_pretraining(one)][: row.proposal.until]
        for one in epochs:
            for name, value in one.items():
                if name != "epoch" and isinstance(value, int | float) and math.isfinite(value):
                    found.setdefault(name, []).append((int(one["epoch"]), float(value)))
    if outcome.score is not None:
        found["score"] = [(0, outcome.score)]
        if PARAMETERS in outcome.figures:
            found[PARAMETERS] = [(0, outcome.figures[PARAMETERS])]
    return found


def _write(path: Path, summaries: list[tuple[Any, int]], curves: Mapping[str, list[tuple[int, float]]]) -> None:
    """Write an event file in a folder that appears when it is whole."""
    path.parent.mkdir(exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    try:
        with EventFile(unfinished) as file:
            for summary, step in summaries:
                file.summary(summary, step=step)
            for name, points in curves.items():
                for step, value in points:
                    file.scalar(name, value, step)
        os.replace(unfinished, path)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
