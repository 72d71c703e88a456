"""The recipe of a saved Keras model builds the same network, and says what it was compiled with."""

import json

import numpy as np
import pytest

from hornbook.errors import UsageError
from hornbook.recipes.describe.from_keras import described


def config_of(model):
    import keras

    return json.loads(json.dumps(keras.saving.serialize_keras_object(model)))


def row(*layers, shape=(8, 8, 1), **compiled):
    import keras

    model = keras.Sequential([keras.Input(shape), *layers])
    if compiled:
        model.compile(**compiled)
    return model


def networks():
    import keras
    from keras import layers

    dense = {"activation": "relu", "kernel_initializer": "he_normal"}
    scale = layers.Rescaling
    return {
        "mlp": row(scale(1 / 16), layers.Flatten(), layers.Dense(30, **dense), layers.Dense(20, **dense), layers.Dense(10, "softmax")),
        "mlp with batch normalization": row(
            scale(1 / 16), layers.Flatten(),
            *[make() for width in (30, 20) for make in (
                lambda width=width: layers.Dense(width, use_bias=False), layers.BatchNormalization,
                lambda: layers.Activation("elu"), lambda: layers.Dropout(0.2))],
            layers.Dense(10), layers.Activation("softmax"),
        ),
        "normalized behind the activation": row(
            scale(1 / 16), layers.Flatten(), layers.Dense(30, "tanh"), layers.LayerNormalization(), layers.Dense(10, "softmax")),
        "layers that differ": row(
            scale(1 / 16), layers.Flatten(), layers.Dense(30, "selu", kernel_initializer="lecun_normal"),
            layers.Dense(20, "tanh", kernel_regularizer=keras.regularizers.L2(0.01), bias_initializer="ones"),
            layers.GaussianNoise(0.1), layers.Dense(10, "softmax")),
        "convolutions": row(
            scale(1 / 16), layers.Conv2D(8, 3, padding="same", activation="relu"), layers.MaxPooling2D(),
            layers.Conv2D(4, (3, 1), strides=2), layers.LeakyReLU(negative_slope=0.1), layers.GlobalAveragePooling2D(),
            layers.Dense(10, "softmax")),
        "recurrent": row(
            scale(1 / 16), layers.Reshape((8, 8)), layers.LSTM(6, return_sequences=True), layers.GRU(5), layers.Dense(10, "softmax")),
        "a model in a model": row(
            scale(1 / 16), layers.Flatten(), keras.Sequential([keras.Input((64,)), layers.Dense(9, "gelu")]), layers.Dense(10, "softmax")),
        "no hidden layer": row(scale(1 / 16), layers.Flatten(), layers.Dense(10, "softmax")),
    }  # fmt: skip


NAMES = (
    "mlp", "mlp with batch normalization", "normalized behind the activation", "layers that differ", "convolutions",
    "recurrent", "a model in a model", "no hidden layer",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_the_recipe_builds_the_network_that_was_saved(name, tensorflow):
    import hornbook

    model = networks()[name]
    found = described(config_of(model), "model.keras")
    built = hornbook.build(hornbook.load_recipe({"data": "digits", **found.sections}))
    assert [w.shape for w in built.weights] == [w.shape for w in model.weights]
    built.set_weights(model.get_weights())
    x = np.random.default_rng(0).integers(0, 17, (5, 8, 8, 1)).astype("float32")
    np.testing.assert_allclose(built.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-4, atol=1e-6)
    assert not [note for note in found.notes if "left out" in note and "Rescaling" not in note]


def test_layers_that_are_alike_become_an_mlp_with_its_ingredients(tensorflow):
    sections = described(config_of(networks()["mlp with batch normalization"]), "m").sections
    assert sections["model"] == {"name": "mlp", "units": [30, 20]}
    assert sections["activation"] == "elu"
    assert sections["normalization"] == "batch_normalization"
    assert sections["regularization"] == {"dropout": 0.2}
    assert sections["task"] == "multiclass"


def test_penalties_and_initializers_are_those_of_the_layers(tensorflow):
    first, second, *_ = described(config_of(networks()["layers that differ"]), "m").sections["model"]["layers"][1:]
    assert {"name": "dense", "units": 30, **first} == first
    assert second["regularization"] == {"l2": pytest.approx(0.01)}
    assert {"initializer", "bias"} <= {
        *second,
        *(second["initializer"] if isinstance(second["initializer"], dict) else {}),
    }


def compiled(**arguments):
    from keras import layers

    return described(config_of(row(layers.Flatten(), layers.Dense(10, "softmax"), **arguments)), "model.keras")


def test_optimizer_schedule_clipping_loss_and_metrics_are_said(tensorflow):
    from keras import losses, optimizers

    decay = optimizers.schedules.ExponentialDecay(0.1, 1000, 0.5, staircase=True)
    found = compiled(
        optimizer=optimizers.SGD(decay, momentum=0.9, nesterov=True, global_clipnorm=2.0, use_ema=True, ema_momentum=0.9),
        loss=losses.CategoricalCrossentropy(label_smoothing=0.1), metrics=["acc", "mae"],
    ).sections  # fmt: skip
    assert found["optimizer"] == {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9, "nesterov": True, "ema": 0.9}
    assert found["schedule"] == {
        "name": "exponential",
        "decay_steps": "1000 steps",
        "decay_rate": 0.5,
        "staircase": True,
    }
    assert found["training"]["gradient_clipping"] == {"by": "global_norm", "threshold": 2.0}
    assert found["training"]["metrics"] == ["accuracy", "mean_absolute_error"]
    assert found["head"]["loss"] == {"name": "categorical_crossentropy", "label_smoothing": 0.1}


@pytest.mark.parametrize(("schedule", "expected"), [
    ("PiecewiseConstantDecay([100, 200], [0.1, 0.05, 0.01])",
     (0.1, {"name": "piecewise_constant", "boundaries": ["100 steps", "200 steps"], "factors": [1.0, 0.5, 0.1]})),
    ("PolynomialDecay(0.1, 500, 0.01, power=2.0)",
     (0.1, {"name": "polynomial", "decay_steps": "500 steps", "end_factor": 0.1, "power": 2.0})),
    ("InverseTimeDecay(0.1, 50, 0.5)", (0.1, {"name": "inverse_time", "decay_steps": "50 steps", "decay_rate": 0.5})),
    ("CosineDecay(0.1, 500, alpha=0.1)", (0.1, {"name": "cosine", "decay_steps": "500 steps", "end_factor": 0.1})),
])  # fmt: skip
def test_a_schedule_has_the_rates_that_keras_has(schedule, expected, tensorflow):
    from keras import optimizers
    from pydantic import TypeAdapter

    from hornbook.recipes.sections.schedule import Schedule

    theirs = eval(f"optimizers.schedules.{schedule}")
    found = compiled(optimizer=optimizers.Adam(theirs), loss="sparse_categorical_crossentropy").sections
    assert (found["optimizer"]["learning_rate"], found["schedule"]) == (expected[0], expected[1])
    ours = TypeAdapter(Schedule).validate_python(found["schedule"])
    steps = (0, 99, 100, 250, 499, 700)
    rates = [expected[0] * ours.factor(step, 1000) for step in steps]
    # Keras holds a value up to and with its boundary, a recipe up to the boundary.
    at = [step + 1 if "Piecewise" in schedule else step for step in steps]
    np.testing.assert_allclose(rates, [float(theirs(step)) for step in at], rtol=1e-5)


def test_what_a_recipe_cannot_say_is_said(tensorflow):
    from keras import optimizers

    schedule = optimizers.schedules.CosineDecayRestarts(0.1, 100)
    notes = compiled(optimizer=optimizers.Adam(schedule), loss="poisson", metrics=["Recall", "hinge"]).notes
    text = "\n".join(notes)
    for part in ("CosineDecayRestarts", "'poisson'", "'hinge'", "reuse: {from: model.keras}"):
        assert part in text


def test_branches_custom_layers_and_models_without_a_dense_end_are_refused(tensorflow):
    import keras
    from keras import layers

    inputs = keras.Input((4,))
    hidden = layers.Dense(3, name="first")(inputs)
    branched = keras.Model(inputs, layers.Dense(1)(layers.Concatenate(name="both")([inputs, hidden])))
    with pytest.raises(UsageError, match=r"layer 'both' reads .*'first'"):
        described(config_of(branched), "model.keras")
    with pytest.raises(UsageError, match="ends in Flatten"):
        described(config_of(row(layers.Flatten())), "model.keras")

    class Own(keras.Model):
        pass

    with pytest.raises(UsageError, match="built in code"):
        described({"class_name": "Own", "config": {}}, "model.keras")


def test_a_loss_on_logits_says_the_task(tensorflow):
    from keras import layers, losses

    loss = losses.SparseCategoricalCrossentropy(from_logits=True)
    found = described(config_of(row(layers.Flatten(), layers.Dense(10), optimizer="adam", loss=loss)), "m").sections
    assert found["task"] == "multiclass"
    assert "head" not in found
