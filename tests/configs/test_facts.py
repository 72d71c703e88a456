"""What the shipped recipes are known to end in: published numbers, worked examples, and claims of their own headers."""

import keras
import numpy as np
import pytest

from hornbook.builder.randomness import permutation
from hornbook.data import load

XOR = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)


class Weights(keras.callbacks.Callback):
    """Keeps the model's weights at the end of each epoch."""

    def on_train_begin(self, logs=None):
        self.by_epoch = []

    def on_epoch_end(self, epoch, logs=None):
        self.by_epoch.append([weights.copy() for weights in self.model.get_weights()])


@pytest.mark.parametrize("engine", ["xla", "graph", "fit"])
def test_one_step_of_backpropagation_gives_the_published_weights(train_recipe, engine):
    result = train_recipe("backprop_example", engine=engine)
    (epoch,) = result.history
    assert epoch["loss"] == pytest.approx(0.298371109, abs=5e-8)
    w_hidden = result.model.get_layer("hidden_1").kernel.numpy()
    w_output = result.model.get_layer("head").kernel.numpy()
    np.testing.assert_allclose(w_hidden.T.ravel(), [0.149781, 0.199561, 0.249751, 0.299502], atol=1e-6)
    np.testing.assert_allclose(w_output.T.ravel(), [0.358916, 0.408666, 0.511301, 0.561370], atol=1e-6)


def test_a_linear_unit_with_squared_error_ends_at_one_half_on_xor(train_recipe):
    result = train_recipe("xor_linear")
    np.testing.assert_allclose(result.model(XOR), np.full((4, 1), 0.5), atol=1e-3)
    np.testing.assert_allclose(result.model.get_layer("head").kernel.numpy(), np.zeros((2, 1)), atol=1e-3)


def test_two_hidden_units_solve_xor(train_recipe):
    result = train_recipe("xor_mlp")
    assert result.history[-1]["accuracy"] == 1.0
    np.testing.assert_allclose(result.model(XOR).numpy().ravel(), [0, 1, 1, 0], atol=0.05)


def rosenblatt(x_NF, y_N, *, epochs, seed):
    """Return weights and bias after each epoch: after each example, add (y - ŷ)·x to the weights and (y - ŷ) to the bias."""
    weights, bias = np.zeros(x_NF.shape[1], np.float32), np.float32(0)
    history = []
    for epoch in range(epochs):
        for index in permutation(seed, epoch, len(x_NF)):
            x, y = x_NF[index], y_N[index]
            prediction = 1 if x @ weights + bias >= 0 else 0
            weights = weights + np.float32(y - prediction) * x
            bias = bias + np.float32(y - prediction)
        history.append((weights.copy(), bias))
    return history


@pytest.mark.parametrize(
    "overrides",
    [[], ["data.relabel={setosa: 0, versicolor: 1, virginica: 0}"]],
    ids=["separable", "not separable"],
)
def test_the_perceptron_follows_rosenblatts_rule_and_tells_all_setosa_from_the_rest(train_recipe, overrides):
    keeper = Weights()
    result = train_recipe("perceptron", *overrides, callbacks=[keeper])
    recipe = result.recipe
    splits = load(recipe.data, seed=recipe.seed, task=recipe.task, heads=recipe.heads)
    by_hand = rosenblatt(splits.train.x, splits.train.y, epochs=10, seed=recipe.seed)
    assert len(keeper.by_epoch) == 10
    for (kernel, bias), (weights, threshold) in zip(keeper.by_epoch, by_hand, strict=True):
        np.testing.assert_array_equal(kernel[:, 0], weights)
        np.testing.assert_array_equal(bias, [threshold])
    for split in (splits.train, splits.validation, splits.test):
        all_right = result.model(split.x).numpy().ravel().tolist() == split.y.tolist()
        assert all_right == (overrides == [])  # no line parts versicolor from the rest


def test_the_default_recipe_reaches_95_percent_on_digits(train_recipe):
    assert train_recipe("he_elu_bn", "training.epochs=8", engine="auto").test["accuracy"] >= 0.95


@pytest.mark.whole
def test_l1_leaves_most_weights_below_a_thousandth(train_recipe):
    result = train_recipe("sparse_l1", "training.epochs=40")
    kernels = [variable.numpy().ravel() for variable in result.model.trainable_variables if variable.name == "kernel"]
    assert np.mean(np.abs(np.concatenate(kernels)) < 1e-3) > 0.75
    assert result.test["accuracy"] > 0.95


@pytest.mark.whole
def test_class_weights_raise_recall(train_recipe):
    weighted = train_recipe("class_weights", "training.epochs=10").test["recall"]
    assert (
        weighted > train_recipe("class_weights", "training.epochs=10", "~training.class_weights").test["recall"] + 0.1
    )


@pytest.mark.whole
def test_every_segment_of_the_display_is_learned(train_recipe):
    assert train_recipe("multilabel").history[-1]["accuracy"] == 1.0


@pytest.mark.whole
def test_the_schedule_of_performance_scheduling_really_lowers_the_rate(train_recipe):
    rates = [row["learning_rate"] for row in train_recipe("schedule_performance").history]
    assert rates[0] == pytest.approx(0.2)
    assert rates[-1] < 0.11
