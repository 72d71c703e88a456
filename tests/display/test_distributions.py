"""Histograms and dots, whatever the numbers are."""

import pytest

from hornbook.display.distributions import DotChart, Histogram, HistogramChart


@pytest.mark.parametrize("histograms", [
    (Histogram(-1, 1, [1, 4, 1]),), (Histogram(-1, 1, [1, 4, 1]), Histogram(0, 5, [0, 0, 9])),
    (Histogram(0.5, 0.5, [7]),), (Histogram(0, 0, []),), (),
])  # fmt: skip
def test_a_histogram_is_drawn_whatever_it_counts(histograms, read):
    picture = read(HistogramChart(histograms).svg("h", "What it shows"))
    assert picture.root.get("aria-label") == "What it shows"


def test_the_axis_ends_where_the_numbers_of_both_end(read):
    both = (Histogram(-1, 1, [1, 4, 1]), Histogram(0, 5, [1, 1, 9]))
    assert read(HistogramChart(both).svg("h", "")).texts == ["-1", "5"]


def test_each_dot_is_drawn_and_axes_are_named(read):
    picture = read(DotChart([1, 2, 3], [1, 2, 2.5], "truth", "predicted", ((1, 1), (3, 3))).svg("d", ""))
    assert {"truth", "predicted"} <= {*picture.texts}
    assert len(picture.all("use")) == 3
