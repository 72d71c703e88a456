"""Losses of several classes, rows and targets are Keras's, written by hand, in every engine."""

import keras
import numpy as np
import pytest

from hornbook.builder import compile_plain
from hornbook.engine.steps import batch_weights, forward

RNG = np.random.default_rng(12)
X = RNG.normal(size=(48, 4)).astype(np.float32)
CLASSES = RNG.integers(0, 3, 48)
ROWS = np.eye(3, dtype=np.float32)[CLASSES]
SHARES = RNG.dirichlet(np.ones(3), 48).astype(np.float32)
SHARES[0] = (0.0, 0.25, 0.75)
VECTORS = RNG.normal(size=(48, 3)).astype(np.float32)
POSITIVE = 5 + np.abs(X[:, 0])
SIGNS = (2 * (CLASSES > 0) - 1).astype(np.float32)
K = keras.losses
CASES = {  # what the recipe says, targets, Keras's loss, targets for it
    "sparse_categorical_crossentropy": ({"label_smoothing": 0.2}, CLASSES, K.CategoricalCrossentropy(label_smoothing=0.2), ROWS),
    "categorical_crossentropy": ({}, CLASSES, K.CategoricalCrossentropy(), ROWS),
    "categorical_focal_crossentropy": (
        {"alpha": 0.5, "gamma": 1.5, "label_smoothing": 0.1},
        CLASSES,
        K.CategoricalFocalCrossentropy(alpha=0.5, gamma=1.5, label_smoothing=0.1),
        ROWS,
    ),
    "categorical_hinge": ({}, CLASSES, K.CategoricalHinge(), ROWS),
    "squared_hinge": ({}, CLASSES > 0, K.SquaredHinge(), SIGNS[:, None]),
    "binary_focal_crossentropy": (
        {"label_smoothing": 0.1},
        CLASSES > 0,
        K.BinaryFocalCrossentropy(label_smoothing=0.1),
        (CLASSES > 0)[:, None].astype(np.float32),
    ),
    "mean_absolute_percentage_error": ({}, POSITIVE, K.MeanAbsolutePercentageError(), POSITIVE[:, None]),
    "cosine_similarity": ({}, VECTORS, K.CosineSimilarity(), VECTORS),
    "kl_divergence": ({}, SHARES, K.KLDivergence(), SHARES),
}  # fmt: skip
STEADY = {"name": "sgd", "learning_rate": 1e-30}


def made(prepare, name, engine="graph", **training):
    options, y, _, _ = CASES[name]
    training = {"batch_size": 16, "engine": engine, **training}
    return prepare({"head": {"loss": {"name": name, **options}}, "optimizer": STEADY, "training": training}, (X, y))


@pytest.mark.parametrize("name", CASES)
def test_the_loss_of_a_model_is_keras_s_of_its_outputs(prepare, name):
    prepared = made(prepare, name)
    _, _, loss, targets = CASES[name]
    outputs = np.asarray(prepared.built.model(X))
    expected = pytest.approx(float(loss(targets, outputs)), rel=1e-5)
    scores = prepared.built.logits_model(X)
    assert float(prepared.built.loss(prepared.setup().targets(), scores)) == expected
    plain = compile_plain(prepared.built, prepared.recipe, for_training=True)
    plain.run_eagerly = True
    assert plain.evaluate(X, prepared.setup().targets(), verbose=0, return_dict=True)["loss"] == expected


@pytest.mark.parametrize(
    ("name", "engines"), [("sparse_categorical_crossentropy", ["fit"]), ("kl_divergence", ["xla", "fit"])]
)
def test_engines_and_fit_train_on_the_same_loss(prepare, run_epochs, name, engines):
    logs, weights = {}, {}
    for engine in ("graph", *engines):
        options, y, _, _ = CASES[name]
        training = {"batch_size": 16, "engine": engine}
        optimizer = {"name": "sgd", "learning_rate": 0.1}
        prepared = prepare(
            {"head": {"loss": {"name": name, **options}}, "optimizer": optimizer, "training": training}, (X, y)
        )
        logs[engine] = [row["loss"] for row in run_epochs(prepared, 2)]
        weights[engine] = prepared.built.model.get_weights()
    assert logs["graph"][1] < logs["graph"][0]
    for engine in engines:
        assert logs[engine] == pytest.approx(logs["graph"], rel=1e-4)
        for one, other in zip(weights[engine], weights["graph"], strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)


def weighted(prepare, name, engine="graph"):
    """Return a run with weights of classes, and Keras's loss with such weights of examples."""
    prepared = made(prepare, name, engine, class_weights={1: 3.0})
    _, y, loss, targets = CASES[name]
    weights = np.where(np.asarray(y).astype(int) == 1, 3.0, 1.0)
    expected = float(loss(targets, np.asarray(prepared.built.model(X)), sample_weight=weights))
    return prepared, pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", ["categorical_focal_crossentropy", "categorical_hinge", "squared_hinge"])
def test_weights_of_classes_weigh_examples(prepare, name):
    prepared, expected = weighted(prepare, name)
    setup = prepared.setup()
    weights_B = batch_weights(setup.weights_K, setup.targets())
    _, loss, _ = forward(prepared.built, X, setup.targets(), training=False, weights_B=weights_B)
    assert float(loss) == expected


@pytest.mark.parametrize("engine", ["graph", "fit"])
def test_engines_and_fit_weigh_examples(prepare, run_epochs, engine):
    prepared, expected = weighted(prepare, "sparse_categorical_crossentropy", engine)
    assert run_epochs(prepared)[0]["loss"] == expected


@pytest.mark.parametrize("name", ["sparse_categorical_crossentropy", "kl_divergence"])
def test_what_is_computed_before_the_softmax_has_no_end(prepare, name):
    built = made(prepare, name).built
    scores = np.array([[0.0, -200.0, -200.0]], np.float32)
    if name == "kl_divergence":
        assert float(built.loss(np.array([[0.0, 1.0, 0.0]]), scores)) == pytest.approx(200, rel=1e-5)
    else:  # a third of 0.2 stays on the right class
        assert float(built.loss(np.array([1]), scores)) == pytest.approx(200 * (0.8 + 0.4 / 3), rel=1e-5)


def test_one_hot_targets_are_class_numbers_to_either_name(prepare):
    losses = []
    for name in ("categorical_crossentropy", "sparse_categorical_crossentropy"):
        prepared = prepare({"task": "multiclass", "head": {"loss": name}, "training": {"batch_size": 16}}, (X, ROWS))
        losses.append(float(prepared.built.loss(prepared.setup().targets(), prepared.built.logits_model(X))))
    assert losses[0] == losses[1]
