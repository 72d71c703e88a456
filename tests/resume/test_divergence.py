"""Divergence: where a run stops, what it keeps, and rolling back with a lower rate."""

import json

import keras
import numpy as np
import pytest

from hornbook.errors import DivergedError
from hornbook.runs.states import load_state

MOONS = {"name": "moons", "examples": 304, "split": {"validation": 40, "test": 40}}  # 7 batches of 32
SQUARED = {"head": {"loss": "mean_squared_error", "activation": "linear"}, "data": MOONS}
EXPLODES = (
    SQUARED
    | {  # the rate is 0.05 for ten steps, then 5e20: of 7 steps per epoch, the fourth of the second epoch
        "optimizer": {"name": "sgd", "learning_rate": 5e20},
        "schedule": {"name": "piecewise_constant", "boundaries": ["10 steps"], "factors": [1e-22, 1.0]},
    }
)
SAVES = {"checkpoint": {"every": 0.0001}}
LOWER = {"rollback": 3, "rate_factor": 1e-22}


def run_below(folder):
    return (folder / "runs" / "few" / "latest").resolve()


@pytest.mark.parametrize("engine", ["graph", "xla"])
def test_a_run_stops_at_the_step_that_diverges_and_says_why(train, tmp_path, engine):
    with pytest.raises(DivergedError) as error:
        train(EXPLODES | {"training": {"engine": engine, **SAVES}})
    assert str(error.value) == (
        "training diverged in epoch 2: the loss of batch 5 is not a finite number. Lower optimizer.learning_rate, or "
        "clip: training.gradient_clipping={by: global_norm, threshold: 1.0}."
    )
    result = json.loads((run_below(tmp_path) / "result.json").read_text())
    assert (result["state"], result["stop_reason"], result["epochs"]) == ("diverged", str(error.value), 1)


def test_the_last_good_state_and_the_best_model_are_kept(train, resume, tmp_path):
    schedule = EXPLODES["schedule"] | {"boundaries": ["9 steps"]}  # and the loss of the fourth batch is not finite
    with pytest.raises(DivergedError) as first:
        train(EXPLODES | {"schedule": schedule, "training": SAVES})
    run = run_below(tmp_path)
    state, notes = load_state(run / "checkpoints" / "state")
    assert (notes, state.facts["epoch"], len(state.facts["history"])) == ([], 1, 1)
    assert state.facts["batch"] == 2
    assert all(np.isfinite(array).all() for array in state.arrays.values())
    best = keras.models.load_model(run / "checkpoints" / "best.keras")
    assert max(np.abs(weight).max() for weight in best.get_weights()) < 10
    with pytest.raises(DivergedError) as again:  # the same recipe, so the same end
        resume(run)
    assert str(again.value) == str(first.value)
    result = resume(run, [f"training.on_divergence={json.dumps(LOWER)}"])
    assert (result.state, len(result.history)) == ("finished", 4)


def test_broken_weights_that_a_relu_hides_are_seen(train):
    class Breaks(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            kernel = self.model.get_layer("hidden_1").kernel
            kernel.assign(kernel * np.nan)

    with pytest.raises(DivergedError, match="epoch 1: after batch 2 some weights are not"):
        train({"activation": "relu"}, callbacks=[Breaks()])


def test_rolling_back_lowers_the_rate_until_the_run_finishes(train):
    result = train(
        SQUARED
        | {
            "optimizer": {"name": "sgd", "learning_rate": 1e9},
            "training": {"on_divergence": {"rollback": 9, "rate_factor": 1e-3}},
        }
    )
    facts = json.loads((result.run / "result.json").read_text())
    assert (result.state, [row["epoch"] for row in result.history]) == ("finished", [1, 2, 3, 4])
    assert facts["rollbacks"] in {2, 3, 4}
    rates = [row["learning_rate"] for row in result.history]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == pytest.approx(1e9 * 1e-3 ** facts["rollbacks"], rel=1e-5)
    log = (result.run / "log.txt").read_text()
    assert log.count("note    training diverged in epoch ") == facts["rollbacks"]
    assert "Going back to the start of epoch 1 with 0.001 times the rate." in log


def test_rolling_back_goes_to_the_start_of_the_epoch_and_repeats_its_order(train, alone):
    lowered = train(EXPLODES | {"training": {"on_divergence": LOWER}})
    same = alone(SQUARED | {"optimizer": {"name": "sgd", "learning_rate": 0.05}, "training": {"epochs": 1}})
    assert lowered.history[0]["loss"] == pytest.approx(same.history[0]["loss"], rel=1e-6)
    assert lowered.history[1]["learning_rate"] == pytest.approx(0.05)
    assert json.loads((lowered.run / "result.json").read_text())["rollbacks"] == 1


def test_a_run_goes_back_only_so_often(train, tmp_path):
    tree = SQUARED | {"optimizer": {"name": "sgd", "learning_rate": 1e20}}
    with pytest.raises(DivergedError, match=r"diverged in epoch 1: .* The run went back 2 times already\.$"):
        train(tree | {"training": {"on_divergence": {"rollback": 2, "rate_factor": 0.5}}})
    assert (run_below(tmp_path) / "log.txt").read_text().count("Going back to the start of epoch 1") == 2
    assert json.loads((run_below(tmp_path) / "result.json").read_text())["state"] == "diverged"


def test_a_run_that_rolls_back_is_resumed_exactly_before_and_after(alone, with_interruptions, assert_same, tmp_path):
    tree = EXPLODES | {
        "regularization": {"dropout": 0.2},
        "training": {"on_divergence": LOWER},
    }
    resumed = with_interruptions(tree, [(1, 2), (1, 6), (2, 2)], runs=tmp_path / "stopped")
    assert json.loads((resumed.run / "result.json").read_text())["rollbacks"] == 1
    assert_same(resumed, alone(tree))
