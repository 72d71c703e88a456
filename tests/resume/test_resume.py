"""An interrupted run, resumed, ends bit for bit where the uninterrupted run ends."""

import json
import os
import re
import shutil
import signal
from pathlib import Path

import keras
import numpy as np
import pytest

from hornbook.errors import RunError, UsageError
from hornbook.runs.states import load_state

DIGITS = {"name": "digits", "limit": 224, "split": {"validation": 40, "test": 40}}
KINDS = {
    "dropout, batch norm, one_cycle, clipping, examples that are mixed, XLA": {
        "data": DIGITS | {"augmentation": {"mixup": 0.4, "cutmix": 1.0, "cutout": 0.3}},
        "regularization": {"dropout": 0.3},
        "normalization": "batch_normalization",
        "schedule": "one_cycle",
        "training": {"engine": "xla", "gradient_clipping": {"by": "global_norm", "threshold": 1.0}},
    },
    "noise of every kind, performance scheduling, early stopping, metrics that Keras builds late": {
        "data": {"name": "moons", "examples": 304, "noise": 0.3, "split": {"validation": 40, "test": 40}},
        "activation": "randomized_leaky_relu",
        "regularization": {"input_dropout": 0.1, "gaussian_dropout": 0.2, "gaussian_noise": 0.1, "max_norm": 1.0},
        "optimizer": {"name": "nadam", "learning_rate": 0.3},
        "schedule": {"name": "performance", "patience": 1, "min_delta": 0.5, "reduction": 0.5, "cooldown": 2},
        "training": {
            "epochs": 30,
            "early_stopping": {"patience": 4, "min_delta": 0.02},
            "metrics": ["f1_score", "auc", "precision", "recall"],
        },
    },
    "accumulation, averaged weights, class weights, penalties, a smaller last batch": {
        "data": DIGITS | {"limit": 200},  # 6 batches of 32 and one of 8
        "regularization": {"l2": 0.01},
        "optimizer": {"name": "adamw", "learning_rate": 0.01, "accumulation": 3, "ema": {"momentum": 0.9}},
        "schedule": {"name": "cosine", "warmup": "10%"},
        "training": {
            "early_stopping": {"patience": 4},
            "class_weights": "balanced",
            "metrics": ["accuracy", "top_k_accuracy"],
        },
    },
    "augmentation, a schedule-free optimizer": {
        "model": {"name": "cnn", "filters": [4], "dense": [8]},
        "data": DIGITS
        | {"augmentation": {"shift": 0.1, "rotate": 10, "noise": 0.05, "brightness": 0.1, "contrast": 0.2}},
        "regularization": {"spatial_dropout": 0.2},
        "optimizer": {"name": "schedule_free_adamw", "learning_rate": 0.01},
    },
    "so many steps, the last of them within an epoch": {
        "regularization": {"dropout": 0.3},
        "optimizer": {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9, "accumulation": 2},
        "schedule": "one_cycle",
        "training": {"epochs": "10 steps", "early_stopping": {"patience": "5 steps"}},  # 20 batches: 7, 7, 6
    },
    "embedded columns, an ensemble, factors, dropout and decay that change": {
        "data": {"name": "moons", "examples": 264, "standardize": "quantile", "split": {"validation": 40, "test": 0}},
        "model": {"name": "mlp", "units": [6], "ensemble": 3, "numbers": "pbld", "front_scale": True},
        "initializer": "ntk",
        "activation": "parametric_mish",
        "regularization": {"dropout": 0.3, "dropout_schedule": "flat_cosine"},
        "optimizer": {
            "name": "adam",
            "learning_rate": 0.01,
            "weight_decay": {"rate": 0.1, "schedule": "flat_cosine"},
            "factors": {"front_scale": 6, "bias": 0.1},
        },
        "schedule": "coslog",
    },
    "several heads, an auxiliary one, their metrics": {
        "data": {"name": "iris", "columns": ["sepal_length", "petal_length"], "split": {"validation": 20, "test": 20}},
        "model": {"name": "mlp", "units": [8, 6]},
        "heads": {
            "species": {"metrics": ["accuracy", "f1_score"]},
            "petals": {"target": "petal_width", "loss": "huber", "weight": 0.5, "metrics": ["r2_score"]},
            "early": {"target": "species", "from": "hidden_1", "weight": 0.1},
        },
        "regularization": {"dropout": 0.3},
        "training": {"batch_size": 20, "checkpoint": {"monitor": "val_petals_r2_score"}},
    },
    "two paths that share columns": {
        "data": {"name": "diabetes", "limit": 224, "split": {"validation": 40, "test": 40}},
        "model": {
            "name": "wide_and_deep",
            "units": [6],
            "inputs": {"wide": ["age", "sex", "bmi", "s6"], "deep": ["bmi", "bp", "s1", "s2", "s3", "s4", "s5"]},
        },
        "regularization": {"dropout": 0.3},
        "training": {"engine": "xla"},
    },
    "branches with ingredients of their own, and a gate": {
        "model": {
            "name": "layers",
            "layers": [
                "flatten",
                {"name": "dense", "units": 8, "as": "wide"},
                {
                    "name": "dense",
                    "units": 8,
                    "normalization": "batch_normalization",
                    "activation": "tanh",
                    "as": "deep",
                },
                {"name": "dense", "units": 8, "activation": "sigmoid", "from": "wide", "as": "gate"},
                {"name": "multiply", "from": ["deep", "gate"], "as": "gated"},
                {"name": "concatenate", "from": ["wide", "gated"]},
            ],
        },
        "regularization": {"dropout": 0.2},
    },
    "dynamic loss scaling": {"training": {"precision": "mixed_float16"}},
}
OFTEN_TRIED = {
    "dropout, batch norm, one_cycle, clipping, examples that are mixed, XLA",
    "accumulation, averaged weights, class weights, penalties, a smaller last batch",
    "so many steps, the last of them within an epoch",
    "several heads, an auxiliary one, their metrics",
}
"""Kinds that between them have most of what has to go on."""
FIT = {
    "data": DIGITS | {"augmentation": {"mixup": 0.4}},
    "regularization": {"dropout": 0.3},
    "schedule": "exponential",
    "training": {"engine": "fit", "early_stopping": {"patience": 4}},
}
OFTEN = {"training": {"checkpoint": {"every": 0.0001}}}
PLACES = [(0, 2), (2, 4)]
LATE = [(3, 3), (4, 3)]
"""Where the best epoch is over, patience is running, and the rate has fallen."""


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=() if kind in OFTEN_TRIED else pytest.mark.whole) for kind in KINDS]
)
def test_a_run_stopped_again_and_again_ends_like_one_that_was_left_alone(
    kind, alone, with_interruptions, assert_same, tmp_path
):
    whole = alone(KINDS[kind])
    places = [*PLACES, *LATE] if "early stopping" in kind else PLACES
    resumed = with_interruptions(KINDS[kind], places, runs=tmp_path / "stopped")
    assert_same(resumed, whole)
    assert [row["epoch"] for row in resumed.history] == list(range(1, len(whole.history) + 1))
    if "early stopping" in kind:
        assert resumed.stop_reason.startswith("no better val_loss")
        assert 3 < len(resumed.history) < 30
        assert 1 < resumed.best_epoch <= LATE[-1][0] < len(resumed.history)
        assert len({row["learning_rate"] for row in resumed.history}) > 2


def test_a_run_killed_between_its_last_state_and_its_result_is_trained_no_further(alone, resume, assert_same, tmp_path):
    (kind,) = (kind for kind in KINDS if "early stopping" in kind)
    whole = alone(KINDS[kind])
    run = Path(shutil.copytree(whole.run, tmp_path / "few" / whole.run.name))
    (run / "result.json").write_text('{"state": "running"}')
    assert_same(resume(run), whole)


def test_such_a_run_may_be_saved_at_other_times(alone, resume, assert_same, tmp_path):
    whole = alone()
    run = Path(shutil.copytree(whole.run, tmp_path / "few" / whole.run.name))
    (run / "result.json").write_text('{"state": "running"}')
    assert_same(resume(run, ["training.checkpoint.every=5"]), whole, but=("recipe",))


@pytest.mark.whole
def test_fit_goes_back_to_the_last_whole_epoch_and_ends_alike(alone, with_interruptions, assert_same, tmp_path):
    resumed = with_interruptions(FIT, [(0, 3), (2, 6)], runs=tmp_path / "stopped")
    assert_same(resumed, alone(FIT))


def test_metrics_of_half_an_epoch_are_in_the_state(interrupted):
    result = interrupted({}, at=(1, 4))
    state, _ = load_state(result.run / "checkpoints" / "state")
    assert (state.facts["epoch"], state.facts["batch"], len(state.facts["history"])) == (1, 4, 1)
    counts = [float(array) for name, array in state.arrays.items() if name.startswith("metric/") and array.ndim == 0]
    assert counts.count(4 * 32) == 2  # examples that loss and accuracy have counted


def test_an_interrupted_run_says_how_to_go_on(interrupted):
    result = interrupted()
    assert (result.exit_code, result.stop_reason, result.test) == (130, "stopped by Ctrl-C in epoch 2", {})
    log = (result.run / "log.txt").read_text()
    assert log.splitlines()[-1] == f"next    hornbook resume {result.run}"


def test_history_after_a_crash_has_no_repeats(interrupted, resume, alone, assert_same):
    result = interrupted(at=(1, 2))
    history = result.run / "history.jsonl"
    row = json.loads(history.read_text().splitlines()[0])
    with history.open("a") as file:  # a later epoch whose state was never saved, and half a line
        file.write(json.dumps(row | {"epoch": 2, "loss": 99.0}) + '\n{"epoch": 3, "lo')
    assert_same(resume(result.run), alone())


def test_half_written_files_of_a_killed_process_are_removed(interrupted, resume):
    result = interrupted()
    leftovers = [result.run / ".history-abc.jsonl", result.run / "checkpoints" / ".last-abc.keras"]
    for path in leftovers:
        path.write_bytes(b"half")
    resume(result.run)
    assert [path for path in leftovers if path.exists()] == []


def test_a_finished_run_is_left_alone(train, resume):
    run = train().run
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    assert resume(run) is None
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_a_run_killed_before_its_first_state_starts_over_in_its_folder(interrupted, resume, alone, assert_same):
    run = interrupted(at=(0, 2)).run
    for path in (run / "checkpoints" / "state").iterdir():
        path.unlink()
    again = resume(run)
    assert again.run == run
    assert "there is no whole state of this run, so it starts again from its beginning" in (run / "log.txt").read_text()
    assert_same(again, alone())


@pytest.mark.parametrize("missing", ["result.json", "environment.json", "data.json"])
def test_a_run_killed_while_its_folder_was_made_is_no_run_or_starts_over(tmp_path, train, resume, monkeypatch, missing):
    from hornbook.runs.directory import find_unfinished
    from hornbook.runs.writing import RunDirectory

    class KilledError(Exception):
        pass

    def kill(*_):
        raise KilledError

    method = {"result.json": "write_result", "environment.json": "write_environment", "data.json": "write_data"}[
        missing
    ]
    with monkeypatch.context() as patch:
        patch.setattr(RunDirectory, method, kill)
        with pytest.raises(KilledError):
            train()
    run = tmp_path / "runs" / "few" / "latest"
    assert not (run / "recipe.yaml").exists()
    assert find_unfinished(tmp_path / "runs", "few", ("", ())) is None
    with pytest.raises(UsageError, match="there is no run here"):
        resume(run)


def test_a_damaged_newest_state_falls_back_says_so_and_ends_alike(interrupted, resume, alone, assert_same):
    result = interrupted(OFTEN, at=(2, 4))
    newest = max((result.run / "checkpoints" / "state").iterdir())
    newest.write_bytes(newest.read_bytes()[:-9])
    again = resume(result.run)
    log = (result.run / "log.txt").read_text()
    assert f"note    {newest.name} is damaged (" in log
    assert "note    resumed in epoch 3 after 4 of 7 batches" in log  # the save before the one on Ctrl-C
    assert_same(again, alone(OFTEN))


def test_changed_data_is_refused_and_nothing_is_touched(tmp_path, interrupted, resume):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(104, 3)).astype(np.float32), np.arange(104) % 2
    arrays = {"name": "arrays", "split": {"validation": 20, "test": 20}}
    result = interrupted({"data": arrays}, data=(x, y), at=(1, 1))
    before = {path: path.read_bytes() for path in result.run.rglob("*") if path.is_file()}
    with pytest.raises(RunError, match=r"the data has changed since training .fingerprint \w+, then \w+.\. Restore it"):
        resume(result.run, data=(x + 1, y))
    assert {path: path.read_bytes() for path in result.run.rglob("*") if path.is_file()} == before
    assert resume(result.run, data=(x, y)).state == "finished"


def test_other_versions_and_devices_are_noted(interrupted, resume):
    result = interrupted()
    path = result.run / "environment.json"
    facts = json.loads(path.read_text())
    facts["versions"]["keras"], facts["threads"] = "3.0.0", 99
    path.write_text(json.dumps(facts))
    assert resume(result.run).state == "finished"
    log = (result.run / "log.txt").read_text()
    assert "note    keras was 3.0.0 and is 3." in log
    assert "note    threads was 99 and is " in log


def test_a_state_of_another_model_is_refused(interrupted, resume):
    result = interrupted()
    path = result.run / "recipe.yaml"
    text = path.read_text()
    path.write_text(re.sub(r"(units:\s+)\[16\]", r"\1[17]", text))
    assert path.read_text() != text
    with pytest.raises(RunError, match="the saved state belongs to another model"):
        resume(result.run)


def test_there_must_be_a_run(resume, tmp_path):
    with pytest.raises(UsageError, match="there is no run here"):
        resume(tmp_path)


def test_a_second_ctrl_c_ends_at_once_and_leaves_a_run_that_goes_on_exactly(
    train, resume, alone, assert_same, tmp_path
):
    class Impatient(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 2:
                os.kill(os.getpid(), signal.SIGINT)
                os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        train(OFTEN, callbacks=[Impatient()])
    run = (tmp_path / "runs" / "few" / "latest").resolve()
    assert json.loads((run / "result.json").read_text())["state"] == "interrupted"
    assert_same(resume(run), alone(OFTEN))


def test_a_signal_in_the_last_batch_of_all_finds_nothing_to_interrupt(train, stop_at):
    result = train(callbacks=[stop_at([(3, 7)])])
    assert (result.state, result.stop_reason, result.exit_code) == ("finished", "all 4 epochs done", 0)
