"""Weights of examples: they stay with their examples, and what is no weight is refused."""

import numpy as np
import pytest

from hornbook.data.pipeline import load, prepare
from hornbook.data.source import Source
from hornbook.data.sources.arrays import from_arrays
from hornbook.errors import DataError
from hornbook.recipes import check_recipe
from hornbook.recipes.sources import SplitSpec
from hornbook.recipes.sources.arrays import Arrays, Npz
from hornbook.recipes.sources.table import Table

WEIGHTS = np.random.default_rng(0).permutation(90) / 10
X = np.stack([WEIGHTS, -WEIGHTS], axis=1)
Y = np.arange(90) % 3


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"classes": (2, 0), "limit": 20},
        {"relabel": {0: 0, 1: 1, 2: 1}, "split": SplitSpec(method="last", test=10)},
        {"limit": 7, "sample": "first"},
        {"split": SplitSpec(folds=3, fold=1)},
    ],
)
def test_weights_stay_with_their_examples(keys):
    spec = Arrays(**{"split": SplitSpec(test=20, validation=10), "standardize": False, **keys})
    splits = from_arrays({"x": X, "y": Y, "weights": WEIGHTS}, spec=spec)
    for part in (splits.train, splits.validation, splits.test):
        np.testing.assert_allclose(part.weights, part.x[:, 0], rtol=1e-6)
        assert part.weights.dtype == np.float32
    assert ", weighted" in splits.info.describe()


def test_a_test_set_of_its_own_has_its_own_weights_or_ones():
    arrays = {"x": X, "y": Y, "weights": WEIGHTS, "x_test": X[:9], "y_test": Y[:9]}
    np.testing.assert_array_equal(from_arrays(arrays).test.weights, np.ones(9))
    given = from_arrays(arrays | {"weights_test": WEIGHTS[:9]})
    np.testing.assert_allclose(given.test.weights, WEIGHTS[:9])
    assert from_arrays({"x": X, "y": Y}).train.weights is None


def test_other_weights_are_other_data():
    prints = [from_arrays({"x": X, "y": Y, **more}).info.fingerprint for more in ({}, {"weights": WEIGHTS})]
    prints.append(from_arrays({"x": X, "y": Y, "weights": WEIGHTS * 2}).info.fingerprint)
    assert len(set(prints)) == 3


WRONG = [
    (np.where(np.arange(90) == 4, -1, WEIGHTS), r"weights: 1 of 90 are no numbers from 0 on, the first -1 in row 5\."),
    (np.where(np.arange(90) > 87, np.nan, WEIGHTS), r"weights: .*row 89"),
    (WEIGHTS * 0, r"weights: all are 0, so that no example counts\."),
    (WEIGHTS[:80], r"weights: found shape \(80,\), expected one weight for each of 90 examples\."),
    (X, r"weights: found shape \(90, 2\)"),
]


@pytest.mark.parametrize(("weights", "message"), WRONG)
def test_what_is_no_weight_is_refused(weights, message):
    with pytest.raises(DataError, match=message):
        prepare(Source(X, Y, "table", weights=weights), Arrays(), seed=1)


def test_an_npz_has_weights_where_the_recipe_names_them(tmp_path):
    path = str(tmp_path / "few.npz")
    np.savez(path, x=X, y=Y, weights=WEIGHTS, x_test=X[:9], y_test=Y[:9], often=WEIGHTS[:9])
    splits = load(Npz(path=path, weights="weights", test_weights="often", standardize=False), seed=1)
    np.testing.assert_allclose(splits.train.weights, splits.train.x[:, 0], rtol=1e-6)
    np.testing.assert_allclose(splits.test.weights, WEIGHTS[:9])
    unnamed = load(Npz(path=path), seed=1)
    assert unnamed.train.weights is None
    assert unnamed.info.warnings == ("few.npz: arrays that nothing reads: weights, often.",)
    with pytest.raises(DataError, match=r"no array 'weight'\. Did you mean 'weights'\?"):
        load(Npz(path=path, weights="weight"), seed=1)


def csv(tmp_path, weights, name="few.csv"):
    path = tmp_path / name
    rows = [f"{w if w != 'many' else 0},{w},{'yes' if n % 2 else 'no'}" for n, w in enumerate(weights)]
    path.write_text("\n".join(["size,counts,answer", *rows]))
    return str(path)


def test_a_column_of_weights_is_no_feature(tmp_path):
    path = csv(tmp_path, np.arange(60) / 4)
    spec = Table(
        path=path, target="answer", weight="counts", standardize=False, test_path=csv(tmp_path, [1, 2], "t.csv")
    )
    splits = load(spec, seed=1)
    assert [feature.name for feature in splits.info.features] == ["size"]
    np.testing.assert_allclose(splits.train.weights, splits.train.x[:, 0])
    np.testing.assert_allclose(splits.test.weights, [1, 2])


def test_a_weight_that_is_missing_or_no_number_is_named(tmp_path):
    path = csv(tmp_path, [1, 2, "many", 4, 5, 6])
    with pytest.raises(DataError, match=r"column 'counts' holds weights, and has no number in row 3"):
        load(Table(path=path, target="answer", weight="counts"), seed=1)


def test_a_column_has_one_role(tmp_path):
    data = {"name": "table", "path": csv(tmp_path, range(60)), "target": "answer", "weight": "counts"}
    tree = {"data": data, "model": {"name": "mlp", "units": [4]}}
    assert [problem for problem in check_recipe(tree).problems if problem.severity == "error"] == []
    for change, sentence in (
        ({"weight": "answer"}, "data.weight: column 'answer' is the target already. Weigh by another column."),
        ({"drop": ["counts"]}, "data.drop: column 'counts' is the rows' weight already. Remove it here."),
    ):
        problems = check_recipe({**tree, "data": data | change}).problems
        assert sentence in [problem.sentence() for problem in problems if problem.severity == "error"]
