"""Augmentation changes images while training, and never anywhere else."""

import numpy as np

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
