"""Windows of series on scales of their own, against plain Keras on arrays that were scaled by hand."""

import keras
import numpy as np
import pytest

from hornbook.builder.randomness import permutation
from hornbook.layers.series import FromSeriesScale, ToSeriesScale

DATA = {"name": "seasons", "steps": 120, "count": 3, "window": 6, "horizon": 2, "stride": 4, "scaling": "series"}
RECIPE = {
    "seed": 5,
    "data": DATA,
    "model": {"name": "rnn", "cell": "simple", "units": [4]},
    "optimizer": {"name": "sgd", "learning_rate": 0.05},
    "training": {"epochs": 2, "batch_size": 16, "metrics": ["mean_absolute_error"]},
}


@pytest.fixture(scope="module")
def by_hand(prepare):
    """Losses, errors and last weights of the same network in plain Keras, on windows that NumPy has scaled."""
    prepared = prepare(RECIPE)
    split, scales = prepared.splits.train, prepared.splits.preprocessing.series
    number = split.x[:, 0, -1].astype(int)
    mean, deviation, target_mean, target_deviation = (
        np.array(table, np.float32)[number] for table in vars(scales).values()
    )
    x = (split.x[..., :1] - mean[:, None]) / deviation[:, None]
    y = (split.y - target_mean) / target_deviation
    model = keras.Sequential([keras.Input((6, 1)), keras.layers.SimpleRNN(4), keras.layers.Dense(2)])
    learned = [variable.numpy() for variable in prepared.built.model.trainable_variables]
    model.set_weights(learned)
    model.compile(keras.optimizers.SGD(0.05), "mean_squared_error")
    logs = []
    for epoch in range(2):
        order = permutation(5, epoch, len(x))
        history = model.fit(x[order], y[order], batch_size=16, shuffle=False, verbose=0).history
        logs.append(history["loss"][0])
    predicted = model.predict(x, verbose=0) * target_deviation + target_mean
    return logs, model.get_weights(), predicted


@pytest.mark.parametrize("engine", ["graph", "xla", "fit"])
def test_every_engine_trains_like_plain_keras_on_scaled_arrays(prepare, run_epochs, by_hand, engine):
    losses, weights, predicted = by_hand
    prepared = prepare({**RECIPE, "training": {**RECIPE["training"], "engine": engine}})
    logs = run_epochs(prepared, 2)
    assert [row["loss"] for row in logs] == pytest.approx(losses, rel=1e-4)
    model = prepared.built.model
    for variable, expected in zip(model.trainable_variables, weights, strict=True):
        np.testing.assert_allclose(variable.numpy(), expected, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(model.predict(prepared.splits.train.x, verbose=0), predicted, rtol=1e-4, atol=1e-3)


def test_such_a_network_is_trained_under_xla(prepare):
    assert prepare(RECIPE).recipe.training.engine == "xla"


def test_the_layers_keep_their_scales_in_a_saved_model(tmp_path):
    mean, deviation = [[1.0, 10.0], [2.0, 20.0]], [[2.0, 4.0], [0.5, 1.0]]
    inputs = keras.Input((3, 3))
    layer = ToSeriesScale(2, 2)
    scores = keras.Input((5,))
    back = FromSeriesScale(2, 2)
    model = keras.Model([inputs, scores], [layer(inputs), back(scores)])
    for each in (layer, back):
        each.learn(mean, deviation)
    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    windows = np.array([[[3, 14, 1], [2, 21, 1], [0, 0, 1]], [[3, 14, 0], [1, 10, 0], [-1, 6, 0]]], np.float32)
    rows = np.array([[0, 1, 2, -1, 0], [0, 1, 2, -1, 1]], np.float32)
    scaled, numbers = loaded.predict([windows, rows], verbose=0)
    np.testing.assert_array_equal(scaled[0], [[2, -6], [0, 1], [-4, -20]])
    np.testing.assert_array_equal(scaled[1], [[1, 1], [0, 0], [-1, -1]])
    np.testing.assert_array_equal(numbers, [[1, 14, 5, 6], [2, 21, 3, 19]])
