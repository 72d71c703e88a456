"""Regression in any unit of the targets: standardized inside the model, which returns their own unit."""

import json

import keras
import numpy as np
import pytest
from sklearn.metrics import r2_score

import hornbook
from hornbook.builder import compile_plain
from hornbook.engine.evaluation import Evaluator
from hornbook.errors import DataError, RecipeError
from hornbook.inference.trained import load_run
from hornbook.recipes import load_recipe

RNG = np.random.default_rng(3)
X = RNG.normal(size=(96, 4)).astype(np.float32)
F = X @ np.array([1.0, 2.0, -1.0, 0.5]) + 0.1 * RNG.normal(size=96)
SPLIT = {"validation": 16, "test": 16, "method": "first"}  # 64 are left, two batches of 32
TRAIN = slice(32, None)
TREE = {
    "name": "prices",
    "data": {"name": "arrays", "split": SPLIT, "standardize": False},
    "model": {"name": "mlp", "units": [8]},
    "optimizer": {"name": "sgd", "learning_rate": 0.05},
    "training": {"epochs": 3, "engine": "graph", "metrics": ["root_mean_squared_error", "r2_score"]},
}


@pytest.fixture(scope="module")
def train(tmp_path_factory, tensorflow):
    """A function: targets, and more of a recipe → the result."""

    def run(y, **more):
        training = TREE["training"] | more.pop("training", {})
        tree = {**TREE, **more, "training": training}
        return hornbook.train(tree, data=(X, y), runs=str(tmp_path_factory.mktemp("runs")), progress=False)

    return run


@pytest.fixture(scope="module")
def unit(train):
    """A run on targets that are near 1 as they are."""
    return train(F)


def test_another_unit_gives_the_same_training_and_metrics_in_that_unit(train, unit):
    million = train(3e6 + 1e6 * F)
    for one, other in zip(unit.model.get_weights(), million.model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)
    assert million.test["loss"] == pytest.approx(unit.test["loss"], rel=1e-3)
    assert million.test["root_mean_squared_error"] == pytest.approx(
        1e6 * unit.test["root_mean_squared_error"], rel=1e-3
    )
    assert million.test["r2_score"] == pytest.approx(unit.test["r2_score"], abs=1e-3)
    np.testing.assert_allclose(million.model(X), 3e6 + 1e6 * np.asarray(unit.model(X)), rtol=1e-3)


def test_training_equals_plain_keras_on_targets_standardized_by_hand(prepare, run_epochs):
    y = 50 + 7 * F
    tree = {key: value for key, value in TREE.items() if key != "name"}
    prepared = prepare(tree, (X, y))
    start = prepared.built.model.get_weights()
    plain = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(1)])
    plain.set_weights(start)
    plain.compile(keras.optimizers.SGD(0.05), "mean_squared_error")
    from hornbook.builder.randomness import permutation

    order = permutation(prepared.recipe.seed, 0, 64)
    mean, deviation = y[TRAIN].mean(), y[TRAIN].std()
    scaled = ((y[TRAIN] - mean) / deviation).astype(np.float32)
    history = plain.fit(X[TRAIN][order], scaled[order], batch_size=32, shuffle=False, verbose=0)
    (logs,) = run_epochs(prepared)
    assert logs["loss"] == pytest.approx(history.history["loss"][0], rel=1e-4)
    for ours, theirs in zip(prepared.built.model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(prepared.built.model(X), mean + deviation * np.asarray(plain(X)), rtol=1e-4)


def test_engines_and_the_compiled_model_agree(train):
    """With a loss that is no power of the unit, which shows any scale that is not the right one."""
    loss = {"name": "huber", "delta": 0.5}
    y = np.stack([F, 1000 - 300 * F], axis=1)
    results = [train(y, head={"loss": loss}, training={"engine": engine}) for engine in ("graph", "fit")]
    for one, other in zip(results[0].model.get_weights(), results[1].model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
    assert results[0].test == pytest.approx(results[1].test, rel=1e-4)
    plain = results[0].model.evaluate(X[16:32], y[16:32], verbose=0, return_dict=True)  # its loss is the run's
    assert plain["loss"] == pytest.approx(results[0].test["loss"], rel=1e-4)


def test_the_saved_model_needs_only_keras_and_evaluates_alike(unit):
    saved = keras.saving.load_model(unit.run / "checkpoints" / "last.keras", compile=False)
    np.testing.assert_allclose(saved(X), unit.model(X), rtol=1e-6)
    figures = Evaluator(load_run(unit.run).built())(X[16:32], F[16:32, None].astype(np.float32))
    assert figures == pytest.approx(unit.test, rel=1e-5)


def test_the_mean_is_the_baseline(unit):
    y, mean = F[16:32], F[TRAIN].mean()
    assert unit.baseline["root_mean_squared_error"] == pytest.approx(np.sqrt(np.mean((y - mean) ** 2)), rel=1e-5)
    assert unit.baseline["r2_score"] == pytest.approx(
        1 - np.sum((y - mean) ** 2) / np.sum((y - y.mean()) ** 2), abs=1e-5
    )
    assert json.loads((unit.run / "result.json").read_text())["baseline"] == pytest.approx(unit.baseline)
    log = (unit.run / "log.txt").read_text()
    assert "mean    rmse " in log
    assert "targets standardized (mean " in log


def test_which_heads_standardize(train, prepare):
    def standardizes(**more):
        return prepare({**TREE, **more}, (X, np.abs(F))).recipe.head.standardize_targets

    assert standardizes(head={"loss": "huber"}) is True
    assert standardizes(head={"loss": "log_cosh"}) is False
    assert standardizes(head={"loss": "poisson"}) is False
    assert standardizes(head={"activation": "softplus"}) is False
    assert standardizes(head={"standardize_targets": False}) is False
    assert prepare({**TREE, "training": {"metrics": []}}, (X, F > 0)).recipe.head.standardize_targets is None


@pytest.mark.parametrize(("scale", "is_far"), [(1.0, False), (1e4, True), (1e-4, True)])
def test_targets_far_from_one_are_named_where_they_stay_as_they_are(prepare, scale, is_far):
    def said(**head):
        problems = prepare({**TREE, "head": {"activation": "softplus", **head}}, (X, scale * np.abs(F))).problems
        return any(
            "far from 1, and are not standardized with this head" in str(problem.message) for problem in problems
        )

    assert said() is is_far
    assert not said(standardize_targets=False)


def test_a_run_of_before_goes_on_in_its_unit():
    tree = {"task": "regression", "data": "diabetes", "model": "mlp", "head": {"units": 1}}
    assert load_recipe(tree, of_run=True).head.standardize_targets is False
    assert load_recipe({**tree, "head": {"standardize_targets": True}}, of_run=True).head.standardize_targets is True
    assert load_recipe(tree).head.standardize_targets is None


def test_pretraining_s_labels_alone_are_counted(prepare):
    tree = {
        **TREE,
        "training": {"batch_size": 10},
        "pretraining": {"name": "autoencoder", "epochs": 1, "labeled": 10},
    }
    splits = prepare(tree, (X, F)).splits
    assert splits.preprocessing.target_mean == pytest.approx((splits.train.y.mean(),), rel=1e-5)
    assert len(splits.train) == 10


def test_a_target_that_never_changes_is_learned(prepare):
    prepared = prepare({**TREE, "training": {"metrics": []}}, (X, np.full(96, 7.5)))
    assert prepared.splits.preprocessing.target_variance == (1.0,)
    compiled = compile_plain(prepared.built, prepared.recipe, for_training=False)
    assert np.isfinite(compiled.evaluate(X, np.full((96, 1), 7.5), verbose=0))


@pytest.mark.parametrize("heads", [None, {"price": {}, "other": {"target": "price"}}])
def test_targets_whose_squares_leave_float32_are_refused_with_what_to_divide_them_by(prepare, heads):
    y = 2.0**70 * F
    data = (X, {"price": y} if heads else y)
    tree = {**TREE, "training": {"epochs": 1}, **({"heads": heads} if heads else {})}
    with pytest.raises(RecipeError) as caught:
        prepare(tree, data)
    largest = np.abs(y).max()
    assert str(caught.value).count("does not hold their squares") == 1
    assert f"data: targets reach {largest:.4g}, and float32" in str(caught.value)
    assert "Divide them by 1e+21." in str(caught.value)


def test_large_targets_that_are_learned_by_their_logarithms_are_not(prepare):
    prepare({**TREE, "head": {"target_transform": "log"}, "training": {"epochs": 1}}, (X, 2.0**70 * (1 + F**2)))


def test_inputs_whose_squares_leave_float32_are_refused_by_their_column(prepare):
    x = X * np.array([1, 1, 2.0**70, 1], np.float32)
    with pytest.raises(DataError) as caught:
        prepare({**TREE, "data": {**TREE["data"], "standardize": True}}, (x, F))
    deviation = x[TRAIN, 2].std(dtype=np.float64)
    assert str(caught.value) == (
        f"column 2 has a deviation of {deviation:.4g}, and float32, in which networks compute, does not hold its square. "
        "Divide the column by 1e+21."
    )


def test_targets_that_a_head_could_not_bring_back_are_refused_with_a_factor(train):
    with pytest.raises(RecipeError) as caught:
        train(1e-12 * F)
    (problem,) = caught.value.problems
    assert problem.sentence().endswith(
        "e-12, and Keras's Normalization, which brings predictions back to it, takes none below 1e-07. Multiply them by 1e+12."
    )


def test_r2_of_targets_far_from_0_is_scikit_learn_s(train):
    y = (1.7e9 + 86_400 * F).astype(np.float32)  # days, in seconds since 1970
    result = train(y)
    expected = r2_score(y[16:32].astype(np.float64), np.asarray(result.model(X[16:32])).ravel().astype(np.float64))
    assert result.test["r2_score"] == pytest.approx(expected, abs=1e-3)
    assert abs(expected) > 0.01
