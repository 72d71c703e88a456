"""An ensemble in one network, against NumPy: what its members share, what they learn from, what they predict."""

import keras
import numpy as np
import pytest

from hornbook.builder.randomness import permutation
from hornbook.layers.members import MembersLoss

DATA = {"name": "arrays", "standardize": False, "split": {"validation": 0, "test": 0}}
RNG = np.random.default_rng(11)
X = RNG.normal(size=(24, 5)).astype(np.float32)
CLASSES, NUMBERS = np.arange(24) % 3, RNG.normal(size=24) * 50 + 200
TREE = {
    "data": DATA,
    "model": {"name": "mlp", "units": [4, 3], "ensemble": 6},
    "optimizer": {"name": "sgd", "learning_rate": 0.1},
    "training": {"epochs": 2, "batch_size": 8, "engine": "graph"},
}


def members_by_hand(model, x):
    """Return the weighted sums of each member's head, (N, 6, units)."""
    weights = {layer.name: layer.get_weights() for layer in model.layers}
    hidden = np.repeat(x[:, None], 6, axis=1)
    for number in (1, 2):
        (scale,), (kernel,), (out, bias) = (weights[f"hidden_{number}{part}"] for part in ("_inputs", "", "_outputs"))
        hidden = np.maximum((hidden * scale) @ kernel * out + bias, 0)
    kernel, bias = weights["head"]
    return np.einsum("nkf,kfo->nko", hidden, kernel) + bias


@pytest.fixture(scope="module")
def trained(prepare, run_epochs):
    """The networks of a classification and a regression after two epochs, and what was logged."""
    found = {}
    for name, targets in (("classes", CLASSES), ("numbers", NUMBERS)):
        prepared = prepare({**TREE, **({"task": "regression"} if name == "numbers" else {})}, (X, targets))
        found[name] = prepared, run_epochs(prepared, 2)
    return found


def test_members_begin_apart_by_their_first_signs_and_share_kernels(prepare):
    model = prepare(TREE, (X, CLASSES)).built.model
    first, second = (model.get_layer(f"hidden_{number}_inputs").get_weights()[0] for number in (1, 2))
    assert set(first.ravel()) == {-1, 1}
    assert len(np.unique(first, axis=0)) > 1
    assert (second == 1).all()
    assert [weights.shape for weights in model.get_layer("hidden_1").get_weights()] == [(5, 4)]
    assert (model.get_layer("hidden_1_outputs").get_weights()[0] == 1).all()
    kernel = model.get_layer("head").get_weights()[0]
    assert kernel.shape == (6, 3, 3)
    assert np.abs(kernel).max() > 0.5  # Glorot's limit is 1 of a member's own (3, 3), and 0.41 of all six as one


def test_the_mean_of_the_members_probabilities_predicts(trained):
    model = trained["classes"][0].built.model
    exponentials = np.exp(members_by_hand(model, X))
    np.testing.assert_allclose(
        model(X), (exponentials / exponentials.sum(axis=-1, keepdims=True)).mean(axis=1), atol=1e-5
    )


def test_the_mean_of_the_members_numbers_predicts_in_the_targets_unit(trained):
    model = trained["numbers"][0].built.model
    means = members_by_hand(model, X).mean(axis=1)
    np.testing.assert_allclose(model(X), means * NUMBERS.std() + NUMBERS.mean(), rtol=1e-4)


@pytest.mark.parametrize("name", ["classes", "numbers"])
def test_each_member_learns_from_its_own_loss(prepare, name):
    """The first step by hand: the gradient of the mean of the members' losses, which is not that of the mean's loss."""
    targets = CLASSES if name == "classes" else NUMBERS
    prepared = prepare({**TREE, **({"task": "regression"} if name == "numbers" else {})}, (X, targets))
    built, rows = prepared.built, permutation(prepared.recipe.seed, 0, 24)[:8]
    scores = members_by_hand(built.model, X[rows])
    if name == "classes":
        shares = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
        expected = -np.log(np.take_along_axis(shares, np.repeat(CLASSES[rows][:, None, None], 6, 1), -1)).mean()
    else:
        wanted = (NUMBERS[rows] - NUMBERS.mean()) / NUMBERS.std()
        expected = ((scores[..., 0] - wanted[:, None]) ** 2).mean()
    y = prepared.setup().targets()[rows]
    loss = built.loss(built.in_loss(y), built.logits_model(X[rows]))
    assert float(loss) == pytest.approx(expected, rel=1e-4)
    assert built.logits_model.output_shape[1] == 6
    np.testing.assert_allclose(built.activate(built.logits_model(X)), built.model(X), rtol=1e-5)


def test_fit_trains_the_same_members(prepare, run_epochs, trained):
    for name, targets in (("classes", CLASSES), ("numbers", NUMBERS)):
        tree = {**TREE, "training": TREE["training"] | {"engine": "fit"}}
        prepared = prepare({**tree, **({"task": "regression"} if name == "numbers" else {})}, (X, targets))
        logs, (expected, expected_logs) = run_epochs(prepared, 2), trained[name]
        for ours, theirs in zip(logs, expected_logs, strict=True):
            assert ours == pytest.approx(theirs, rel=1e-4), name
        pairs = zip(prepared.built.model.get_weights(), expected.built.model.get_weights(), strict=True)
        assert all(np.allclose(a, b, atol=1e-5) for a, b in pairs), name


def test_the_loss_of_members_is_the_mean_over_them():
    loss = MembersLoss(keras.losses.MeanSquaredError())
    predicted, targets = np.float32([[[1], [3]], [[0], [4]]]), np.float32([[1], [2]])
    np.testing.assert_allclose(loss.call(targets, predicted), [2, 4])
    assert float(loss(targets, predicted, sample_weight=np.float32([0, 1]))) == 2  # 4·1/2
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    np.testing.assert_allclose(again.call(targets, predicted), [2, 4])


def test_temperature_of_an_ensemble_is_of_its_mean(trained, tmp_path):
    """Logits that give an ensemble's probabilities back."""
    from types import SimpleNamespace

    from hornbook.inference.trust.confidence import _logits

    prepared = trained["classes"][0]
    run = SimpleNamespace(model=prepared.built.model, recipe=prepared.recipe)
    logits = _logits(run, X)
    exponentials = np.exp(logits)
    np.testing.assert_allclose(exponentials / exponentials.sum(axis=1, keepdims=True), run.model(X), atol=1e-5)


def test_scales_that_begin_alike_are_no_finding_of_sanity(prepare):
    from hornbook.engine.probe import Probe
    from hornbook.trainer.sanity.layers import check_signals, look_at

    prepared = prepare(TREE, (X, CLASSES))
    assert "same weights" not in check_signals(look_at(prepared, Probe(prepared.setup(), np.arange(24)))).reason
