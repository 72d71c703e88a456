"""Intervals of repeated runs, against numbers worked out by hand and SciPy's."""

import math

import pytest

from hornbook.display.intervals import mean_interval, paired_interval


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
