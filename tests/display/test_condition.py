"""One parser for what --require and --target take; what they make of it is tested with them."""

import math

import pytest

from hornbook.display.condition import Condition


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("val_accuracy>=0.9", Condition("val_accuracy", ">=", 0.9, "0.9")),
        (" test_loss < 3e-1 ", Condition("test_loss", "<", 0.3, "3e-1")),
        ("f1_score<=+1", Condition("f1_score", "<=", 1.0, "+1")),
        ("loss>-1.50", Condition("loss", ">", -1.5, "-1.50")),
    ],
)
def test_what_is_a_condition(text, condition):
    assert Condition.parse(text) == condition


@pytest.mark.parametrize(
    "text", ["", "accuracy", "accuracy=0.9", "accuracy>=", ">=0.9", "a>=b", "a>=1e", "a>=--3", "a b>=1"]
)
def test_what_is_none(text):
    assert Condition.parse(text) is None


def test_a_bound_is_met_or_not_and_never_by_nan():
    at_least = Condition("accuracy", ">=", 0.9, "0.9")
    assert [at_least.holds(value) for value in (0.89, 0.9, 0.91, math.nan)] == [False, True, True, False]
    below = Condition("loss", "<", 0.3, "0.3")
    assert [below.holds(value) for value in (0.29, 0.3, math.nan)] == [True, False, False]
