"""Inputs in another range than those that the earlier model has learned from; batch normalization kept; a dropout."""

import keras
import numpy as np
import pytest

IMAGES = {"name": "arrays", "split": {"validation": 0, "test": 0}}


def said(prepared):
    return [problem.sentence() for problem in prepared.problems if problem.code == "reuse-range"]


@pytest.fixture(scope="module")
def on_images(train_recipe, tmp_path_factory):
    """A run on images from 0 to 255, and a function: images → what a recipe on top of it warns of."""
    generator = np.random.default_rng(0)
    x, y = generator.integers(0, 256, (64, 4, 4, 1)).astype(np.uint8), np.arange(64) % 2
    tree = {"name": "bright", "data": IMAGES, "model": {"name": "mlp", "units": [4]}}
    training = {"epochs": 1, "engine": "graph"}
    return train_recipe({**tree, "training": training}, tmp_path_factory.mktemp("bright"), data=(x, y)).run, x, y


@pytest.mark.parametrize(("factor", "expected"), [(1, []), (1 / 16, ["reach 15, to 0.059"])])
def test_images_in_another_range_are_warned_about(prepare, on_images, factor, expected):
    run, x, y = on_images
    recipe = {"data": IMAGES, "model": "mlp", "reuse": {"from": str(run)}, "training": {"batch_size": 64}}
    found = said(prepare(recipe, ((x * factor).astype(np.uint8), y)))
    assert len(found) == len(expected)
    assert all(one in other for one, other in zip(expected, found, strict=True))


@pytest.fixture(scope="module")
def on_columns(train_recipe, tmp_path_factory):
    """A run on three columns, standardized, and its data."""
    x, y = np.random.default_rng(0).normal(size=(64, 3)), np.arange(64) % 2
    tree = {"name": "a", "data": IMAGES | {"standardize": True}, "model": {"name": "mlp", "units": [4]}}
    training = {"epochs": 1, "engine": "graph"}
    return train_recipe({**tree, "training": training}, tmp_path_factory.mktemp("columns"), data=(x, y)).run, x, y


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda x: x, None),
        (lambda x: x + np.array([0.5, 0, 0]), None),
        (lambda x: x * np.array([1, 1000, 1]), "column 2 (mean"),
        (lambda x: x + np.array([0, 0, 1e4]), "column 3 (mean 1.08e+04, deviation 1)"),
    ],
)
def test_columns_in_another_unit_are_warned_about(prepare, on_columns, change, expected):
    run, x, y = on_columns
    recipe = {"data": IMAGES, "model": "mlp", "reuse": {"from": str(run)}, "training": {"batch_size": 64}}
    found = said(prepare(recipe, (change(x), y)))
    assert bool(found) == (expected is not None)
    assert expected is None or expected in found[0]


def test_batch_normalization_that_is_kept_does_not_change_when_its_layers_are_unfrozen(train_b, model_a, load_model):
    """That it changes otherwise is among the phases."""
    kept = train_b({"unfreeze": [{"after": 1}], "batch_normalization": "keep"}, training={"epochs": 2})
    layers = [layer for layer in kept.model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert len(layers) == 3
    start = {layer.name: layer.get_weights() for layer in load_model(model_a).layers}
    for layer in layers:
        for one, other in zip(layer.get_weights(), start[layer.name], strict=True):
            np.testing.assert_array_equal(one, other)
    assert (kept.model.get_layer("hidden_1").get_weights()[0] != start["hidden_1"][0]).any()


def test_a_dropout_stands_in_front_of_what_follows_the_kept_layers(prepare, on_a):
    model = prepare(on_a({"dropout": 0.3})).built.training_model
    names = [layer.name for layer in model.layers]
    assert names[names.index("reused_dropout") + 1] == "head"
    assert model.get_layer("reused_dropout").rate == 0.3
