"""Networks without dead units return what they returned with them."""

import keras
import numpy as np
import pytest
from keras import layers

from hornbook.errors import RunError
from hornbook.shrinking.graph import loaded_again
from hornbook.shrinking.units import remove_units

PICTURE = (6, 6, 2)
CHAINS = {
    "dense": ((5,), [layers.Dense(6, "relu", name="first"), layers.Dense(4, name="second"), layers.Dense(2)]),
    "dense with normalization": ((5,), [layers.Dense(6, name="first"), layers.BatchNormalization(), layers.ELU(), layers.Dense(3, name="second"), layers.Dense(2)]),
    "dense with slopes": ((5,), [layers.Dense(6, name="first"), layers.PReLU(), layers.Dropout(0.1), layers.Dense(3, name="second"), layers.Dense(2)]),
    "convolutions": (PICTURE, [layers.Conv2D(6, 3, activation="elu", name="first"), layers.MaxPooling2D(2), layers.Conv2D(3, 2, name="second"), layers.Flatten()]),
    "a convolution, flattened": (PICTURE, [layers.Conv2D(6, 3, activation="elu", padding="same", name="first"), layers.Flatten(), layers.Dense(3, name="second")]),
    "a convolution, averaged": (PICTURE, [layers.Conv2D(6, 3, name="first"), layers.GlobalAveragePooling2D(), layers.Dense(3, name="second")]),
}  # fmt: skip


def without(model, layer, *, incoming=(), outgoing=(), rows=None):
    """Set weights to zero: those that go into some units of a layer, and those of the next layer that read others."""
    kernel = model.get_layer(layer).kernel
    kernel.assign(np.where(np.isin(np.arange(kernel.shape[-1]), incoming), 0, kernel.numpy()))
    reader = model.get_layer("second").kernel
    array = reader.numpy()
    array[..., np.isin(np.arange(array.shape[-2]) % kernel.shape[-1], outgoing), :] = 0
    reader.assign(array)
    return model


@pytest.mark.parametrize("case", CHAINS)
def test_dead_units_go_and_outputs_stay(case, network, assert_equal):
    shape, chain = CHAINS[case]
    model = without(network(shape, *chain), "first", incoming=[0, 3], outgoing=[5])
    made, removed = remove_units(loaded_again(model, trust=False), trust=False)
    assert removed == {"first": 3}
    assert made.get_layer("first").kernel.shape[-1] == 3
    assert made.count_params() < model.count_params()
    assert_equal(model, made)


def test_a_constant_that_padding_would_cut_off_keeps_its_filter(network, assert_equal):
    chain = [layers.Conv2D(4, 3, name="first"), layers.Conv2D(3, 3, padding="same", name="second"), layers.Flatten()]
    model = without(network(PICTURE, *chain), "first", incoming=[0, 1], outgoing=[2])
    bias = model.get_layer("first").bias
    bias.assign([0.0, 0.5, 0.5, 0.5])  # filter 0 gives nothing, filter 1 gives 0.5 everywhere but in the padding
    made, removed = remove_units(loaded_again(model, trust=False), trust=False)
    assert removed == {"first": 2}
    assert_equal(model, made)


def test_units_whose_readers_are_gone_go_too(network, assert_equal):
    chain = [
        layers.Dense(4, "relu", name="first"),
        layers.Dense(4, "relu", name="second"),
        layers.Dense(2, name="third"),
    ]
    model = network((5,), *chain)
    kernel = np.zeros((4, 4), np.float32)
    kernel[0, 0], kernel[1, 1] = 1.0, 1.0
    model.get_layer("second").kernel.assign(kernel)  # units 2 and 3 of the first layer are read by nobody
    third = model.get_layer("third").kernel
    third.assign(np.where(np.arange(4)[:, None] == 1, 0, third.numpy()))  # and the reader of unit 1 by nobody either
    made, removed = remove_units(loaded_again(model, trust=False), trust=False)
    assert removed == {"first": 3, "second": 3}
    assert_equal(model, made)


def test_what_is_added_to_something_else_keeps_its_units(numbered, assert_equal):
    inputs = keras.Input((5,))
    x = layers.Add()([layers.Dense(4, "relu", name="first")(inputs), layers.Dense(4, name="other")(inputs)])
    model = without(
        numbered(keras.Model(inputs, layers.Dense(2, name="second")(x))), "first", incoming=[0], outgoing=[1]
    )
    made, removed = remove_units(loaded_again(model, trust=False), trust=False)
    assert removed == {}
    assert_equal(model, made)


def test_a_layer_without_any_living_unit_is_refused(network):
    model = without(network(*CHAINS["dense"][:1], *CHAINS["dense"][1]), "first", incoming=range(6))
    with pytest.raises(RunError, match="'first' would lose all its 6 units"):
        remove_units(loaded_again(model, trust=False), trust=False)
