"""Runs in TensorBoard, read back with its own reader; and what a resumed or rolled-back run looks like there."""

import os
import signal

import numpy as np
import pytest

from hornbook.errors import DivergedError
from hornbook.runs.directory import Run
from hornbook.runs.writing import RunDirectory
from hornbook.trainer.listeners import Listener

RECIPE = {
    "name": "tracked",
    "notes": "a note",
    "data": {"name": "moons", "examples": 128, "split": {"validation": 32, "test": 32}},  # 4 batches of 16
    "model": {"name": "mlp", "units": [4]},
    "optimizer": {"name": "sgd", "learning_rate": 0.05, "momentum": 0.9},
    "schedule": "one_cycle",
    "training": {"epochs": 3, "batch_size": 16, "engine": "graph"},
    "tracking": ["tensorboard"],
}


@pytest.fixture(scope="module")
def train(health, tmp_path_factory):
    """A function that trains the recipe with other values; the result."""
    from hornbook import load_recipe
    from hornbook.trainer.train import train

    def run(*overrides, **options):
        return train(load_recipe(RECIPE, overrides), **{"runs": tmp_path_factory.mktemp("runs"), **options})

    return run


@pytest.fixture(scope="module")
def tracked(train):
    return train()


def events_of(run):
    """Return (what TensorBoard reads, {name: [(step, value) …]}) of a run."""
    import tensorflow as tf
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(RunDirectory(run).tensorboard), size_guidance={"tensors": 0}).Reload()
    points = {
        tag: [(event.step, tf.make_ndarray(event.tensor_proto)) for event in events.Tensors(tag)]
        for tag in events.Tags()["tensors"]
        if not tag.startswith("_hparams_")
    }
    return events, points


def numbers(points, names):
    return {name: [(step, float(value)) for step, value in points[name]] for name in names}


def test_curves_are_the_historys(tracked):
    _, points = events_of(tracked.run)
    for name in ("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"):
        expected = [(row["epoch"], pytest.approx(row[name], rel=1e-6)) for row in tracked.history]
        assert [(step, float(value)) for step, value in points[name]] == expected
    assert points["test_loss"] == [(3, pytest.approx(tracked.test["loss"], rel=1e-6))]
    assert points["final_val_loss"] == [(3, pytest.approx(tracked.validation["loss"], rel=1e-6))]


def test_momentum_is_that_of_an_epochs_last_batch(tracked):
    from hornbook.callbacks.rates import rate_table

    momenta = rate_table(tracked.recipe, batches=4).momenta
    _, points = events_of(tracked.run)
    assert points["momentum"] == [(epoch, momenta[4 * epoch - 1]) for epoch in (1, 2, 3)]


def test_layers_are_those_of_the_runs_record(tracked):
    _, points = events_of(tracked.run)
    rows = Run(tracked.run).health
    norms = [(row["step"], pytest.approx(row["layers"]["hidden_1"]["weight_norm"], rel=1e-6)) for row in rows]
    assert numbers(points, ["layers/hidden_1/weight_norm"])["layers/hidden_1/weight_norm"] == norms
    pictures = points["layers/hidden_1/weights"]
    assert [step for step, _ in pictures] == [row["step"] for row in rows if "histograms" in row["layers"]["hidden_1"]]
    first, known = pictures[0][1], rows[0]["layers"]["hidden_1"]["histograms"]["weights"]
    assert first[:, 2].tolist() == known["counts"]
    assert (first[0, 0], first[-1, 1]) == (pytest.approx(known["from"]), pytest.approx(known["to"]))
    assert first[1:, 0].tolist() == first[:-1, 1].tolist()


def test_the_recipe_is_a_text_and_what_was_chosen_are_hyperparameters(tracked):
    from tensorboard.plugins.hparams import plugin_data_pb2

    events, points = events_of(tracked.run)
    text = points["recipe"][0][1].item().decode()
    assert "    seed: 42\n" in text
    assert all(line.startswith("    ") for line in text.splitlines())  # a block of code, in Markdown
    messages = [
        plugin_data_pb2.HParamsPluginData.FromString(events.SummaryMetadata(tag).plugin_data.content)
        for tag in events.PluginTagToContent("hparams")
    ]
    values = next(one.session_start_info.hparams for one in messages if one.HasField("session_start_info"))
    assert values["schedule.name"].string_value == "one_cycle"
    assert values["optimizer.learning_rate"].number_value == 0.05
    assert "optimizer.nesterov" not in values, "a default"
    assert "tracking.0.name" not in values, "nothing of training"
    assert next(one.session_end_info.status for one in messages if one.HasField("session_end_info")) == 1  # success


class StopAt(Listener):
    """Sends Ctrl-C after a batch of an epoch."""

    def __init__(self, epoch, batch):
        self.at = epoch, batch

    def pause_at(self, place):
        return self.at[1] if place.epoch == self.at[0] and place.batch < self.at[1] else None

    def on_chunk(self, place):
        if (place.epoch, place.batch) == self.at:
            os.kill(os.getpid(), signal.SIGINT)


def test_a_resumed_run_has_each_epoch_and_each_measurement_once(train, tracked):
    from hornbook.trainer.resume import resume

    stopped = train(listeners=[StopAt(2, 2)])
    assert stopped.state == "interrupted"
    assert [step for step, _ in events_of(stopped.run)[1]["loss"]] == [1]
    resumed = resume(stopped.run)
    _, points = events_of(resumed.run)
    _, alone = events_of(tracked.run)
    assert len(list(RunDirectory(resumed.run).tensorboard.iterdir())) == 1
    assert set(points) == set(alone)
    for name in set(points) - {"recipe", "seconds", "train_seconds"}:
        assert [step for step, _ in points[name]] == [step for step, _ in alone[name]], name
        assert all(np.array_equal(a, b) for (_, a), (_, b) in zip(points[name], alone[name], strict=True)), name


def test_epochs_that_a_failure_has_lost_are_there_once(train, tmp_path):
    """The run fails in its third epoch without a saved state, and is trained again from its beginning."""
    from hornbook.trainer.resume import resume

    class Fails(Listener):
        def on_epoch_begin(self, place):
            if place.epoch == 3:
                raise RuntimeError("lost")

    with pytest.raises(RuntimeError):
        train(listeners=[Fails()], runs=tmp_path)
    run = (tmp_path / "tracked" / "latest").resolve()
    assert [step for step, _ in events_of(run)[1]["loss"]] == [1, 2]
    resume(run)
    assert [step for step, _ in events_of(run)[1]["loss"]] == [1, 2, 3]


def test_an_epoch_that_diverged_is_told_once_it_went_well(train):
    result = train(
        "optimizer={name: sgd, learning_rate: 1e20}", "schedule=constant", "head={loss: mean_squared_error, activation: linear}",
        "training.on_divergence={rollback: 9, rate_factor: 1e-22}", "health=dense",
    )  # fmt: skip
    assert Run(result.run).result["rollbacks"] == 1
    _, points = events_of(result.run)
    assert [step for step, _ in points["loss"]] == [1, 2, 3]
    steps = [step for step, _ in points["layers/hidden_1/weight_norm"]]
    assert steps == [row["step"] for row in Run(result.run).health]


def test_a_run_that_diverged_is_told_as_far_as_it_came(train, tmp_path):
    from tensorboard.plugins.hparams import plugin_data_pb2

    with pytest.raises(DivergedError):
        train(
            "optimizer={name: sgd, learning_rate: 1e20}", "schedule=constant",
            "head={loss: mean_squared_error, activation: linear}", runs=tmp_path,
        )  # fmt: skip
    events, points = events_of((tmp_path / "tracked" / "latest").resolve())
    assert points["layers/hidden_1/weight_norm"][0][0] == 0
    messages = [
        plugin_data_pb2.HParamsPluginData.FromString(events.SummaryMetadata(tag).plugin_data.content)
        for tag in events.PluginTagToContent("hparams")
    ]
    assert [one.session_end_info.status for one in messages if one.HasField("session_end_info")] == [2]  # failure


def test_a_finished_run_is_shown_afterwards(train):
    from hornbook.trainer.resume import resume

    finished = train("tracking=[]", "health=off")
    assert not RunDirectory(finished.run).tensorboard.exists()
    resume(finished.run, ["tracking=[tensorboard]"])
    assert [step for step, _ in events_of(finished.run)[1]["loss"]] == [1, 2, 3]
