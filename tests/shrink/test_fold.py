"""Folded networks return what they returned before; what cannot be folded exactly stays and is named."""

import keras
import numpy as np
import pytest
from keras import layers

from hornbook.shrinking.fold import fold_inputs, fold_normalization, removed_layers
from hornbook.shrinking.graph import Graph, loaded_again, rebuilt


def norm(name="norm", **options):
    return layers.BatchNormalization(name=name, **options)


FOLDABLE = {
    "behind a dense layer": ((5,), [layers.Dense(4), norm(), layers.ReLU(), layers.Dense(2)]),
    "behind a dense layer without a bias": ((5,), [layers.Dense(4, use_bias=False), norm(scale=False), layers.Dense(2)]),
    "in front of a dense layer": ((5,), [layers.Dense(4), layers.ReLU(), norm(center=False), layers.Dense(2)]),
    "in front, across dropout": ((5,), [layers.Dense(4, "relu"), norm(), layers.Dropout(0.5), layers.Dense(2, use_bias=False)]),
    "behind a convolution": ((6, 6, 2), [layers.Conv2D(3, 3, padding="same"), norm(), layers.ReLU(), layers.Flatten()]),
    "behind a strided one with groups": ((6, 6, 2), [layers.Conv2D(4, 3, strides=2, groups=2), norm(), layers.Flatten()]),
    "behind a depthwise one": ((6, 6, 2), [layers.DepthwiseConv2D(3, depth_multiplier=2), norm(), layers.Flatten()]),
    "behind a separable one": ((6, 6, 2), [layers.SeparableConv2D(4, 3), norm(), layers.Flatten()]),
    "in front of a convolution without padding": ((6, 6, 2), [norm(), layers.Conv2D(3, 3), layers.Flatten()]),
    "in front of a separable one without padding": (
        (6, 6, 2), [norm(), layers.SeparableConv2D(3, 3, depth_multiplier=2, use_bias=False), layers.Flatten()],
    ),
    "in front, across average pooling": ((6, 6, 2), [norm(), layers.AveragePooling2D(2), layers.Conv2D(3, 2), layers.Flatten()]),
    "in front, across flattening": ((4, 4, 3), [layers.Conv2D(3, 2, activation="relu"), norm(), layers.Flatten(), layers.Dense(2)]),
    "in front, across a global mean": ((4, 4, 3), [layers.ReLU(), norm(), layers.GlobalAveragePooling2D(), layers.Dense(2)]),
    "behind, across average pooling": ((6, 6, 2), [layers.Conv2D(3, 3), layers.AveragePooling2D(2), norm(), layers.Flatten()]),
    "in one dimension": ((6, 2), [layers.Conv1D(3, 3), norm(), layers.ReLU(), layers.Dense(2)]),
    "two in a row": ((5,), [layers.Dense(4), norm("norm"), norm("second"), layers.Dense(2)]),
}  # fmt: skip
KEPT = {
    "in front of a convolution with padding": (
        (6, 6, 2), [layers.ReLU(), norm(), layers.Conv2D(3, 3, padding="same"), layers.Flatten()], "puts zeros around its inputs",
    ),
    "in front of a separable one with padding": (
        (6, 6, 2), [layers.ReLU(), norm(), layers.SeparableConv2D(3, 3, padding="same"), layers.Flatten()], "puts zeros around",
    ),
    "behind an activation, in front of nothing": ((5,), [layers.Dense(4, "relu"), norm()], "no layer of weights follows it"),
    "in front of another activation": ((5,), [layers.ReLU(), norm(), layers.ELU(), layers.Dense(2)], "comes before the next layer"),
    "over another axis": ((4, 3), [layers.Dense(3), norm(axis=1), layers.Dense(2)], "over another axis"),
    "of another kind": ((5,), [layers.Dense(4), layers.LayerNormalization(name="norm"), layers.Dense(2)], "from example to example"),
}  # fmt: skip


def folded(model, fold, **options):
    fresh = loaded_again(model, trust=False)
    folding = fold(Graph(fresh), **options)
    return folding, rebuilt(fresh, folding.changes, trust=False)


@pytest.mark.parametrize("case", FOLDABLE)
def test_normalization_is_folded_where_that_is_exact(case, network, assert_equal):
    shape, chain = FOLDABLE[case]
    model = network(shape, *chain)
    folding, made = folded(model, fold_normalization)
    assert folding.kept == {}
    assert not [layer.name for layer in made.layers if isinstance(layer, layers.BatchNormalization)]
    assert_equal(model, made)


@pytest.mark.parametrize("case", KEPT)
def test_what_cannot_be_folded_stays_and_is_named(case, network, assert_equal):
    shape, chain, reason = KEPT[case]
    model = network(shape, *chain)
    folding, made = folded(model, fold_normalization)
    assert list(folding.kept) == ["norm"]
    assert reason in folding.kept["norm"]
    assert "norm" in [layer.name for layer in made.layers]
    assert_equal(model, made)


@pytest.mark.parametrize("pooling", [layers.MaxPooling2D(2), layers.GlobalMaxPooling2D()])
def test_maxima_hand_on_a_scale_above_zero_alone(pooling, network, assert_equal):
    chain = [layers.ReLU(), norm(), pooling, layers.Flatten(), layers.Dense(2)]
    model = network((4, 4, 3), *chain)
    gamma = model.get_layer("norm").gamma
    gamma.assign([0.5, -0.1, 2.0])
    folding, made = folded(model, fold_normalization)
    assert "turns the maxima" in folding.kept["norm"]
    gamma.assign([0.5, 0.1, 2.0])
    folding, made = folded(model, fold_normalization)
    assert folding.kept == {}
    assert_equal(model, made)


def test_both_branches_of_a_residual_network_are_folded(numbered, assert_equal):
    x = inputs = keras.Input((6, 6, 2))
    shortcut = norm("short_norm")(layers.Conv2D(4, 1)(x))
    x = layers.ReLU()(norm("first_norm")(layers.Conv2D(4, 3, padding="same")(x)))
    x = norm("second_norm")(layers.Conv2D(4, 3, padding="same")(x))
    x = layers.Flatten()(layers.ReLU()(layers.Add()([x, shortcut])))
    model = numbered(keras.Model(inputs, layers.Dense(3)(x)))
    folding, made = folded(model, fold_normalization)
    assert set(folding.folded) == {"short_norm", "first_norm", "second_norm"}
    assert_equal(model, made)


def test_a_layer_that_somebody_else_reads_too_keeps_its_sums(numbered, assert_equal):
    inputs = keras.Input((5,))
    sums = layers.Dense(4)(inputs)
    x = layers.Add()([layers.ReLU()(norm("norm")(sums)), sums])
    model = numbered(keras.Model(inputs, layers.Dense(2)(x)))
    folding, made = folded(model, fold_normalization)
    assert "comes before the next layer of weights" in folding.kept["norm"]
    assert_equal(model, made)


PIXELS = layers.Rescaling(1 / 255, offset=-0.5, name="scale")
PLACES = {"mean": np.arange(8.0).reshape(2, 2, 2), "variance": np.arange(1.0, 9.0).reshape(2, 2, 2)}
INPUTS = {
    "pixels": ((2, 2, 2), [PIXELS, layers.Flatten(), layers.Dense(3)]),
    "columns": ((3,), [layers.Normalization(mean=[1.0, 5.0, 90.0], variance=[1.0, 4.0, 400.0]), layers.Dense(2)]),
    "pixels by place": ((2, 2, 2), [layers.Normalization((1, 2, 3), **PLACES), layers.Flatten(), layers.Dense(3)]),
    "channels into a convolution": ((3, 3, 2), [layers.Normalization(mean=[1.0, 5.0], variance=[1.0, 4.0]), layers.Conv2D(3, 2)]),
    "a scale into a convolution with padding": ((3, 3, 2), [layers.Rescaling(1 / 255), layers.Conv2D(3, 2, padding="same")]),
    "one after the other": (
        (2, 2, 2), [PIXELS, layers.Normalization(mean=[0.1, 0.2], variance=[0.04, 0.09]), layers.Dropout(0.1), layers.Flatten(), layers.Dense(3)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", INPUTS)
def test_inputs_are_folded_into_what_reads_them(case, network, assert_equal):
    shape, chain = INPUTS[case]
    model = network(shape, *chain)
    folding, made = folded(model, fold_inputs)
    assert not {"Rescaling", "Normalization"} & {type(layer).__name__ for layer in made.layers}
    assert folding.kept == {}
    assert_equal(model, made, scale=255.0)


def test_inputs_stay_where_a_shift_meets_padding(network):
    model = network(
        (3, 3, 2),
        layers.Normalization(mean=[1.0, 5.0], variance=[1.0, 4.0], name="std"),
        layers.Conv2D(3, 2, padding="same"),
    )
    folding, _ = folded(model, fold_inputs)
    assert "puts zeros around its inputs" in folding.kept["std"]


def test_inputs_with_scales_of_their_own_stay_in_front_of_rounded_weights(network):
    chain = [layers.Normalization(mean=[1.0, 5.0], variance=[1.0, 4.0], name="std"), layers.Dense(2)]
    assert "each input otherwise" in folded(network((2,), *chain), fold_inputs, evenly=True)[0].kept["std"]
    assert folded(network((2, 2, 2), PIXELS, layers.Flatten(), layers.Dense(3)), fold_inputs, evenly=True)[0].kept == {}


def test_layers_of_training_alone_go_and_placeholders_of_augmentation_stay(network):
    chain = [
        layers.Identity(name="augmentation_flip"),
        layers.Dropout(0.5, name="drop"),
        layers.GaussianNoise(0.1, name="noise"),
    ]
    assert set(removed_layers(Graph(loaded_again(network((5,), *chain, layers.Dense(2)), trust=False)))) == {
        "drop",
        "noise",
    }


def test_a_model_with_shared_layers_is_refused(tensorflow):
    from hornbook.errors import RunError

    inputs, twice = keras.Input((5,)), layers.Dense(5, name="twice")
    model = keras.Model(inputs, twice(layers.ReLU()(twice(inputs))))
    with pytest.raises(RunError, match="'twice' is used in several places"):
        Graph(loaded_again(model, trust=False))


def test_normalization_is_folded_on_each_branch_and_stays_in_front_of_what_joins_them(numbered, assert_equal):
    inputs = keras.Input((5,))
    behind = norm("behind")(layers.Dense(4)(inputs))
    in_front = norm("in_front")(layers.Dense(4, "relu")(inputs))
    model = numbered(keras.Model(inputs, layers.Dense(3)(layers.Concatenate(name="join")([inputs, behind, in_front]))))
    folding, made = folded(model, fold_normalization)
    assert set(folding.folded) == {"behind"}
    assert folding.kept == {"in_front": "'join' (Concatenate) comes before the next layer of weights"}
    assert_equal(model, made)
