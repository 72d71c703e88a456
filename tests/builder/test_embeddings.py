"""Embeddings of numbers and categories in a network, against NumPy."""

import keras
import numpy as np
import pytest

from hornbook.engine.choice import choose_engine
from hornbook.errors import RecipeError
from hornbook.recipes.load import check_recipe

UNSPLIT = {"validation": 0, "test": 0, "method": "first"}


@pytest.fixture(scope="module")
def numbers():
    """Two columns: one spread over a curve, one of four values."""
    generator = np.random.default_rng(3)
    return np.column_stack([generator.lognormal(size=40), generator.integers(0, 4, 40)]).astype(np.float32)


def embedded(prepare, x, given, **model):
    """Return the network over columns of numbers and what its first hidden layer sees of them, after a file."""
    data = {"name": "arrays", "standardize": True, "split": UNSPLIT}
    tree = {"data": data, "task": "regression", "model": {"name": "mlp", "units": [3], "numbers": given, **model}}
    built = prepare({**tree, "training": {"batch_size": 8}}, (x, np.arange(40.0))).built
    return built.model, np.asarray(keras.Model(built.model.input, built.model.get_layer("hidden_1").input)(x))


def standardized(x):
    return (x - x.mean(axis=0, dtype=np.float64)) / x.std(axis=0, dtype=np.float64)


def test_periodic_numbers_are_cosines_and_sines_of_learned_frequencies(prepare, numbers):
    model, seen = embedded(prepare, numbers, {"name": "periodic", "frequencies": 5, "deviation": 2.0})
    (frequencies,) = model.get_layer("numbers").get_weights()
    assert frequencies.shape == (2, 5)
    assert 0.8 < frequencies.std() < 4
    angles = 2 * np.pi * standardized(numbers)[:, :, None] * frequencies
    np.testing.assert_allclose(seen, np.concatenate([np.cos(angles), np.sin(angles)], -1).reshape(40, 20), atol=1e-4)
    assert len(model.get_layer("numbers").trainable_weights) == 1


def test_plr_is_a_linear_layer_of_each_numbers_own_and_relu(prepare, numbers):
    model, seen = embedded(prepare, numbers, {"name": "plr", "frequencies": 3, "units": 4})
    (frequencies,), (kernel, bias) = (model.get_layer(name).get_weights() for name in ("numbers", "numbers_linear"))
    assert np.abs(kernel).max() <= 6**-0.5
    angles = 2 * np.pi * standardized(numbers)[:, :, None] * frequencies
    waves = np.concatenate([np.cos(angles), np.sin(angles)], -1)
    by_hand = np.stack([np.maximum(waves[:, column] @ kernel[column] + bias[column], 0) for column in (0, 1)], 1)
    np.testing.assert_allclose(seen, by_hand.reshape(40, 8), atol=1e-5)


def test_pbld_has_phases_and_the_number_itself_behind(prepare, numbers):
    model, seen = embedded(prepare, numbers, "pbld")
    frequencies, phases = model.get_layer("numbers").get_weights()
    assert np.abs(phases).max() <= np.pi
    kernel, bias = model.get_layer("numbers_linear").get_weights()
    assert kernel.shape == (2, 16, 3)
    x = standardized(numbers)
    waves = np.cos(2 * np.pi * x[:, :, None] * frequencies + phases)
    by_hand = np.stack([waves[:, column] @ kernel[column] + bias[column] for column in (0, 1)], 1)
    np.testing.assert_allclose(seen, np.concatenate([by_hand.reshape(40, 6), x], 1), atol=1e-5)


def test_piecewise_linear_numbers_come_through_bins_between_quantiles(prepare, numbers, tmp_path):
    model, seen = embedded(prepare, numbers, {"name": "piecewise_linear", "bins": 6})
    expected = np.zeros((40, 2, 6))
    for column, values in enumerate(numbers.T):
        edges = np.unique(np.quantile(values, np.linspace(0, 1, 7)))
        for place in range(len(edges) - 1):
            expected[:, column, place] = np.clip((values - edges[place]) / (edges[place + 1] - edges[place]), 0, 1)
    np.testing.assert_allclose(seen, expected.reshape(40, 12), atol=1e-4)
    inner = keras.Model(model.input, model.get_layer("hidden_1").input)
    beyond = np.asarray(inner(np.float32([[99, 9], [-99, -9]]))).reshape(2, 2, 6)
    assert beyond[0, 0, -1] > 1  # goes on above the last edge, and below the first
    assert beyond[1, 0, 0] < 0
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(np.asarray(model(numbers)), np.asarray(again(numbers)))


def test_a_front_scale_multiplies_each_column_by_what_is_learned(prepare, numbers):
    model, seen = embedded(prepare, numbers, None, front_scale=True)
    np.testing.assert_allclose(seen, standardized(numbers), atol=1e-5)
    layer = model.get_layer("front_scale")
    layer.set_weights([np.float32([2, -3])])
    seen = np.asarray(keras.Model(model.input, layer.output)(numbers))
    np.testing.assert_allclose(seen, standardized(numbers) * [2, -3], atol=1e-5)
    assert [len(layer.trainable_weights), layer.count_params()] == [1, 2]


@pytest.fixture
def mixed(prepare, tmp_path):
    """A function: what `model` says → the network over a number, three colours and twelve towns, and its rows."""

    def make(**model):
        colours, towns = ["red", "green", "blue"], [f"t{place:02}" for place in range(12)]
        lines = [f"{place * 0.5},{colours[place % 3]},{towns[place % 12]},{place}" for place in range(36)]
        (tmp_path / "t.csv").write_text("\n".join(["size,colour,town,price", *lines]))
        data = {"name": "table", "path": str(tmp_path / "t.csv"), "target": "price", "split": UNSPLIT}
        tree = {"data": data, "task": "regression", "model": {"name": "mlp", "units": [3], **model}}
        prepared = prepare({**tree, "training": {"batch_size": 9}})
        return prepared.built.model, prepared.splits.train.x

    return make


def test_columns_of_many_categories_are_embedded_and_others_one_hot(mixed):
    model, x = mixed(categories={"embedding": 5, "one_hot_up_to": 8})
    (rows,) = model.get_layer("category_3").get_weights()
    assert rows.shape == (13, 5)
    assert 0.7 < rows.std() < 1.3
    seen = np.asarray(keras.Model(model.input, model.get_layer("hidden_1").input)(x))
    assert seen.shape == (36, 1 + 4 + 5)
    np.testing.assert_array_equal(seen[:, 1:5].argmax(axis=1), x[:, 1])
    np.testing.assert_allclose(seen[:, 5:], rows[x[:, 2].astype(int)])
    x[:, 2] = 0  # a town that training did not have adds nothing, since each row had one
    seen = np.asarray(keras.Model(model.input, model.get_layer("hidden_1").input)(x))
    np.testing.assert_array_equal(seen[:, 5:], 0)


@pytest.mark.parametrize("numbers", ["plr", "pbld", "piecewise_linear"])
def test_tables_with_every_kind_of_column_run_in_one_program(prepare, run_epochs, tmp_path, numbers):
    """XLA is two to five times as fast there, and trains to the same losses."""
    lines = [f"{place % 7 or ''},{'pqr'[place % 3]},t{place % 12},{place % 2}" for place in range(36)]
    (tmp_path / "t.csv").write_text("\n".join(["size,colour,town,y", *lines]))
    model = {"name": "mlp", "units": [4], "numbers": numbers, "categories": {"embedding": 3, "one_hot_up_to": 8}}
    data = {
        "name": "table",
        "path": str(tmp_path / "t.csv"),
        "target": "y",
        "split": UNSPLIT,
        "standardize": "quantile",
    }
    tree = {"data": data, "model": {**model, "front_scale": True, "ensemble": 2}}
    losses = []
    for engine in ("auto", "graph"):
        prepared = prepare({**tree, "training": {"batch_size": 9, "engine": engine}})
        assert choose_engine("auto", prepared.built) == "xla"
        losses.append([logs["loss"] for logs in run_epochs(prepared, 2)])
    np.testing.assert_allclose(*losses, rtol=1e-5)


def test_a_number_alone_is_the_size_of_embeddings(mixed):
    model, _ = mixed(categories=2)
    assert model.get_layer("category_3").output_dim == 2


def test_nothing_to_embed_is_said(prepare, numbers):
    data = {"name": "arrays", "split": UNSPLIT}
    tree = {"data": data, "task": "regression", "model": {"name": "mlp", "units": [3], "categories": 4}}
    with pytest.raises(RecipeError, match="the table has no column of categories"):
        prepare({**tree, "training": {"batch_size": 8}}, (numbers, np.arange(40.0)))


@pytest.mark.parametrize("key", ["numbers: pbld", "categories: 4", "front_scale: true"])
def test_only_tables_have_columns(key):
    problems = check_recipe(f"data: digits\nmodel: {{name: mlp, units: [3], {key}}}\n").problems
    assert [problem.code for problem in problems] == ["columns"]
