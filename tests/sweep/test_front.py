"""Several objectives: the front against brute force, who wins by a rule, and whole sweeps."""

import csv
import json
import math

import numpy as np
import pytest

from hornbook.recipes.sections.sweep import Sweep
from hornbook.runs.sweeps import Outcome, Proposal, TrialRow
from hornbook.sweep.front import front, selected

DIRECTIONS = {"val_accuracy": "max", "parameters": "min", "val_loss": "min"}
NAMES = list(DIRECTIONS)
SEVERAL = {
    "objective": ["val_accuracy", "parameters"],
    "space": {"model.units": [[2], [4], [8], [16]]},
    "tuner": "grid",
}


def row(number, *figures):
    """Return a trial that reached so much; without figures one that failed."""
    reached = dict(zip(NAMES, figures, strict=False))
    outcome = Outcome("finished", figures[0], (figures[0],), figures=reached) if figures else Outcome("failed")
    return TrialRow(Proposal(number, {"model.units": [number]}), {}, outcome)


def numbers(rows):
    return [one.proposal.trial for one in rows]


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("seed", range(20))
def test_the_front_is_what_no_other_trial_dominates(count, seed):
    values = np.random.default_rng(seed).integers(0, 6, (25, count)) / 5  # with ties
    directions = {name: DIRECTIONS[name] for name in NAMES[:count]}
    signs = np.array([-1 if one == "max" else 1 for one in directions.values()])
    losses = values * signs
    nowhere_worse = (losses[None] <= losses[:, None]).all(axis=2)
    somewhere_better = (losses[None] < losses[:, None]).any(axis=2)
    expected = set(np.flatnonzero(~(nowhere_worse & somewhere_better).any(axis=1)))
    rows = [row(number, *map(float, one)) for number, one in enumerate(values)]
    found = front(rows, directions)
    assert set(numbers(found)) == expected
    first = [-one.outcome.figures["val_accuracy"] for one in found]
    assert first == sorted(first)  # the best by the first objective first


def test_trials_without_a_score_or_with_a_figure_that_is_none_are_no_part_of_it():
    rows = [row(0), row(1, 0.9, 100.0), row(2, math.nan, 10.0), row(3, 0.5, math.inf), row(4, 0.5, 50.0)]
    assert numbers(front(rows, {name: DIRECTIONS[name] for name in NAMES[:2]})) == [1, 4]


ROWS = [row(0, 0.95, 1000.0), row(1, 0.9, 300.0), row(2, 0.5, 100.0)]


@pytest.mark.parametrize(
    ("select", "winner"),
    [
        (None, None),
        ("knee", 1),  # (0, 1), (0.11, 0.22), (1, 0) in shares of the ranges
        ("parameters<=500", 1),
        ("val_accuracy>=0.5", 0),
        (["parameters<=500", "val_accuracy<0.8"], 2),
        ("parameters<50", None),
    ],
)
def test_a_rule_names_one_of_the_front(select, winner):
    sweep = Sweep.model_validate({**SEVERAL, "select": select})
    found = selected(ROWS, sweep, {name: DIRECTIONS[name] for name in NAMES[:2]})
    assert (found and found.proposal.trial) == winner


def test_the_knee_of_a_front_of_one_is_that_one():
    sweep = Sweep.model_validate({**SEVERAL, "select": "knee"})
    assert selected(ROWS[:1], sweep, {"val_accuracy": "max", "parameters": "min"}) is ROWS[0]


@pytest.fixture
def table():
    """A function: a sweep's folder → the rows of its table."""
    return lambda folder: list(csv.DictReader((folder / "trials.csv").read_text().splitlines()))


def parameters(units):
    return 64 * units + units + units * 10 + 10  # 64 pixels, ten classes


def test_a_sweep_over_several_objectives_leaves_a_front_and_no_winner(run_sweep, table):
    result = run_sweep({**SEVERAL, "confirm": 1})
    rows = table(result.folder)
    assert [int(one["parameters"]) for one in rows] == [parameters(units) for units in (2, 4, 8, 16)]
    points = {one["trial"]: (float(one["val_accuracy"]), int(one["parameters"])) for one in rows}
    best = {
        trial
        for trial, (accuracy, size) in points.items()
        if not any(a >= accuracy and s <= size and (a, s) != (accuracy, size) for a, s in points.values())
    }
    assert {one["trial"] for one in rows if one["front"] == "true"} == best
    assert {str(member.trial) for member in result.front} == best
    assert (result.best, result.score, (result.folder / "best.yaml").exists()) == ({}, None, False)

    record = json.loads((result.folder / "result.json").read_text())
    assert record["objective"] == ["val_accuracy", "parameters"]
    assert [member["trial"] for member in record["front"]] == [member.trial for member in result.front]
    assert len(record["confirm_runs"]) == len(best)  # one fresh seed for each
    for member in result.front:
        assert set(member.confirmed) == {"test_loss", "test_accuracy", "val_loss", "val_accuracy"}
        assert (result.folder / member.recipe).read_text().startswith(f"# Trial {member.trial} of 4 of sweep-")
    text = (result.folder / "report.html").read_text()
    assert "the front: val_accuracy over parameters" in text
    assert "The front with fresh seeds" in text
    assert "The winner" not in text


def test_a_member_of_the_front_is_a_recipe_that_trains_to_the_trial_s_score(run_sweep):
    from hornbook import load_recipe
    from hornbook.trainer.train import train

    result = run_sweep(SEVERAL)
    member = result.front[0]
    again = train(load_recipe(result.folder / member.recipe), runs=result.folder / "again")
    assert again.validation["accuracy"] == pytest.approx(member.figures["val_accuracy"], abs=1e-6)


def test_a_rule_gives_a_winner_that_alone_is_confirmed(run_sweep):
    result = run_sweep({**SEVERAL, "select": f"parameters<={parameters(4)}", "confirm": 1})
    assert result.best["model.units"] in ([2], [4])
    assert len(list((result.folder / "confirm").iterdir())) == 1
    assert "# No trial beats it in all of val_accuracy" in (result.folder / "best.yaml").read_text()
    assert "The winner" in (result.folder / "report.html").read_text()


def test_an_interrupted_sweep_goes_on_to_the_same_front(run_sweep, events):
    import os
    import signal

    from hornbook.sweep.view import View
    from hornbook.trainer.listeners import Listener

    left = [3]

    class CtrlC(Listener):
        def on_epoch(self, row, *, is_best):
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGINT)

    class Interrupting(View):
        def listener(self, name):
            return CtrlC()

    whole = run_sweep(SEVERAL)
    cut = run_sweep(SEVERAL, view=Interrupting(), fresh=True)
    assert cut.state == "interrupted"
    rest = run_sweep(SEVERAL)
    assert rest.folder == cut.folder
    assert rest.front == whole.front
    table = (rest.folder / "trials.csv").read_text().splitlines()
    changing = {"seconds", "run"}
    again, first = (
        [{key: value for key, value in one.items() if key not in changing} for one in csv.DictReader(lines)]
        for lines in (table, (whole.folder / "trials.csv").read_text().splitlines())
    )
    assert again == first


def test_models_of_the_front_are_kept_and_others_go(run_sweep):
    result = run_sweep({**SEVERAL, "keep_best": 1, "objective": ["val_loss", "parameters"]})
    members = {member.trial for member in result.front}
    kept = {
        int(path.relative_to(result.folder / "trials").parts[0].split("-")[1])
        for path in (result.folder / "trials").rglob("*.keras")
    }
    assert kept == members


def test_the_terminal_shows_the_front(run_sweep, capsys):
    from rich.console import Console

    from hornbook.sweep.view import ConsoleView

    result = run_sweep(SEVERAL, view=ConsoleView(Console(width=80), Console(width=80)))
    out = capsys.readouterr().out
    assert "val_accuracy, higher is better; parameters, lower is" in " ".join(out.split())
    assert "trial val_accuracy parameters epochs" in out
    first = result.front[0]
    assert f"front   trial {first.trial}: val_accuracy {first.figures['val_accuracy']:.4f}, parameters" in out
    assert f"latest-sweep/front/trial-{first.trial:03d}.yaml" in "".join(out.split())


@pytest.mark.whole
def test_workers_find_the_same_front(run_sweep):
    here = run_sweep(SEVERAL)
    there = run_sweep(SEVERAL, workers=2, fresh=True)
    assert [(one.trial, one.figures) for one in there.front] == [(one.trial, one.figures) for one in here.front]
