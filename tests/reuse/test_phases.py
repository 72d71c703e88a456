"""Freezing, thawing and rates per layer, in phases of one run."""

import numpy as np
import pytest

from hornbook.builder.phases import Phase, phases_of
from hornbook.errors import RecipeError

THAW = {"layers": "hidden_1-hidden_2", "unfreeze": [{"after": 2, "layers": "hidden_2"}, {"after": "3 epochs"}]}
BLOCK_2 = {"hidden_2", "hidden_2_normalization"}
WHOLE = 192  # examples, in one batch


@pytest.mark.parametrize("engine", ["fit", "graph"])
def test_frozen_layers_and_their_statistics_do_not_move_until_they_are_thawed(
    train_b, weights_by_epoch, moved_between, engine
):
    result = train_b(THAW, callbacks=[weights_by_epoch], training={"engine": engine})
    assert moved_between(0, 2) == {"head"}
    assert moved_between(2, 3) == {"head"} | BLOCK_2
    assert moved_between(3, 4) == {"head", "hidden_1", "hidden_1_normalization"} | BLOCK_2
    assert [row["phase"] for row in result.history] == ["frozen", "frozen", "unfrozen", "unfrozen_2"]
    assert [row["epoch"] for row in result.history] == [1, 2, 3, 4]
    assert result.reuse["skipped"].keys() >= {"hidden_3", "head"}


def test_early_stopping_and_the_best_epoch_count_from_the_last_phase(train_b):
    stopping = {"monitor": "val_loss", "patience": 1, "min_delta": 10.0}  # nothing is ever better
    result = train_b(THAW, training={"epochs": 20, "early_stopping": stopping})
    assert len(result.history) == 5  # 3 before the last phase, its first, and one without improvement
    assert result.best_epoch in {4, 5}


@pytest.mark.whole
def test_a_layer_that_is_not_trainable_is_never_thawed_and_xla_heeds_phases(train_b, weights_by_epoch, moved_between):
    model = {"name": "layers", "layers": [{"name": "dense", "units": 4, "trainable": False}]}
    training = {"epochs": 2, "engine": "xla"}
    result = train_b({**THAW, "unfreeze": [{"after": 1}]}, callbacks=[weights_by_epoch], model=model, training=training)
    assert moved_between(0, 1) == {"head"}
    assert moved_between(1, 2) == {"head", "hidden_1", "hidden_1_normalization"} | BLOCK_2
    learns = {row["layer"]: row["learns"] for row in result.reuse["layers"]}
    assert learns["hidden_3"] == "never"


@pytest.mark.parametrize(
    "choice", ["adamw", pytest.param("lamb", marks=pytest.mark.whole)]
)  # both scale gradients themselves, one decays by the rate
def test_a_factor_scales_the_rate_and_not_the_gradient(train_b, weights_by_epoch, choice):
    """Weights after one full-batch step: a tenth of the rate moves them a tenth as far, under Adam too."""
    decay = {"weight_decay": {"rate": 0.1, "exclude": []}} if choice == "adamw" else {}
    optimizer = {"name": choice, "learning_rate": 0.01} | decay
    steps = []
    for factor in (1.0, 0.1):
        weights_by_epoch.kept.clear()
        reuse = {"layers": "hidden_1-hidden_2", "freeze": False, "learning_rate_factor": {"hidden_2": factor}}
        data = {"name": "digits", "limit": WHOLE, "split": {"validation": 0, "test": 0}}
        training = {"epochs": 1, "batch_size": WHOLE}
        train_b(reuse, callbacks=[weights_by_epoch], optimizer=optimizer, data=data, training=training)
        start, end = weights_by_epoch.kept
        steps.append({name: end[name][0] - start[name][0] for name in ("hidden_1", "hidden_2", "head")})
    np.testing.assert_allclose(steps[1]["hidden_2"], 0.1 * steps[0]["hidden_2"], rtol=2e-3, atol=1e-7)
    np.testing.assert_array_equal(steps[1]["hidden_1"], steps[0]["hidden_1"])
    np.testing.assert_array_equal(steps[1]["head"], steps[0]["head"])


def test_thawing_does_what_compiling_again_does_in_plain_keras(train_b, model_a, load_model, weights_by_epoch):
    """The oracle: Keras by hand on all examples at once, so that their order means nothing."""
    import keras

    from hornbook import load_recipe
    from hornbook.data import load

    adam = {"name": "adam", "learning_rate": 0.01}
    fresh = {"after": 1, "layers": "hidden_2", "optimizer": "reset"}
    reuse = {"layers": "hidden_1-hidden_2", "unfreeze": [fresh, {"after": 2, "optimizer": "carry"}]}
    training = {"epochs": 4, "batch_size": WHOLE}
    ours = train_b(reuse, callbacks=[weights_by_epoch], optimizer=adam, training=training)

    old = load_model(model_a)
    below = keras.Model(old.input, old.get_layer("hidden_2_activation").output)
    kept = keras.models.clone_model(below)
    kept.set_weights(below.get_weights())
    head = keras.layers.Dense(10, activation="softmax")
    plain = keras.Sequential([kept, head])
    head.set_weights(weights_by_epoch.kept[0]["head"])
    splits = load(load_recipe({"data": ours.recipe.data.model_dump(exclude_none=True), "model": "mlp"}).data, seed=42)
    first, second = (keras.optimizers.Adam(0.01) for _ in range(2))
    for stock in (first, second):
        stock.build(plain.trainable_variables)
    for epochs, learn, stock in ((1, (), first), (1, "2", second), (2, "12", second)):
        for layer in kept.layers:
            layer.trainable = layer.name.removeprefix("hidden_")[0] in learn
        plain.compile(optimizer=stock, loss="sparse_categorical_crossentropy", run_eagerly=True)
        plain.fit(splits.train.x, splits.train.y, batch_size=WHOLE, epochs=epochs, verbose=0)
    for name in ("hidden_1", "hidden_2"):
        ours_and_theirs = [model.get_layer(name).get_weights()[0] for model in (ours.model, kept)]
        np.testing.assert_allclose(*ours_and_theirs, atol=2e-4)


def phases(reuse, epochs=10):
    from hornbook import load_recipe

    recipe = load_recipe({"data": "digits", "model": "mlp", "training": {"epochs": epochs}})
    from hornbook.recipes.sections.reuse import Reuse

    recipe = recipe.model_copy(update={"reuse": Reuse.model_validate({"from": "a.keras"} | reuse)})
    copied = ["input", "hidden_1", "hidden_1_activation", "hidden_2"]
    return phases_of(recipe, [*copied, "hidden_3", "head"], copied, batches=10)


def test_gradual_unfreezing_goes_down_from_the_top_with_falling_rates():
    found = phases({"unfreeze": {"after": "2 epochs", "every": 3, "learning_rate_factor": 0.5}})
    assert [(phase.name, phase.start) for phase in found] == [
        ("frozen", 0),
        ("unfrozen", 2),
        ("unfrozen_2", 5),
        ("unfrozen_3", 8),
    ]
    assert found[1].frozen == {"input", "hidden_1", "hidden_1_activation"}
    assert found[2].factors == {"hidden_2": 1.0, "hidden_1": 0.5, "hidden_1_activation": 0.5}


@pytest.mark.parametrize(("after", "start"), [(4, 4), ("40 steps", 4), ("41 steps", 5), ("30%", 3)])
def test_phases_begin_with_an_epoch(after, start):
    assert [phase.start for phase in phases({"unfreeze": [{"after": after}]})] == [0, start]


def test_without_freezing_there_is_one_phase():
    assert phases({"freeze": False}) == (Phase(),)


def test_freezing_everything_is_refused_before_training(train_b, tmp_path):
    copy = {f"hidden_{n}": f"hidden_{n}" for n in (1, 2, 3)} | {"head": "head"}
    network = {"model": {"name": "mlp", "units": [24, 16, 12]}, "normalization": "batch_normalization"}
    with pytest.raises(RecipeError, match="nothing would learn from epoch 1 on"):
        train_b({"copy": copy}, **network)
    assert not list((tmp_path / "runs").glob("*/*/history.jsonl"))
