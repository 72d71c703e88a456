"""Penalties, dropout and limits on weights, against NumPy."""

import keras
import numpy as np
import pytest

RNG = np.random.default_rng(2)
X = RNG.normal(size=(12, 4)).astype(np.float32)
Y = RNG.integers(0, 3, 12)


def build(prepare, regularization, x=X, **more):
    recipe = {"model": {"name": "mlp", "units": [6, 5]}, "training": {"batch_size": 4, "engine": "graph"}}
    return prepare({**recipe, "regularization": regularization, **more}, (x, Y))


@pytest.mark.parametrize("given", [{"l1": 0.01}, {"l2": 0.02}, {"l1": 0.01, "l2": 0.02}])
def test_penalties_are_the_sums_over_all_kernels_and_no_bias(prepare, given):
    model = build(prepare, given, initializer={"name": "he_normal", "bias": "ones"}).built.model
    kernels = [weight.numpy() for weight in model.weights if weight.name == "kernel"]
    assert len(kernels) == 3
    expected = sum(given.get("l1", 0) * np.abs(k).sum() + given.get("l2", 0) * (k**2).sum() for k in kernels)
    assert float(sum(model.losses)) == pytest.approx(expected, rel=1e-5)


def test_penalties_cover_convolutions_and_what_goes_into_recurrent_cells(prepare):
    images, series = np.zeros((12, 6, 6, 1), np.uint8), np.zeros((12, 5, 3), np.float32)
    for model, x in (({"name": "cnn", "filters": [3]}, images), ({"name": "rnn", "units": [3]}, series)):
        built = build(prepare, {"l2": 0.1}, x, model=model).built.model
        kernels = [weight.numpy() for weight in built.weights if weight.name == "kernel"]
        assert float(sum(built.losses)) == pytest.approx(0.1 * sum((k**2).sum() for k in kernels), rel=1e-5)


@pytest.mark.parametrize("engine", ["graph", "xla"])
def test_incoming_weights_of_hidden_units_never_get_longer_than_max_norm(prepare, run_epochs, engine):
    training = {"batch_size": 4, "engine": engine}
    optimizer = {"name": "sgd", "learning_rate": 1.0}
    prepared = build(prepare, {"max_norm": 0.5}, training=training, optimizer=optimizer)
    norms = []

    def after_step(done):
        for name in ("hidden_1", "hidden_2"):
            norms.append(np.linalg.norm(prepared.built.model.get_layer(name).kernel.numpy(), axis=0))
        return False

    run_epochs(prepared, chunk=1, on_chunk=after_step)
    assert len(norms) == 6
    assert max(norm.max() for norm in norms) <= 0.5 + 1e-5
    assert max(norm.max() for norm in norms) == pytest.approx(0.5, abs=1e-5)
    assert prepared.built.model.get_layer("head").kernel_constraint is None


def test_max_norm_of_a_convolution_runs_over_window_and_channels(prepare):
    images = np.zeros((12, 6, 6, 2), np.uint8)
    layer = build(prepare, {"max_norm": 0.1}, images, model={"name": "cnn", "filters": [3]}).built.model.get_layer(
        "hidden_1"
    )
    limited = layer.kernel_constraint(layer.kernel.value).numpy()
    np.testing.assert_allclose(np.linalg.norm(limited.reshape(-1, 3), axis=0), 0.1, rtol=1e-4)


def output_of(model, name, x, training=True):
    return keras.Model(model.input, model.get_layer(name).output)(x, training=training).numpy()


ONES = np.ones((200, 50), np.float32)


def noisy(prepare, regularization, name):
    recipe = {"model": {"name": "mlp", "units": [50]}, "activation": "linear", "training": {"batch_size": 4}}
    recipe |= {"initializer": {"name": "identity"}, "regularization": regularization}
    model = prepare(recipe, (ONES, np.arange(200) % 3)).built.model
    assert (output_of(model, name, ONES, training=False) == 1).all()
    assert (output_of(model, "head", ONES, training=False) == output_of(model, "head", ONES, training=False)).all()
    return output_of(model, name, ONES)


@pytest.mark.parametrize(("kind", "name"), [("dropout", "hidden_1_dropout"), ("input_dropout", "input_dropout")])
def test_dropout_keeps_the_mean_and_drops_its_rate(prepare, kind, name):
    out = noisy(prepare, {kind: 0.3}, name)
    np.testing.assert_allclose(np.unique(out), [0, 1 / 0.7], rtol=1e-5)
    assert (out == 0).mean() == pytest.approx(0.3, abs=0.02)  # 10,000 draws: standard error 0.005


def test_gaussian_dropout_multiplies_and_gaussian_noise_adds(prepare):
    out = noisy(prepare, {"gaussian_dropout": 0.2}, "hidden_1_gaussian_dropout")
    assert out.mean() == pytest.approx(1, abs=0.025)
    assert out.var() == pytest.approx(0.2 / 0.8, rel=0.06)
    out = noisy(prepare, {"gaussian_noise": 0.3}, "hidden_1_gaussian_noise")
    assert out.mean() == pytest.approx(1, abs=0.015)
    assert out.std() == pytest.approx(0.3, rel=0.04)


def test_alpha_dropout_keeps_mean_and_variance_of_standardized_units(prepare):
    x = np.random.default_rng(1).normal(size=(2000, 50)).astype(np.float32)
    recipe = {"model": {"name": "mlp", "units": [50]}, "activation": "linear", "initializer": "identity"}
    recipe |= {"regularization": {"alpha_dropout": 0.2}, "training": {"batch_size": 4}}
    model = prepare(recipe, (x, np.arange(2000) % 3)).built.model
    out = output_of(model, "hidden_1_alpha_dropout", x)
    assert (out == out[0].min()).mean() == pytest.approx(0, abs=0.5)
    assert out.mean() == pytest.approx(0, abs=0.02)
    assert out.std() == pytest.approx(1, abs=0.02)


def test_spatial_dropout_drops_whole_channels(prepare):
    images = np.full((40, 6, 6, 1), 255, np.uint8)
    recipe = {"model": {"name": "cnn", "filters": [30], "pooling": "none"}, "activation": "linear"}
    recipe |= {"initializer": "ones", "regularization": {"spatial_dropout": 0.4}, "training": {"batch_size": 4}}
    model = prepare(recipe, (images, np.arange(40) % 3)).built.model
    kept = output_of(model, "hidden_1_spatial_dropout", images) != 0
    by_channel = kept.mean(axis=(1, 2))
    assert set(np.unique(by_channel)) == {0.0, 1.0}
    assert by_channel.mean() == pytest.approx(0.6, abs=0.06)  # 1,200 draws: standard error 0.014
