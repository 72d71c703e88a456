"""Data that comes with scikit-learn."""

import numpy as np
import pytest
from sklearn import datasets

from hornbook.data import load
from hornbook.data.sources import bundled
from hornbook.recipes.sources import BreastCancer, Diabetes, Digits, Iris, Wine
from hornbook.recipes.sources.checks import section_problems


@pytest.mark.parametrize(
    ("spec", "examples", "shape", "task", "classes"),
    [
        (Digits(), 1797, (8, 8, 1), "multiclass", 10),
        (Iris(), 150, (4,), "multiclass", 3),
        (Wine(), 178, (13,), "multiclass", 3),
        (BreastCancer(), 569, (30,), "binary", 2),
        (Diabetes(), 442, (10,), "regression", 0),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_bundled_sources_have_their_published_sizes(spec, examples, shape, task, classes):
    info = load(spec, seed=42).info
    assert sum(info.counts.values()) == examples
    assert (info.input_shape, info.task, info.num_classes) == (shape, task, classes)


def test_digits_stay_bytes_from_0_to_16():
    splits = load(Digits(), seed=42)
    assert splits.train.x.dtype == np.uint8
    assert splits.train.x.max() == 16


@pytest.mark.parametrize("is_where_it_was", [True, False])
def test_digits_are_those_of_scikit_learn(is_where_it_was, monkeypatch):
    if not is_where_it_was:
        monkeypatch.setattr(bundled, "find_spec", lambda name: None)
    source, theirs = bundled.load_digits(Digits(), seed=42), datasets.load_digits()
    np.testing.assert_array_equal(source.x[..., 0], theirs.images)
    np.testing.assert_array_equal(source.y, theirs.target)


def test_columns_are_chosen_by_name_in_the_order_listed():
    splits = load(Iris(columns=("petal_width", "sepal_length")), seed=42)
    assert [feature.name for feature in splits.info.features] == ["petal_width", "sepal_length"]
    assert splits.train.x[:, 0].max() == pytest.approx(2.5)
    assert splits.train.x[:, 1].max() > 7


def test_an_unknown_column_names_the_nearest():
    problems = list(section_problems(Iris(columns=("petl_length",))))
    assert [problem.sentence() for problem in problems] == [
        "data.columns.0: no column 'petl_length'. Did you mean 'petal_length'?"
    ]


def test_iris_knows_its_species():
    assert load(Iris(), seed=42).info.class_names == ("setosa", "versicolor", "virginica")
