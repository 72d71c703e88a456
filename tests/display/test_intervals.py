"""Intervals of repeated runs, against numbers worked out by hand and SciPy's."""

import math

import pytest
from scipy.stats import binomtest

from hornbook.display.intervals import few_examples, mean_interval, paired_interval, share_interval


def test_student_s_interval_of_three_values():
    found = mean_interval([1.0, 2.0, 3.0])
    assert found.mean == 2.0
    assert found.half == pytest.approx(4.302653 / math.sqrt(3), abs=1e-6)  # t(0.975, 2) of a printed table: 4.303


def test_a_single_value_has_no_interval():
    found = mean_interval([0.5])
    assert (found.mean, found.half, found.excludes_zero) == (0.5, math.inf, False)
    assert found.text() == "0.5000"


def test_pairs_cancel_what_they_share():
    found = paired_interval([0.9, 0.7, 0.5], [0.8, 0.6, 0.4])
    assert found.mean == pytest.approx(0.1)
    assert found.half == pytest.approx(0.0, abs=1e-12)
    assert found.excludes_zero


@pytest.mark.parametrize(("right", "count"), [(3, 3), (0, 7), (17, 29), (1, 1), (48, 50), (350, 360)])
def test_wilson_s_interval_is_scipy_s(right, count):
    expected = binomtest(right, count).proportion_ci(method="wilson")
    assert share_interval(right / count, count) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_figures_of_few_examples_come_with_how_little_they_say():
    assert few_examples(3, 1.0) == "of 3 examples, which fit any accuracy from 0.44 to 1.00 (95 %)"
    assert few_examples(1, 0.0) == "of 1 example, which fits any accuracy from 0.00 to 0.79 (95 %)"
    assert few_examples(12) == "of 12 examples: so few say little about others"
    assert few_examples(1) == "of 1 example: it says little about others"
    assert few_examples(30, 1.0) == few_examples(0, 1.0) == ""
