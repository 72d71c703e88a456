"""Inputs beside the columns of a table: encoders against layers written by hand, their names, what is refused."""

import keras
import numpy as np
import pytest

from hornbook.builder.randomness import permutation
from hornbook.errors import RecipeError

RNG = np.random.default_rng(4)
FACTS = RNG.normal(size=(40, 3)).astype(np.float32)
PHOTO = RNG.integers(0, 256, (40, 6, 6), np.uint8)
SERIES = RNG.normal(2, 3, size=(40, 5, 2)).astype(np.float32)
Y = (FACTS[:, 0] + PHOTO.mean(axis=(1, 2)) / 100 + SERIES[:, -1, 0]).astype(np.float32)
BY_NAME = {"photo": PHOTO, "facts": FACTS, "log 1": SERIES}
ENCODERS = {
    "photo": {"name": "cnn", "filters": [3], "dense": [4]},
    "log 1": {"name": "rnn", "units": [4], "cell": "gru"},
}
RECIPE = {
    "seed": 5,
    "task": "regression",
    "data": {"name": "arrays", "split": {"validation": 0, "test": 0, "method": "first"}},
    "model": {"name": "mlp", "units": [6], "encoders": ENCODERS},
    "head": {"standardize_targets": False},
    "optimizer": {"name": "sgd", "learning_rate": 0.02},
}


def with_engine(engine="graph", **more):
    return RECIPE | {"training": {"epochs": 2, "batch_size": 16, "engine": engine}} | more


@pytest.fixture(scope="module")
def mixed(prepare):
    """A run before its start, of pictures, columns and sequences."""
    return prepare(with_engine(), (BY_NAME, Y))


def by_hand():
    """The network of the recipe, written in plain Keras, on inputs that are scaled and standardized already."""
    layers = keras.layers
    facts, photo, log = keras.Input((3,)), keras.Input((6, 6, 1)), keras.Input((5, 2))
    x = layers.MaxPooling2D()(layers.Conv2D(3, 3, padding="same", activation="relu")(photo))
    x = layers.Dense(4, activation="relu")(layers.Flatten()(x))
    both = layers.concatenate([facts, x, layers.GRU(4)(log)])
    return keras.Model([facts, photo, log], layers.Dense(1)(layers.Dense(6, activation="relu")(both)))


def test_it_trains_like_a_functional_model_of_several_inputs(prepare, run_epochs):
    prepared = prepare(with_engine(), (BY_NAME, Y))
    model = prepared.built.model
    names = ["photo_hidden_1", "photo_hidden_2", "log_1_hidden_1", "hidden_1", "head"]
    plain = by_hand()
    plain.set_weights([weight for name in names for weight in model.get_layer(name).get_weights()])
    photo = PHOTO[..., None].astype(np.float32) / 255
    facts, series = (values - values.mean(axis=axes) for values, axes in ((FACTS, 0), (SERIES, (0, 1))))
    inputs = [facts / FACTS.std(axis=0), photo, series / SERIES.std(axis=(0, 1))]
    x = prepared.splits.train.x
    np.testing.assert_allclose(model(x), plain(inputs), rtol=1e-4, atol=1e-5)
    plain.compile(keras.optimizers.SGD(0.02), "mse", run_eagerly=True)
    losses = []
    for epoch in range(2):
        order = permutation(5, epoch, 40)
        shuffled = [values[order] for values in inputs]
        losses += plain.fit(shuffled, Y[order], batch_size=16, shuffle=False, verbose=0).history["loss"]
    assert [row["loss"] for row in run_epochs(prepared, 2)] == pytest.approx(losses, rel=1e-4)
    expected = [plain.layers.index(layer) for layer in plain.layers if layer.weights]
    own = [weight for name in names for weight in model.get_layer(name).get_weights()]
    assert expected
    for value, last in zip(own, plain.get_weights(), strict=True):
        np.testing.assert_allclose(value, last, rtol=1e-3, atol=1e-4)


def test_layers_are_called_by_their_inputs_and_weights_differ_from_the_core(mixed):
    names = [layer.name for layer in mixed.built.model.layers]
    assert len(set(names)) == len(names)
    assert {"photo_scale", "photo_hidden_1", "photo_pooling_1", "log_1_standardize", "hidden_1"} <= {*names}
    paths = [variable.path for variable in mixed.built.model.variables]
    assert len(set(paths)) == len(paths)


def test_two_encoders_alike_start_apart(prepare):
    recipe = with_engine(
        model={"name": "mlp", "units": [4], "encoders": {key: {"name": "cnn", "filters": [3]} for key in "ab"}}
    )
    model = prepare(recipe, ({"a": PHOTO, "b": PHOTO, "facts": FACTS}, Y)).built.model
    kernels = [model.get_layer(f"{name}_hidden_1").get_weights()[0] for name in "ab"]
    assert not np.allclose(*kernels)
    again = prepare(recipe, ({"a": PHOTO, "b": PHOTO, "facts": FACTS}, Y)).built.model
    np.testing.assert_array_equal(again.get_layer("a_hidden_1").get_weights()[0], kernels[0])


def test_an_encoder_that_is_left_out_is_said_and_written_down(prepare):
    prepared = prepare(with_engine(model={"name": "mlp", "units": [4]}), (BY_NAME, Y))
    said = [problem.sentence() for problem in prepared.problems if problem.code == "encoders"]
    assert said == [
        "tip: model: 'photo' is read by a cnn. Choose another by 'model.encoders.photo'.",
        "tip: model: 'log 1' is read by a rnn. Choose another by 'model.encoders.log 1'.",
    ]
    encoders = prepared.recipe.to_dict()["model"]["encoders"]
    assert encoders["photo"]["flatten"] == "global_average"
    assert encoders["log 1"]["units"] == [32]


def test_inputs_without_columns_have_encoders_alone(prepare):
    prepared = prepare(with_engine(), ({"photo": PHOTO, "log 1": SERIES}, Y))
    assert prepared.built.model.get_layer("hidden_1").kernel.shape[0] == 4 + 4
    assert np.isfinite(prepared.built.model(prepared.splits.train.x[:4])).all()


def test_the_wide_path_has_columns_alone(prepare):
    model = {"name": "wide_and_deep", "units": [5], "encoders": ENCODERS}
    built = prepare(with_engine(model=model), (BY_NAME, Y)).built.model
    assert built.get_layer("hidden_1").kernel.shape[0] == 3 + 4 + 4
    assert built.get_layer("head").kernel.shape[0] == 3 + 5
    groups = {"wide": ["facts"], "deep": ["photo", "log 1"]}
    built = prepare(with_engine(model=model | {"inputs": groups}), (BY_NAME, Y)).built.model
    assert built.get_layer("hidden_1").kernel.shape[0] == 4 + 4


def test_inputs_called_wide_and_deep_are_the_paths(prepare):
    data = {"wide": FACTS[:, :1], "deep": FACTS[:, 1:]}
    built = prepare(with_engine(model={"name": "wide_and_deep", "units": [5]}), (data, Y)).built.model
    assert built.get_layer("hidden_1").kernel.shape[0] == 2
    assert built.get_layer("head").kernel.shape[0] == 1 + 5
    named = {"name": "wide_and_deep", "units": [5], "inputs": {"wide": ["a"], "deep": ["a", "b"]}}
    built = prepare(with_engine(model=named), ({"a": FACTS[:, :1], "b": FACTS[:, 1:]}, Y)).built.model
    assert built.get_layer("hidden_1").kernel.shape[0] == 3


@pytest.mark.parametrize(
    ("more", "sentences"),
    [
        (
            {
                "model": {
                    "name": "mlp",
                    "encoders": {"foto": "cnn", "log 1": "residual_cnn"},
                }
            },
            [
                "model.encoders.foto: there is no input 'foto' beside the columns. Did you mean 'photo'?",
                "model.encoders.log 1: 'residual_cnn' does not read a sequence. Use one of cnn, layers, mlp, rnn, transformer.",
            ],
        ),
        (
            {"model": {"name": "mlp", "encoders": {"photo": {"name": "mlp", "ensemble": 2}}}},
            ["model.encoders.photo.ensemble: is for the columns of a table, which no encoder reads. Remove it."],
        ),
        (
            {"model": {"name": "wide_and_deep", "inputs": {"wide": ["photo"], "deep": ["facts"]}}},
            [
                "model.inputs.wide.0: the wide path has no encoder for 'photo', which is no column. List it under 'deep'.",
                "model.inputs: neither path reads 'log 1'. Add each to 'wide' or to 'deep', or leave it out of the data.",
            ],
        ),
        (
            {"pretraining": "corruption"},
            [
                "pretraining: is of a network with one input, and rows hold 'photo', 'log 1' beside the columns. Remove it."
            ],
        ),
    ],
)
def test_what_an_encoder_cannot_do_is_refused(prepare, more, sentences):
    with pytest.raises(RecipeError) as error:
        prepare(with_engine(**more), (BY_NAME, Y))
    assert [problem.sentence() for problem in error.value.problems] == sentences


def test_what_keras_refuses_is_of_the_encoder(prepare):
    recipe = with_engine(
        model={"name": "mlp", "encoders": {"photo": {"name": "cnn", "padding": "valid", "kernel_size": 9}}}
    )
    with pytest.raises(
        RecipeError, match=r"model.encoders.photo: Keras refuses this network on an input of shape \(6, 6, 1\)"
    ):
        prepare(recipe, (BY_NAME, Y))
