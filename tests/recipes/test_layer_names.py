"""Layers chosen by name, block, range and pattern."""

import pytest

from hornbook.recipes.language.layer_names import UnknownLayer, block_number, select

OURS = ["input", "scale", "hidden_1", "hidden_1_activation", "hidden_2", "hidden_2_dropout", "hidden_10", "head"]
KERAS = ["conv2d", "conv2d_1", "block_1_expand", "block_1_project", "block_2_expand"]


@pytest.mark.parametrize(
    ("layers", "chosen"),
    [
        ("hidden_1", ["hidden_1", "hidden_1_activation"]),
        ("hidden_1-hidden_2", ["hidden_1", "hidden_1_activation", "hidden_2", "hidden_2_dropout"]),
        (["head", "hidden_10"], ["hidden_10", "head"]),
        ("hidden_?", ["hidden_1", "hidden_1_activation", "hidden_2", "hidden_2_dropout"]),
        ("hidden_2_dropout", ["hidden_2_dropout"]),
        ("all", OURS),
    ],
)
def test_a_choice_takes_whole_blocks_in_the_networks_order(layers, chosen):
    assert select(layers, OURS) == chosen


@pytest.mark.parametrize(
    ("layers", "chosen"),
    [
        ("conv2d", ["conv2d"]),
        ("block_1", ["block_1_expand", "block_1_project"]),
        ("conv2d_1-block_1", ["conv2d_1", "block_1_expand", "block_1_project"]),
        ("block_*_expand", ["block_1_expand", "block_2_expand"]),
    ],
)
def test_numbered_names_of_other_networks_are_layers_of_their_own(layers, chosen):
    assert select(layers, KERAS) == chosen


@pytest.mark.parametrize(("item", "hint"), [("hiden_1", "Did you mean 'hidden_1'?"), ("z", "Layers: input, scale,")])
def test_an_unknown_layer_is_named_with_a_hint(item, hint):
    with pytest.raises(UnknownLayer, match=f"there is no layer '{item}'") as caught:
        select([item], OURS)
    assert hint in str(caught.value)


@pytest.mark.parametrize(("name", "number"), [("hidden_3", 3), ("hidden_12_dropout", 12), ("head", 0), ("hidden", 0)])
def test_block_numbers(name, number):
    assert block_number(name) == number
