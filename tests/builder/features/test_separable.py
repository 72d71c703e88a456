"""Separable convolutions: where weights begin, what the ingredients do to both kernels, and what theory expects of them."""

import keras
import numpy as np
import pytest

from hornbook.builder.signals import Signal, expected_signals

CHANNELS = 200
IMAGES = np.zeros((4, 8, 8, 1), np.uint8)
Y = np.array([0, 1, 2, 1])


@pytest.fixture
def separable(prepare):
    """A function: more of a recipe → the second convolution of a network, which reads 200 channels."""

    def build(**more):
        model = {"name": "cnn", "filters": [CHANNELS, 8], "separable": True, "flatten": "global_average"}
        built = prepare({"model": model, "training": {"batch_size": 4}, **more}, (IMAGES, Y)).built.model
        assert isinstance(built.get_layer("hidden_1"), keras.layers.Conv2D)
        return built.get_layer("hidden_2")

    return build


# A unit of the depthwise kernel reads 9 numbers of one channel and feeds 9, with nothing behind it that cuts off a half;
# one of the pointwise kernel reads 200 numbers and stands in front of a ReLU.
STARTS = {
    "he_normal": (1 / 9, 2 / 200),
    "he_uniform": (1 / 9, 2 / 200),
    "lecun_normal": (1 / 9, 1 / 200),
    "glorot_uniform": (1 / 9, 1 / 104),
    "orthogonal": (1 / 9, 1 / 200),
    "random_normal": (0.05**2, 0.05**2),
}


@pytest.mark.parametrize("name", STARTS)
def test_both_kernels_begin_so_that_signals_keep_their_size(separable, name):
    layer = separable(initializer=name)
    depthwise, pointwise = (weight.numpy() for weight in layer.weights[:2])
    assert (depthwise.shape, pointwise.shape) == ((3, 3, CHANNELS, 1), (1, 1, CHANNELS, 8))
    # 1,800 and 1,600 numbers: the standard error of the variance is below 4 %
    assert (depthwise.var(), pointwise.var()) == pytest.approx(STARTS[name], rel=0.12)


def test_an_omitted_initializer_suits_the_activation(separable):
    assert separable(activation="elu").weights[1].numpy().var() == pytest.approx(2 / 200, rel=0.12)
    assert separable(activation="tanh").weights[1].numpy().var() == pytest.approx(1 / 104, rel=0.12)


def test_penalties_cover_both_kernels(separable):
    layer = separable(regularization={"l2": 0.1})
    kernels = [weight.numpy() for weight in layer.weights[:2]]
    assert float(sum(layer.losses)) == pytest.approx(0.1 * sum((kernel**2).sum() for kernel in kernels), rel=1e-5)


def test_max_norm_limits_each_channel_of_one_kernel_and_each_unit_of_the_other(separable):
    layer = separable(regularization={"max_norm": 0.1})
    depthwise, pointwise = layer.weights[:2]
    limited = layer.depthwise_constraint(depthwise.value).numpy().reshape(9, CHANNELS)
    np.testing.assert_allclose(np.linalg.norm(limited, axis=0), 0.1, rtol=1e-4)
    limited = layer.pointwise_constraint(pointwise.value).numpy().reshape(CHANNELS, 8)
    np.testing.assert_allclose(np.linalg.norm(limited, axis=0), 0.1, rtol=1e-4)


def test_separable_convolutions_run_as_a_graph(prepare):
    model = {"name": "residual_cnn", "filters": [4], "blocks": 1, "separable": True}
    assert prepare({"model": model, "training": {"batch_size": 4}}, (IMAGES, Y)).recipe.training.engine == "graph"


def test_theory_of_a_separable_stack_agrees_with_one_draw_of_it(prepare, generator):
    """Signals and gradients of five layers: each measured one within a quarter of theory's."""
    model = {"name": "cnn", "filters": [96] * 5, "separable": True, "pooling": "none", "padding": "valid"}
    recipe = {"model": model, "activation": "linear", "training": {"batch_size": 4}}
    images = generator.normal(size=(8, 16, 16, 3)).astype(np.float32)
    network = prepare(recipe, (images, np.arange(8) % 3)).built.logits_model
    names = [f"hidden_{number}" for number in range(1, 6)]
    expected = expected_signals(network, Signal(0.0, 1.0), "hidden_1")
    view = keras.Model(network.input, [network.get_layer(name).output for name in names])
    import tensorflow as tf

    kernels = [network.get_layer(name).trainable_variables[:2] for name in names[1:]]
    with tf.GradientTape() as tape:
        outputs = view(images)
        loss = tf.reduce_sum(outputs[-1] * generator.normal(size=outputs[-1].shape))  # independent gradients of size 1
    gradients = tape.gradient(loss, [[variable.value for variable in pair] for pair in kernels])
    for name, output in zip(names, outputs, strict=True):
        assert float(tf.math.reduce_std(output)) == pytest.approx(expected[name].signal.deviation, rel=0.25), name
    sizes = [np.sqrt(np.mean(np.concatenate([np.ravel(each) for each in pair]) ** 2)) for pair in gradients]
    theory = [expected[name].gradient for name in names[1:]]
    assert np.array(sizes) / sizes[-1] == pytest.approx(np.array(theory) / theory[-1], rel=0.25)
