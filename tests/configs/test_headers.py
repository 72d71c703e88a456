"""Every shipped recipe documents itself, passes its own check, and what it suggests to run can be run."""

import re
import shlex

import pytest

from hornbook.recipes import catalog, check_recipe, load_recipe, shipped_recipes
from hornbook.recipes.describe.catalog import list_lines

RECIPES = shipped_recipes()
NAMES = sorted(RECIPES)
MEASURED = re.compile(r"\d.*about \d+ s on 2 CPU cores|\d+-\d+ s of training on 2 CPU cores")
AS_PUBLISHED = {name: {"selu"} for name in ("fashion_b_scratch", "fashion_model_a")}  # warned of, and meant so
UNMEASURED = {"reused_application", "rnn_imdb"}  # what they need has to be downloaded


def header(name):
    """Return {"what", "Source", "Run", "Try", "Expected"} of a recipe's first lines of comment."""
    fields, key = {"what": ""}, "what"
    for line in RECIPES[name].splitlines():
        if line.startswith("# yaml-language-server"):
            continue
        if not line.startswith("#"):
            break
        if found := re.match(r"# (Source|Run|Try|Expected): +", line):
            key = found[1]
            fields[key] = line[found.end() :]
        else:
            fields[key] = f"{fields[key]} {line.lstrip('# ')}".strip()
    return fields


def command_of(name):
    return "sweep" if name.startswith("sweep_") else "train"


@pytest.mark.parametrize("name", NAMES)
def test_the_header_says_what_source_run_try_and_expected(name):
    fields = header(name)
    assert list(fields) == ["what", "Source", "Run", "Try", "Expected"]
    assert all(fields.values())
    assert fields["what"].endswith(".")
    assert fields["Run"].split("    ")[0] == f"hornbook {command_of(name)} --config {name}.yaml"


@pytest.mark.parametrize("name", NAMES)
def test_what_to_expect_was_measured(name):
    expected = header(name)["Expected"]
    assert MEASURED.search(expected) or (name in UNMEASURED and expected.startswith("not measured"))


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_is_short_and_fits_the_page(name):
    lines = RECIPES[name].splitlines()
    assert len(lines) <= 30
    assert max(map(len, lines)) <= 120


@pytest.mark.parametrize("name", NAMES)
def test_check_finds_nothing(name):
    checked = check_recipe(f"{name}.yaml", for_training=False)
    assert {problem.code for problem in checked.problems} == AS_PUBLISHED.get(name, set())
    assert checked.recipe.name == name


@pytest.mark.parametrize("name", NAMES)
def test_what_the_header_suggests_to_try_passes_check(name):
    command = shlex.split(header(name)["Try"], comments=True)
    assert command[:3] == ["hornbook", command_of(name), "--config"]
    assert check_recipe(command[3], command[4:], for_training=False).errors == []


def test_the_list_of_recipes_shows_each_summary():
    listed = dict(list_lines("recipes"))
    assert sorted(listed) == NAMES
    assert len(set(listed.values())) == len(NAMES)
    assert (
        listed["perceptron"]
        == "Rosenblatt's perceptron: one step unit finds the line between iris setosa and the rest."
    )


def used(kind):
    """Return the components of one kind that some shipped recipe uses, for its rate or for its dropout."""
    recipes = [load_recipe(name, for_training=False) for name in NAMES]
    found = [getattr(recipe, kind) for recipe in recipes]
    found += [recipe.regularization.dropout_schedule for recipe in recipes if kind == "schedule"]
    return {component.name for component in found if component is not None}


@pytest.mark.parametrize("kind", ["schedule", "normalization", "model"])
def test_every_component_of_these_kinds_has_a_recipe(kind):
    assert used(kind) == set(catalog(kind))


def test_every_kind_of_clipping_has_a_recipe():
    clippings = [load_recipe(name, for_training=False).training.gradient_clipping for name in NAMES]
    assert {clipping.by for clipping in clippings if clipping} == {"value", "norm", "global_norm"}


def test_every_regularization_but_gaussian_dropout_has_a_recipe():
    given = set()
    for name in NAMES:
        given |= set(load_recipe(name, for_training=False).regularization.model_dump(exclude_none=True))
    techniques = {
        "l1",
        "l2",
        "dropout",
        "dropout_schedule",
        "input_dropout",
        "alpha_dropout",
        "spatial_dropout",
        "gaussian_noise",
        "max_norm",
    }
    assert given == techniques


@pytest.mark.parametrize(
    "words",
    ["leaky ReLU", "PReLU", "GELU", "SiLU", "SELU", "ELU", "Max-norm", "Alpha dropout", "l1", "Elastic net", "Huber",
     "1cycle", "Power", "Exponential", "piecewise constant", "Performance", "Cosine", "restarts", "Polynomial",
     "Inverse-time", "warm-up", "by value", "by the norm", "global norm", "Nesterov", "Adam", "Nadam", "RMSprop",
     "Adagrad", "AdamW", "Lion", "Muon", "Schedule-free", "EMA", "accumulation", "Batch normalization",
     "Layer normalization", "Group normalization", "RMS normalization", "funnel", "free list", "augmentation",
     "residual", "recurrent", "LSTM", "GRU", "embeddings", "Class weights", "Mixed precision", "Several labels",
     "perceptron", "Backpropagation", "XOR", "Linear regression", "Logistic regression", "softmax regression"],
)  # fmt: skip
def test_a_technique_is_found_by_its_name_in_the_list_of_recipes(words):
    summaries = [f"{name}: {header(name)['what']}".lower() for name in NAMES]
    assert any(words.lower() in summary for summary in summaries)
