"""A user's callbacks over an interruption: those that can tell and take their state go on where they were."""

import keras
import pytest

from hornbook.errors import UsageError


class Counter(keras.callbacks.Callback):
    """Counts, and starts anew when training begins, as Keras's own do."""

    def __init__(self):
        super().__init__()
        self.began = 0

    def on_train_begin(self, logs=None):
        self.began += 1
        self.chunks = self.epochs = 0
        self.best = float("inf")

    def on_train_batch_end(self, batch, logs=None):
        self.chunks += 1

    def on_epoch_end(self, epoch, logs=None):
        self.epochs += 1
        self.best = min(self.best, logs["val_loss"])


class Remembering(Counter):
    def get_state(self):
        return {"chunks": self.chunks, "epochs": self.epochs, "best": self.best}

    def set_state(self, state):
        vars(self).update(state)


def test_a_callback_with_state_goes_on_where_it_was(train, resume, stop_at, tmp_path):
    alone, before, after = Remembering(), Remembering(), Remembering()
    train(callbacks=[alone], runs=tmp_path / "alone")
    stopper = stop_at([(2, 4)])
    result = train(callbacks=[before, stopper])
    assert before.epochs == 2
    resume(result.run, callbacks=[after, stopper])
    assert after.began == 1
    assert after.get_state() == alone.get_state()
    assert alone.epochs == 4


def test_a_callback_without_state_counts_from_the_resumption_on(train, resume, stop_at):
    stopper, after = stop_at([(2, 4)]), Counter()
    result = train(callbacks=[Counter(), stopper])
    resume(result.run, callbacks=[after, stopper])
    assert after.epochs == 2


def test_a_run_may_be_resumed_with_other_callbacks_or_none(train, alone, resume, stop_at, assert_same):
    result = train(callbacks=[Remembering(), stop_at([(1, 2)])])
    assert_same(resume(result.run), alone())


def test_rolling_back_takes_callbacks_along(train):
    counter = Remembering()
    tree = {
        "head": {"loss": "mean_squared_error", "activation": "linear"},
        "data": {"name": "moons", "examples": 304, "split": {"validation": 40, "test": 40}},
    }
    tree["optimizer"] = {"name": "sgd", "learning_rate": 1e9}
    tree["training"] = {"epochs": 2, "on_divergence": {"rollback": 9, "rate_factor": 1e-4}}
    result = train(tree, callbacks=[counter])
    assert counter.epochs == 2
    assert counter.best == min(row["val_loss"] for row in result.history)


def test_a_state_that_cannot_be_saved_is_refused_before_the_first_epoch(train):
    class Bad(Counter):
        def get_state(self):
            return {"model": self.model}

    bad = Bad()
    with pytest.raises(UsageError, match=r"callbacks: Bad\.get_state\(\) returns what JSON cannot hold"):
        train(callbacks=[bad])
    assert bad.chunks == 0
