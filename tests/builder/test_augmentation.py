"""Augmentation changes images while training, and never anywhere else."""

import colorsys

import numpy as np
import pytest

import hornbook

OVERRIDES = ["training.epochs=1", "data.limit=64", "data.augmentation={shift: 0.2, rotate: 20, noise: 0.2}"]


def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 16, (8, 8, 8, 1)).astype("float32")


def test_the_plain_model_never_augments_even_when_called_bare(tmp_path):
    import keras

    recipe = hornbook.load_recipe("cnn_augmentation", OVERRIDES)
    result = hornbook.train(recipe, runs=str(tmp_path), progress=False)
    saved = keras.models.load_model(result.run / "checkpoints" / f"{result.final}.keras")
    for model in (result.model, saved):
        np.testing.assert_array_equal(model(images()), model(images()))
        np.testing.assert_allclose(model(images()), model.predict(images(), verbose=0), rtol=1e-5, atol=1e-6)


def test_the_model_to_fit_augments_in_training_only():
    model = hornbook.build(hornbook.load_recipe("cnn_augmentation", OVERRIDES))
    np.testing.assert_array_equal(model(images(), training=False), model(images(), training=False))
    first, second = (np.asarray(model.layers[2](images(), training=True)) for _ in range(2))
    assert not np.array_equal(first, second)


@pytest.fixture(scope="module")
def layers():
    """Return what makes the layers of an augmentation, by name."""
    from hornbook.builder.augmentation import augmentation_layers
    from hornbook.data.facts import DataInfo

    recipe = hornbook.load_recipe("cnn_augmentation", ["~data.augmentation"])
    facts = {"task": "multiclass", "num_classes": 10, "target_size": 1, "class_names": None, "features": None}
    rest = {"vocabulary_size": None, "counts": {}, "class_counts": (), "fingerprint": "", "split_method": ""}
    info = DataInfo(name="", kind="image", input_shape=(8, 8, 3), input_dtype="uint8", **facts, **rest)

    def make(white=1.0, **given):
        changed = recipe.replaced({"data.augmentation": given})
        first, last = augmentation_layers(changed, info, white=white)
        return {layer.name.removeprefix("augmentation_"): layer for layer in (*first, *last)}

    return make


COLORED = np.random.default_rng(0).random((500, 8, 8, 3)).astype(np.float32) * 0.2 + 0.4


def test_brightness_moves_all_pixels_of_a_picture_alike(layers):
    change = np.asarray(layers(brightness=0.2)["brightness"](COLORED, training=True)) - COLORED
    assert np.ptp(change, axis=(1, 2, 3)).max() < 1e-6
    moves = change[:, 0, 0, 0]
    assert (moves.min(), moves.max()) == pytest.approx((-0.2, 0.2), abs=0.005)  # each picture draws for itself
    bytes_ = layers(white=255.0, brightness=0.2)["brightness"](COLORED * 255, training=True)
    assert np.abs(np.asarray(bytes_) - COLORED * 255).max() == pytest.approx(51, abs=1)


def test_contrast_grows_and_shrinks(layers):
    changed = np.asarray(layers(contrast=0.3)["contrast"](COLORED, training=True))
    factors = changed.std(axis=(1, 2, 3)) / COLORED.std(axis=(1, 2, 3))
    assert (factors.min(), factors.max()) == pytest.approx((0.7, 1.3), abs=0.02)
    np.testing.assert_allclose(changed.mean(axis=(1, 2)), COLORED.mean(axis=(1, 2)), atol=1e-5)


@pytest.mark.parametrize("white", [1.0, 255.0])
def test_saturation_and_hue_change_what_python_calls_so(layers, white):
    def hsv(pictures):
        return np.array([colorsys.rgb_to_hsv(*picture[0, 0] / white) for picture in pictures])

    x = np.full((300, 2, 2, 3), (0.7, 0.5, 0.4), np.float32) * white
    before = hsv(x)[0]
    changed = hsv(np.asarray(layers(white, saturation=0.3)["saturation"](x, training=True)))
    factors = changed[:, 1] / before[1]
    assert (factors.min(), factors.max()) == pytest.approx((0.7, 1.3), abs=0.02)
    np.testing.assert_allclose(changed[:, [0, 2]], np.tile(before[[0, 2]], (300, 1)), atol=1e-3)
    turned = hsv(np.asarray(layers(white, hue=0.1)["hue"](x, training=True)))
    turns = (turned[:, 0] - before[0] + 0.5) % 1 - 0.5
    assert (turns.min(), turns.max()) == pytest.approx((-0.1, 0.1), abs=0.005)
    np.testing.assert_allclose(turned[:, 1:], np.tile(before[1:], (300, 1)), atol=1e-3)


def test_the_layers_stand_in_their_order_and_what_blanks_and_mixes_after_standardizing(tmp_path):
    given = "{cutout: 0.4, mixup: 0.2, cutmix: 1.0, noise: 0.1, contrast: 0.2, brightness: 0.1, flip: horizontal}"
    changes = ["data.standardize=true", f"data.augmentation={given}", "data.limit=64", "training.epochs=1"]
    recipe = hornbook.load_recipe("cnn_augmentation", changes)
    model = hornbook.build(recipe)
    names = [layer.name.removeprefix("augmentation_") for layer in model.layers][1:9]
    assert names == ["scale", "flip", "brightness", "contrast", "noise", "standardize", "cutout", "mixing"]
    result = hornbook.train(recipe, runs=str(tmp_path), progress=False)
    kinds = {type(layer).__name__ for layer in result.model.layers}
    assert not kinds & {"Mixing", "RandomCutout", "RandomContrast", "GaussianNoise"}
