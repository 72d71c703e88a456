"""Numbers and sentences look the same wherever they stand."""

import math

import pytest

from hornbook.display.text import cut, cut_inside, epoch_figure, indented, number_text, p_relation, p_text


@pytest.mark.parametrize(
    ("p", "cell", "phrase"),
    [
        (0.04567, "0.046", "p = 0.046"),
        (0.001, "0.001", "p = 0.001"),
        (0.00099, "<0.001", "p < 0.001"),
        (1, "1.000", "p = 1.000"),
    ],
)
def test_p_values(p, cell, phrase):
    assert (p_text(p), p_relation(p)) == (cell, phrase)


def test_no_p_value_is_an_empty_cell():
    assert [p_text(None), p_text(math.nan)] == ["", ""]


def test_a_cut_text_has_the_width_asked_for_and_says_that_it_was_cut():
    assert cut("leaky_relu", 10) == "leaky_relu"
    assert cut("leaky_relu (alpha 0.2)", 10) == "leaky_rel…"
    assert cut_inside("leaky_relu (alpha 0.2)", 10) == "leaky…0.2)"
    assert cut_inside("leaky_relu (alpha 0.2)", 11) == "leaky… 0.2)"
    assert cut_inside("leaky_relu", 10) == "leaky_relu"


@pytest.mark.parametrize(
    ("value", "text"), [(0.0123456, "0.01235"), (1.2e-5, "1.2e-05"), (300, "300"), (1.0, "1"), (math.inf, "inf")]
)
def test_numbers_of_a_space(value, text):
    assert number_text(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.97217, "0.9722"), (0.0, "0.0000"), (1e-5, "1.00e-05"), (1234.5, "1.23e+03"), (-2.5, "-2.5000")],
)
def test_figures_of_an_epoch(value, text):
    assert epoch_figure(value) == text


def test_a_labelled_sentence_stays_within_80_columns_and_is_indented():
    lines = indented("ended", "word " * 20)
    assert lines == ["ended   " + " ".join(["word"] * 14), "        " + " ".join(["word"] * 6)]
    assert indented("a_long_recipe", "random") == ["a_long_recipe  random"]


def test_a_sentence_behind_a_label_shows_control_characters():
    assert indented("ended", "a\rb\x1b[2Jc") == [r"ended   a\rb\x1b[2Jc"]
