"""Training a run again from its own recipe: equal to the last bit, or named differences."""

import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

from hornbook.errors import UsageError

TREE = {"regularization": {"dropout": 0.3}, "normalization": "batch_normalization", "training": {"epochs": 2}}


@pytest.fixture
def reproduce(tmp_path):
    """A function: a run → the comparison with a new one in `tmp_path`/again."""
    from hornbook.trainer.reproduce import reproduce as reproduce_run

    return lambda run: reproduce_run(run, runs=tmp_path / "again")


@pytest.fixture
def run(alone, tmp_path):
    """A copy of a finished run."""
    return Path(shutil.copytree(alone(TREE).run, tmp_path / "runs" / "few" / "20261126-000000-abcd"))


def change_weights(path, change):
    model = keras.models.load_model(path)
    model.set_weights([change(weight) for weight in model.get_weights()])
    model.save(path)


def test_a_run_trained_again_is_the_same_to_the_last_bit(run, reproduce):
    comparison = reproduce(run)
    assert comparison.is_same
    assert comparison.text().splitlines() == [
        f"reproduced {run}: same to the last bit",
        "  history: 2 epochs equal",
        "  weights: all 7 arrays equal",
        f"run  {comparison.again}",
    ]
    assert comparison.again != run
    assert (comparison.again.parent / "latest").resolve() == comparison.again


def test_interruptions_and_extensions_leave_no_trace(interrupted, resume, reproduce):
    run = interrupted(TREE, at=(1, 4)).run
    resume(run)
    resume(run, ["training.epochs=3"])
    assert reproduce(run).is_same


def test_another_history_is_named(run, reproduce):
    rows = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
    loss = rows[1]["loss"]
    rows[1]["loss"] = 0.125
    (run / "history.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    comparison = reproduce(run)
    assert not comparison.is_same
    assert not (comparison.again.parent / "latest").exists()
    assert f"history: first difference in epoch 2, loss 0.125, then {loss!r}" in comparison.findings
    assert comparison.text().splitlines()[0] == f"reproduced {run}: not the same"
    assert "  versions, device and data are the same" in comparison.text().splitlines()


def test_a_missing_epoch_is_named(run, reproduce):
    lines = (run / "history.jsonl").read_text().splitlines(keepends=True)
    (run / "history.jsonl").write_text(lines[0])
    assert "history: 1 epochs, then 2" in reproduce(run).findings


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (lambda weight: weight + 0.5, "weights: largest difference 0.5, in "),
        (lambda weight: np.nextafter(weight, 9, dtype=np.float32), "weights: largest difference "),
        (lambda weight: weight * np.nan, "weights: largest difference inf, in "),
    ],
    ids=["shifted", "last bit", "nan"],
)
def test_other_weights_are_named(run, reproduce, change, finding):
    change_weights(run / "checkpoints" / "last.keras", change)
    comparison = reproduce(run)
    assert not comparison.is_same
    assert comparison.findings[0] == "history: 2 epochs equal"
    assert comparison.findings[1].startswith(finding)


def test_what_else_differs_is_named_as_a_cause(run, reproduce):
    facts = json.loads((run / "environment.json").read_text())
    facts["versions"]["numpy"], facts["threads"], facts["data_fingerprint"] = "1.0", 64, "abc"
    (run / "environment.json").write_text(json.dumps(facts))
    change_weights(run / "checkpoints" / "last.keras", lambda weight: weight + 1)
    causes = reproduce(run).causes
    assert causes[0] == f"numpy was 1.0 and is {np.__version__}"
    assert [cause.split(" and ")[0] for cause in causes[1:]] == ["threads was 64", "data_fingerprint was abc"]


def test_a_reproduction_that_is_stopped_leaves_latest_alone(run, tmp_path):
    from hornbook.trainer.listeners import Listener
    from hornbook.trainer.reproduce import reproduce

    class Full(Listener):
        def on_epoch(self, row, *, is_best):
            raise OSError("no space left")

    (run.parent / "latest").symlink_to(run.name)
    with pytest.raises(OSError, match="no space left"):
        reproduce(run, runs=tmp_path / "runs", listeners=[Full()])
    assert len([path for path in run.parent.iterdir() if not path.is_symlink()]) == 2
    assert (run.parent / "latest").resolve() == run


def test_there_must_be_a_run(tmp_path, reproduce, tensorflow):
    with pytest.raises(UsageError, match="there is no run here"):
        reproduce(tmp_path)
