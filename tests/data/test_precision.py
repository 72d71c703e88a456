"""What float32 cannot tell apart is refused or said, with what to write; what it holds is left alone."""

import numpy as np
import pytest

from hornbook.data import Feature, Source, from_arrays, prepare
from hornbook.errors import DataError
from hornbook.recipes.sources import Arrays, SplitSpec

NO_CUT = Arrays(split=SplitSpec(validation=0, test=0))
X = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32)
SPREAD = np.linspace(-1, 1, 40)


def numbers(y):
    return from_arrays((X, y), spec=NO_CUT, task="regression")


def said_of(column):
    x = np.stack([np.asarray(column).astype(np.float32), X[:, 0]], axis=1)
    source = Source(x, np.arange(len(x)) % 2, "table", features=(Feature("a", "number"), Feature("b", "number")))
    return prepare(source, NO_CUT, seed=1).info.warnings


def test_targets_that_become_one_are_refused_with_what_to_subtract():
    with pytest.raises(DataError) as caught:
        numbers(1e9 + SPREAD)
    assert str(caught.value) == (
        "the targets have a deviation of 0.592 around 1000000000, where float32, in which networks compute, only has "
        "numbers that are 64 apart: of 40 different ones it leaves 1. Subtract 1000000000 from them, and add it to what is "
        "predicted."
    )


@pytest.mark.parametrize("y", [2**24 + np.arange(40) % 4, np.stack([SPREAD, 1e9 + SPREAD], axis=1)])
def test_targets_of_which_rounding_takes_more_than_a_tenth_are_refused(y):
    with pytest.raises(DataError, match="Subtract"):
        numbers(y)


def test_targets_that_rounding_blurs_are_said():
    y = 1e6 + 0.5 * SPREAD  # to sixteenths
    (said,) = numbers(y).info.warnings
    assert said.startswith("the targets have a deviation of 0.296 around 1000000, where float32,")
    assert said.endswith("it leaves 17. Subtract 1000000 from them, and add it to what is predicted.")


@pytest.mark.parametrize(
    "y",
    [
        1e9 + 1e6 * SPREAD,
        1.7e9 + 86_400.0 * np.arange(40),  # seconds since 1970 of 40 days
        2_000 + np.arange(40.0),
        1e9 + 64.0 * np.arange(40),  # what float32 holds
        np.full(40, 1e9),
        np.float32(1e9 + SPREAD),  # nothing is known of what it was
        1e-3 * SPREAD,
    ],
)
def test_targets_that_float32_holds_pass(y):
    assert len(np.unique(numbers(y).train.y)) == len(np.unique(np.asarray(y, np.float32)))


def test_targets_too_large_for_float32_are_refused_as_such():
    with pytest.raises(
        DataError, match="is too large for float32"
    ):  # and no warning of NumPy's, which is an error here
        numbers(1e300 * SPREAD)


def test_a_column_that_becomes_constant_is_named_with_what_to_subtract():
    assert said_of(1e9 + SPREAD) == (
        "column 'a' is constant in the training split and will teach nothing.",
        "column 'a': float32, in which networks compute, only has numbers that are 64 apart near 1e+09, and the column has one "
        "of them. If it says more than that, subtract 1000000000 from it.",
    )


def test_a_column_of_which_few_numbers_are_left_is_named():
    (said,) = said_of(1e6 + 0.5 * SPREAD)  # 17 steps of 1/16
    assert said.startswith(
        "column 'a': float32, in which networks compute, only has numbers that are 0.0625 apart near 1e+06"
    )


@pytest.mark.parametrize(
    "column", [10_000_000 + np.arange(40) % 7, 1e9 + 1e6 * SPREAD, SPREAD, 1e-3 * SPREAD, np.arange(40) // 7]
)
def test_columns_that_float32_holds_are_left_alone(column):
    assert said_of(column) == ()


def test_a_constant_of_usual_size_is_only_constant():
    assert said_of(np.full(40, 0.1)) == ("column 'a' is constant in the training split and will teach nothing.",)


def test_a_column_that_varies_too_little_to_be_standardized_is_named_with_a_factor():
    assert said_of(1e-9 * SPREAD) == (
        "column 'a' has a deviation of 5.92e-10, and Keras's Normalization divides by none below 1e-07: it hardly counts. "
        "Multiply it by 1e+10.",
    )


def test_targets_below_the_end_of_float32_are_refused_with_a_factor():
    with pytest.raises(DataError, match=r"reach 3e-45, where float32, .* ends\. Multiply them by 1e\+45\."):
        numbers(3e-45 * SPREAD)
