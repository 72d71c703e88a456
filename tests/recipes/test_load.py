"""From a config to a checked recipe: where it is found, and every problem at once in line order."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hornbook.errors import RecipeError, UsageError
from hornbook.recipes import Recipe, check_recipe, load_recipe, read_config, shipped_recipes

MINIMAL = "data: digits\nmodel: mlp\n"

TWO_PROBLEMS = """\
# He initialization, ELU and batch normalization.
# Source:   Géron, ch. 11
data: digits
model:
  name: mlp
  units: [300, 100]

initializer: he_normal
activation: elu
normalization: {name: batch_normalization, position: before_activation}
regularization: {dropout: 0.2}
optimizer:
  name: sgd
  learning_rte: 0.05
  momentum: 0.9
  nesterov: true

training:
  epochs: 20
  batch_size: 32
  early_stopping:
    monitor: val_acc
"""


def test_the_design_document_shows_what_a_user_sees(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "he_elu_bn.yaml").write_text(TWO_PROBLEMS)
    with pytest.raises(RecipeError) as raised:
        load_recipe("he_elu_bn.yaml")
    assert str(raised.value) == (
        "he_elu_bn.yaml: 2 problems\n"
        "  14:3   optimizer.learning_rte: unknown key for optimizer 'sgd'. Did you mean 'learning_rate'?\n"
        "  22:14  training.early_stopping.monitor: 'val_acc' is not recorded. Recorded: val_loss, val_accuracy."
    )
    assert raised.value.exit_code == 2


def test_rules_run_on_valid_sections_while_others_are_not():
    text = "data: digits\nmodel: {name: mlp, units: [5]}\nactivation: step\noptimizer: {name: sgd, lr: 1}\nseed: x\n"
    assert [(problem.line, problem.code) for problem in check_recipe(text).problems] == [
        (3, "hidden-step"),
        (4, "unknown-key"),
        (5, "value"),
    ]


def test_rules_do_not_run_on_broken_sections():
    text = "data: digits\nmodel: {name: mlp, unit: [5]}\nregularization: {dropout: 0.5}\n"
    assert [problem.code for problem in check_recipe(text).problems] == ["unknown-key"]


def test_a_minimal_recipe_gets_the_documented_defaults():
    recipe = load_recipe(MINIMAL)
    assert (recipe.format, recipe.seed, recipe.training.epochs, recipe.training.batch_size) == (1, 42, 20, 32)
    assert (recipe.optimizer.name, recipe.schedule.name, recipe.initializer.name) == ("adam", "constant", "default")
    assert (recipe.activation, recipe.task, recipe.head.loss, recipe.training.early_stopping) == (
        None,
        None,
        None,
        None,
    )


def test_name_and_mapping_mean_the_same():
    short = load_recipe("data: digits\nmodel: cnn\nactivation: elu\noptimizer: sgd\n")
    long = load_recipe("data: {name: digits}\nmodel: {name: cnn}\nactivation: {name: elu}\noptimizer: {name: sgd}\n")
    assert short == long


def test_a_recipe_is_immutable():
    with pytest.raises(ValueError, match="frozen"):
        load_recipe(MINIMAL).seed = 3


def test_a_recipe_is_called_like_its_file(tmp_path):
    path = tmp_path / "my first try.yaml"
    path.write_text(MINIMAL)
    assert load_recipe(path).name == "my_first_try"


def test_a_local_file_wins_over_a_shipped_recipe(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shipped = load_recipe("he_elu_bn.yaml")
    (tmp_path / "he_elu_bn.yaml").write_text(MINIMAL)
    assert load_recipe("he_elu_bn.yaml") != shipped
    assert load_recipe("he_elu_bn") == shipped


def test_standard_input_is_read(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(MINIMAL))
    config = read_config("-")
    assert (config.text, config.origin, config.name) == (MINIMAL, "standard input", "recipe")


@pytest.mark.parametrize("name", sorted(shipped_recipes()))
def test_shipped_recipes_are_found_with_and_without_suffix(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load_recipe(name, for_training=False) == load_recipe(f"{name}.yaml", for_training=False)


@pytest.mark.parametrize(
    ("config", "text"),
    [
        (
            "he_elu_bm.yaml",
            "he_elu_bm.yaml: there is no such file, and no shipped recipe of that name. Did you mean 'he_elu_bn'?",
        ),
        (
            "qqqqq",
            "qqqqq: there is no such file, and no shipped recipe of that name."
            " 'hornbook list recipes' shows the shipped ones.",
        ),
        ("folder", "folder: this is a folder. Name a recipe file, for instance folder/recipe.yaml."),
    ],
)
def test_a_missing_recipe_is_explained(config, text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError) as raised:
        load_recipe(config)
    assert str(raised.value) == text


def test_a_file_that_is_no_text_is_explained(tmp_path):
    path = tmp_path / "model.yaml"
    path.write_bytes(b"\xff\xfe\x00\x9d")
    with pytest.raises(UsageError, match=r"model\.yaml: cannot be read as a text file"):
        load_recipe(path)


def test_a_byte_order_mark_is_harmless(tmp_path):
    path = tmp_path / "windows.yaml"
    path.write_bytes(b"\xef\xbb\xbfdata: digits\r\nmodel: mlp\r\n")
    assert load_recipe(path).data.name == "digits"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("# nothing\n", "the recipe is empty. 'hornbook new' writes one to start from."),
        ("{}\n", "the recipe is empty. 'hornbook new' writes one to start from."),
        ("- a\n- b\n", "a recipe is a mapping of keys, found list."),
        ("just text\n", "a recipe is a mapping of keys, found str."),
        ("3\n", "a recipe is a mapping of keys, found int."),
    ],
)
def test_what_is_no_mapping_is_refused(text, sentence):
    assert [problem.sentence() for problem in check_recipe(text).problems] == [sentence]


def test_missing_keys_come_with_an_example():
    assert [problem.sentence() for problem in check_recipe("seed: 1\n").problems] == [
        "data: this key is required and missing. Write for instance 'data: digits'.",
        "model: this key is required and missing. Write for instance 'model: {name: mlp, units: [300, 100]}'.",
    ]


def test_a_mapping_is_a_recipe_too():
    assert load_recipe({"data": "digits", "model": {"name": "mlp", "units": (30, 20)}}).model.units == (30, 20)


def test_problems_of_a_mapping_have_no_line():
    with pytest.raises(RecipeError) as raised:
        load_recipe({"data": "digits", "model": "mlp", "sead": 3})
    assert str(raised.value) == "recipe: 1 problem\n  sead: unknown key. Did you mean 'seed'?"


def test_warnings_do_not_stop_loading():
    checked = check_recipe("data: digits\nmodel: {name: mlp, units: [5]}\ninitializer: he_normal\nactivation: tanh\n")
    assert (len(checked.errors), [problem.code for problem in checked.warnings]) == (0, ["he-activation"])
    assert checked.recipe is not None


def test_what_a_recipe_says_of_itself_loads_into_the_same_recipe():
    recipe = load_recipe("he_elu_bn")
    assert Recipe.model_validate(recipe.to_dict()) == recipe


def test_the_document_stays_with_the_recipe():
    document = load_recipe(MINIMAL).document
    assert document is not None
    assert document.places[("model",)].key == (2, 1)


@given(st.text(max_size=60))
@settings(max_examples=150)
def test_no_text_raises_anything_but_a_recipe_error(text):
    check_recipe(text + "\n")


pieces = st.sampled_from(
    ["data:", "digits", "model:", "{name: mlp, units: ", "[3, 4]", "}", "\n", "  ", "optimizer:", "sgd", "name: ", "- "]
)


@given(st.lists(pieces, max_size=14))
@settings(max_examples=150)
def test_no_jumble_of_keys_raises_anything_but_a_recipe_error(parts):
    check_recipe("".join(parts) + "\n")
