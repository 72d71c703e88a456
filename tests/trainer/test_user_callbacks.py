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
    assert recorder.batches[-1] == 5  # 48 rows in batches of 8
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


def test_something_else_than_a_callback_is_refused(train):
    with pytest.raises(UsageError, match=r"expected keras\.callbacks\.Callback objects, found 'early'"):
        train(callbacks=["early"])


def test_callbacks_change_no_result(train):
    plain, watched = train(), train(callbacks=[Recorder()])
    assert all((a == b).all() for a, b in zip(plain.model.get_weights(), watched.model.get_weights(), strict=True))


def test_the_result_holds_a_model_that_can_be_evaluated_and_trained_on(train):
    import numpy as np

    model = train().model
    x, y = np.zeros((4, 3), np.float32), np.ones((4, 1))
    assert len(model.evaluate(x, y, verbose=0)) == 2
    model.fit(x, y, verbose=0)
