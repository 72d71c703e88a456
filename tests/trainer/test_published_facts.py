"""Worked examples that others have published, built from recipes and trained by the trainer."""

import numpy as np
import pytest

import hornbook
from hornbook.trainer.prepare import prepare as prepare_recipe


def perceptron(rate=1.0):
    return {
        "model": {"name": "mlp"},
        "initializer": "zeros",
        "head": {"units": 1, "activation": "step", "loss": "perceptron"},
        "optimizer": {"name": "sgd", "learning_rate": rate},
        "training": {"epochs": 5, "batch_size": 1, "engine": "graph"},
    }


def test_the_perceptron_follows_rosenblatts_rule_from_zero_weights(prepare, run_epochs):
    from hornbook.builder.randomness import permutation

    x = np.random.default_rng(6).normal(size=(20, 2)).astype(np.float32)
    y = (x[:, 0] - 2 * x[:, 1] + 0.3 > 0).astype(int)
    prepared = prepare(perceptron(0.1), (x, y))
    run_epochs(prepared, 5)
    weights, bias = np.zeros(2), 0.0
    for epoch in range(5):
        for index in permutation(42, epoch, 20):
            error = float(x[index] @ weights + bias >= 0) - y[index]
            weights, bias = weights - 0.1 * error * x[index], bias - 0.1 * error
    kernel, found = prepared.built.model.get_weights()
    np.testing.assert_allclose(kernel[:, 0], weights, atol=1e-5)
    assert found[0] == pytest.approx(bias, abs=1e-5)
    assert np.abs(weights).max() > 0.1
    predicted = prepared.built.model.predict(x, verbose=0)[:, 0]
    assert ((x @ weights + bias > 0) == predicted).all()


def test_the_perceptron_losses_gradient_is_the_error_times_the_input(prepare, tensorflow):
    x, y = np.array([[2.0, -3.0]], np.float32), np.array([[0.0]], np.float32)
    built = prepare(perceptron(), (x.repeat(2, 0), np.array([0, 1]))).built
    with tensorflow.GradientTape() as tape:
        loss = built.loss(y, built.logits_model(x))
    kernel, bias = tape.gradient(loss, [variable.value for variable in built.model.trainable_variables])
    np.testing.assert_allclose(kernel.numpy()[:, 0], x[0])  # (ŷ - y)x with ŷ = 1, as the weights are zeros
    assert bias.numpy()[0] == 1


def test_the_default_metric_of_a_perceptron_counts_its_answers(prepare, run_epochs):
    x = np.array([[1.0, 1.0], [-1.0, -1.0]], np.float32)
    logs = run_epochs(prepare(perceptron(), (x, np.array([1, 0]))), 3)
    assert logs[-1]["accuracy"] == 1.0


def test_the_engine_is_chosen_by_layers_and_written_into_the_recipe():
    tree = {"data": {"name": "moons", "examples": 60}, "model": {"name": "mlp", "units": [3]}}
    assert prepare_recipe(hornbook.load_recipe(tree)).recipe.training.engine == "xla"
    images = {"data": {"name": "digits", "limit": 60}, "model": "cnn"}
    assert prepare_recipe(hornbook.load_recipe(images)).recipe.training.engine == "graph"
    named = {**tree, "training": {"engine": "fit"}}
    assert prepare_recipe(hornbook.load_recipe(named)).recipe.training.engine == "fit"
