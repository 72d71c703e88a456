"""The text that users see when something is wrong."""

import pytest

from hornbook.errors import (
    DataError,
    DivergedError,
    GateError,
    HornbookError,
    Problem,
    RecipeError,
    RunError,
    UsageError,
    format_path,
    format_problems,
)


@pytest.mark.parametrize(
    ("error", "exit_code"),
    [
        (HornbookError("x"), 1),
        (DataError("x"), 1),
        (RunError("x"), 1),
        (DivergedError("x"), 1),
        (RecipeError([]), 2),
        (UsageError("x"), 2),
        (GateError("x"), 3),
    ],
)
def test_every_error_is_ours_and_has_its_exit_code(error, exit_code):
    assert isinstance(error, HornbookError)
    assert error.exit_code == exit_code


def test_a_path_reads_as_it_is_overridden():
    assert format_path(("model", "units", 0)) == "model.units.0"


def test_a_sentence_has_path_message_and_hint():
    assert Problem(("seed",), "is odd.", "Use 42.").sentence() == "seed: is odd. Use 42."
    assert Problem((), "is empty.", severity="warning").sentence() == "warning: is empty."
    assert Problem(("seed",), "is odd.", severity="tip").sentence() == "tip: seed: is odd."


def test_problems_stand_in_line_order_with_those_without_a_line_last():
    late, early = Problem(("b",), "late.", line=12, column=3), Problem(("a",), "early.", line=2, column=10)
    command = Problem(("c",), "odd.", origin="command line")
    error = RecipeError([command, late, early], origin="x.yaml")
    assert error.problems == (early, late, command)
    assert str(error) == (
        "x.yaml: 3 problems\n"
        "  2:10  a: early.\n"
        "  12:3  b: late.\n"
        "  command line: c: odd."
    )  # fmt: skip


@pytest.mark.parametrize(
    ("severities", "heading"),
    [
        (["error"], "x.yaml: 1 problem"),
        (["error", "error"], "x.yaml: 2 problems"),
        (["warning"], "x.yaml: 1 warning"),
        (["error", "warning", "warning"], "x.yaml: 1 problem, 2 warnings"),
        (["tip", "warning", "tip"], "x.yaml: 1 warning, 2 tips"),
    ],
)
def test_the_heading_counts(severities, heading):
    problems = [Problem((), "odd.", severity=severity) for severity in severities]
    assert format_problems(problems, origin="x.yaml").split("\n")[0] == heading


def test_a_problem_of_the_recipe_itself_needs_no_place():
    text = format_problems([Problem((), "is empty.", origin="recipe")], origin="recipe")
    assert text == "recipe: 1 problem\n  is empty."


def test_a_place_can_be_added():
    placed = Problem(("a",), "odd.").at(line=3, column=1, origin="x.yaml")
    assert (placed.line, placed.column, placed.origin, placed.message) == (3, 1, "x.yaml", "odd.")
