"""What `hornbook list` and `hornbook show` say, without running the commands."""

from typing import ClassVar, Literal

import pytest

from hornbook.errors import UsageError
from hornbook.recipes import catalog, check_recipe, shipped_recipes
from hornbook.recipes.describe.catalog import as_text, list_lines, recipe_summary, show
from hornbook.recipes.describe.pages import Description, Option
from hornbook.recipes.language import spec
from hornbook.recipes.language.keras_layers import layer_names
from hornbook.recipes.language.spec import KINDS, register
from hornbook.recipes.sections.optimizer import OptimizerSpec

SGD = """\
optimizer sgd

Stochastic gradient descent, with momentum and Nesterov's look-ahead as options.

Momentum 0.9 is a good default; often generalizes better than adaptive methods.
Keras updates Nesterov's shifted variable.

Options
  learning_rate  number > 0 or auto; default 0.01
                 Size of the steps, what the schedule multiplies; `auto`: found
                 before training, by `lr-find`.
  momentum       0 ≤ number < 1; default 0.0
                 Share of the last step that is added to this one; 0.9 is usual,
                 0 is none.
  nesterov       true or false; default false
                 Measure the gradient a little ahead, where momentum is going.

Options of every optimizer
  weight_decay  number ≥ 0 or mapping of rate, exclude, schedule
                Decoupled weight decay: a rate, or `{rate, exclude}`; biases and
                normalization do not decay.
  ema           0 < number < 1 or mapping of momentum
                Average of the weights over the steps, used from validation on:
                a momentum such as 0.99, or `{momentum}`.
  accumulation  whole number ≥ 1; default 1
                Batches whose gradients are averaged into one step.
  factors       mapping to number ≥ 0 or mapping of rate, decay
                Factors of learning rate and weight decay for groups of weights:
                `bias` (but of `numbers`), `activation` (what it learns),
                `numbers`, `categories`, `front_scale`, or layers as in
                `reuse.freeze`. A number, or `{rate, decay}`; where several
                apply, they are multiplied.

Example
  optimizer: {name: sgd, learning_rate: 0.05, momentum: 0.9, nesterov: true}

Source: Polyak (1964); Nesterov (1983); Sutskever et al. (2013).
Builds: keras.optimizers.SGD"""


def test_a_component_is_shown_with_options_source_and_example():
    assert as_text(show("optimizer", "sgd"), width=80) == SGD


def test_the_overview_counts_what_can_be_listed():
    lines = dict(list_lines())
    assert lines["optimizers"] == f"{len(catalog('optimizer'))} optimizers"
    assert lines["models"] == f"{len(catalog('model'))} backbones"
    assert list(lines)[:4] == ["recipes", "data", "models", "layers"]


@pytest.mark.parametrize("word", ["optimizer", "optimizers", "Optimizers"])
def test_kinds_are_singular_or_plural(word):
    assert [name for name, _ in list_lines(word)] == list(catalog("optimizer"))


@pytest.mark.parametrize("what", [name for name, _ in list_lines()])
def test_everything_listed_has_a_summary_and_can_be_shown(what):
    lines = list_lines(what)
    assert lines
    for name, text in lines:
        assert text
        assert "\n" not in text
        assert as_text(show(what, name))


@pytest.mark.parametrize("kind", KINDS)
def test_lists_follow_the_catalog(kind):
    assert [name for name, _ in list_lines(kind)] == list(catalog(kind))


def test_losses_and_metrics_say_what_they_are_for():
    assert dict(list_lines("metrics"))["top_k_accuracy"].endswith("For multiclass.")
    assert dict(list_lines("losses"))["huber"].endswith("For regression.")


def test_the_ingredient_without_names_is_shown_by_its_keys():
    shown = show("regularization", "l2")
    assert shown.example == "regularization: {l2: 0.0001}"
    assert shown.source == 'Krogh and Hertz (1992), "A simple weight decay can improve generalization".'
    assert shown.options == (Option("l2", "number ≥ 0", "", ""),)


def test_sections_are_shown_with_their_path():
    shown = show("section", "early_stopping")
    assert ("Key", "training.early_stopping") in shown.facts
    assert [option.name for option in shown.options][:3] == ["monitor", "mode", "patience"]


@pytest.mark.parametrize(
    "name", ["split", "augmentation", "weight_decay", "ema", "warmup", "funnel", "gradient_clipping"]
)
def test_keys_of_components_that_hold_keys_are_sections(name):
    assert show("section", name).options


def test_required_options_say_so():
    options = {option.name: option for option in show("data", "npz").options}
    assert options["path"] == Option("path", "text", "required", "The file, relative to the current folder.")


def test_facts_tell_what_fits():
    assert ("Reads", "image, sequence, tokens") in show("model", "cnn").facts
    assert ("Initializer that suits it", "lecun_normal") in show("activation", "selu").facts
    assert ("Classes", "setosa, versicolor, virginica") in show("data", "iris").facts


def test_a_layer_is_shown_with_the_arguments_that_a_recipe_may_give():
    shown = show("layer", "dense")
    options = {option.name: option for option in shown.options}
    assert options["units"].default == "required"
    assert options["use_bias"] == Option("use_bias", "", "true", "Boolean, whether the layer uses a bias vector.")
    assert options["activation"].help == "In place of the recipe's own activation."
    assert "kernel_initializer" not in options
    assert shown.builds == "keras.layers.Dense"


@pytest.mark.parametrize("name", layer_names())
def test_the_example_of_every_layer_is_accepted(name):
    data = "{name: digits, scale: false}"  # whole numbers, as an embedding reads them
    problems = check_recipe(f"data: {data}\n{show('layer', name).example}\n").problems
    assert [problem for problem in problems if problem.path[:1] == ("model",)] == []


@pytest.mark.parametrize("name", sorted(shipped_recipes()))
def test_a_recipe_is_shown_as_it_is(name):
    assert as_text(show("recipe", f"{name}.yaml"), width=20) == shipped_recipes()[name].rstrip()


def test_a_recipe_is_summed_up_by_its_first_comment():
    text = "# yaml-language-server: $schema=x\n\n# What it is.\n# More.\ndata: digits\n"
    assert recipe_summary(text) == "What it is."
    assert recipe_summary("data: digits\n") == ""


@pytest.mark.parametrize(
    ("word", "kind"),
    [("elu", "activation"), ("dropout", "regularization"), ("he_elu_bn.yaml", "recipe"), ("split", "section"),
     ("conv2d", "layer"), ("digits", "data"), ("training", "section")],
)  # fmt: skip
def test_a_name_alone_is_found(word, kind):
    assert show(word).kind == kind


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("optimizer", "sdg"), "unknown optimizer 'sdg'. Did you mean 'sgd'?"),
        (("data", "zzz"), "unknown data source 'zzz'. 'hornbook list data' shows all of them."),
        (("recipe", "he_elu"), "unknown recipe 'he_elu'. Did you mean 'he_elu_bn'?"),
        (("layers", "Dense"), "unknown layer 'Dense'. Did you mean 'dense'?"),
        (("optimiser", "sgd"), "there are no 'optimiser'. Did you mean 'optimizer'?"),
        (
            ("exponential",),
            "there are several 'exponential'. Use 'hornbook show activation exponential' or"
            " 'hornbook show schedule exponential'.",
        ),
        (("optimizers",), "which optimizer? 'hornbook list optimizers' shows all of them."),
        (("leaky_rleu",), "there is nothing called 'leaky_rleu'. Did you mean 'leaky_relu'?"),
        (("qqqqqq",), "there is nothing called 'qqqqqq'. 'hornbook list' shows what there is."),
    ],
)
def test_what_cannot_be_shown_is_explained(arguments, text):
    with pytest.raises(UsageError) as raised:
        show(*arguments)
    assert str(raised.value) == text


def test_an_unknown_kind_names_the_known_ones():
    with pytest.raises(UsageError, match="Known: recipes, data, models, layers, initializers"):
        list_lines("zzz")


def test_a_registered_component_appears_everywhere(monkeypatch):
    monkeypatch.setitem(spec._CATALOG, "optimizer", dict(catalog("optimizer")))

    @register
    class Signed(OptimizerSpec):
        """Takes the sign of the gradient.

        For tests. Riedmiller and Braun (1993), "Rprop".

        Example:
            optimizer: {name: signed, bound: 2.0}
        """

        name: Literal["signed"] = "signed"
        builds: ClassVar[str | None] = "nowhere:Signed"

        bound: float = 1.0
        """Largest step."""

    assert ("signed", "Takes the sign of the gradient.") in list_lines("optimizer")
    shown = show("signed")
    assert shown.text == "Takes the sign of the gradient.\n\nFor tests."
    assert shown.source == 'Riedmiller and Braun (1993), "Rprop".'
    assert shown.example == "optimizer: {name: signed, bound: 2.0}"
    assert Option("bound", "number", "1.0", "Largest step.") in shown.options


def test_text_is_wrapped_to_the_width():
    description = Description("section", "x", "word " * 60, (Option("a", "text", "", "word " * 40),))
    assert max(map(len, as_text(description, width=50).split("\n"))) <= 50
