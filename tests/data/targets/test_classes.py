"""`classes` and `relabel` keep, renumber and merge."""

import numpy as np
import pytest

from hornbook.data import load
from hornbook.data.targets.classes import new_numbers
from hornbook.errors import DataError
from hornbook.recipes.sources import Digits, Iris, SplitSpec

NAMES = ("setosa", "versicolor", "virginica")


def test_kept_classes_are_renumbered_in_the_order_listed():
    mapping, names = new_numbers(NAMES, ("virginica", "setosa"), None)
    assert names == ("virginica", "setosa")
    assert mapping.tolist() == [1, -1, 0]


def test_classes_may_be_given_by_number():
    assert new_numbers(NAMES, (2, 0), None)[1] == ("virginica", "setosa")


def test_numbers_are_names_where_the_names_are_numbers():
    mapping, names = new_numbers(("10", "20", "30"), (20, 30), None)
    assert names == ("20", "30")
    assert mapping.tolist() == [-1, 0, 1]


def test_relabel_merges_classes_and_joins_their_names():
    mapping, names = new_numbers(NAMES, None, {"setosa": 1, "versicolor": 0, "virginica": 0})
    assert mapping.tolist() == [1, 0, 0]
    assert names == ("versicolor or virginica", "setosa")


def test_setosa_against_the_rest_is_a_binary_task_on_the_petals():
    spec = Iris(
        columns=("petal_length", "petal_width"),
        relabel={"setosa": 1, "versicolor": 0, "virginica": 0},
        split=SplitSpec(validation=0, test=0),
    )
    splits = load(spec, seed=42)
    assert splits.info.task == "binary"
    assert splits.info.class_counts == (100, 50)
    assert splits.train.x[splits.train.y == 1][:, 0].max() == pytest.approx(1.9)  # setosa's longest petal


def test_two_digits_are_a_binary_task_in_every_split():
    splits = load(Digits(classes=(3, 5)), seed=42)
    assert splits.info.task == "binary"
    assert splits.info.class_names == ("3", "5")
    assert sum(splits.info.counts.values()) == 183 + 182  # so many threes and fives there are
    assert set(np.unique(splits.test.y)) == {0, 1}


@pytest.mark.parametrize(
    ("classes", "relabel", "message"),
    [
        (("setosa", "verginica"), None, "data.classes: there is no class 'verginica'. Did you mean 'virginica'?"),
        (
            None,
            {"setosa": 0, "versicolor": 1},
            "data.relabel: no new label for class virginica. Give every kept class one, or keep fewer with 'classes'.",
        ),
        (
            ("setosa", "versicolor"),
            {"setosa": 0, "versicolor": 2},
            "data.relabel: new labels are 0, 2. Labels count from 0 without gaps.",
        ),
    ],
)
def test_labels_that_make_no_sense_are_refused(classes, relabel, message):
    with pytest.raises(DataError) as error:
        new_numbers(NAMES, classes, relabel)
    assert str(error.value) == message
