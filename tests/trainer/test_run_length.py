"""Runs of so many steps, and durations in steps of what looks at the figures once an epoch."""

import keras
import pytest

import hornbook

SPLIT = {"data": {"name": "arrays", "split": {"validation": 16, "test": 0}}}  # 48 examples: 6 batches of 8
STRAIGHT = {"optimizer": {"name": "sgd", "learning_rate": 0.8}, "schedule": "polynomial"}
STILL = {"optimizer": {"name": "sgd", "learning_rate": 1e-9}}  # nothing ever gets better by more than 0.01


class Updates(keras.callbacks.Callback):
    """Knows the optimizer's own count of its updates, after each epoch."""

    def on_train_begin(self, logs=None):
        self.after = []

    def on_epoch_end(self, epoch, logs=None):
        self.after.append(int(self.model.optimizer.iterations))


def log_of(result):
    return (result.run / "log.txt").read_text()


@pytest.mark.parametrize(
    "more", [{}, {"engine": "fit"}, {"memory_budget": "0.0001 MB"}], ids=["fused", "fit", "from disk"]
)
def test_a_run_of_steps_ends_with_the_last_of_them_and_its_schedule_too(train, more):
    updates = Updates()
    result = train(SPLIT | STRAIGHT, epochs="8 steps", callbacks=[updates], **more)
    assert updates.after == [6, 8]
    assert [row["learning_rate"] for row in result.history] == pytest.approx([0.3, 0.1])  # of steps 5 and 7: 1 - t/8
    assert (result.epochs, result.stop_reason) == (2, "all 8 steps done")
    assert "8 steps: 2 epochs of 6 batches, of which the last has 2" in log_of(result)
    assert ("data streams from disk" in log_of(result)) == ("memory_budget" in more)


def test_the_same_steps_are_trained_as_by_keras_s_fit(train):
    """The figures of the last epoch are of its own batches."""
    ours, theirs = (train(SPLIT | STRAIGHT, epochs="8 steps", engine=engine) for engine in ("graph", "fit"))
    for name in ("loss", "accuracy", "val_loss"):
        assert [row[name] for row in ours.history] == pytest.approx([row[name] for row in theirs.history], rel=1e-5)


@pytest.mark.parametrize(
    ("steps", "updates", "batches"), [("4 steps", [2, 4], "6 batches"), ("3 steps", [2, 3], "of which the last has 3")]
)
def test_a_step_is_an_update_where_it_gathers_batches(train, steps, updates, batches):
    seen, gathers = Updates(), {"optimizer": {"name": "sgd", "learning_rate": 0.1, "accumulation": 3}}
    result = train(SPLIT | gathers, epochs=steps, callbacks=[seen])
    assert (seen.after, result.stop_reason) == (updates, f"all {steps} done")
    assert batches in log_of(result)


@pytest.mark.whole
def test_a_run_may_be_shorter_than_an_epoch_and_have_a_smaller_last_batch(train):
    for steps, rows in (("2 steps", [2]), ("7 steps", [7]), ("9 steps", [7, 9])):
        updates = Updates()
        split = {"data": {"name": "arrays", "split": {"validation": 14, "test": 0}}}  # 6 batches of 8 and one of 2
        assert train(split, epochs=steps, callbacks=[updates]).stop_reason == f"all {steps} done"
        assert updates.after == rows


def test_patience_in_steps_is_rounded_up_to_epochs_and_the_log_says_so(train):
    stopping = {"patience": "7 steps", "min_delta": 0.01}
    result = train(SPLIT | STILL, epochs=20, early_stopping=stopping)
    assert (result.epochs, result.stop_reason) == (3, "no better val_loss for 2 epochs")
    assert "early stopping's patience of 7 steps: 2 epochs, as figures come once an epoch" in log_of(result)


@pytest.mark.whole
def test_the_rate_falls_after_a_patience_in_steps(train):
    schedule = {"name": "performance", "patience": "7 steps", "cooldown": "6 steps", "min_delta": 0.01}
    result = train(SPLIT | STILL | {"schedule": schedule}, epochs=8)
    rates = [row["learning_rate"] / 1e-9 for row in result.history]
    assert rates == pytest.approx([1, 1, 1, 0.1, 0.1, 0.01, 0.01, 0.001], rel=1e-3)
    assert "the schedule's patience of 7 steps: 2 epochs" in log_of(result)


def test_a_run_that_does_not_beat_its_baseline_in_time_is_ended(train):
    falling = {"optimizer": {"name": "sgd", "learning_rate": 0.05}}
    result = train(SPLIT | falling, epochs=20, early_stopping={"patience": 3, "baseline": 0.01, "min_delta": 1.0})
    assert result.stop_reason == "no val_loss better than the baseline 0.01 for 3 epochs"
    assert result.epochs == 3


def test_a_length_that_is_none_is_refused():
    for length, found in (("30%", "'30%'"), ("2.5 epochs", "'2.5 epochs'"), ("0 steps", "'0 steps'")):
        with pytest.raises(hornbook.RecipeError) as caught:
            hornbook.load_recipe({"data": "digits", "model": "mlp", "training": {"epochs": length}})
        assert f"or of steps such as '40000 steps', found {found}." in str(caught.value)
    assert (
        hornbook.load_recipe({"data": "digits", "model": "mlp", "training": {"epochs": "3 epochs"}}).training.epochs
        == 3
    )
