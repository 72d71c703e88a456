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
    agree(networks()[name], {"data": "digits"}, np.random.default_rng(0).integers(0, 17, (5, 8, 8, 1)))


def graph(connect, shape=(8, 8, 1), **arguments):
    """A functional model: what `connect` makes of its inputs, scaled as Hornbook scales digits, with a head."""
    import keras
    from keras import layers

    inputs = keras.Input(shape)
    hidden = connect(layers.Rescaling(1 / 16)(inputs) if len(shape) == 3 else inputs)
    head = layers.Dense(10, "softmax") if len(shape) == 3 else layers.Dense(1)
    return keras.Model(inputs, head(hidden), **arguments)


def branched():
    from keras import layers

    def wide_and_deep(x):
        flat = layers.Flatten()(x)
        deep = layers.Dense(20, "relu")(layers.Dense(30, "relu")(flat))
        return layers.Concatenate(name="both")([flat, deep])

    def residual(x):
        stem = layers.Conv2D(4, 3, padding="same", activation="relu", name="stem")(x)
        change = layers.Conv2D(4, 3, padding="same")(layers.BatchNormalization()(stem))
        joined = layers.Activation("relu")(layers.Add()([stem, change]))
        return layers.GlobalAveragePooling2D()(joined)

    def signs_between_tensors(x):
        flat = layers.Flatten()(x)
        first, second = layers.Dense(12, "tanh")(flat), layers.Dense(12, "sigmoid")(flat)
        return layers.Dense(12)(first * second) + first

    def a_branch_from_the_inputs(x):
        left = layers.GlobalMaxPooling2D()(layers.Conv2D(3, 3, name="a-b")(x))
        return layers.Concatenate()([left, layers.GlobalAveragePooling2D()(x)])

    def a_model_with_branches(x):
        import keras

        inputs = keras.Input((64,))
        inside = keras.Model(inputs, layers.Average()([layers.Dense(9, name="stem")(inputs), layers.Dense(9)(inputs)]))
        return layers.Dense(5, "elu", name="stem")(inside(layers.Flatten()(x)))

    def both_ways_at_the_end(x):
        steps = layers.LSTM(6, return_sequences=True)(layers.Reshape((8, 8))(x))
        return layers.Dense(7, "relu")(layers.Bidirectional(layers.GRU(5), merge_mode="sum")(steps))

    return {make.__name__.replace("_", " "): make for make in (
        wide_and_deep, residual, signs_between_tensors, a_branch_from_the_inputs, a_model_with_branches, both_ways_at_the_end)}  # fmt: skip


BRANCHED = (
    "wide and deep", "residual", "signs between tensors", "a branch from the inputs", "a model with branches",
    "both ways at the end",
)  # fmt: skip


@pytest.mark.parametrize("name", BRANCHED)
def test_the_recipe_of_branches_builds_the_network_that_was_saved(name, tensorflow):
    agree(graph(branched()[name]), {"data": "digits"}, np.random.default_rng(0).integers(0, 17, (5, 8, 8, 1)))


def test_layers_that_read_both_ways_are_a_recurrent_backbone(tensorflow):
    from keras import layers

    def connect(x):
        for cell in (layers.GRU(6, return_sequences=True, recurrent_dropout=0.1), layers.GRU(5, recurrent_dropout=0.1)):
            x = layers.Dropout(0.2)(layers.Bidirectional(cell)(x))
        return layers.Dropout(0.2)(layers.Dense(4, "tanh")(x))

    waves = {
        "data": {"name": "waves", "examples": 100, "steps": 10, "standardize": False},
        "head": {"standardize_targets": False},
    }
    found = agree(graph(connect, shape=(10, 1)), waves, np.random.default_rng(0).normal(size=(5, 10, 1)))
    assert found.sections["model"] == {
        "name": "rnn", "cell": "gru", "units": [6, 5], "bidirectional": True, "recurrent_dropout": 0.1, "dense": [4],
    }  # fmt: skip
    assert found.sections["regularization"] == {"dropout": 0.2}


def test_a_layer_that_reads_both_ways_in_the_middle_of_others_is_left_out_with_a_note(tensorflow):
    from keras import layers

    def connect(x):
        return layers.LSTM(3)(layers.Bidirectional(layers.LSTM(4, return_sequences=True), name="ways")(x))

    found = described(config_of(graph(connect, shape=(10, 1))), "m")
    assert [layer["name"] for layer in found.sections["model"]["layers"]] == ["lstm"]
    assert any(note.startswith("layer 'ways' (Bidirectional) is left out") for note in found.notes)


def agree(model, data, x):
    """Build the recipe of a model; return it, once the two networks have the same weights and predictions."""
    import hornbook

    found = described(config_of(model), "model.keras")
    sections = {**found.sections, **data, "head": {**found.sections.get("head", {}), **data.get("head", {})}}
    built = hornbook.build(hornbook.load_recipe(sections))
    assert [w.shape for w in built.weights] == [w.shape for w in model.weights]
    built.set_weights(model.get_weights())
    x = x.astype("float32")
    np.testing.assert_allclose(built.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-4, atol=1e-6)
    assert not [note for note in found.notes if "left out" in note and "Rescaling" not in note]
    return found


def test_names_and_sources_are_written_where_a_layer_does_not_read_the_one_above(tensorflow):
    layers = described(config_of(graph(branched()["wide and deep"])), "m").sections["model"]["layers"]
    assert [set(layer) & {"as", "from"} if isinstance(layer, dict) else set() for layer in layers] == [
        {"as"}, set(), {"as"}, {"from"},
    ]  # fmt: skip
    assert layers[-1]["from"] == [layers[0]["as"], layers[2]["as"]]


@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_is_said(precision, tensorflow):
    from keras import layers, optimizers

    hidden = [layers.Flatten(dtype=precision), layers.Dense(5, "relu", dtype=precision)]
    head = layers.Dense(10, "softmax", dtype="float32")
    found = described(config_of(row(*hidden, head, optimizer=optimizers.LossScaleOptimizer(optimizers.SGD(0.1)))), "m")
    assert found.sections["training"] == {"precision": precision}
    assert found.sections["optimizer"] == {"name": "sgd", "learning_rate": 0.1}
    scaling = [note for note in found.notes if "scaling of the loss" in note]
    assert len(scaling) == (precision == "mixed_bfloat16")


def test_precision_that_a_recipe_has_not_is_said(tensorflow):
    from keras import layers

    found = described(config_of(row(layers.Flatten(), layers.Dense(5, dtype="float64"), layers.Dense(1))), "m")
    assert "training" not in found.sections
    assert any("layers compute in float32, float64" in note for note in found.notes)


def test_what_layers_begin_with_by_default_is_not_noted(tensorflow):
    from keras import layers

    found = described(config_of(row(layers.Flatten(), layers.Dense(6), layers.PReLU(), layers.Dense(1))), "m")
    assert not [note for note in found.notes if "initializer" in note]
    texts = row(layers.Embedding(10, 4), layers.GlobalAveragePooling1D(), layers.Dense(1), shape=(7,))
    found = described(config_of(texts), "m")
    assert found.sections["model"]["layers"][0] == {"name": "embedding", "input_dim": 10, "output_dim": 4}
    assert not [note for note in found.notes if "initializer" in note]


def test_other_initializers_of_layers_without_ingredients_are_written(tensorflow):
    from keras import layers

    drawn = row(layers.Embedding(10, 4, "he_normal"), layers.GlobalMaxPooling1D(), layers.Dense(1), shape=(7,))
    first = described(config_of(drawn), "m").sections["model"]["layers"][0]
    assert first["embeddings_initializer"] == "he_normal"
    slopes = row(layers.Flatten(), layers.Dense(6), layers.PReLU(alpha_initializer="ones"), layers.Dense(1))
    assert {"name": "prelu", "alpha_initializer": "ones"} in described(config_of(slopes), "m").sections["model"][
        "layers"
    ]


def test_a_frozen_model_freezes_only_what_has_weights(tensorflow):
    from keras import layers

    model = row(layers.Flatten(), layers.Dense(6, "relu"), layers.Dense(5, "tanh"), layers.Dense(1))
    model.trainable = False
    found = described(config_of(model), "m").sections["model"]["layers"]
    assert [layer if isinstance(layer, str) else layer.get("trainable") for layer in found] == ["flatten", False, False]


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


def test_what_a_head_does_not_have_is_said(tensorflow):
    from keras import layers, regularizers

    head = layers.Dense(3, "softmax", use_bias=False, kernel_regularizer="l2", kernel_initializer="zeros")
    hidden = layers.Dense(4, kernel_regularizer=regularizers.OrthogonalRegularizer(0.1))
    found = described(config_of(row(layers.Flatten(), hidden, head, optimizer="adam", loss=None)), "model.keras")
    text = "\n".join(found.notes)
    for part in (
        "the head's use_bias (False)",
        "the head's kernel_regularizer (L2)",
        "(OrthogonalRegularizer) is left out",
    ):
        assert part in text
    assert found.sections["head"] == {"initializer": "zeros"}


def test_the_bias_of_a_layer_may_begin_with_any_number(tensorflow):
    from keras import initializers, layers

    dense = layers.Dense(4, bias_initializer=initializers.Constant(0.5))
    found = described(config_of(row(layers.Flatten(), dense, layers.Dense(1))), "model.keras").sections
    assert found["initializer"] == {"name": "glorot_uniform", "bias": {"name": "constant", "value": 0.5}}


@pytest.mark.parametrize("activation", ["exponential", "tanh"])
def test_a_loss_of_numbers_says_the_task_where_the_activation_does_not(activation, tensorflow):
    from keras import layers

    found = described(config_of(row(layers.Flatten(), layers.Dense(1, activation), optimizer="sgd", loss="mse")), "m")
    assert found.sections["task"] == "regression"
    assert found.sections["head"] == {"activation": activation}


def test_a_model_with_several_outputs_inputs_or_uses_of_a_layer_is_refused(tensorflow):
    import keras
    from keras import layers

    inputs, other = keras.Input((4,)), keras.Input((4,), name="other")
    shared = layers.Dense(3, name="first")
    hidden = shared(inputs)
    several = keras.Model(inputs, [hidden, layers.Dense(1, name="second")(hidden)])
    with pytest.raises(UsageError, match="the model returns first, second. Only models with one output"):
        described(config_of(several), "model.keras")
    twice = keras.Model(inputs, layers.Dense(1)(shared(layers.Dense(4)(hidden))))
    with pytest.raises(UsageError, match="layer 'first' is used 2 times"):
        described(config_of(twice), "model.keras")
    joined = keras.Model([inputs, other], layers.Dense(1)(layers.Concatenate()([inputs, other])))
    with pytest.raises(UsageError, match="the model reads .*, other. Only models with one input"):
        described(config_of(joined), "model.keras")


def test_branches_that_no_list_can_say_are_refused(tensorflow):
    import keras
    from keras import layers

    inputs = keras.Input((4,))
    scaled = layers.Rescaling(0.5, name="scale")(inputs)
    mixed = keras.Model(inputs, layers.Dense(1)(layers.Concatenate(name="both")([inputs, scaled])))
    with pytest.raises(UsageError, match=r"the inputs are read through 'scale' \(Rescaling\), and as they are by both"):
        described(config_of(mixed), "model.keras")
    steps = keras.Input((5, 4))
    looks = layers.MultiHeadAttention(2, 3, name="look")(steps, steps)
    attentive = keras.Model(steps, layers.Dense(1)(layers.GlobalAveragePooling1D()(looks)))
    with pytest.raises(UsageError, match=r"layer 'look' \(MultiHeadAttention\) reads input, input"):
        described(config_of(attentive), "model.keras")


def test_custom_layers_and_models_without_a_dense_end_are_refused(tensorflow):
    import keras
    from keras import layers

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


def test_a_loss_keeps_its_name_whatever_the_object_is_called(tensorflow):
    from keras import layers, losses

    model = row(layers.Flatten(), layers.Dense(1), optimizer="sgd", loss=losses.Huber(name="mine"))
    found = described(config_of(model), "m")
    assert found.sections["head"] == {"loss": "huber"}
    assert any("has not saved the loss's delta" in note for note in found.notes)  # Keras 3.15 does not


def test_what_changes_numbers_in_front_of_the_layers_is_said_with_its_numbers(tensorflow):
    from keras import layers, losses

    logits = losses.SparseCategoricalCrossentropy(from_logits=True)
    front = row(
        layers.Rescaling(1 / 127.5, offset=-1), layers.Flatten(), layers.Dense(10), optimizer="sgd", loss=logits
    )
    notes = described(config_of(front), "m").notes
    assert "Rescaling (times 0.007843, then -1) in front is left out" in notes[0]
    assert "bytes from -1 to 1, as here" in notes[0]
    assert "{name: rescaling, scale: 2, offset: -1}" in notes[0]
    assert any("weighted sums (logits)" in note for note in notes)
    notes = described(config_of(graph(lambda x: 2 * layers.Flatten()(x) - 1)), "m").notes
    assert [note for note in notes if "with a number" in note]


def test_signs_between_tensors_have_no_precision_to_differ_in(tensorflow):
    from keras import layers

    def connect(x):
        flat = layers.Flatten(dtype="mixed_bfloat16")(x)
        hidden = [layers.Dense(5, "relu", dtype="mixed_bfloat16")(flat) for _ in range(2)]
        return hidden[0] + hidden[1]

    found = described(config_of(graph(connect)), "m")
    assert found.sections["training"] == {"precision": "mixed_bfloat16"}
    assert not [note for note in found.notes if "precision" in note]
