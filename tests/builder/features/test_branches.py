"""Branches and skip connections in `model: {name: layers}`, against NumPy and against networks written in plain Keras."""

import keras
import numpy as np
import pytest
from keras import layers

from hornbook.builder.randomness import permutation
from hornbook.builder.signals import Signal, expected_signals
from hornbook.errors import RecipeError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(56, 6)).astype(np.float32)  # 3 batches of 16 and one of 8
IMAGES = RNG.random((56, 8, 8, 1)).astype(np.float32)
Y = np.arange(56) % 3
ARRAYS = {"name": "arrays", "standardize": False, "split": {"validation": 0, "test": 0}}
WIDE_AND_DEEP = [
    {"name": "dense", "units": 8},
    {"name": "dense", "units": 5, "activation": "tanh", "as": "deep"},
    {"name": "concatenate", "from": ["input", "deep"]},
]
CONV = {"name": "conv2d", "filters": 4, "kernel_size": 3, "padding": "same"}
SKIP = [
    {**CONV, "as": "stem"},
    CONV,
    {**CONV, "activation": "linear", "as": "change"},
    {"name": "add", "from": ["stem", "change"]},
    {"name": "activation", "activation": "relu"},
    "global_average_pooling2d",
]


def build(prepare, listed, x=X, engine="graph", **more):
    tree = {"seed": 3, "data": ARRAYS, "model": {"name": "layers", "layers": listed}, "activation": "relu"}
    tree["optimizer"] = {"name": "sgd", "learning_rate": 0.05, "momentum": 0.9}
    return prepare(tree | {"training": {"epochs": 2, "batch_size": 16, "engine": engine}} | more, (x, Y))


def wide_and_deep():
    inputs = keras.Input((6,))
    deep = layers.Dense(5, "tanh")(layers.Dense(8, "relu")(inputs))
    return keras.Model(inputs, layers.Dense(3, "softmax")(layers.Concatenate()([inputs, deep])))


def skip():
    inputs = keras.Input((8, 8, 1))
    stem = layers.Conv2D(4, 3, padding="same", activation="relu")(inputs)
    change = layers.Conv2D(4, 3, padding="same", activation="relu")(stem)
    change = layers.Conv2D(4, 3, padding="same")(change)
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(layers.Add()([stem, change])))
    return keras.Model(inputs, layers.Dense(3, "softmax")(x))


@pytest.fixture(scope="module")
def by_hand(prepare):
    """{kind: (losses of two epochs, last weights)} of the same networks written in plain Keras, trained by `fit`."""
    found = {}
    for kind, (listed, x, make) in NETWORKS.items():
        model = make()
        model.set_weights(build(prepare, listed, x).built.model.get_weights())
        model.compile(keras.optimizers.SGD(0.05, momentum=0.9), "sparse_categorical_crossentropy", run_eagerly=True)
        losses = []
        for epoch in range(2):
            order = permutation(3, epoch, 56)
            losses += model.fit(x[order], Y[order], batch_size=16, shuffle=False, verbose=0).history["loss"]
        found[kind] = losses, model.get_weights()
    return found


NETWORKS = {"wide and deep": (WIDE_AND_DEEP, X, wide_and_deep), "skip": (SKIP, IMAGES, skip)}


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("engine", ["graph", "fit", pytest.param("xla", marks=pytest.mark.whole)])
def test_every_engine_trains_a_branched_network_like_one_written_in_plain_keras(
    prepare, run_epochs, by_hand, kind, engine
):
    listed, x, _ = NETWORKS[kind]
    losses, weights = by_hand[kind]
    prepared = build(prepare, listed, x, engine)
    assert [row["loss"] for row in run_epochs(prepared, 2)] == pytest.approx(losses, rel=1e-5)
    for ours, theirs in zip(prepared.built.model.get_weights(), weights, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_a_wide_and_deep_network_runs_as_one_xla_program_by_itself(prepare):
    from hornbook.engine.choice import choose_engine

    assert choose_engine("auto", build(prepare, WIDE_AND_DEEP).built) == "xla"


JOINED = {
    "add": lambda a, b: a + b,
    "average": lambda a, b: (a + b) / 2,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "multiply": lambda a, b: a * b,
    "subtract": lambda a, b: a - b,
    "concatenate": lambda a, b: np.concatenate([a, b], axis=1),
}


@pytest.mark.parametrize("join", JOINED)
def test_layers_that_join_two_compute_what_their_names_say(prepare, join):
    listed = [
        {"name": "dense", "units": 4, "activation": "linear", "as": "left"},
        {"name": "dense", "units": 4, "activation": "linear", "from": "input", "as": "right"},
        {"name": join, "from": ["left", "right"]},
    ]
    model = build(prepare, listed).built.model
    left, right = (X @ model.get_layer(name).kernel.numpy() for name in ("hidden_1", "hidden_2"))
    head = model.get_layer("head")
    outputs = keras.Model(model.input, head.input).predict(X, verbose=0)
    np.testing.assert_allclose(outputs, JOINED[join](left, right), rtol=1e-5, atol=1e-5)


def test_dot_products_and_attention_read_several_layers(prepare):
    series = RNG.normal(size=(56, 5, 3)).astype(np.float32)
    listed = [
        {"name": "dense", "units": 3, "activation": "linear", "as": "query"},
        {"name": "attention", "from": ["query", "input"], "as": "seen"},
        {"name": "global_average_pooling1d", "from": "seen", "as": "mean"},
        {"name": "global_max_pooling1d", "from": "seen", "as": "most"},
        {"name": "dot", "axes": 1, "from": ["mean", "most"]},
    ]
    model = build(prepare, listed, series).built.model
    query = series @ model.get_layer("hidden_1").kernel.numpy()
    scores = np.exp(query @ series.transpose(0, 2, 1))
    seen = scores / scores.sum(axis=-1, keepdims=True) @ series
    expected = (seen.mean(axis=1) * seen.max(axis=1)).sum(axis=1, keepdims=True)
    outputs = keras.Model(model.input, model.get_layer("head").input).predict(series, verbose=0)
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-5)


def test_each_branch_has_the_ingredients_that_it_names_and_else_the_recipes(prepare):
    listed = [
        {"name": "dense", "units": 4, "as": "left"},
        {"name": "dense", "units": 4, "from": "input", "normalization": "none", "activation": "tanh", "as": "right"},
        {"name": "add", "from": ["left", "right"]},
    ]
    recipe = {"normalization": "layer_normalization", "regularization": {"dropout": 0.2}}
    names = {layer.name for layer in build(prepare, listed, **recipe).built.model.layers}
    assert names >= {
        "hidden_1_normalization",
        "hidden_1_activation",
        "hidden_1_dropout",
        "hidden_2_activation",
        "add_1",
    }
    assert "hidden_2_normalization" not in names


def test_input_means_the_inputs_as_the_first_layer_reads_them(prepare):
    data = ARRAYS | {"standardize": True}
    model = build(prepare, WIDE_AND_DEEP, data=data).built.model
    joined = keras.Model(model.input, model.get_layer("concatenate_1").output).predict(X, verbose=0)
    np.testing.assert_allclose(joined[:, :6], (X - X.mean(axis=0)) / X.std(axis=0), rtol=1e-4, atol=1e-4)


DENSE = {"name": "dense", "units": 30, "as": "deep"}
MISFITS = [
    (
        [DENSE, {"name": "dense", "units": 20, "as": "deeper"}, {"name": "add", "from": ["deep", "deeper"]}],
        X,
        ("model", "layers", 2, "from"),
        "'add' needs the same shape: 'deep' is of shape (30,), 'deeper' of shape (20,).",
    ),
    (  # Keras would add the one number to all thirty
        [DENSE, {"name": "dense", "units": 1, "as": "one"}, {"name": "add", "from": ["deep", "one"]}],
        X,
        ("model", "layers", 2, "from"),
        "'add' needs the same shape: 'deep' is of shape (30,), 'one' of shape (1,).",
    ),
    (
        [CONV, {"name": "global_average_pooling2d", "as": "mean"}, {"name": "concatenate", "from": ["input", "mean"]}],
        IMAGES,
        ("model", "layers", 2, "from"),
        "'concatenate' needs shapes that differ in one axis alone, the last one or 'axis': 'input' is of shape (8, 8, 1), "
        "'mean' of shape (4,).",
    ),
    (
        [DENSE, {"name": "concatenate", "axis": -2, "from": ["input", "deep"]}],
        X,
        ("model", "layers", 1, "axis"),
        "'input' of shape (6,) has no axis -2, counted from the axis of examples, which is 0.",
    ),
    (
        [DENSE, {"name": "dot", "axes": 1, "from": ["input", "deep"]}],
        X,
        ("model", "layers", 1),
        "Keras refuses layer 'dot' on inputs of shapes (6,) and (30,): ",
    ),
    (  # Keras would look from one example of the batch to the others
        [DENSE, {"name": "dense", "units": 30, "as": "other"}, {"name": "attention", "from": ["deep", "other"]}],
        X,
        ("model", "layers", 2, "from"),
        "'attention' looks from place to place of a sequence, and one of shape (30,) has none.",
    ),
    (
        [{"name": "dense", "units": 6, "as": "deep"}, {"name": "dot", "axes": -2, "from": ["input", "deep"]}],
        X,
        ("model", "layers", 1, "axes"),
        "-2 is the axis of examples, of which each is computed by itself.",
    ),
    (
        [{"name": "dense", "units": 6}, {"name": "softmax", "axis": 0}],
        X,
        ("model", "layers", 1, "axis"),
        "0 is the axis of examples, of which each is computed by itself.",
    ),
    (
        [{"name": "dense", "units": 6}, {"name": "unit_normalization", "axis": [-1, -2]}],
        X,
        ("model", "layers", 1, "axis"),
        "-2 is the axis of examples, of which each is computed by itself.",
    ),
]


@pytest.mark.parametrize(("listed", "x", "path", "message"), MISFITS)
def test_shapes_that_do_not_fit_are_named_with_their_layers(prepare, listed, x, path, message):
    with pytest.raises(RecipeError) as caught:
        build(prepare, listed, x)
    (problem,) = caught.value.problems
    assert problem.path == path
    assert problem.message.startswith(message)
    assert "\n" not in problem.message


def test_a_gate_of_one_number_per_channel_multiplies_all_places(prepare, run_epochs):
    listed = [
        {**CONV, "as": "maps"},
        {"name": "global_average_pooling2d", "keepdims": True},
        {"name": "dense", "units": 4, "activation": "sigmoid", "as": "gate"},
        {"name": "multiply", "from": ["maps", "gate"]},
        "global_average_pooling2d",
    ]
    assert np.isfinite(run_epochs(build(prepare, listed, IMAGES))[0]["loss"])


def test_theory_follows_branches_and_what_joins_them(tensorflow):
    inputs = keras.Input((1000,), name="input")
    scale = 1000**-0.5  # sums of 1,000 inputs of mean square 1 have a variance of 1
    left, right = (
        layers.Dense(400, kernel_initializer=keras.initializers.RandomNormal(stddev=scale, seed=seed), name=name)(
            inputs
        )
        for seed, name in enumerate(("left", "right"))
    )
    joins = {
        "sum": layers.Add(name="sum")([left, right]),
        "difference": layers.Subtract(name="difference")([left, right]),
        "mean": layers.Average(name="mean")([left, right]),
        "product": layers.Multiply(name="product")([left, right]),
        "both": layers.Concatenate(name="both")([inputs, left]),
        "most": layers.Maximum(name="most")([left, right]),
    }
    scores = [layers.Dense(1, name=f"of_{name}")(join) for name, join in joins.items()]
    model = keras.Model(inputs, layers.Add(name="scores")(scores))
    signals = expected_signals(model, Signal(0.5, 1.0), "left")
    x = RNG.normal(0.5, np.sqrt(0.75), size=(256, 1000)).astype(np.float32)
    measured = dict(zip(joins, keras.Model(inputs, list(joins.values())).predict(x, verbose=0), strict=True))
    for name in ("sum", "difference", "mean", "product", "both"):
        assert signals[name].signal.deviation == pytest.approx(float(measured[name].std()), rel=0.1), name
    assert signals["most"].signal is None
