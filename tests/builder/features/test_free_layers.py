"""`model: {name: layers}`: any Keras layers, with the ingredients on those that have weights."""

import numpy as np
import pytest

from hornbook.errors import RecipeError

X = np.random.default_rng(0).normal(size=(24, 6)).astype(np.float32)
SERIES = np.random.default_rng(1).normal(size=(24, 12, 3)).astype(np.float32)
IMAGES = np.random.default_rng(2).integers(0, 256, (24, 8, 8, 2)).astype(np.uint8)
Y = np.arange(24) % 3


def build(prepare, layers, x=X, **more):
    tree = {"model": {"name": "layers", "layers": layers}, "training": {"batch_size": 8, "engine": "graph"}}
    return prepare({**tree, **more}, (x, Y))


def names(prepared):
    return [layer.name for layer in prepared.built.model.layers]


def test_ingredients_apply_to_layers_with_weights_and_to_no_others(prepare):
    recipe = {
        "activation": "elu",
        "normalization": "batch_normalization",
        "regularization": {"dropout": 0.2, "l2": 0.1},
    }
    found = names(
        build(prepare, [{"name": "dense", "units": 5}, "unit_normalization", {"name": "dense", "units": 4}], **recipe)
    )
    assert found == [
        "input", "hidden_1", "hidden_1_normalization", "hidden_1_activation", "hidden_1_dropout", "unit_normalization_1",
        "hidden_2", "hidden_2_normalization", "hidden_2_activation", "hidden_2_dropout", "head", "head_activation",
    ]  # fmt: skip


def test_a_layer_may_say_otherwise(prepare):
    own = {"activation": "tanh", "normalization": "none", "initializer": "ones", "regularization": {"dropout": 0.5}}
    recipe = {"activation": "elu", "normalization": "batch_normalization", "regularization": {"l2": 0.1}}
    prepared = build(prepare, [{"name": "dense", "units": 5, **own}, {"name": "dense", "units": 4}], **recipe)
    first, second = (prepared.built.model.get_layer(name) for name in ("hidden_1", "hidden_2"))
    assert names(prepared)[1:4] == ["hidden_1", "hidden_1_activation", "hidden_1_dropout"]
    assert (first.kernel.numpy() == 1).all()
    assert first.use_bias
    assert first.kernel_regularizer is None
    assert prepared.built.model.get_layer("hidden_1_activation").activation.__name__ == "tanh"
    assert not second.use_bias
    assert second.kernel_regularizer is not None


STACKS = {
    "series": (
        [
            {"name": "conv1d", "filters": 4, "kernel_size": 3},
            {"name": "max_pooling1d", "pool_size": 2},
            {"name": "lstm", "units": 5, "return_sequences": True},
            {"name": "gru", "units": 4, "return_sequences": True},
            {"name": "simple_rnn", "units": 3},
            {"name": "dense", "units": 2},
        ],
        SERIES,
        {
            "hidden_1": (10, 4), "max_pooling1d_1": (5, 4), "hidden_2": (5, 5), "hidden_3": (5, 4), "hidden_4": (3,),
            "hidden_5": (2,),
        },
    ),
    "images": (
        [
            {"name": "conv2d_transpose", "filters": 2, "kernel_size": 2, "strides": 2},
            {"name": "conv2d", "filters": 4, "kernel_size": 3, "padding": "same"},
            {"name": "average_pooling2d", "pool_size": [4, 4]},
            {"name": "separable_conv2d", "filters": 3, "kernel_size": 3},
            {"name": "depthwise_conv2d", "kernel_size": 2},
            "global_average_pooling2d",
        ],
        IMAGES,
        {
            "hidden_1": (16, 16, 2), "hidden_2": (16, 16, 4), "average_pooling2d_1": (4, 4, 4), "hidden_3": (2, 2, 3),
            "hidden_4": (1, 1, 3),
        },
    ),
    "vectors": (
        [
            {"name": "reshape", "target_shape": [3, 2]},
            {"name": "permute", "dims": [2, 1]},
            "flatten",
            {"name": "gaussian_noise", "stddev": 0.1},
            {"name": "dropout", "rate": 0.1},
            {"name": "dense", "units": 3},
        ],
        X,
        {"reshape_1": (3, 2), "permute_1": (2, 3), "flatten_1": (6,)},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", STACKS)
def test_stacks_have_the_shapes_that_follow_and_train(prepare, run_epochs, name):
    layers, x, shapes = STACKS[name]
    recipe = {"activation": "tanh"} if name == "series" else {}
    prepared = build(prepare, layers, x, **recipe)
    for layer, shape in shapes.items():
        assert prepared.built.model.get_layer(layer).output.shape[1:] == shape
    (logs,) = run_epochs(prepared)
    assert np.isfinite(logs["loss"])


def test_tokens_are_read_by_an_embedding(prepare, run_epochs):
    from hornbook.data import Source

    source = Source(np.random.default_rng(3).integers(0, 9, (24, 5)).astype(np.int32), Y, "tokens", vocabulary_size=9)
    layers = [{"name": "embedding", "input_dim": 9, "output_dim": 4}, "global_average_pooling1d"]
    tree = {"model": {"name": "layers", "layers": layers}, "training": {"batch_size": 8, "engine": "graph"}}
    data = {"name": "arrays", "split": {"validation": 0, "test": 0}}
    first, again = (prepare({**tree, "data": data}, source).built.model for _ in range(2))
    embeddings = first.get_layer("embedding_1").embeddings.numpy()
    assert (embeddings == again.get_layer("embedding_1").embeddings.numpy()).all()
    (logs,) = run_epochs(prepare({**tree, "data": data}, source))
    assert np.isfinite(logs["loss"])


def test_random_layers_and_weights_of_the_list_follow_the_recipes_seed(prepare, run_epochs):
    layers = [
        {"name": "gaussian_noise", "stddev": 0.5},
        {"name": "dense", "units": 4},
        {"name": "dropout", "rate": 0.5},
    ]
    results = []
    for seed in (1, 1, 2):
        prepared = build(prepare, layers, seed=seed)
        results.append((run_epochs(prepared), prepared.built.model.get_weights()[0].tolist()))
    assert results[0] == results[1]
    assert results[0] != results[2]


REFUSED = [
    ([{"name": "dense", "units": 4}, {"name": "conv2d", "filters": 3, "kernel_size": 3}], 1, "conv2d", "(4,)"),
    ([{"name": "reshape", "target_shape": [5, 5]}], 0, "reshape", "(6,)"),
    ([{"name": "conv1d", "filters": 3, "kernel_size": 9}], 0, "conv1d", "(6,)"),
    ([{"name": "max_pooling1d", "pool_size": 9}], 0, "max_pooling1d", "(6,)"),
    (
        [{"name": "dense", "units": 3, "normalization": {"name": "group_normalization", "groups": 2}}],
        0,
        "dense",
        "(6,)",
    ),
    (
        [{"name": "dense", "units": 3, "initializer": {"name": "constant", "value": [[1, 2], [3, 4]]}}],
        0,
        "dense",
        "(6,)",
    ),
]


@pytest.mark.parametrize(("layers", "index", "name", "shape"), REFUSED)
def test_what_keras_refuses_is_a_problem_at_the_layers_place(prepare, layers, index, name, shape):
    with pytest.raises(RecipeError) as caught:
        build(prepare, layers)
    (problem,) = caught.value.problems
    assert problem.path == ("model", "layers", index)
    assert f"Keras refuses layer '{name}' on an input of shape {shape}" in problem.message
    assert "\n" not in problem.message
    assert len(problem.message) < 320


def test_a_list_without_weights_is_a_linear_model(prepare):
    prepared = build(prepare, ["flatten"], IMAGES, initializer="zeros")
    assert names(prepared) == ["input", "scale", "flatten_1", "head", "head_activation"]
    assert (prepared.built.model.get_layer("head").kernel.numpy() == 0).all()


LAYER = {
    "name": "dense",
    "units": 5,
    "bias_regularizer": {"l1": 0.1, "l2": 0.3},
    "activity_regularizer": {"l2": 0.5},
    "kernel_constraint": "non_negative",
    "bias_constraint": {"min_norm": 0.2, "max_norm": 0.5},
}


@pytest.mark.parametrize("engine", ["graph", "fit"])
def test_penalties_and_limits_act_as_in_a_model_written_in_plain_keras(prepare, run_epochs, engine):
    """A penalty on outputs is one on what the activation returns, in the mean over the examples."""
    import keras

    own = {"activation": "tanh", "initializer": "he_normal"}
    tree = {"optimizer": {"name": "sgd", "learning_rate": 0.3}, "training": {"batch_size": 8, "engine": engine}}
    prepared = build(prepare, [{**LAYER, **own}], **tree)
    hidden = keras.layers.Dense(
        5,
        activation="tanh",
        bias_regularizer=keras.regularizers.L1L2(0.1, 0.3),
        activity_regularizer=keras.regularizers.L2(0.5),
        kernel_constraint=keras.constraints.NonNeg(),
        bias_constraint=keras.constraints.MinMaxNorm(0.2, 0.5),
    )
    model = keras.Sequential([keras.Input((6,)), hidden, keras.layers.Dense(3, activation="softmax")])
    model.set_weights(prepared.built.model.get_weights())
    model.compile(keras.optimizers.SGD(0.3), "sparse_categorical_crossentropy", run_eagerly=True)
    order = permutation_of(prepared)
    losses = model.fit(X[order], Y[order], batch_size=8, shuffle=False, verbose=0).history["loss"]
    (logs,) = run_epochs(prepared)
    assert logs["loss"] == pytest.approx(losses[0], rel=1e-5)
    for ours, theirs in zip(prepared.built.model.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)
    assert (prepared.built.model.get_layer("hidden_1").kernel.numpy() >= 0).all()


def permutation_of(prepared):
    from hornbook.builder.randomness import permutation

    return permutation(prepared.recipe.seed, 0, len(prepared.splits.train))


def test_norms_are_those_of_one_unit_s_incoming_weights(prepare, run_epochs):
    layer = {"name": "conv2d", "filters": 4, "kernel_size": 3, "kernel_constraint": {"max_norm": 0.5}}
    prepared = build(prepare, [layer, "flatten"], IMAGES, optimizer={"name": "sgd", "learning_rate": 1.0})
    run_epochs(prepared)
    norms = np.sqrt((prepared.built.model.get_layer("hidden_1").kernel.numpy() ** 2).sum(axis=(0, 1, 2)))
    assert norms.max() <= 0.5 + 1e-6
    assert norms.max() > 0.4


FIXED = [
    {"name": "dense", "units": 5, "trainable": False, "normalization": "batch_normalization", "activation": "prelu"},
    {"name": "batch_normalization", "trainable": False},
    {"name": "dense", "units": 4},
]


@pytest.mark.parametrize("engine", ["graph", "fit"])
@pytest.mark.whole
def test_what_is_not_trainable_stays_as_it_was_with_its_normalization_and_activation(prepare, run_epochs, engine):
    prepared = build(prepare, FIXED, training={"batch_size": 8, "engine": engine})
    layers = {layer.name: layer for layer in prepared.built.model.layers if layer.weights}
    before = {name: layer.get_weights() for name, layer in layers.items()}
    run_epochs(prepared)
    moved = {
        name
        for name in layers
        if any((a != b).any() for a, b in zip(before[name], layers[name].get_weights(), strict=True))
    }
    assert moved == {"hidden_2", "head"}
    assert set(layers) - moved == {"hidden_1", "hidden_1_normalization", "hidden_1_activation", "batch_normalization_1"}


GATES = {
    "name": "dense", "units": 2, "activation": "step", "trainable": False,
    "initializer": {"name": "constant", "value": [[1, 1], [1, 1]], "bias": {"name": "constant", "value": [-1.5, -0.5]}},
}  # fmt: skip
BY_HAND = {
    "data": {"name": "xor", "standardize": False, "split": {"validation": 0, "test": 0}},
    "model": {"name": "layers", "layers": [GATES]},
    "head": {"units": 1, "activation": "step", "loss": "perceptron"},
    "optimizer": {"name": "sgd", "learning_rate": 1.0},
    "training": {"batch_size": 4, "engine": "graph"},
}


@pytest.mark.whole
def test_a_network_of_perceptrons_by_hand_solves_xor(prepare, run_epochs):
    """Two perceptrons that say "and" and "or", and one on top that says "or, but not and"."""
    head = {"initializer": {"name": "constant", "value": [[-1], [1]], "bias": {"name": "constant", "value": -0.5}}}
    prepared = prepare({**BY_HAND, "head": BY_HAND["head"] | head})
    corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    assert np.ravel(prepared.built.model(corners)).tolist() == [0, 1, 1, 0]
    assert run_epochs(prepared)[0]["accuracy"] == 1
    assert np.ravel(prepared.built.model(corners)).tolist() == [0, 1, 1, 0]


@pytest.mark.whole
def test_a_perceptron_learns_on_top_of_perceptrons_that_do_not(prepare, run_epochs):
    logs = run_epochs(prepare({**BY_HAND, "training": {**BY_HAND["training"], "epochs": 12}}), 12)
    assert [row["accuracy"] for row in logs][-3:] == [1, 1, 1]


ODD = [None, {}, {"a": 1}, {"l2": 0.1}, {"name": "l2"}, [], [None], [{}], [True], "x", "", True, -1]
CHECKED = [
    ({"name": "dense", "units": 4}, (6,)),
    ({"name": "conv2d", "filters": 2, "kernel_size": 2}, (8, 8, 2)),
    ({"name": "lstm", "units": 4}, (12, 3)),
    ({"name": "batch_normalization"}, (6,)),
    ({"name": "max_pooling2d"}, (8, 8, 2)),
    ({"name": "dropout", "rate": 0.5}, (6,)),
    ({"name": "zero_padding2d"}, (8, 8, 2)),
    ({"name": "rescaling", "scale": 0.5}, (6,)),
    ({"name": "prelu"}, (6,)),
]


@pytest.mark.parametrize(("layer", "shape"), CHECKED, ids=[layer["name"] for layer, _ in CHECKED])
def test_what_the_check_accepts_keras_takes(tensorflow, layer, shape):
    import keras
    from pydantic import ValidationError

    from hornbook import load_recipe
    from hornbook.builder.features.blocks import Ingredients
    from hornbook.builder.features.free_layers import free_layers
    from hornbook.recipes.language.keras_layers import argument_names
    from hornbook.recipes.sections.free_layer import hidden_arguments
    from hornbook.recipes.sections.model import Layers

    ingredients = Ingredients.of(load_recipe({"data": "digits", "model": {"name": "layers", "layers": [layer]}}))
    options = set(argument_names(layer["name"])) - hidden_arguments(layer["name"]) - {"activation"}
    accepted = 0
    for key in sorted(options | {"trainable"}):
        for value in ODD:
            try:
                model = Layers.model_validate({"name": "layers", "layers": [{**layer, key: value}]})
            except ValidationError:
                continue
            free_layers(keras.Input(shape), model, ingredients)
            accepted += 1
    assert accepted
