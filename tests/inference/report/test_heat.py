"""Where a network saw what it predicted: Grad-CAM of a network of two channels, worked out by hand, and on a run's page."""

import base64
import io

import numpy as np
import pytest

from hornbook import load_recipe


@pytest.fixture(scope="module")
def by_hand(tensorflow):
    """A network of one pixel per place: two channels (the pixel, and minus the pixel), two scores of a dense head."""
    import keras

    inputs = keras.Input((2, 2, 1), name="input")
    maps = keras.layers.Conv2D(2, 1, use_bias=False, name="hidden_1")(inputs)
    flat = keras.layers.Flatten(name="flatten")(keras.layers.MaxPooling2D(1, name="pooling_1")(maps))
    scores = keras.layers.Dense(2, use_bias=False, name="head")(flat)
    model = keras.Model(inputs, keras.layers.Activation("softmax", name="head_activation")(scores))
    model.get_layer("hidden_1").set_weights([np.array([[[[1.0, -1.0]]]])])
    head = np.zeros((2, 2, 2, 2))  # rows, columns, channels, scores
    head[..., 0, 0] = [[4.0, 0.0], [0.0, 0.0]]
    head[..., 1, 0] = [[0.0, 0.0], [0.0, 2.0]]
    head[..., 0, 1] = -1.0
    model.get_layer("head").set_weights([head.reshape(8, 2)])
    return model


IMAGES = np.array([[[3.0, 1.0], [-2.0, 0.0]], [[-1.0, -1.0], [-1.0, -1.0]]], np.float32)[..., None]
# Score 0: mean gradients of its two channels 4/4 = 1 and 2/4 = 0.5, so the map is ReLU(1·x + 0.5·(-x)) = ReLU(x / 2).
# Score 1: -1 and 0, so the map is ReLU(-x).
FOR_0 = [[[1, 1 / 3], [0, 0]], [[0, 0], [0, 0]]]
FOR_1 = [[[0, 0], [1, 0]], [[1, 1], [1, 1]]]
AGAINST_1 = [[[1, 1 / 3], [0, 0]], [[0, 0], [0, 0]]]


@pytest.mark.parametrize(("column", "sign", "expected"), [(0, 1.0, FOR_0), (1, 1.0, FOR_1), (1, -1.0, AGAINST_1)])
@pytest.mark.parametrize("learns", [True, False])
def test_the_map_of_two_channels_is_the_one_worked_out_by_hand(by_hand, column, sign, expected, learns):
    from hornbook.inference.report.heat import FeatureMap, feature_map, grad_cam

    by_hand.trainable = learns
    assert feature_map(by_hand) == FeatureMap("hidden_1", 2, 2)
    heat = grad_cam(by_hand, "hidden_1", IMAGES, [column, column], [sign, sign])
    np.testing.assert_allclose(heat, expected, atol=1e-6)


DIGITS = {"name": "digits", "limit": 128, "split": {"validation": 0, "test": 32}}


@pytest.fixture(scope="module")
def examined(tensorflow, tmp_path_factory):
    """A function: more of a recipe → the page of a run of one epoch, and what was examined."""
    from hornbook.inference.report.examination import examine
    from hornbook.inference.report.page import page_of
    from hornbook.runs.directory import find_run
    from hornbook.trainer.train import train

    def make(**more):
        recipe = {"data": DIGITS, "training": {"epochs": 1, "batch_size": 64, "engine": "graph"}, **more}
        run = find_run(train(load_recipe(recipe), runs=tmp_path_factory.mktemp("runs")).run)
        return page_of(run), examine(run)

    return make


def test_the_page_lays_heat_over_the_most_wrong_pictures_and_says_what_it_is(examined):
    from matplotlib.image import imread

    page, seen = examined(model={"name": "cnn", "filters": [4, 6]})
    assert (seen.feature_map.layer, seen.feature_map.height) == (
        "hidden_2_activation",
        4,
    )  # in front of the last pooling
    assert (
        "It is Grad-CAM (Selvaraju et al. 2017) of the last feature map, 'hidden_2_activation', which has 4 × 4" in page
    )
    heated = [example for _, example in seen.mistakes if example.heated]
    assert page.count('class="example heated"') == len(heated) > 0
    for example in heated:
        colors = imread(io.BytesIO(base64.b64decode(example.heated.partition(",")[2])))[..., :3]
        assert colors.shape == (96, 96, 3)
        assert (colors[..., 0] - colors[..., 2]).max() > 0.5  # orange somewhere


def test_a_network_without_convolutions_has_none_and_says_nothing(examined):
    page, seen = examined(model={"name": "mlp", "units": [4]})
    assert seen.feature_map is None
    assert seen.mistakes
    assert "Grad-CAM" not in page
    assert 'class="example heated"' not in page
