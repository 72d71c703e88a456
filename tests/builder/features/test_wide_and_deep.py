"""Two paths to the head, against the functional model that the textbook writes by hand."""

import keras
import numpy as np
import pytest

from hornbook.builder.randomness import permutation
from hornbook.errors import RecipeError

RNG = np.random.default_rng(3)
X = RNG.normal(size=(75, 6)).astype(np.float32)  # 4 batches of 16 and one of 11
Y = (X[:, 0] + np.abs(X[:, 5])).astype(np.float32)
RECIPE = {
    "seed": 5,
    "task": "regression",
    "model": {"name": "wide_and_deep", "units": [8, 5], "inputs": {"wide": [0, 1, 2, 3, 4], "deep": [2, 3, 4, 5]}},
    "activation": "elu",
    "head": {"standardize_targets": False},
    "regularization": {"l2": 0.01},
    "optimizer": {"name": "sgd", "learning_rate": 0.05, "momentum": 0.9},
}
TABLE = """age,sold,city,price
3,2024-01-05,Oslo,1.5
4,2024-02-11,Rome,2.5
5,2024-03-20,Oslo,3.0
6,2024-05-01,Lima,1.0
7,2024-06-30,Rome,2.0
8,2024-08-12,Lima,4.0
"""


def with_engine(engine):
    return RECIPE | {"training": {"epochs": 2, "batch_size": 16, "engine": engine}}


@pytest.fixture(scope="module")
def by_hand(prepare):
    """First weights, losses and last weights of the textbook's model: features 0 to 4 wide, 2 to 5 deep."""
    penalty = keras.regularizers.L2(0.01)
    wide, deep = keras.Input((5,)), keras.Input((4,))
    hidden = keras.layers.Dense(8, activation="elu", kernel_regularizer=penalty)(deep)
    hidden = keras.layers.Dense(5, activation="elu", kernel_regularizer=penalty)(hidden)
    both = keras.layers.concatenate([wide, hidden])
    model = keras.Model([wide, deep], keras.layers.Dense(1, kernel_regularizer=penalty)(both))
    start = prepare(with_engine("graph"), (X, Y)).built.model.get_weights()
    model.set_weights(start)
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9), "mse", run_eagerly=True)
    losses = []
    for epoch in range(2):
        order = permutation(5, epoch, 75)
        paths = (X[order, :5], X[order, 2:])
        losses += model.fit(paths, Y[order], batch_size=16, shuffle=False, verbose=0).history["loss"]
    return start, losses, model.get_weights()


@pytest.mark.parametrize("engine", ["graph", "xla", pytest.param("fit", marks=pytest.mark.whole)])
def test_it_trains_like_the_functional_model_of_the_textbook(prepare, run_epochs, by_hand, engine):
    start, losses, expected = by_hand
    prepared = prepare(with_engine(engine), (X, Y))
    for value, first in zip(prepared.built.model.get_weights(), start, strict=True):
        np.testing.assert_array_equal(value, first)
    assert [row["loss"] for row in run_epochs(prepared, 2)] == pytest.approx(losses, rel=1e-5)
    for value, last in zip(prepared.built.model.get_weights(), expected, strict=True):
        np.testing.assert_allclose(value, last, rtol=1e-4, atol=1e-5)


def test_it_runs_under_xla_by_itself(prepare):
    assert prepare(with_engine("auto"), (X, Y)).recipe.training.engine == "xla"


def test_without_groups_both_paths_read_everything(prepare):
    recipe = RECIPE | {"model": {"name": "wide_and_deep", "units": [8]}}
    model = prepare(recipe | {"training": {"batch_size": 16}}, (X, Y)).built.model
    hidden, head = model.get_layer("hidden_1").kernel.numpy(), model.get_layer("head").kernel.numpy()
    assert (hidden.shape, head.shape) == ((6, 8), (6 + 8, 1))
    deep = X @ hidden
    expected = np.concatenate([X, np.where(deep > 0, deep, np.expm1(deep))], axis=1) @ head
    np.testing.assert_allclose(model(X), expected, rtol=1e-5, atol=1e-5)


@pytest.fixture
def table(tmp_path):
    (tmp_path / "t.csv").write_text(TABLE)
    data = {"name": "table", "path": str(tmp_path / "t.csv"), "target": "price", "types": {"sold": {"date": ["month"]}}}
    return data | {"split": {"validation": 0, "test": 0, "method": "first"}, "standardize": False}


def inputs_of(model, name):
    return np.asarray(keras.Model(model.input, model.get_layer(name).input)(MODEL_ROWS))


MODEL_ROWS = np.array([[3, 0.5, 0.8, 2], [4, 0.1, 0.2, 3]], np.float32)  # age, month as sine and cosine, Oslo and Rome


def test_columns_of_a_table_go_by_their_names_and_embeddings_are_of_the_deep_path(prepare, table):
    model = {"name": "wide_and_deep", "units": [4], "inputs": {"wide": ["city", "age"], "deep": ["sold", "city"]}}
    recipe = {"data": table, "task": "regression", "model": model, "training": {"batch_size": 3}}
    built = prepare(recipe).built.model
    head = np.asarray(keras.Model(built.input, built.get_layer("wide_and_deep").output)(MODEL_ROWS))
    np.testing.assert_array_equal(head[:, :5], [[3, 0, 0, 1, 0], [4, 0, 0, 0, 1]])  # age, then Lima, Oslo, Rome one-hot
    deep = np.asarray(keras.Model(built.input, built.get_layer("hidden_1").input)(MODEL_ROWS))
    np.testing.assert_array_equal(deep[:, :2], MODEL_ROWS[:, 1:3])
    recipe["model"] = model | {"categories": {"embedding": 2, "one_hot_up_to": 1}}
    embedded = prepare(recipe).built.model
    again = np.asarray(keras.Model(embedded.input, embedded.get_layer("wide_and_deep").output)(MODEL_ROWS))
    np.testing.assert_array_equal(again[:, :5], head[:, :5])
    assert embedded.get_layer("hidden_1").kernel.shape == (2 + 2, 4)


@pytest.mark.parametrize(
    ("inputs", "sentences"),
    [
        (
            {"wide": ["aeg"], "deep": ["sold", "town"]},
            [
                "model.inputs.wide.0: there is no column 'aeg'. Did you mean 'age'?",
                "model.inputs.deep.1: there is no column 'town'. Known: age, city, sold.",
            ],
        ),
        (
            {"wide": ["age"], "deep": ["city"]},
            ["model.inputs: neither path reads 'sold'. Add each to 'wide' or to 'deep', or leave it out of the data."],
        ),
    ],
)
def test_columns_that_are_not_there_or_that_nobody_reads_are_refused(prepare, table, inputs, sentences):
    recipe = {"data": table, "task": "regression", "model": {"name": "wide_and_deep", "inputs": inputs}}
    with pytest.raises(RecipeError) as error:
        prepare(recipe | {"training": {"batch_size": 3}})
    assert [problem.sentence() for problem in error.value.problems] == sentences


def test_an_omitted_path_reads_all_columns(prepare, table):
    recipe = {"data": table, "task": "regression", "model": {"name": "wide_and_deep", "inputs": {"wide": ["age"]}}}
    model = prepare(recipe | {"training": {"batch_size": 3}}).built.model
    assert model.get_layer("hidden_1").kernel.shape[0] == 3 + 4
