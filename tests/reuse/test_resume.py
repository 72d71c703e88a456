"""A run with phases that is stopped anywhere and resumed ends bit for bit like one that was left alone."""

import json
import os
import shutil
import signal

import numpy as np
import pytest

from hornbook.errors import RecipeError, RunError

THAW = {
    "unfreeze": [
        {"after": 1, "layers": "hidden_3", "learning_rate_factor": 0.5},
        {"after": 2, "layers": "hidden_2", "optimizer": "carry"},
    ],
    "learning_rate_factor": {"hidden_2": 0.1},
}
MORE = {"optimizer": {"name": "adam", "learning_rate": 0.01}, "model": {"name": "mlp", "units": [8]}}
MORE |= {"regularization": {"dropout": 0.2}}


@pytest.fixture(autouse=True)
def chunks_of_two(monkeypatch):
    """Chunks that do not depend on the clock."""
    monkeypatch.setattr("hornbook.engine.chunks.ChunkSizes.sizes", lambda self, start: iter(lambda: 2, None))


@pytest.fixture
def stop_at(tensorflow):
    """A function: (epoch from 0, batches done) → a callback that sends Ctrl-C there."""
    import keras

    class StopAt(keras.callbacks.Callback):
        def __init__(self, epoch, batch):
            super().__init__()
            self.place, self.epoch = (epoch, batch), 0

        def on_epoch_begin(self, epoch, logs=None):
            self.epoch = epoch

        def on_train_batch_end(self, batch, logs=None):
            if (self.epoch, batch + 1) == self.place:
                os.kill(os.getpid(), signal.SIGINT)

    return StopAt


def timeless(rows):
    return [{key: value for key, value in row.items() if "seconds" not in key} for row in rows]


@pytest.fixture(scope="module")
def whole(train_recipe, on_model, model_a, tmp_path_factory):
    """The uninterrupted run."""
    return train_recipe(on_model(model_a, THAW, **MORE), tmp_path_factory.mktemp("whole"))


@pytest.mark.parametrize(
    "place", [(0, 4), *(pytest.param(place, marks=pytest.mark.whole) for place in ((1, 6), (3, 2)))], ids=str
)
def test_a_run_resumed_in_any_phase_ends_like_the_uninterrupted_one(train_b, stop_at, place, whole):
    from hornbook.trainer.resume import resume

    cut = train_b(THAW, callbacks=[stop_at(*place)], **MORE)
    assert cut.state == "interrupted"
    again = resume(cut.run)
    assert timeless(again.history) == timeless(whole.history)
    for one, other in zip(again.model.get_weights(), whole.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.fixture
def own_copy(model_a, tmp_path):
    """A copy of model A's run, to damage."""
    return shutil.copytree(model_a, tmp_path / "copy_of_a")


def test_an_interrupted_run_needs_the_same_earlier_model_and_a_finished_one_none(train_b, own_copy, stop_at):
    from hornbook.inference.evaluate import evaluate_run
    from hornbook.trainer.resume import resume

    cut = train_b({"from": str(own_copy)}, callbacks=[stop_at(1, 2)])
    model = next((own_copy / "checkpoints").glob("last.keras"))
    content = model.read_bytes()
    model.write_bytes(content + b" ")
    with pytest.raises(RunError, match="the earlier model has changed since this run began"):
        resume(cut.run)
    model.write_bytes(content)
    elsewhere = own_copy.rename(own_copy.with_name("elsewhere"))
    with pytest.raises(RecipeError, match="there is no run here"):
        resume(cut.run)
    elsewhere.rename(own_copy)
    result = resume(cut.run)
    shutil.rmtree(own_copy)
    assert evaluate_run(str(result.run)).metrics == pytest.approx(result.test)


def test_the_record_says_where_layers_came_from_when_they_learned_and_how_far_they_moved(whole, model_a):
    record = json.loads((whole.run / "reuse.json").read_text())
    assert record["source"] == str(model_a / "checkpoints" / "last.keras")
    rows = {row["layer"]: row for row in record["layers"]}
    assert rows["hidden_1"] | {"moved": 0.0} == rows["hidden_1"]
    assert (rows["hidden_1"]["learns"], rows["hidden_2"]["learns"]) == ("never", "from epoch 3 ×0.1")
    assert rows["hidden_2"]["moved"] > 0
    assert rows["head"]["from"] is None
    assert record["skipped"].keys() == {"head", "head_activation"}


def test_moved_is_the_distance_relative_to_the_start():
    from hornbook.trainer.reuse.timeline import moved

    assert moved([np.array([3.0, 4.0])], [np.array([3.0, 4.5])]) == pytest.approx(0.1)  # 0.5 of a norm of 5
