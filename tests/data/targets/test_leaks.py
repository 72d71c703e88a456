"""How well a column tells the target by itself, against scikit-learn and SciPy."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from hornbook.data.facts import Feature
from hornbook.data.targets.leaks import best_column, is_leak

random = np.random.default_rng(0)
CATEGORY, NUMBER = Feature("kind", "category", ("a", "b", "c")), Feature("size", "number")


def test_a_number_is_judged_by_rank_correlation_where_the_target_is_a_number():
    x = random.normal(size=(300, 2))
    y = np.exp(x[:, 1]) + random.normal(size=300)
    x[::7, 1] = np.nan
    known = np.isfinite(x[:, 1])
    place, best, following = best_column(x, y, "regression")
    assert place == 1
    assert best == pytest.approx(abs(stats.spearmanr(x[known, 1], y[known]).statistic))
    assert following == pytest.approx(abs(stats.spearmanr(x[:, 0], y).statistic))


def test_a_number_is_judged_by_the_area_under_the_curve_where_the_target_is_a_class():
    x = random.normal(size=(300, 2))
    y = (x[:, 0] + random.normal(size=300) > 0).astype(int)
    place, best, _ = best_column(x, y, "binary")
    assert (place, best) == (0, pytest.approx(2 * roc_auc_score(y, x[:, 0]) - 1))


def test_categories_are_no_ranks():
    codes = random.integers(1, 4, size=300).astype(float)
    y = np.array([0.0, 5.0, 1.0, 3.0])[codes.astype(int)]
    x = np.column_stack([random.normal(size=300), codes])
    assert best_column(x, y, "regression", [NUMBER, CATEGORY])[:2] == (1, pytest.approx(1.0))
    classes = np.array([0, 1, 0, 1])[codes.astype(int)]
    assert best_column(x, classes, "binary", [NUMBER, CATEGORY])[:2] == (1, pytest.approx(1.0))
    assert best_column(x, y, "regression")[1] < 0.7  # as numbers, in the order of their codes


def test_a_category_per_row_tells_nothing():
    codes = np.arange(1.0, 201)
    x = np.column_stack([codes, random.normal(size=200)])
    y = random.normal(size=200)
    found = best_column(x, y, "regression", [Feature("id", "category", tuple(map(str, range(200)))), NUMBER])
    assert found[1] < 0.3


@pytest.mark.parametrize(
    ("best", "following", "expected"), [(0.99, 0.4, True), (0.96, 0.4, False), (0.99, 0.98, False), (1.0, 1.0, False)]
)
def test_a_leak_is_far_better_than_any_other_column(best, following, expected):
    assert is_leak(best, following) is expected


def test_several_targets_and_columns_without_end_are_not_tried():
    assert best_column(np.zeros((30, 2)), np.zeros((30, 2)), "regression") is None
    assert best_column(np.zeros((2, 2_001)), np.zeros(2), "regression") is None
