"""Whole sweeps by Optuna's samplers: killed and gone on with, side by side, with several objectives, confirmed."""

import os
import signal
import subprocess
import sys
import time

import pytest

pytest.importorskip("optuna", reason="needs hornbook[optuna]: make test-optuna")

OPTIONS = {"tpe": {"startup_trials": 3}, "cma_es": {"population": 3}, "nsga2": {"population": 3}}
KILLED = """
import os, signal, sys
from hornbook import load_recipe
from hornbook.runs.sweeps import SweepFolder
from hornbook.sweep.sweep import sweep

end, left = SweepFolder.end, [int(sys.argv[3])]

def end_and_die(self, *arguments, **keys):
    end(self, *arguments, **keys)
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)

SweepFolder.end = end_and_die
sweep(load_recipe(sys.argv[1]), runs=sys.argv[2], source=(open(sys.argv[1]).read(), ()), parallel=int(sys.argv[4]))
"""


def record_of(folder, events):
    """Return what was proposed and reached, by trial: side by side the order of the lines is another after a stop."""
    return sorted(events(folder), key=lambda event: (event["trial"], event["event"] == "end"))


@pytest.mark.parametrize(("sampler", "parallel"), [("tpe", 1), ("tpe", 2), ("cma_es", 1), ("nsga2", 1)])
def test_a_killed_sweep_goes_on_and_tries_what_it_would_have_tried(
    sampler, parallel, recipe_of, run_sweep, events, tmp_path
):
    from hornbook.recipes.language.text import to_yaml
    from hornbook.sweep.sweep import sweep

    keys = {"options": OPTIONS[sampler], "max_trials": 9}
    text = to_yaml(recipe_of(sampler, **keys).to_dict())
    (tmp_path / "few.yaml").write_text(text)
    command = [sys.executable, "-c", KILLED, str(tmp_path / "few.yaml"), str(tmp_path / "runs"), "5", str(parallel)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == -signal.SIGKILL, done.stderr
    folder = (tmp_path / "runs" / "few" / "latest-sweep").resolve()
    assert len([event for event in events(folder) if event["event"] == "end"]) == 5

    recipe, source = recipe_of(sampler, **keys), (text, ())
    rest = sweep(recipe, runs=tmp_path / "runs", source=source, parallel=parallel)
    assert (rest.folder.resolve(), rest.state) == (folder, "finished")
    whole = sweep(recipe, runs=tmp_path / "whole", source=source, parallel=parallel)
    assert record_of(rest.folder, events) == record_of(whole.folder, events)
    assert rest.best == whole.best


def test_trials_side_by_side_are_the_same_ones_every_time(run_sweep, events):
    keys = {"options": OPTIONS["tpe"], "max_trials": 8}
    first = run_sweep("tpe", run_options={"parallel": 3, "fresh": True}, **keys)
    second = run_sweep("tpe", run_options={"parallel": 3, "fresh": True}, **keys)
    assert record_of(first.folder, events) == record_of(second.folder, events)


def test_a_front_is_searched_recorded_and_confirmed(run_sweep, tmp_path):
    space = {"model.units": {"min": 1, "max": 12}, "optimizer.learning_rate": {"min": 0.01, "max": 0.3}}
    keys = {"objective": ["val_accuracy", "parameters"], "space": space, "max_trials": 8, "confirm": 1}
    result = run_sweep("tpe", options=OPTIONS["tpe"], select="knee", **keys)
    points = [member.figures for member in result.front]
    assert points == sorted(points, key=lambda one: -one["val_accuracy"])
    assert points == sorted(points, key=lambda one: -one["parameters"])  # along a front one is paid with the other
    assert "test_accuracy" in result.confirmed
    assert result.best in [member.values for member in result.front]


def test_the_command_says_which_tuner_and_finishes(tmp_path):
    (tmp_path / "few.yaml").write_text(
        "data: {name: digits, limit: 120}\nmodel: {name: mlp, units: [8]}\ntraining: {epochs: 1}\n"
        "sweep:\n  tuner: optuna\n  objective: val_accuracy\n  max_trials: 3\n  confirm: 1\n"
        "  space: {optimizer.learning_rate: {min: 0.001, max: 0.3, sampling: log}}\n"
    )
    line = [sys.executable, "-m", "hornbook", "sweep", "-c", "few.yaml"]
    begun = time.monotonic()
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, env=os.environ, timeout=300)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "optuna over optimizer.learning_rate" in done.stderr
    assert "confirmed test_accuracy" in done.stdout
    assert "Warning" not in done.stderr, time.monotonic() - begun
