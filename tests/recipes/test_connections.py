"""`as` and `from` of the layers of `model: {name: layers}`: what is wrong with them, and what rules make of branches."""

import pytest

from hornbook.recipes import check_recipe
from hornbook.recipes.load import load_recipe


def dense(**own):
    return {"name": "dense", "units": 4, **own}


def sentences(*layers, **more):
    recipe = {"data": "wine", "model": {"name": "layers", "layers": list(layers)}, **more}
    return [problem.sentence() for problem in check_recipe(recipe).problems]


DEEP = dense(**{"as": "deep"})
WRONG = [
    (
        [DEEP, {"name": "concatenate", "from": ["input", "depe"]}],
        ["model.layers.1.from: no layer above is called 'depe'. Did you mean 'deep'?"],
    ),
    (
        [dense(), {"name": "add", "from": ["input", "shortcut"]}],
        ["model.layers.1.from: no layer above is called 'shortcut'. Known: input. 'as: shortcut' gives a layer this name."],
    ),
    (
        [DEEP, dense(**{"as": "deep"}), {"name": "add", "from": ["input", "deep"]}],
        ["model.layers.1.as: 'deep' is the name of layer 1 of the list ('dense') already. Use another name."],
    ),
    (
        [dense(**{"as": "input"}), {"name": "add", "from": ["input", "input"]}],
        [
            "model.layers.0.as: 'input' stands for the inputs of the network. Use another name.",
            "model.layers.1.from: 'input' is named 2 times. Name each layer once.",
        ],
    ),
    (
        [{"name": "add", "from": ["input", "deep"]}, DEEP],
        [
            "model.layers.0.from: 'deep' stands below, and a layer reads what stands above it. Write the layer that reads"
            " behind the one that is read."
        ],
    ),
    (
        [dense(**{"as": "a", "from": "a"}), dense()],
        ["model.layers.0.from: 'a' is this layer itself, and a layer reads what stands above it. Name another."],
    ),
    (
        [DEEP, "add"],
        ["model.layers.1: 'add' reads 2 or more layers, and 'from' does not say which. Name layers above it: 'from: [input,"
         " deep]'."],
    ),
    (
        [DEEP, {"name": "subtract", "from": "deep"}],
        ["model.layers.1.from: 'subtract' reads 2 layers, and 1 is named. Name layers above it: 'from: [input, deep]'."],
    ),
    (
        [dense(**{"as": "a"}), dense(**{"as": "b"}), {"name": "subtract", "from": ["a", "b", "input"]}],
        ["model.layers.2.from: 'subtract' reads 2 layers, and 3 are named. Name layers above it: 'from: [input, deep]'."],
    ),
    (
        [DEEP, dense(**{"from": ["input", "deep"]})],
        ["model.layers.1.from: 'dense' reads one layer, and 2 are named. Join them first: '{name: concatenate, from:"
         " [input, deep]}'."],
    ),
    (
        [dense(), dense(**{"from": "input"})],
        ["model.layers.0: nobody reads what 'dense' returns: the layer below it reads 'input'. Give it a name, 'as: branch',"
         " and a reader, 'from: [branch, …]', or remove it."],
    ),
    (
        [DEEP, dense(**{"from": "input"})],
        ["model.layers.0: nobody reads what 'dense' returns: the layer below it reads 'input'. Give it a reader, 'from:"
         " [deep, …]', or remove it."],
    ),
    (
        [DEEP, dense()],
        ["model.layers.0.as: no 'from' below names 'deep'. Remove it, or read it: 'from: deep'."],
    ),
    (
        [dense(**{"as": "two words"}), dense(**{"from": 3}), dense(**{"from": []})],
        [
            "model.layers.0.as: expected a name of letters, digits and '_', such as 'deep', found 'two words'.",
            "model.layers.1.from: expected the name of a layer above, or a list of such names, found 3.",
            "model.layers.2.from: expected the name of a layer above, or a list of such names, found [].",
        ],
    ),
    (
        [DEEP, {"name": "concatenate", "axis": 0, "from": ["input", "deep"]}],
        ["model.layers.1.axis: expected a whole number other than 0, the axis of examples, found 0."],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("layers", "expected"), WRONG)
def test_what_is_wrong_with_names_and_connections_is_said_all_at_once(layers, expected):
    assert sentences(*layers) == expected


def test_an_error_names_the_line(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text(
        "data: wine\nmodel:\n  name: layers\n  layers:\n    - {name: dense, units: 4, as: deep}\n"
        "    - name: concatenate\n      from: [input, dep]\n"
    )
    (problem,) = check_recipe(path).problems
    assert (problem.code, problem.line) == ("layer-from", 7)


def test_a_branched_list_is_written_as_it_was_read():
    layers = [DEEP, {"name": "concatenate", "from": ["input", "deep"]}, dense(**{"from": None})]
    recipe = load_recipe({"data": "wine", "model": {"name": "layers", "layers": layers}})
    again = recipe.to_dict()["model"]["layers"]
    assert again == [DEEP, {"name": "concatenate", "from": ["input", "deep"]}, dense()]
    assert load_recipe({"data": "wine", "model": {"name": "layers", "layers": again}}) == recipe


def blocks(count):
    """Return layers of pairs of sigmoids with a skip connection around each pair."""
    layers = [dense(**{"as": "b0"})]
    for place in range(count):
        layers += [
            dense(activation="sigmoid"),
            dense(activation="sigmoid", **{"as": f"c{place}"}),
            {
                "name": "add",
                "from": [f"b{place}", f"c{place}"],
                **({"as": f"b{place + 1}"} if place < count - 1 else {}),
            },
        ]
    return layers


def test_gradients_vanish_along_a_row_of_sigmoids_and_not_past_skip_connections():
    row = [dense(activation="sigmoid") for _ in range(10)]
    (said,) = sentences(*row, activation="relu")
    assert "10 layers of 'sigmoid' in a row" in said
    assert sentences(*blocks(5), activation="relu") == []
    (said,) = sentences(
        *row, dense(**{"as": "deep"}), {"name": "concatenate", "from": ["input", "deep"]}, activation="relu"
    )
    assert "10 layers of 'sigmoid' in a row" in said  # the way beside them leads to none of them


def test_a_step_stops_only_the_gradients_that_have_no_other_way():
    learns, gate = (
        dense(activation="relu", **{"as": "sums"}),
        dense(activation="step", trainable=False, **{"as": "gate"}),
    )
    assert sentences(learns, gate, {"name": "multiply", "from": ["sums", "gate"]}) == []
    (said,) = sentences(dense(activation="relu"), gate, {"name": "multiply", "from": ["input", "gate"]})
    assert said.startswith("model.layers.1.activation: the step function has no slope, so nothing below it can learn.")


def test_products_bend_what_sums_do_not():
    left, right = (dense(activation="linear", **{"from": "input", "as": name}) for name in ("left", "right"))
    (said,) = sentences(left, right, {"name": "add", "from": ["left", "right"]})
    assert "without a nonlinear activation can compute no more than none at all" in said
    assert sentences(left, right, {"name": "multiply", "from": ["left", "right"]}) == []


def test_a_head_may_be_the_only_one_that_reads_a_layer_by_its_name():
    heads = {"grower": {}, "early": {"from": "deep", "weight": 0.1}}
    assert sentences(DEEP, dense(), heads=heads) == []
    assert sentences(DEEP, dense(), heads=heads | {"early": {"from": "hidden_2"}}) == [
        "model.layers.0.as: no 'from' below names 'deep'. Remove it, or read it: 'from: deep'."
    ]


def test_a_head_that_begins_at_a_name_knows_which_of_two_layers_is_meant():
    heads = {"grower": {}, "early": {"from": "hidden_2", "weight": 0.1}}
    assert sentences(dense(**{"as": "hidden_2"}), dense(), heads=heads) == [
        "model.layers.0.as: a head begins at 'hidden_2', which is layer 2 of the list by its number. Use another name."
    ]
    assert sentences(dense(), dense(**{"as": "hidden_2"}), heads=heads) == []
