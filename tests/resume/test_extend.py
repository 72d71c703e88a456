"""Training longer: only what leaves the past as it was may change, and the result is that of a run as long from the start."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from hornbook.errors import RecipeError, RunError, UsageError

STOPPING = {"early_stopping": {"patience": 2, "min_delta": 0.4}}  # ends few epochs in
SHORT = {"regularization": {"dropout": 0.3}, "training": {"epochs": 2}}
LONG = {"regularization": {"dropout": 0.3}, "training": {"epochs": 4}}


def contents(run):
    return {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}


def assert_refused(resume, run, override, error, message):
    before = contents(run)
    with pytest.raises(error) as caught:
        resume(run, [override])
    assert str(caught.value) == message
    assert contents(run) == before


@pytest.fixture
def copy_of_alone(alone, tmp_path):
    """A function: more of a recipe → a copy, to go on with, of a run that is trained once for all tests."""

    def copy(more):
        run = alone(more).run
        return Path(shutil.copytree(run, tmp_path / "runs" / "few" / run.name))

    return copy


@pytest.mark.parametrize(
    "schedule",
    [
        "constant",
        {"name": "piecewise_constant", "boundaries": ["1 epochs", "3 epochs"], "factors": [1.0, 0.5, 0.1]},
        {"name": "inverse_time", "decay_steps": "10 steps", "warmup": "5 steps"},
        {"name": "performance", "patience": 1, "min_delta": 0.5},
    ],
    ids=["constant", "piecewise", "inverse time", "performance"],
)
def test_a_finished_run_goes_on_as_if_it_had_been_longer_from_the_start(train, alone, resume, assert_same, schedule):
    short = train(SHORT | {"schedule": schedule})
    longer = resume(short.run, ["training.epochs=4"])
    assert longer.run == short.run
    assert_same(longer, alone(LONG | {"schedule": schedule}))


def test_an_interrupted_run_may_go_on_for_longer_too(interrupted, alone, resume, assert_same):
    longer = resume(interrupted(SHORT, at=(1, 4)).run, ["training.epochs=4"])
    assert_same(longer, alone(LONG))


@pytest.mark.parametrize(("first", "then"), [("7 steps", 4), ("14 steps", "28 steps")], ids=["epochs", "steps"])
def test_a_run_of_steps_goes_on_after_whole_epochs(train, alone, resume, assert_same, first, then):
    longer = resume(train(SHORT | {"training": {"epochs": first}}).run, [f"training.epochs={then}"])
    assert_same(longer, alone(LONG), but=("recipe", "result"))


def test_a_run_of_steps_that_was_stopped_in_its_last_epoch_goes_on_there(interrupted, alone, resume, assert_same):
    steps = SHORT | {"training": {"epochs": "12 steps"}}
    longer = resume(interrupted(steps, at=(1, 4)).run, ["training.epochs=4"])
    assert_same(longer, alone(LONG))


def test_an_epoch_that_has_ended_early_is_not_made_longer(alone, resume):
    result = alone(SHORT | {"training": {"epochs": "12 steps"}})
    message = (
        "training.epochs=4: the run ended with batch 5 of 7 of epoch 2, which is closed: its figures and what follows "
        "from them would have been others. Train anew, in whole epochs if it is to go on later (14 steps)."
    )
    assert_refused(resume, result.run, "training.epochs=4", UsageError, message)


@pytest.mark.whole
def test_accumulated_gradients_and_averages_go_on(train, alone, resume, assert_same):
    optimizer = {"optimizer": {"name": "adam", "accumulation": 3, "ema": {"momentum": 0.9}}}
    longer = resume(train(SHORT | optimizer).run, ["training.epochs=4"])
    assert_same(longer, alone(LONG | optimizer))


@pytest.mark.parametrize("schedule", ["cosine", {"name": "exponential", "warmup": "10%"}], ids=["cosine", "warmup"])
def test_a_schedule_sized_to_the_run_is_refused_and_nothing_changes(alone, resume, schedule):
    result = alone(SHORT | {"schedule": schedule})
    name = result.recipe.schedule.name
    message = (
        f"schedule '{name}' is sized to the length of the run: with 5 epochs the 2 that are done would have had other "
        "rates. Train anew with training.epochs=5, or give the schedule's durations in steps or epochs."
    )
    assert_refused(resume, result.run, "training.epochs=5", UsageError, message)
    assert resume(result.run) is None


def test_a_run_that_early_stopping_ended_is_explained(alone, resume):
    result = alone({"training": {"epochs": 30, **STOPPING}})
    done = len(result.history)
    assert done < 30
    message = (
        f"early stopping ends this run after epoch {done}: no better val_loss for 2 epochs. To go on, raise its "
        "patience: training.early_stopping.patience=4"
    )
    assert_refused(resume, result.run, "training.epochs=40", UsageError, message)


@pytest.mark.whole
def test_more_patience_is_as_if_it_had_been_there_from_the_start(copy_of_alone, alone, resume, assert_same):
    patient = {"early_stopping": {"patience": 4, "min_delta": 0.4}}
    stopped = {"training": {"epochs": 30, **STOPPING}}
    longer = resume(copy_of_alone(stopped), ["training.early_stopping.patience=4"])
    assert 30 > len(longer.history) > len(alone(stopped).history)
    assert_same(longer, alone({"training": {"epochs": 30, **patient}}))


@pytest.mark.whole
def test_early_stopping_may_come_and_go(copy_of_alone, alone, interrupted, resume, assert_same):
    stopped = copy_of_alone({"training": {"epochs": 8, **STOPPING}})
    longer = resume(stopped, ["~training.early_stopping"])
    assert (len(longer.history), longer.final) == (8, "last")
    stops = resume(
        interrupted({"training": {"epochs": 8}}, at=(1, 2)).run,
        ["training.early_stopping={patience: 2, min_delta: 0.4}"],
    )
    assert_same(stops, alone({"training": {"epochs": 8, **STOPPING}}))


def test_early_stopping_that_would_have_kept_another_epoch_is_refused(alone, resume):
    result = alone({"optimizer": {"name": "sgd", "learning_rate": 1.0}, "training": {"epochs": 3}})
    assert result.best_epoch
    override = f"training.early_stopping={{patience: 9, start_from_epoch: {result.best_epoch}}}"
    losses = [row["val_loss"] for row in result.history][result.best_epoch :]
    best = result.best_epoch + 1 + int(np.argmin(losses)) if losses else "none yet"
    message = (
        f"training.early_stopping: its best epoch would be {best}, whose weights were not kept, instead of "
        f"{result.best_epoch}. Train anew."
    )
    assert_refused(resume, result.run, override, UsageError, message)
    with pytest.raises(RecipeError, match="the best epoch is chosen by 'val_loss' here and by 'val_accuracy'"):
        resume(result.run, ["training.early_stopping={monitor: val_accuracy}"])


@pytest.mark.parametrize(
    "override", ["optimizer.learning_rate=0.5", "training.batch_size=8", "~regularization", "seed=1"]
)
def test_what_would_change_the_past_is_refused(alone, resume, override):
    run = alone(SHORT).run
    key = override.removeprefix("~").split("=")[0]
    message = (
        f"{key}: a run that has begun keeps its recipe; only training.epochs, training.max_time, "
        "training.early_stopping, training.on_divergence, training.checkpoint.every, tracking may change. Start a new run from "
        f"it: hornbook train --config {run / 'recipe.yaml'} {override}"
    )
    assert_refused(resume, run, override, UsageError, message)


@pytest.mark.parametrize(("at", "epochs", "begun"), [((1, 2), 1, 2), ((2, 2), 2, 3)])
def test_fewer_epochs_than_begun_are_refused(interrupted, resume, at, epochs, begun):
    run = interrupted(at=at).run
    message = f"training.epochs={epochs}: the run has trained {begun} already."
    assert_refused(resume, run, f"training.epochs={epochs}", UsageError, message)


def test_a_mistake_in_an_override_is_reported_like_in_a_recipe(alone, resume):
    run = alone(SHORT).run
    with pytest.raises(RecipeError, match="command line: training.epochs: "):
        resume(run, ["training.epochs=many"])


def test_a_finished_run_without_its_states_is_finished_and_cannot_go_on(copy_of_alone, resume):
    run = copy_of_alone(SHORT)
    for path in (run / "checkpoints" / "state").iterdir():
        path.unlink()
    assert resume(run) is None
    message = f"{run}: there is no whole state of this finished run, so it cannot be trained longer."
    assert_refused(resume, run, "training.epochs=4", RunError, message)


@pytest.mark.whole
def test_a_run_out_of_time_goes_on_with_more_time_to_the_same_end(train, alone, resume, assert_same, monkeypatch):
    import hornbook.trainer.session as session

    with monkeypatch.context() as patch:  # the third chunk of epoch 2 comes an hour later
        patch.setattr(session.Session, "elapsed_s", property(lambda self: 3600.0 * (self.epoch > 0 and self.batch > 4)))
        short = train({"training": {"max_time": "30 minutes"}, "regularization": {"dropout": 0.3}})
    assert (short.state, short.exit_code, len(short.history)) == ("finished", 0, 1)
    assert short.stop_reason == "max_time of 30 minutes reached in epoch 2"
    assert short.test
    assert resume(short.run) is None
    longer = resume(short.run, ["training.max_time=2 hours"])
    assert_same(longer, alone(LONG), but=("recipe",))
