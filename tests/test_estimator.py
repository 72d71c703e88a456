"""A recipe as a scikit-learn estimator, judged by scikit-learn's own checks and tools."""

import copy
import io
import pickle

import joblib
import numpy as np
import polars as pl
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import hornbook
from hornbook import Estimator
from hornbook.data.tables.columns.features import polars_frame

RECIPE = {
    "model": {"name": "mlp", "units": [8]},
    "optimizer": {"name": "adam", "learning_rate": 0.05},
    "training": {"epochs": 8, "batch_size": 16, "engine": "graph"},
}
EXPECTED_FAILURES = {
    "check_sample_weight_equivalence_on_dense_data": (
        "a row of weight 2 is in one batch, or held out, once; two copies of it are two rows"
    ),
}
"""What scikit-learn checks and a network that learns in batches cannot do."""

random = np.random.default_rng(0)
NUMBERS = random.normal(size=(178, 2))  # 160 to train on: ten whole batches
ANSWERS = np.where(NUMBERS[:, 0] > 0, "yes", "no")


def frame():
    sizes = [None if row % 30 == 7 else value for row, value in enumerate(NUMBERS[:, 0].tolist())]
    kinds = [None if row % 40 == 3 else ["red", "blue"][row % 2] for row in range(len(NUMBERS))]
    return pl.DataFrame({"size": sizes, "kind": kinds})


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("fitted"))
        return Estimator(RECIPE, task="classification", random_state=7).fit(frame(), ANSWERS)


def test_a_data_frame_with_gaps_and_categories_is_learned(fitted):
    assert fitted.classes_.tolist() == ["no", "yes"]
    assert (fitted.n_features_in_, fitted.feature_names_in_.tolist()) == (2, ["size", "kind"])
    assert (fitted.n_iter_, fitted.run_, len(fitted.history_)) == (8, None, 8)
    labels, shares = fitted.predict(frame()), fitted.predict_proba(frame())
    assert fitted.score(frame(), ANSWERS) == accuracy_score(ANSWERS, labels) > 0.8
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert (labels == fitted.classes_[shares.argmax(axis=1)]).all()


def test_it_is_copied_pickled_and_the_same_again(fitted):
    buffer = io.BytesIO()
    joblib.dump(fitted, buffer)
    buffer.seek(0)
    expected = fitted.predict_proba(frame())
    for other in (pickle.loads(pickle.dumps(fitted)), copy.deepcopy(fitted), joblib.load(buffer)):
        assert (other.predict_proba(frame()) == expected).all()
    again = clone(fitted).fit(frame(), ANSWERS)
    assert (again.predict_proba(frame()) == expected).all()


def test_a_row_is_predicted_the_same_in_any_company(fitted):
    whole = fitted.predict_proba(frame())
    assert (np.concatenate([fitted.predict_proba(frame()[row]) for row in range(5)]) == whole[:5]).all()


def test_a_search_over_keys_of_the_recipe(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    keys = {"training.epochs": 4, "data.split.validation": 0}  # 48 rows of a fold: three whole batches
    steps = make_pipeline(StandardScaler(), Estimator(RECIPE, keys, task="classification"))
    search = GridSearchCV(steps, {"estimator__optimizer.learning_rate": [np.float64(1e-6), np.float64(0.05)]}, cv=2)
    search.fit(NUMBERS[:96], ANSWERS[:96])
    assert search.best_params_ == {"estimator__optimizer.learning_rate": 0.05}
    assert search.best_estimator_[-1].recipe_.optimizer.learning_rate == 0.05
    assert search.best_estimator_[-1].recipe_.training.epochs == 4


def test_keys_are_written_with_dots_or_underscores():
    estimator = Estimator(RECIPE).set_params(optimizer__learning_rate=0.1, **{"model.units": [4]}, task="regression")
    assert estimator.overrides == {"optimizer.learning_rate": 0.1, "model.units": [4]}
    assert estimator.get_params()["optimizer.learning_rate"] == 0.1
    assert set(estimator.get_params(deep=False)) == {"recipe", "overrides", "task", "random_state", "runs"}
    assert clone(estimator).get_params() == estimator.get_params()
    with pytest.raises(ValueError, match="a recipe has no key 'optimiser'. Did you mean 'optimizer'?"):
        estimator.set_params(optimiser__learning_rate=0.1)


@pytest.mark.parametrize(
    ("recipe", "options", "kind"),
    [
        (RECIPE, {"task": "classification"}, "classifier"),
        (RECIPE, {"task": "regression"}, "regressor"),
        ({**RECIPE, "task": "regression"}, {}, "regressor"),
        ({**RECIPE, "data": "diabetes"}, {}, "regressor"),
        ("he_elu_bn", {}, "classifier"),
        (hornbook.load_recipe("he_elu_bn"), {}, "classifier"),
        (RECIPE, {}, None),
    ],
)
def test_scikit_learn_knows_what_is_learned_before_it_is_fitted(recipe, options, kind):
    estimator = Estimator(recipe, **options)
    assert (is_classifier(estimator), is_regressor(estimator)) == (kind == "classifier", kind == "regressor")
    assert hasattr(estimator, "predict_proba") == (kind == "classifier")
    assert is_classifier(clone(pickle.loads(pickle.dumps(estimator)))) == (kind == "classifier")


def test_several_numbers_and_weights(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    targets = np.column_stack([NUMBERS[:, 0], 100 * NUMBERS[:, 1]])
    estimator = Estimator(RECIPE, runs="kept", task="regression").fit(NUMBERS, targets, sample_weight=np.arange(178))
    predicted = estimator.predict(NUMBERS)
    assert (predicted.shape, predicted.dtype) == ((178, 2), np.float64)
    assert estimator.score(NUMBERS, targets) == r2_score(targets, predicted) > 0.5
    assert estimator.run_.startswith("kept/recipe/")
    assert (tmp_path / estimator.run_ / "result.json").is_file()


def test_an_unseen_gap_is_the_training_mean_and_nothing_is_left_behind(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    whole = pl.DataFrame({"a": NUMBERS[:160, 0], "b": NUMBERS[:160, 1]})
    keys = {"data.split.validation": 0, "training.epochs": 1}
    estimator = Estimator(RECIPE, keys, task="regression").fit(whole, whole["a"])
    assert (list(tmp_path.iterdir()), *capfd.readouterr()) == ([], "", "")
    gap = pl.DataFrame({"a": [None], "b": [0.5]}, schema={"a": pl.Float64, "b": pl.Float64})
    mean = pl.DataFrame({"a": [NUMBERS[:160, 0].mean()], "b": [0.5]})
    np.testing.assert_allclose(estimator.predict(gap), estimator.predict(mean), rtol=1e-5)


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (Estimator(RECIPE), "the recipe does not say what is learned. Set task='classification' or 'regression'."),
        (Estimator(RECIPE, task="sorting"), "task: there is no task 'sorting'. Expected: classification, multiclass,"),
        (Estimator("gone", task="regression"), "gone: there is no such file, and no shipped recipe of that name."),
        (Estimator(RECIPE, {"training.epoch": 3}, task="regression"), "unknown key in 'training'. Did you mean 'epochs'?"),
        (
            Estimator({**RECIPE, "data": {"name": "table", "path": "t.csv", "target": "y",
                                          "split": {"method": "time", "column": "day"}}}, task="regression"),
            "data.split.method: 'time' needs a column to split by, which rows that are passed do not have.",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_trained_is_a_value_error(estimator, message):
    with pytest.raises(ValueError) as raised:  # noqa: PT011  (the message is compared whole)
        estimator.fit(NUMBERS, NUMBERS[:, 0])
    assert message in str(raised.value)


class Pandas(dict):
    """Looks like a data frame of pandas: columns with `isna`, objects where numbers are missing."""

    columns, dtypes = property(lambda self: list(self)), None


class Column(list):
    def __array__(self, dtype=None, copy=None):
        return np.array(list(self), dtype=object)

    def isna(self):
        return [value is None or value != value for value in self]


def test_missing_values_of_pandas_are_missing():
    read = polars_frame(Pandas(kind=Column(["a", float("nan"), "b"]), size=Column([1, None, 3])))
    assert read.to_dict(as_series=False) == {"kind": ["a", None, "b"], "size": [1, None, 3]}


@pytest.mark.whole
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_scikit_learns_own_checks_pass(task, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recipe = {
        **RECIPE,
        "training": {**RECIPE["training"], "epochs": 20},
        "optimizer": {"name": "adam", "learning_rate": 0.02},
    }
    estimator = Estimator(recipe, task=task)
    results = check_estimator(estimator, expected_failed_checks=EXPECTED_FAILURES, on_skip=None)
    assert len(results) > 40
    failed = {result["check_name"] for result in results if result["status"] == "xfail"}
    assert failed == set(EXPECTED_FAILURES)  # a check that passes by now is no exception


@pytest.mark.whole
def test_cross_validation_in_processes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    scores = cross_val_score(Estimator(RECIPE, task="classification"), NUMBERS, ANSWERS, cv=3, n_jobs=2)
    assert len(scores) == 3
    assert scores.min() > 0.8
