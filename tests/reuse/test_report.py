"""What `hornbook reuse-report` says: where layers came from, and what they gained over training from scratch."""

import json
from functools import partial

import pytest

from hornbook.errors import UsageError


@pytest.fixture(scope="module")
def reported(train_recipe, on_model, model_a, tmp_path_factory):
    """A run's report with a control, and a function that makes it once more."""
    from hornbook.study.reuse_report import reuse_report

    runs = tmp_path_factory.mktemp("reported")
    reuse = {"layers": "hidden_1-hidden_2", "unfreeze": [{"after": 2}]}
    run = train_recipe(on_model(model_a, reuse), runs).run
    make = partial(reuse_report, run, runs=runs, control=True, seeds=2)
    return make(), make


def test_the_control_has_the_same_network_data_seed_and_budget(reported):
    found, _ = reported
    for row in found.pairs:
        ours, control = (json.loads(_text(path, "result.json")) for path in row["runs"])
        assert row["reused"] == ours["test"]["accuracy"]
        assert row["control"] == control["test"]["accuracy"]
        assert ours["epochs"] == control["epochs"]
        assert _data(row["runs"][0]) == _data(row["runs"][1])
    assert [row["seed"] for row in found.pairs] == [42, 43]


def _text(path, name):
    from pathlib import Path

    return (Path(path) / name).read_text()


def _data(path):
    return json.loads(_text(path, "data.json"))["fingerprint"]


def test_runs_that_are_there_are_not_trained_again(reported):
    first, make = reported
    assert [row["runs"] for row in first.pairs] == [row["runs"] for row in make().pairs]


def test_the_verdict_claims_no_more_than_was_seen(tensorflow):
    from pathlib import Path

    from hornbook.study.reuse_report import ReuseReport

    def verdict(ours, theirs):
        rows = [
            {"seed": i, "reused": a, "control": b, "epochs_to_match": 2, "control_epochs": 5, "examples": 200}
            for i, (a, b) in enumerate(zip(ours, theirs, strict=True))
        ]
        return ReuseReport(Path("run"), None, "test accuracy", higher_is_better=True, pairs=tuple(rows)).text()

    assert "No difference detected." in verdict([0.9, 0.8, 0.85], [0.85, 0.86, 0.84])
    assert "Reuse is better." in verdict([0.9, 0.91, 0.92], [0.8, 0.81, 0.83])
    assert "Reuse is worse than training from scratch." in verdict([0.8, 0.81, 0.83], [0.9, 0.91, 0.92])
    assert "saves 3.0 epochs (600 examples)" in verdict([0.9, 0.91, 0.92], [0.8, 0.81, 0.83])
    assert "raise --seeds" in verdict([0.9], [0.8])


def test_every_line_fits_80_columns(reported):
    found, _ = reported
    assert max(map(len, found.text().splitlines()[1:])) <= 80  # the first is the run's path
    assert "control" in found.text()


def test_a_run_without_reuse_has_nothing_to_report(model_a, tmp_path):
    from hornbook.study.reuse_report import reuse_report

    with pytest.raises(UsageError, match="neither 'reuse' nor 'pretraining'"):
        reuse_report(model_a, runs=tmp_path)


def test_the_control_of_reuse_is_a_recipe_that_trains_as_it_is(reported):
    from pathlib import Path

    from hornbook import load_recipe

    control = Path(reported[0].pairs[0]["runs"][1])
    assert control.parent.name == "b_control"
    assert [json.loads(line)["phase"] for line in _text(control, "history.jsonl").splitlines()] == ["training"] * 4
    assert {row["learns"] for row in json.loads(_text(control, "reuse.json"))["layers"]} == {"always"}
    assert load_recipe(control / "recipe.yaml").reuse.weights == "fresh"
