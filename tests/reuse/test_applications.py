"""Keras's applications get the pixels that Keras's own functions would give them, whatever the data looks like."""

import inspect
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from hornbook.builder.reuse import EarlierModel, fit_inputs
from hornbook.data.facts import Preprocessing
from hornbook.errors import RecipeError
from hornbook.inference.earlier_model import preprocessing_of
from hornbook.recipes import check_recipe

APPLICATIONS = [name for name in dir(keras.applications) if name[0].isupper()]
Y = np.arange(6) % 2


@pytest.fixture
def on_application(prepare):
    """A function: an application, images and how the data is read → (what stands in front of its layers, the network)."""

    def build(application, x, **data):
        split = {"validation": 0, "test": 0}
        recipe = {
            "data": {"name": "arrays", "split": split, **data},
            "model": "mlp",
            "reuse": {"from": {"weights": "none", **application}},
            "training": {"batch_size": 2, "engine": "graph"},
        }
        return prepare(recipe, (x, Y)).built

    return build


def own_features(built, x, network, preprocess, size):
    """Return what Keras's application makes of raw pixels, with the weights of the built model."""
    copies = [layer for layer in built.model.layers if layer.weights and layer.name != "head"]
    for layer, copy in zip([layer for layer in network.layers if layer.weights], copies, strict=True):
        layer.set_weights(copy.get_weights())
    pixels = np.asarray(x, np.float32)
    pixels = np.repeat(pixels, 3, axis=-1) if pixels.shape[-1] == 1 else pixels
    return network(preprocess(tf.image.resize(pixels, size).numpy()), training=False).numpy()


def features(built, x):
    head = built.model.get_layer("head")
    return keras.Model(built.model.input, head.input)(np.asarray(x, np.float32), training=False).numpy()


FAMILIES = {
    "-1 to 1": ({"application": "MobileNetV2", "options": {"alpha": 0.35}}, "mobilenet_v2", {"alpha": 0.35}),
    "blue first": ({"application": "VGG16"}, "vgg16", {}),
    "its own": pytest.param({"application": "EfficientNetB0"}, "efficientnet", {}, marks=pytest.mark.whole),
    "means and deviations": pytest.param({"application": "DenseNet121"}, "densenet", {}, marks=pytest.mark.whole),
    "blue first, with shortcuts": pytest.param({"application": "ResNet50"}, "resnet", {}, marks=pytest.mark.whole),
    "its own, without a module": pytest.param(
        {"application": "MobileNetV3Small"}, "mobilenet_v3", {}, marks=pytest.mark.whole
    ),
}


@pytest.mark.parametrize(("application", "module", "options"), FAMILIES.values(), ids=list(FAMILIES))
def test_raw_pixels_arrive_as_keras_prepares_them(on_application, generator, application, module, options):
    x = generator.integers(0, 256, (6, 40, 36, 3), np.uint8)
    built = on_application({**application, "size": [48, 32]}, x)
    function = getattr(keras.applications, application["application"])
    network = function(input_shape=(48, 32, 3), include_top=False, pooling="avg", weights=None, **options)
    preprocess = getattr(keras.applications, module).preprocess_input
    expected = own_features(built, x, network, preprocess, (48, 32))
    assert expected.std() > 0
    np.testing.assert_allclose(features(built, x), expected, rtol=2e-4, atol=2e-4 * np.abs(expected).max())


@pytest.fixture
def in_front(tensorflow):
    """A function: images of a shape, their largest number, their scale → what stands in front of an application of 32×32."""
    reads = keras.Input((32, 32, 3))
    source = EarlierModel(
        keras.Model(reads, keras.layers.Flatten()(reads)), (), "flatten", "", preprocess=preprocessing_of(VGG16)
    )

    def build(shape, largest, scale=None):
        info = SimpleNamespace(kind="image", extra={"inputs": {"largest": largest}})
        inputs = keras.Input(shape)
        return keras.Model(inputs, fit_inputs(inputs, source, info, Preprocessing(scale=scale)))

    return build


VGG16 = keras.applications.VGG16
BLUE_GREEN_RED = [103.939, 116.779, 123.68]
"""ImageNet's means, which VGG16 subtracts from pixels in this order."""


@pytest.mark.parametrize(("largest", "scale"), [(255, 255.0), (255, None), (1, None), (16, 16.0)])
def test_grey_pictures_of_any_range_become_pixels_of_three_channels(in_front, generator, largest, scale):
    x = (generator.uniform(0, 1, (3, 20, 24, 1)) * largest).astype(np.float32)
    pixels = np.repeat(tf.image.resize(x * (255 / largest), (32, 32)).numpy(), 3, axis=-1)
    np.testing.assert_allclose(in_front((20, 24, 1), largest, scale)(x), pixels - BLUE_GREEN_RED, atol=1e-3)


@pytest.mark.parametrize("largest", [7.5, 1000])
def test_numbers_that_are_neither_pixels_nor_fractions_are_refused(in_front, largest):
    message = f"read pixels from 0 to 255 or fractions from 0 to 1, and these images reach {largest}"
    with pytest.raises(RecipeError, match=message):
        in_front((20, 24, 3), largest)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"application": "Xception", "size": [70, 80]},
            "reuse.from.size: expected pictures of 71 × 71 pixels at least for Xception, found 70 × 80.",
        ),
        (
            {"application": "VGG16", "size": 31},
            "reuse.from.size: expected pictures of 32 × 32 pixels at least for VGG16, found 31 × 31.",
        ),
        (
            {"application": "VGG16", "options": {"include_top": True}},
            "reuse.from.options: 'include_top' cannot be set here. The head is the recipe's own.",
        ),
    ],
)
def test_what_an_application_cannot_be_is_found_before_it_is_made(given, sentence):
    (problem,) = check_recipe({"data": "digits", "model": "mlp", "reuse": {"from": given}}).errors
    assert problem.sentence() == sentence


@pytest.mark.parametrize("name", APPLICATIONS)
def test_every_application_has_its_own_preprocessing(name, generator):
    function = getattr(keras.applications, name)
    pixels = generator.integers(0, 256, (2, 3, 4, 3)).astype(np.float32)
    expected = inspect.getmodule(function).preprocess_input(pixels.copy())
    np.testing.assert_allclose(np.asarray(preprocessing_of(function)(pixels.copy())), expected, rtol=1e-6)
