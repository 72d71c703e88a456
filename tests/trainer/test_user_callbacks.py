"""Keras callbacks of the user inside Hornbook's loop."""

import keras
import pytest

from hornbook.errors import UsageError


class Recorder(keras.callbacks.Callback):
    """Writes down every call."""

    def __init__(self):
        super().__init__()
        self.calls, self.epoch_logs, self.batches = [], [], []

    def on_train_begin(self, logs=None):
        self.calls.append("train begin")

    def on_epoch_begin(self, epoch, logs=None):
        self.calls.append(f"epoch {epoch} begin")

    def on_train_batch_end(self, batch, logs=None):
        self.batches.append(batch)

    def on_epoch_end(self, epoch, logs=None):
        self.calls.append(f"epoch {epoch} end")
        self.epoch_logs.append(dict(logs))

    def on_train_end(self, logs=None):
        self.calls.append("train end")


@pytest.mark.parametrize("engine", ["graph", "fit"])
def test_hooks_are_called_in_keras_order_with_the_epochs_values(train, engine):
    recorder = Recorder()
    result = train(callbacks=[recorder], epochs=2, engine=engine)
    expected = ["train begin", "epoch 0 begin", "epoch 0 end", "epoch 1 begin", "epoch 1 end", "train end"]
    assert recorder.calls == expected
    for logs, row in zip(recorder.epoch_logs, result.history, strict=True):
        assert set(logs) == {"loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"}
        assert all(row[name] == value for name, value in logs.items())
    assert recorder.batches[-1] == 5  # 46 rows in batches of 8
    assert recorder.params["epochs"] == 2
    assert recorder.model is result.model


@pytest.mark.parametrize("engine", ["graph", "fit"])
def test_stop_training_at_an_epochs_end_is_obeyed(train, engine):
    def stop(epoch, logs):
        spy.model.stop_training = epoch == 1

    spy = keras.callbacks.LambdaCallback(on_epoch_end=stop)
    result = train(callbacks=[spy], epochs=50, engine=engine)
    assert len(result.history) == 2
    assert (result.state, result.exit_code) == ("finished", 0)
    assert "a callback stopped training" in result.stop_reason


@pytest.mark.parametrize("engine", ["graph", "fit"])
@pytest.mark.parametrize("at", [0, 5])
def test_stop_training_after_a_batch_is_obeyed_too(train, engine, at):
    def stop(batch, logs):
        if batch >= at:
            spy.model.stop_training = True

    spy = keras.callbacks.LambdaCallback(on_train_batch_end=stop)
    result = train(callbacks=[spy], epochs=50, engine=engine)
    assert len(result.history) <= 1
    assert (result.state, result.exit_code) == ("finished", 0)
    assert "a callback stopped training" in result.stop_reason


def test_keras_own_early_stopping_and_logger_work(train, tmp_path):
    stopping = keras.callbacks.EarlyStopping("val_accuracy", mode="max", patience=1, min_delta=10)
    logger = keras.callbacks.CSVLogger(str(tmp_path / "log.csv"))
    result = train(callbacks=[stopping, logger], epochs=50)
    assert len(result.history) == 2
    lines = (tmp_path / "log.csv").read_text().splitlines()
    assert lines[0].startswith("epoch,accuracy,")
    assert len(lines) == 3


@pytest.mark.parametrize(
    "callback",
    [
        keras.callbacks.LearningRateScheduler(lambda epoch: 0.1),
        keras.callbacks.ReduceLROnPlateau(),
        keras.callbacks.BackupAndRestore("backup"),
    ],
)
def test_callbacks_that_do_the_recipes_work_are_refused_before_anything_is_written(train, tmp_path, callback):
    with pytest.raises(UsageError, match=rf"callbacks: {type(callback).__name__} cannot work here\."):
        train(callbacks=[callback])
    assert list(tmp_path.iterdir()) == []


def test_something_else_than_a_callback_is_refused(train):
    with pytest.raises(UsageError, match=r"expected keras\.callbacks\.Callback objects, found 'early'"):
        train(callbacks=["early"])


def test_a_callback_that_sets_the_rate_is_refused_with_an_explanation(train):
    def set_rate(epoch, logs):
        spy.model.optimizer.learning_rate = 0.5

    spy = keras.callbacks.LambdaCallback(on_epoch_end=set_rate)
    with pytest.raises(UsageError, match="sets the learning rate, which comes from the recipe: use 'schedule'"):
        train(callbacks=[spy])


def test_callbacks_change_no_result(train):
    plain, watched = train(), train(callbacks=[Recorder()])
    assert all((a == b).all() for a, b in zip(plain.model.get_weights(), watched.model.get_weights(), strict=True))


def test_the_result_holds_a_model_that_can_be_evaluated_and_trained_on(train):
    import numpy as np

    model = train().model
    x, y = np.zeros((4, 3), np.float32), np.ones((4, 1))
    assert len(model.evaluate(x, y, verbose=0)) == 2
    model.fit(x, y, verbose=0)
