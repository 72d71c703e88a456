"""Hornbook's callbacks in a plain `model.fit`, beside Hornbook's own runs: same order of examples, same weights."""

import json
import math
import types

import keras
import numpy as np
import pytest

import hornbook
from hornbook.builder.randomness import permutation
from hornbook.callbacks import BestCheckpoint, EarlyStopping, PerformanceSchedule, RateSchedule, from_recipe
from hornbook.errors import RecipeError, UsageError
from hornbook.recipes.language.spec import catalog

EPOCHS, BATCH_SIZE, SEED = 5, 8, 3
GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(40, 3)).astype(np.float32)
Y = (X[:, 0] + GENERATOR.normal(size=40) > 0).astype(int)
DATA = {
    "x_train": X[:24],
    "y_train": Y[:24],
    "x_validation": X[24:],
    "y_validation": Y[24:],
    "x_test": X[:8],
    "y_test": Y[:8],
}


def recipe_of(engine="fit", **sections):
    training = {"epochs": EPOCHS, "batch_size": BATCH_SIZE, "engine": engine} | sections.pop("training", {})
    tree = {"name": "same", "seed": SEED, "data": {"name": "arrays"}, "model": {"name": "mlp", "units": [4]}}
    optimizer = {"optimizer": {"name": "sgd", "learning_rate": 0.2}}
    return hornbook.load_recipe({**tree, **optimizer, **sections, "training": training})


class Ordered(keras.utils.PyDataset):
    """The training examples in the order of Hornbook's epochs."""

    epoch = 0

    def __len__(self):
        return 3

    def __getitem__(self, batch):
        rows = permutation(SEED, self.epoch, 24)[batch * BATCH_SIZE :][:BATCH_SIZE]
        return X[rows], Y[rows][:, None]


class Turns(keras.callbacks.Callback):
    """Tells the examples which epoch begins; Keras itself counts one more before the first."""

    def __init__(self, examples):
        super().__init__()
        self.examples = examples

    def on_epoch_begin(self, epoch, logs=None):
        self.examples.epoch = epoch


def fit(model, callbacks, *, epochs=EPOCHS, initial_epoch=0, validates=True):
    """Train as any user of Keras would; return the history."""
    examples = Ordered()
    return model.fit(
        examples, validation_data=(X[24:], Y[24:, None]) if validates else None, epochs=epochs, initial_epoch=initial_epoch,
        callbacks=[Turns(examples), *callbacks], verbose=0, shuffle=False,
    ).history  # fmt: skip


def assert_same_weights(first, second):
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)


SCHEDULES = {
    **{name: {"name": name} for name in catalog("schedule")},
    "performance": {"name": "performance", "patience": 1, "min_delta": 10, "reduction": 0.5, "warmup": 2},
    "cosine": {"name": "cosine", "warmup": "20%"},
    "piecewise_constant": {"name": "piecewise_constant", "boundaries": ["1 epochs", 7], "factors": [1.0, 0.5, 0.1]},
}


def resettable(model):
    """Return a function: → the compiled model as it is now, always the same one: `fit` traces it once."""
    model.optimizer.build(model.trainable_variables)
    variables = [*model.variables, *model.optimizer.variables]
    start = [keras.ops.copy(variable.value) for variable in variables]

    def reset():
        for variable, value in zip(variables, start, strict=True):
            variable.assign(value)
        return model

    return reset


@pytest.fixture(scope="module")
def again(tensorflow):
    """A function: → the model of a plain recipe as it was made."""
    return resettable(hornbook.build(recipe_of(), DATA))


@pytest.fixture(scope="module")
def fused(tensorflow, run_epochs):
    """A function: a recipe → its model after training with the fused engine, the loss of each epoch, its last rate.

    The engine shares one program between all schedules, and no run directory is needed to see what it trains.
    """
    from hornbook.trainer.prepare import prepare

    def run(recipe):
        prepared = prepare(recipe, DATA)
        losses = [logs["loss"] for logs in run_epochs(prepared, EPOCHS)]
        rates = [float(prepared.table.epoch(epoch)[0][-1]) for epoch in range(EPOCHS)]
        return prepared.built.model, losses, rates

    return run


@pytest.mark.parametrize("name", sorted({*SCHEDULES} - {"performance"}))
def test_fit_with_a_recipes_callbacks_trains_like_hornbook(again, fused, name):
    recipe = recipe_of("graph", schedule=SCHEDULES[name])
    trained, losses, rates = fused(recipe)
    model = again()
    history = fit(model, from_recipe(recipe), validates=False)
    assert history["learning_rate"] == rates
    assert history["loss"] == pytest.approx(losses, rel=1e-6)
    assert_same_weights(model, trained)


def test_a_rate_that_follows_the_figures_falls_as_in_a_run_with_fit(again, tmp_path):
    recipe = recipe_of("fit", schedule=SCHEDULES["performance"])
    result = hornbook.train(recipe, data=DATA, runs=tmp_path, progress=False)
    model = again()
    history = fit(model, from_recipe(recipe))
    assert history["learning_rate"] == [row["learning_rate"] for row in result.history]
    assert history["loss"] == pytest.approx([row["loss"] for row in result.history], rel=1e-6)
    assert_same_weights(model, result.model)


@pytest.mark.parametrize(
    "optimizer", [{"name": "sgd", "learning_rate": 0.2, "momentum": 0.9}, {"name": "adam", "learning_rate": 0.05}]
)
def test_the_momentum_moves_as_in_the_fused_engine(fused, optimizer):
    recipes = [
        recipe_of(
            "graph", schedule={"name": "one_cycle", "max_momentum": 0.9, "min_momentum": low}, optimizer=optimizer
        )
        for low in (0.3, 0.9)
    ]
    model = hornbook.build(recipes[0], DATA)
    fit(model, from_recipe(recipes[0]), validates=False)
    moved, still = (fused(recipe)[0] for recipe in recipes)
    assert_same_weights(model, moved)
    assert not np.allclose(still.get_weights()[0], model.get_weights()[0], rtol=1e-3)


@pytest.mark.whole
def test_a_model_saved_while_the_momentum_moves_has_the_optimizers_own(tensorflow, tmp_path):
    model = hornbook.build(recipe_of("graph", optimizer={"name": "sgd", "learning_rate": 0.2, "momentum": 0.9}), DATA)
    fit(model, [RateSchedule("one_cycle"), BestCheckpoint(tmp_path / "sub" / "best.keras")], epochs=1)
    assert keras.models.load_model(tmp_path / "sub" / "best.keras").optimizer.momentum == 0.9
    assert model.optimizer.momentum == 0.9


def test_batches_that_share_an_update_share_its_rate(fused):
    optimizer = {"name": "sgd", "learning_rate": 0.2, "accumulation": 2}
    recipe = recipe_of("graph", schedule={"name": "polynomial"}, optimizer=optimizer)
    model = hornbook.build(recipe, DATA)
    fit(model, from_recipe(recipe), validates=False)
    assert_same_weights(model, fused(recipe)[0])


@pytest.mark.whole
def test_averaged_weights_are_what_is_validated_and_kept(tensorflow, tmp_path):
    recipe = recipe_of("graph", optimizer={"name": "sgd", "learning_rate": 0.2, "ema": 0.9})
    result = hornbook.train(recipe, data=DATA, runs=tmp_path, progress=False)
    model = hornbook.build(recipe, DATA)
    history = fit(model, from_recipe(recipe))
    assert history["val_loss"] == pytest.approx([row["val_loss"] for row in result.history], rel=1e-5)
    assert_same_weights(model, result.model)


STOPPING = {"patience": 1, "monitor": "val_accuracy", "min_delta": 0.5}


def test_early_stopping_ends_and_restores_like_hornbook(again, tmp_path):
    recipe = recipe_of("graph", training={"early_stopping": STOPPING})
    result = hornbook.train(recipe, data=DATA, runs=tmp_path, progress=False)
    model = again()
    history = fit(model, from_recipe(recipe))
    assert len(history["loss"]) == len(result.history) < EPOCHS
    assert result.final == "best"
    assert_same_weights(model, result.model)


class Interrupts(keras.callbacks.Callback):
    """After an epoch keeps what a script would: model and states. Then the process dies."""

    def __init__(self, epoch, callbacks, folder):
        super().__init__()
        self.epoch, self.callbacks, self.folder = epoch, callbacks, folder

    def on_epoch_end(self, epoch, logs=None):
        if epoch == self.epoch:
            self.model.save(self.folder / "half.keras")
            states = [callback.get_state() for callback in self.callbacks]
            (self.folder / "states.json").write_text(json.dumps(states, allow_nan=False), encoding="utf-8")
            raise KeyboardInterrupt


@pytest.mark.parametrize("name", ["one_cycle", pytest.param("performance", marks=pytest.mark.whole)])
def test_callbacks_go_on_from_a_saved_state_as_if_nothing_had_been(tensorflow, tmp_path, name):
    stopping = {"patience": 4, "monitor": "val_loss"}
    optimizer = {"name": "sgd", "learning_rate": 2.0, "momentum": 0.9}
    recipe = recipe_of("graph", schedule=SCHEDULES[name], optimizer=optimizer, training={"early_stopping": stopping})
    anew = resettable(hornbook.build(recipe, DATA))
    model = anew()
    expected, weights = fit(model, from_recipe(recipe)), model.get_weights()
    callbacks = from_recipe(recipe)
    with pytest.raises(KeyboardInterrupt):
        fit(anew(), [*callbacks, Interrupts(1, callbacks, tmp_path)])
    model, later = keras.models.load_model(tmp_path / "half.keras"), from_recipe(recipe)
    states = json.loads((tmp_path / "states.json").read_text(encoding="utf-8"))
    for callback, state in zip(later, states, strict=True):
        callback.set_state(state)
    history = fit(model, later, initial_epoch=2)
    assert history["learning_rate"] == expected["learning_rate"][2:]
    assert history["loss"] == expected["loss"][2:]
    for a, b in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.whole
def test_a_second_fit_begins_anew_and_one_with_initial_epoch_where_that_is(again):
    model, schedule = again(), RateSchedule({"name": "polynomial"})
    first = fit(model, [schedule], epochs=2, validates=False)["learning_rate"]
    assert fit(model, [schedule], epochs=2, validates=False)["learning_rate"] == first
    assert fit(model, [schedule], epochs=2, initial_epoch=1, validates=False)["learning_rate"] == first[1:]
    assert first == pytest.approx([0.2 * 4 / 6, 0.2 * 1 / 6])


def epochs_of(callback, values, monitor="val_loss"):
    """Show a callback an epoch for each value; return the epochs after which it stops."""
    callback.set_params({"epochs": 10, "steps": 3})
    callback.set_model(types.SimpleNamespace(stop_training=False, get_weights=list, set_weights=lambda weights: None))
    callback.on_train_begin()
    for epoch, value in enumerate(values):
        callback.on_epoch_end(epoch, {monitor: value})
        if callback.model.stop_training:
            return epoch + 1
    return None


def test_a_nan_is_never_the_best(tensorflow):
    callback = EarlyStopping(patience=3)
    assert epochs_of(callback, [math.nan, 2.0, 1.0, math.nan, 1.5]) is None
    assert callback.best_epoch == 3
    assert epochs_of(EarlyStopping(patience=2), [1.0, math.nan, math.nan]) == 3


def test_patience_may_be_a_duration_and_directions_are_known(tensorflow):
    assert epochs_of(EarlyStopping(patience="6 steps"), [1.0, 2.0, 2.0, 2.0]) == 3
    assert epochs_of(EarlyStopping("val_accuracy", patience=1), [0.1, 0.2, 0.1], "val_accuracy") == 3
    assert PerformanceSchedule("val_accuracy").schedule.mode == "max"


def test_a_checkpoint_is_never_overwritten_by_a_worse_model(again, tmp_path):
    model = again()
    checkpoint = BestCheckpoint(tmp_path / "best.keras")
    fit(model, [checkpoint], epochs=1)
    saved = (tmp_path / "best.keras").read_bytes()
    later = BestCheckpoint(tmp_path / "best.keras")
    later.set_state(json.loads(json.dumps(checkpoint.get_state() | {"best": -1.0})))
    fit(model, [later], epochs=1)
    assert (tmp_path / "best.keras").read_bytes() == saved


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (lambda: RateSchedule("one_cylce"), RecipeError, "Did you mean 'one_cycle'?"),
        (lambda: RateSchedule({"name": "cosine", "end": 1}), RecipeError, "schedule.end: unknown key"),
        (lambda: PerformanceSchedule(patience="x"), RecipeError, "schedule.patience: expected a duration"),
        (lambda: EarlyStopping(patience="soon"), RecipeError, "early_stopping.patience: expected a duration"),
        (lambda: EarlyStopping("val_own"), UsageError, "Add mode='min' or mode='max'"),
        (lambda: BestCheckpoint("best.pt"), UsageError, "does not end in '.keras'"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_once(tensorflow, make, error, said):
    with pytest.raises(error) as refused:
        make()
    assert said in str(refused.value)


def compiled(optimizer, **options):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(optimizer, "mse", **options)
    return model


@pytest.mark.parametrize(
    ("model", "callback", "said"),
    [
        (lambda: compiled(keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, 9))),
         lambda: RateSchedule("cosine"), "the optimizer has a schedule of its own"),
        (lambda: compiled("rmsprop"), lambda: RateSchedule({"name": "one_cycle", "max_momentum": 0.9}),
         "runs without a momentum that 'one_cycle' could move"),
        (lambda: compiled("sgd", steps_per_execution=2), lambda: RateSchedule("cosine"), "without steps_per_execution"),
        (lambda: compiled("sgd"), lambda: EarlyStopping("val_accuracy"), "there is no 'val_accuracy' after an epoch"),
    ],
)  # fmt: skip
def test_what_does_not_fit_the_model_is_refused_when_training_begins(tensorflow, model, callback, said):
    with pytest.raises(UsageError, match=said):
        fit(model(), [callback()], epochs=1)


def test_hornbooks_own_runs_refuse_a_second_schedule(tensorflow, tmp_path):
    with pytest.raises(UsageError, match=r"callbacks: RateSchedule cannot work here\. The recipe's own 'schedule'"):
        hornbook.train(recipe_of(), data=DATA, callbacks=from_recipe(recipe_of()), runs=str(tmp_path), progress=False)


def test_a_recipe_that_thaws_layers_is_refused(tensorflow):
    thawing = types.SimpleNamespace(unfreeze=({"after": 1},))
    recipe = recipe_of().model_copy(update={"reuse": thawing})
    with pytest.raises(UsageError, match=r"same: reuse\.unfreeze: callbacks cannot thaw layers"):
        from_recipe(recipe)
