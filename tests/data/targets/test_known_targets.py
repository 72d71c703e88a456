"""Targets of another file, read as a trained model has learned them."""

import numpy as np
import pytest

from hornbook import load_recipe
from hornbook.data import from_arrays, known_targets
from hornbook.errors import DataError

X = np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)


def known(values, trained_on, **data):
    recipe = load_recipe({"data": {"name": "arrays", **data}, "model": "mlp"})
    info = from_arrays((X, np.resize(trained_on, 60)), spec=recipe.data).info
    return known_targets(np.array(values), info, spec=recipe.data, where="new.csv: y").tolist()


@pytest.mark.parametrize(
    ("values", "trained_on", "numbers"),
    [
        (["b", " a"], ["a", "b", "c"], [1, 0]),
        ([3, 7], [3, 5, 7], [0, 2]),
        ([7.0, 5.0], [3, 5, 7], [2, 1]),
        (["7", "3"], [3, 5, 7], [2, 0]),
        ([True, False], [False, True], [1, 0]),
        ([1, 0], ["cat", "dog"], [1, 0]),  # nothing else than their numbers can be meant
    ],
)
def test_classes_are_known_by_their_names(values, trained_on, numbers):
    assert known(values, trained_on) == numbers


@pytest.mark.parametrize(
    ("values", "trained_on", "unknown"),
    [(["b", "d"], ["a", "b"], "d"), ([0, 1], [1, 2, 3], "0"), ([2], ["cat", "dog"], "2"), ([1.5], [1, 2, 3], "1.5")],
)
def test_unknown_classes_are_refused(values, trained_on, unknown):
    with pytest.raises(DataError, match=f"classes that the model does not know: {unknown}. Known"):
        known(values, trained_on)


def test_classes_that_were_merged_or_chosen_keep_their_names():
    assert known([8, 9], [7, 8, 9], classes=["8", "9"]) == [0, 1]
    merged = {"a": 0, "b": 1, "c": 1}
    assert known(["c", "a", "b", "b or c"], ["a", "b", "c"], relabel=merged) == [1, 0, 1, 1]
    with pytest.raises(DataError, match="does not know: 7"):
        known([7], [7, 8, 9], classes=["8", "9"])
    with pytest.raises(DataError, match="does not know: 0"):
        known([0], ["a", "b", "c"], classes=["b", "c"])


def test_numbers_and_label_rows_must_fit():
    assert known([1, 2.5], [0.5, 1.5, 2.25]) == [1, 2.5]
    with pytest.raises(DataError, match="found targets of shape"):
        known([[1, 2.5]], [0.5, 1.5, 2.25])
    with pytest.raises(DataError, match="predicts numbers, but the targets are text"):
        known(["low"], [0.5, 1.5, 2.25])
