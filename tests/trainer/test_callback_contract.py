"""Every hook and every stock callback of Keras inside Hornbook's loop, beside what plain `model.fit` does with it."""

import inspect

import keras
import numpy as np
import pytest

from hornbook.engine.prediction import large_batch
from hornbook.errors import UsageError

HOOKS = [
    name
    for name in vars(keras.callbacks.Callback)
    if name.startswith("on_") and name not in {"on_batch_begin", "on_batch_end"}
]
"""Those two are what the hooks for batches of training call."""
CALLED = [name for name in HOOKS if "predict" not in name]
ENGINES = ["graph", "fit"]
EPOCHS, BATCH_SIZE = 2, 8


class Recorder(keras.callbacks.Callback):
    """Writes down every call: hook, epoch or batch, names in the logs. Does something at the first call of one hook."""

    def __init__(self, at=None, do=None):
        super().__init__()
        self.at, self.do, self.calls = at, do, []

    def hear(self, hook, number, logs):
        self.calls.append((hook, number, tuple(sorted(set(logs or {}) - {"learning_rate"}))))
        if hook == self.at:
            self.at = None
            self.do(self.model)


def hook_of(name):
    def numbered(self, number, logs=None):
        self.hear(name, number, logs)

    def alone(self, logs=None):
        self.hear(name, None, logs)

    return numbered if "batch" in name or "epoch" in name else alone


for name in HOOKS:
    setattr(Recorder, name, hook_of(name))


@pytest.fixture(scope="module")
def rows():
    """(x, y, x_validation, y_validation): 22 rows of two classes to train on (the last batch is smaller), 18 to validate."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(40, 3)).astype(np.float32)
    y = (x[:, 0] > 0).astype(int)
    return x[:22], y[:22], x[22:], y[22:]


@pytest.fixture
def train(rows, tmp_path, tensorflow):
    """A function: callbacks, engine → the result of a run of Hornbook."""
    import hornbook

    x, y, x_validation, y_validation = rows
    data = {"x_train": x, "y_train": y, "x_validation": x_validation, "y_validation": y_validation, "x_test": x[:8]}

    def run(*callbacks, engine):
        recipe = hornbook.load_recipe(
            {
                "name": "contract",
                "data": {"name": "arrays"},
                "model": {"name": "mlp", "units": [4]},
                "optimizer": {"name": "sgd", "learning_rate": 0.01},
                "training": {"epochs": EPOCHS, "batch_size": BATCH_SIZE, "engine": engine},
            }
        )
        data["y_test"] = y[:8]
        return hornbook.train(recipe, data=data, callbacks=callbacks, runs=str(tmp_path / "runs"), progress=False)

    return run


@pytest.fixture(scope="module")
def fit(rows, tensorflow):
    """A function: callbacks → plain Keras has trained with them."""
    x, y, x_validation, y_validation = rows
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, "relu"), keras.layers.Dense(1, "sigmoid")])
    model.compile("sgd", "binary_crossentropy", metrics=["accuracy"])

    def run(*callbacks):
        model.fit(
            x, y[:, None], validation_data=(x_validation, y_validation[:, None]), epochs=EPOCHS, batch_size=BATCH_SIZE,
            validation_batch_size=large_batch(model), callbacks=list(callbacks), verbose=0, shuffle=False,
        )  # fmt: skip
        return model

    return run


@pytest.mark.parametrize("engine", ENGINES)
def test_each_hook_is_called_as_often_and_in_the_same_order_as_by_fit(train, fit, engine):
    here, there = Recorder(), Recorder()
    train(here, engine=engine)
    fit(there)
    assert here.calls == there.calls
    assert {hook for hook, *_ in here.calls} == {*CALLED}
    assert here.params == there.params


def stop(model):
    model.stop_training = True


IN_FIT = ["on_train_begin", "on_epoch_begin", "on_train_batch_begin", "on_train_batch_end", "on_epoch_end"]
"""Hooks of training itself, which reach a user's callback another way where the engine is `fit`; validation is the same."""


@pytest.mark.parametrize(
    ("hook", "engine"),
    [(hook, "graph") for hook in CALLED if hook != "on_train_end"] + [(hook, "fit") for hook in IN_FIT],
)
def test_a_stop_in_any_hook_ends_training_where_fit_ends_it(train, fit, hook, engine):
    here, there = Recorder(hook, stop), Recorder(hook, stop)
    result = train(here, engine=engine)
    fit(there)
    assert here.calls == there.calls
    assert "a callback stopped training" in result.stop_reason


class StopsEarly(keras.callbacks.Callback):
    """Has no hook for batches."""

    def on_epoch_begin(self, epoch, logs=None):
        self.model.stop_training = True


@pytest.mark.parametrize("engine", ENGINES)
def test_a_stop_before_an_epoch_leaves_one_batch_of_it_without_hooks_for_batches_too(train, fit, engine):
    assert int(train(StopsEarly(), engine=engine).model.optimizer.iterations) == 1
    before = int(fit().optimizer.iterations)
    assert int(fit(StopsEarly()).optimizer.iterations) == before + 1


def set_rate(model):
    model.optimizer.learning_rate = 0.5


def set_schedule(model):
    model.optimizer.learning_rate = keras.optimizers.schedules.CosineDecay(0.01, 100)


@pytest.mark.parametrize(
    ("hook", "engine"),
    [
        *((hook, "graph") for hook in CALLED),
        *(
            pytest.param(hook, "fit", marks=pytest.mark.whole)
            for hook in ("on_train_batch_begin", "on_train_batch_end")
        ),
    ],
)
def test_a_rate_set_in_any_hook_is_refused(train, hook, engine):
    with pytest.raises(UsageError, match=rf"^callbacks: Recorder\.{hook} sets the learning rate, .* use 'schedule'\.$"):
        train(Recorder(hook, set_rate), engine=engine)


def test_a_schedule_of_keras_and_a_momentum_set_by_a_callback_are_refused_too(train):
    with pytest.raises(UsageError, match="sets the learning rate"):
        train(Recorder("on_epoch_begin", set_schedule), engine="graph")
    with pytest.raises(UsageError, match=r"Recorder\.on_epoch_end sets the momentum, which comes from the recipe"):
        train(Recorder("on_epoch_end", lambda model: setattr(model.optimizer, "momentum", 0.5)), engine="graph")


def test_hooks_for_batches_change_no_bit_and_their_price_is_said_once(train):
    watched, plain = train(Recorder(), engine="graph"), train(engine="graph")
    assert [row["val_loss"] for row in watched.history] == [row["val_loss"] for row in plain.history]
    for a, b in zip(watched.model.get_weights(), plain.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    said = "steps run one by one, which is slower, because of a callback's hooks for batches: Recorder"
    assert (watched.run / "log.txt").read_text(encoding="utf-8").count(said) == 1
    assert "one by one" not in (plain.run / "log.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("engine", ENGINES)
def test_hooks_for_batches_see_the_figures_so_far_and_the_rate_of_the_batch(train, engine):
    rates, losses = [], []
    spy = keras.callbacks.LambdaCallback(
        on_train_batch_begin=lambda batch, logs: rates.append(float(spy.model.optimizer.learning_rate)),
        on_train_batch_end=lambda batch, logs: losses.append(logs["loss"]),
    )
    result = train(spy, engine=engine)
    assert rates == pytest.approx([0.01] * 6)
    assert [losses[2], losses[5]] == [row["loss"] for row in result.history]
    assert len({*losses}) == 6


def stock(folder):
    """Return a working one of every stock callback that Hornbook takes, by name."""
    stopping = keras.callbacks.EarlyStopping("val_accuracy", patience=1, min_delta=10, start_from_epoch=0)
    return {
        "CSVLogger": keras.callbacks.CSVLogger(str(folder / "log.csv")),
        "EarlyStopping": stopping,
        "History": keras.callbacks.History(),
        "LambdaCallback": keras.callbacks.LambdaCallback(on_train_end=lambda logs: (folder / "end").touch()),
        "ModelCheckpoint": keras.callbacks.ModelCheckpoint(str(folder / "{epoch}.keras")),
        "ModelCheckpoint of a higher accuracy": keras.callbacks.ModelCheckpoint(
            str(folder / "better-{epoch}.keras"), "val_accuracy", save_best_only=True, initial_value_threshold=2
        ),  # there is none; a lower one, if its mode were the other
        "ModelCheckpoint of batches": keras.callbacks.ModelCheckpoint(
            str(folder / "{epoch}-{batch}.keras"), save_freq=2
        ),
        "ProgbarLogger": keras.callbacks.ProgbarLogger(),
        "RemoteMonitor": keras.callbacks.RemoteMonitor(),
        "TensorBoard": keras.callbacks.TensorBoard(str(folder / "board")),
        "TerminateOnNaN": keras.callbacks.TerminateOnNaN(),
    }


def refused(folder):
    """Return one of every stock callback that does what the recipe does, by name."""
    return {
        "BackupAndRestore": keras.callbacks.BackupAndRestore(folder),
        "LearningRateScheduler": keras.callbacks.LearningRateScheduler(lambda epoch: 0.1),
        "ReduceLROnPlateau": keras.callbacks.ReduceLROnPlateau(),
        "SwapEMAWeights": keras.callbacks.SwapEMAWeights(),
    }


NOT_INSTALLED = {"OrbaxCheckpoint"}
BASES = {"Callback", "CallbackList"}


def test_every_stock_callback_is_tried(tmp_path):
    names = {name for name, cls in vars(keras.callbacks).items() if inspect.isclass(cls)}
    tried = {name.split(" ")[0] for name in {**stock(tmp_path), **refused(tmp_path)}}
    assert names == tried | NOT_INSTALLED | BASES


@pytest.mark.parametrize("engine", ENGINES)
def test_every_stock_callback_leaves_what_it_leaves_under_fit(train, fit, tmp_path, engine, monkeypatch, capsys):
    import requests

    sent = []
    monkeypatch.setattr(requests, "post", lambda *arguments, **named: sent.append(arguments))
    left = {}
    for name, run in {"here": lambda callbacks: train(*callbacks, engine=engine), "there": lambda c: fit(*c)}.items():
        folder = tmp_path / name
        folder.mkdir()
        callbacks = stock(folder)
        sent.clear()
        run(callbacks.values())
        left[name] = {
            "files": {path.name for path in folder.iterdir()},
            "epochs": callbacks["History"].epoch,
            "history": set(callbacks["History"].history) - {"learning_rate"},
            "stopped after": callbacks["EarlyStopping"].stopped_epoch,
            "better is": callbacks["EarlyStopping"].monitor_op.__name__,
            "lines": len((folder / "log.csv").read_text(encoding="utf-8").splitlines()),
            "sent": len(sent),
            "board": sorted(path.name for path in (folder / "board").iterdir()),
            "progress": capsys.readouterr().out.count("Epoch"),
        }
    assert left["here"] == left["there"]
    assert left["here"]["files"] >= {"1.keras", "1-2.keras", "2-3.keras", "log.csv", "end"}
    assert not any(name.startswith("better") for name in left["here"]["files"])
    assert left["here"]["better is"] == "greater"


@pytest.mark.parametrize("name", ["BackupAndRestore", "LearningRateScheduler", "ReduceLROnPlateau", "SwapEMAWeights"])
def test_stock_callbacks_that_do_the_recipes_work_are_refused(train, tmp_path, name):
    callback = refused(tmp_path / "backup")[name]
    for given in (callback, keras.callbacks.CallbackList([callback])):
        with pytest.raises(UsageError, match=rf"callbacks: {name} cannot work here\."):
            train(given, engine="graph")
    assert not (tmp_path / "runs").exists()


def test_checkpoints_of_epochs_keep_the_speed(train, tmp_path):
    result = train(keras.callbacks.ModelCheckpoint(str(tmp_path / "{epoch}.keras")), engine="graph")
    assert "one by one" not in (result.run / "log.txt").read_text(encoding="utf-8")
