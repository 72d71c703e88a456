"""`--vary` and `--drop`: how they are read, and which cells they make."""

import pytest

from hornbook.errors import RecipeError
from hornbook.study.factors import cells_of, parse_factors, split_values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("elu,relu, tanh", ["elu", "relu", "tanh"]),
        ("{name: sgd, learning_rate: 0.1},adam", ["{name: sgd, learning_rate: 0.1}", "adam"]),
        ("[300, 100],[100, 100]", ["[300, 100]", "[100, 100]"]),
        ("'a,b',c", ["'a,b'", "c"]),
        ('{a: "},"},2', ['{a: "},"}', "2"]),
        ("{a: [1, {b: 2}]},3", ["{a: [1, {b: 2}]}", "3"]),
        ("it's,fine", ["it's", "fine"]),
        ("", [""]),
    ],
)
def test_values_are_separated_by_commas_outside_brackets_and_quotes(text, values):
    assert split_values(text) == values


@pytest.mark.parametrize(("text", "missing"), [("{a: 1,b", "}"), ("[1,2", "]"), ("'a,b", "'")])
def test_what_is_not_closed_is_named(text, missing):
    with pytest.raises(ValueError, match=f"{missing} is missing"):
        split_values(text)


def test_one_change_at_a_time_makes_a_cell_per_value():
    factors = parse_factors(["activation=elu,tanh", "initializer=he_normal"], ["normalization,regularization"])
    cells = cells_of(factors, cross=False)
    assert [cell.overrides for cell in cells] == [
        ("activation=elu",), ("activation=tanh",), ("initializer=he_normal",), ("~normalization",), ("~regularization",)
    ]  # fmt: skip
    assert [cell.label for cell in cells[2:4]] == ["initializer=he_normal", "no normalization"]


def test_the_cross_makes_every_combination_and_keeps_what_may_be_dropped_once():
    cells = cells_of(parse_factors(["activation=elu,tanh"], ["normalization"]), cross=True)
    assert [cell.overrides for cell in cells] == [
        ("activation=elu",), ("activation=elu", "~normalization"), ("activation=tanh",), ("activation=tanh", "~normalization")
    ]  # fmt: skip
    assert cells[1].label == "activation=elu, no normalization"


def test_what_a_plus_joins_is_left_out_together():
    cells = cells_of(parse_factors([], ["normalization, normalization + regularization"]), cross=False)
    assert [cell.overrides for cell in cells] == [("~normalization",), ("~normalization", "~regularization")]
    assert [cell.label for cell in cells] == ["no normalization", "no normalization + regularization"]
    assert cells[1].option == "--drop normalization + regularization"
    crossed = cells_of(parse_factors(["activation=elu"], ["a+b"]), cross=True)
    assert [cell.label for cell in crossed] == ["activation=elu, with a + b", "activation=elu, no a + b"]
    assert [cell.overrides for cell in crossed] == [("activation=elu",), ("activation=elu", "~a", "~b")]


@pytest.mark.parametrize(
    ("drop", "message"),
    [
        ("a+", "--drop a\\+: expected a key of the recipe to leave out"),
        ("a+a", "--drop a\\+a: 'a' and 'a' overlap"),
        ("optimizer+optimizer.momentum", "'optimizer' and 'optimizer.momentum' overlap. Name what to leave out once"),
        ("a+b=1", "expected a key"),
    ],
)
def test_what_a_plus_cannot_join_is_said(drop, message):
    with pytest.raises(RecipeError, match=message):
        parse_factors([], [drop])


def test_what_is_left_out_together_and_alone_cannot_be_combined():
    assert len(parse_factors([], ["a", "a+b"])) == 2
    with pytest.raises(RecipeError, match="--drop a\\+b: cannot be combined with 'a'"):
        parse_factors([], ["a", "a+b"], cross=True)


def test_whole_components_have_a_short_name():
    (cell,) = cells_of(parse_factors(["optimizer={name: sgd, momentum: 0.9, nesterov: true}"], []), cross=False)
    assert cell.label == "optimizer=sgd(momentum=0.9, nesterov=true)"


def test_everything_that_is_wrong_is_said_at_once_and_names_its_option():
    vary = ["seed=1,2", "name=a", "x", "y={a", "z=1,,2", "activation=elu,elu", "b=@"]
    with pytest.raises(RecipeError) as found:
        parse_factors(vary, ["a=b", "optimizer.momentum"])
    assert str(found.value) == (
        "hornbook ablate: 8 problems\n"
        "  --vary seed=1,2: seeds are what every cell is repeated over. Use --seeds 5.\n"
        "  --vary name=a: 'name' does not change the training.\n"
        "  --vary x: expected a key and its values. --vary activation=relu,tanh\n"
        "  --vary y={a: } is missing. Put the option in quotes for the shell.\n"
        "  --vary z=1,,2: a value is missing. Separate values by single commas.\n"
        "  --vary activation=elu,elu: elu is listed twice.\n"
        "  --vary b=@: '@' is no valid YAML. Separate values by single commas.\n"
        "  --drop a=b: expected a key of the recipe to leave out. --drop normalization"
    )


def test_a_key_is_varied_by_one_option():
    with pytest.raises(RecipeError, match="--vary activation: 'activation' is varied already. List all values in one"):
        parse_factors(["activation=elu", "activation=relu"], [])


def test_a_key_and_a_part_of_it_are_cells_of_their_own_but_cannot_be_combined():
    vary, drop = ["normalization.position=after_activation"], ["normalization"]
    assert len(parse_factors(vary, drop)) == 2
    with pytest.raises(RecipeError, match="--drop normalization: cannot be combined with 'normalization.position'"):
        parse_factors(vary, drop, cross=True)
    with pytest.raises(RecipeError, match="--drop activation: 'activation' is varied already"):
        parse_factors(["activation=elu"], ["activation"], cross=True)


def test_without_anything_to_vary_there_is_no_ablation():
    with pytest.raises(RecipeError, match="nothing to vary. Add --vary activation=relu,tanh"):
        parse_factors([], [])
