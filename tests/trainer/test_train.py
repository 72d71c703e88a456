"""Training from start to end: what a run says, leaves and stops for."""

import json
import os
import signal

import keras
import numpy as np
import pytest

import hornbook
from hornbook.errors import DivergedError, RecipeError, RunError, UsageError


def history_of(run):
    return [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]


def result_of(run):
    return json.loads((run / "result.json").read_text())


CLOCK = {"train_seconds", "seconds"}


def timeless(rows):
    return [{key: value for key, value in row.items() if key not in CLOCK} for row in rows]


def test_a_run_leaves_what_the_design_promises(train):
    result = train()
    run = result.run
    names = {path.name for path in run.iterdir()}
    assert names >= {
        "recipe.yaml", "source.yaml", "environment.json", "history.jsonl", "checkpoints", "result.json", "log.txt",
    }  # fmt: skip
    assert {"best.keras", "last.keras"} <= {path.name for path in (run / "checkpoints").iterdir()}
    assert not [name for name in names if name.startswith(".")]  # nothing half-written
    latest = run.parent / "latest"
    assert latest.is_symlink()
    assert latest.resolve() == run.resolve()
    rows = history_of(run)
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4]
    expected = [
        "epoch",
        "phase",
        "loss",
        "accuracy",
        "val_loss",
        "val_accuracy",
        "learning_rate",
        "train_seconds",
        "seconds",
    ]
    assert list(rows[0]) == expected
    facts = result_of(run)
    assert (facts["state"], facts["stop_reason"], facts["final"]) == ("finished", "all 4 epochs done", "last")
    assert facts["best_epoch"] == 1 + int(np.argmin([row["val_loss"] for row in rows]))
    assert set(facts["validation"]) == set(facts["test"]) == {"loss", "accuracy"}
    environment = json.loads((run / "environment.json").read_text())
    assert {"versions", "device", "threads", "seed", "git_commit", "data_fingerprint", "command"} <= set(environment)
    assert environment["versions"]["keras"] == keras.__version__
    assert environment["seed"] == 42


def test_two_runs_of_a_recipe_differ_in_the_clock_alone(train):
    tree = {"regularization": {"dropout": 0.3}, "normalization": "batch_normalization"}
    first, second = train(tree), train(tree)
    assert first.run != second.run
    assert timeless(history_of(first.run)) == timeless(history_of(second.run))
    assert (first.run / "recipe.yaml").read_text() == (second.run / "recipe.yaml").read_text()
    for a, b in zip(first.model.get_weights(), second.model.get_weights(), strict=True):
        assert (a == b).all()
    assert first.test == second.test


def test_the_recipe_of_a_run_trains_again_to_the_same_bits(tmp_path):
    tree = {
        "data": {"name": "moons", "examples": 64, "split": {"validation": 16, "test": 16}},
        "model": "mlp",
        "initializer": "default",
        "name": "again",
    }
    tree |= {"model": {"name": "mlp", "units": [5]}, "schedule": "one_cycle", "training": {"epochs": 2}}
    first = hornbook.train(hornbook.load_recipe(tree), runs=str(tmp_path), progress=False)
    text = (first.run / "recipe.yaml").read_text()
    assert "engine: xla" in text
    assert "activation: \n" not in text
    second = hornbook.train(hornbook.load_recipe(str(first.run / "recipe.yaml")), runs=str(tmp_path), progress=False)
    for a, b in zip(first.model.get_weights(), second.model.get_weights(), strict=True):
        assert (a == b).all()
    assert (second.run / "recipe.yaml").read_text() == text


def test_earlier_runs_are_left_alone(train):
    first = train().run
    before = {path: path.read_bytes() for path in first.rglob("*") if path.is_file()}
    second = train().run
    assert second.parent == first.parent
    assert {path: path.read_bytes() for path in first.rglob("*") if path.is_file()} == before


def test_the_models_on_disk_are_the_best_and_the_last(train):
    result = train({"optimizer": {"name": "sgd", "learning_rate": 0.5}}, epochs=6)
    last = keras.models.load_model(result.run / "checkpoints" / "last.keras")
    assert all((a == b).all() for a, b in zip(last.get_weights(), result.model.get_weights(), strict=True))
    best = keras.models.load_model(result.run / "checkpoints" / "best.keras")
    is_last_best = result.best_epoch == len(result.history)
    assert is_last_best == all((a == b).all() for a, b in zip(best.get_weights(), last.get_weights(), strict=True))


def test_early_stopping_ends_with_the_best_weights(train):
    rate = {"optimizer": {"name": "sgd", "learning_rate": 8.0, "momentum": 0.9}}
    result = train(rate, epochs=30, early_stopping={"patience": 3})
    losses = [row["val_loss"] for row in result.history]
    best = int(np.argmin(losses))
    assert len(losses) == best + 1 + 3 < 30
    assert (result.final, result.best_epoch, result.exit_code) == ("best", best + 1, 0)
    assert result.validation["loss"] == pytest.approx(losses[best], rel=1e-6)
    saved = keras.models.load_model(result.run / "checkpoints" / "best.keras").get_weights()
    assert all((a == b).all() for a, b in zip(saved, result.model.get_weights(), strict=True))
    assert result_of(result.run)["stop_reason"] == "no better val_loss for 3 epochs"
    kept = train(rate, epochs=30, early_stopping={"patience": 3, "restore_best": False})
    assert kept.final == "last"
    assert kept.validation["loss"] == pytest.approx(losses[-1], rel=1e-6)


def test_without_a_validation_split_monitors_watch_the_training_loss_and_say_so(train):
    tree = {"data": {"name": "arrays", "split": {"validation": 0}}}
    result = train(tree, early_stopping={"patience": 2})
    assert "val_loss" not in result.history[0]
    assert result.recipe.training.early_stopping.monitor == "loss"
    assert result.best_epoch == 4
    assert "no validation split" in (result.run / "log.txt").read_text()


def test_performance_scheduling_lowers_the_rate_between_epochs(train):
    schedule = {"name": "performance", "monitor": "loss", "reduction": 0.5, "patience": 1, "min_delta": 1000.0}
    result = train(
        {"schedule": schedule | {"min_learning_rate": 0.02}, "optimizer": {"name": "sgd", "learning_rate": 0.1}}
    )
    rates = [row["learning_rate"] for row in result.history]
    assert rates == pytest.approx([0.1, 0.1, 0.05, 0.025])  # the first epoch is always an improvement
    longer = train(
        {"schedule": schedule | {"min_learning_rate": 0.02}, "optimizer": {"name": "sgd", "learning_rate": 0.1}},
        epochs=6,
    )
    assert longer.history[-1]["learning_rate"] == pytest.approx(0.02)


def test_max_time_ends_a_run_in_good_order(train):
    result = train(epochs=100000, max_time=0.2)
    assert result.state == "finished"
    assert result.exit_code == 0
    assert "max_time" in result.stop_reason
    assert set(result.test) == {"loss", "accuracy"}
    assert (result.run / "checkpoints" / "last.keras").exists()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_the_run_resumable(train, hangups, number, code):
    before = signal.getsignal(number)

    def kill(epoch, logs):
        if epoch == 1:
            os.kill(os.getpid(), number)

    result = train(epochs=50, callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=kill)])
    assert (result.state, result.exit_code) == ("interrupted", code)
    assert len(result.history) == 2
    assert result_of(result.run)["state"] == "interrupted"
    assert result.test == {}
    is_hangup = number == signal.SIGHUP  # shell and kernel both send one: the second may come while the run is saved
    assert signal.getsignal(number) == (signal.SIG_IGN if is_hangup else before)


def test_a_second_hangup_does_not_end_the_run_before_it_is_saved(train, hangups):
    def kill(epoch, logs):
        if epoch == 1:
            for _ in range(3):
                os.kill(os.getpid(), signal.SIGHUP)

    result = train(epochs=50, callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=kill)])
    assert (result.state, result.exit_code, len(result.history)) == ("interrupted", 129, 2)
    assert "closed terminal" in result.stop_reason


@pytest.mark.parametrize("handler", [signal.SIG_IGN, lambda number, frame: None], ids=["nohup", "a program's own"])
def test_a_hangup_that_somebody_has_taken_care_of_stops_nothing(train, hangups, handler):
    signal.signal(signal.SIGHUP, handler)
    kill = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: os.kill(os.getpid(), signal.SIGHUP))
    result = train(epochs=3, callbacks=[kill])
    assert (result.state, len(result.history)) == ("finished", 3)
    assert signal.getsignal(signal.SIGHUP) is handler


@pytest.mark.parametrize("engine", ["graph", "xla", "fit"])
def test_divergence_is_an_error_that_names_the_epoch_and_leaves_no_broken_model(train, tmp_path, engine):
    tree = {
        "optimizer": {"name": "sgd", "learning_rate": 1e20},
        "head": {"loss": "mean_squared_error", "activation": "linear"},
    }
    with pytest.raises(DivergedError, match=r"diverged in epoch [12]: .* optimizer\.learning_rate"):
        train(tree, engine=engine)
    (run,) = [path for path in (tmp_path / "runs" / "tiny").iterdir() if not path.is_symlink()]
    assert result_of(run)["state"] == "diverged"
    for path in (run / "checkpoints").glob("*.keras"):
        assert all(np.isfinite(weight).all() for weight in keras.models.load_model(path).get_weights())


def test_a_run_that_diverges_late_keeps_its_best_model(train, tmp_path):
    def explode(epoch, logs):
        if epoch == 1:
            model = spy.model
            model.set_weights([weight * 1e30 for weight in model.get_weights()])

    spy = keras.callbacks.LambdaCallback(on_epoch_end=explode)
    with pytest.raises(DivergedError, match="diverged in epoch 3"):
        train({"head": {"loss": "mean_squared_error", "activation": "linear"}}, callbacks=[spy])
    (run,) = [path for path in (tmp_path / "runs" / "tiny").iterdir() if not path.is_symlink()]
    assert len(history_of(run)) == 2
    model = keras.models.load_model(run / "checkpoints" / "best.keras")
    assert all(np.abs(weight).max() < 100 for weight in model.get_weights())


def test_runs_that_cannot_be_written_are_an_error_before_any_work(train, tmp_path):
    file = tmp_path / "file"
    file.write_text("here")
    with pytest.raises(RunError, match="runs cannot be written here"):
        train(runs=file / "runs")
    assert file.read_text() == "here"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_recipe_that_does_not_fit_the_data_leaves_no_run(train, tmp_path):
    with pytest.raises(RecipeError, match="batch of 640"):
        train(batch_size=640)
    assert not (tmp_path / "runs").exists()


def test_a_result_reads_as_a_summary(train):
    result = train()
    text = repr(result)
    assert text.startswith("tiny: finished after 4 epochs (all 4 epochs done)")
    assert f"loss {result.test['loss']:.4g}" in text
    assert str(result.run) in text


def test_usage_errors_are_of_the_kind_that_exits_with_2():
    assert UsageError.exit_code == 2
    assert DivergedError.exit_code == 1
