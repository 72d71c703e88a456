"""First weights that fit the training examples, against NumPy."""

import numpy as np
import pytest

from hornbook.recipes.load import check_recipe

RNG = np.random.default_rng(4)
X = (RNG.normal(size=(200, 6)) * [1, 5, 0.01, 1, 1, 0] + 3).astype(np.float32)  # the last column is constant
TARGETS = X[:, 0] * 2
UNSPLIT = {"validation": 0, "test": 0, "method": "first"}


@pytest.fixture
def built(prepare):
    """A function: keys of the initializer, and other sections → a fresh network for `X`."""

    def make(*, x=X, **given):
        sections = given.pop("sections", {})
        tree = {
            "data": {"name": "arrays", "standardize": False, "split": UNSPLIT},
            "task": "regression",
            "model": {"name": "mlp", "units": [40, 30]},
            "activation": "tanh",
            "initializer": {"name": "random_normal", "stddev": 0.001, **given},
            "head": {"standardize_targets": False},
            "training": {"batch_size": 10},
        }
        return prepare({**tree, **sections}, (x, TARGETS[: len(x)])).built.model

    return make


def sums_of(model, x=X):
    """Return the weighted sums of both hidden layers, without and with biases."""
    found, inputs = [], np.asarray(x, np.float64)
    for name in ("hidden_1", "hidden_2"):
        kernel, bias = model.get_layer(name).get_weights()
        found.append((inputs @ kernel, inputs @ kernel + bias))
        inputs = np.tanh(found[-1][1])
    return found


def test_the_sums_of_each_unit_deviate_by_one_whatever_the_draws(built):
    for sums, _ in sums_of(built(data_dependent="scale")):
        np.testing.assert_allclose(sums.std(axis=0), 1, rtol=1e-4)
    assert sums_of(built())[0][0].std() < 0.1


def test_units_bend_at_mixtures_of_five_examples(built):
    model = built(data_dependent="scale_and_bias")
    biases = []
    for sums, _ in sums_of(model):
        np.testing.assert_allclose(sums.std(axis=0), 1, rtol=1e-4)
    for name, (sums, _) in zip(("hidden_1", "hidden_2"), sums_of(model), strict=True):
        bias = model.get_layer(name).get_weights()[1]
        assert (-bias >= sums.min(axis=0)).all()
        assert (-bias <= sums.max(axis=0)).all()
        biases.append(-bias - sums.mean(axis=0))
    # The shares of five exponentials: the squares of a mixture are a third of those of one example.
    assert np.concatenate(biases).std() == pytest.approx(3**-0.5, rel=0.25)


def test_the_draws_follow_from_the_seed(built):
    first, again = (built(data_dependent="scale_and_bias").get_weights() for _ in range(2))
    other = built(data_dependent="scale_and_bias", sections={"seed": 9}).get_weights()
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert any((a != b).any() for a, b in zip(first, other, strict=True))


def test_sanity_says_that_theory_is_silent(hornbook_command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "f.yaml").write_text(
        "data: iris\nmodel: {name: mlp, units: [20, 20]}\nactivation: relu\n"
        "initializer: {name: random_normal, stddev: 0.001, data_dependent: scale}\n"
    )
    done = hornbook_command("hornbook sanity -c f.yaml")
    assert "FAIL" not in done.out, done.out
    assert "theory says nothing of these" in " ".join(done.out.split())


def test_a_unit_that_sees_nothing_but_constants_stays_as_it_is(built):
    model = built(x=np.ones((20, 3), np.float32), data_dependent="scale")
    assert all(np.isfinite(weights).all() for weights in model.get_weights())


def test_the_head_is_fitted_where_it_is_asked_for(built):
    heads = []
    for initializer in (None, {"name": "lecun_normal", "data_dependent": "scale"}):
        model = built(sections={"head": {"standardize_targets": False, "initializer": initializer}})
        hidden = np.tanh(sums_of(model)[1][1])
        heads.append((hidden @ model.get_layer("head").get_weights()[0]).std())
    assert heads[1] == pytest.approx(1, rel=1e-3)
    assert heads[0] < 0.9


def test_it_is_of_the_training_split_alone(prepare):
    recipe = {
        "data": {"name": "arrays", "standardize": False, "split": {"validation": 100, "test": 0, "method": "first"}},
        "task": "regression",
        "model": {"name": "mlp", "units": [5]},
        "initializer": {"name": "he_normal", "data_dependent": "scale"},
        "training": {"batch_size": 10},
    }
    x = X.copy()
    first = prepare(recipe, (x, TARGETS))
    held = {row.tobytes() for row in first.splits.validation.x}
    x[[row.tobytes() in held for row in x]] += 100
    other = prepare(recipe, (x, TARGETS))
    for a, b in zip(first.built.model.get_weights()[:1], other.built.model.get_weights()[:1], strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("model: cnn\ninitializer: {name: he_normal, data_dependent: scale}", "is for the dense layers of 'mlp'"),
        ("model: {name: mlp, units: [4], ensemble: 2}\ninitializer: {name: he_normal, data_dependent: scale}", "share"),
        ("model: {name: mlp, units: [4]}\ninitializer: {name: zeros, data_dependent: scale}", "nothing to scale"),
        (
            "model: {name: mlp, units: [4]}\nnormalization: batch_normalization\n"
            "initializer: {name: he_normal, data_dependent: scale_and_bias}",
            "there are no biases",
        ),
        (
            "model: {name: mlp, units: [4]}\ninitializer: {name: he_normal, bias: zeros, data_dependent: scale_and_bias}",
            "sets the biases, and so does 'bias'",
        ),
        (
            "model: {name: layers, layers: [flatten, {name: dense, units: 4, initializer: "
            "{name: he_normal, data_dependent: scale}}]}",
            "is for the dense layers of 'mlp'",
        ),
    ],
)
def test_where_it_has_no_meaning_it_is_refused(text, said):
    problems = check_recipe(f"data: digits\n{text}\n").problems
    assert any(said in problem.message for problem in problems if problem.severity == "error"), problems
