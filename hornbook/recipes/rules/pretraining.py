"""Rules about `pretraining`: networks and data that a method cannot work with."""

from collections.abc import Iterator

from hornbook.errors import Problem
from hornbook.recipes.facts import Facts
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sections.model import Mlp
from hornbook.recipes.sections.pretraining import Greedy, Rbm, Rotation
from hornbook.recipes.sources.checks import section_problems

KINDS = {"image": "images", "table": "rows of a table", "sequence": "sequences", "tokens": "token sequences"}


def network_fits(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """A network that the pretraining method cannot train."""
    given = recipe.pretraining
    if given is None:
        return
    if recipe.model.hidden_units() == ():
        hint = "Remove 'pretraining', or add hidden layers: 'model.units=[100]'."
        yield Problem(("pretraining",), "there is no hidden layer to pretrain.", hint)
        return
    if not isinstance(given, Greedy):
        return
    if not isinstance(recipe.model, Mlp):
        message = f"'{given.name}' trains one dense layer after the other, and '{recipe.model.name}' has others."
        yield Problem(("pretraining",), message, "Use 'model: {name: mlp, units: [300, 100]}', or 'corruption'.")
        return
    if getattr(recipe.normalization, "input", False):
        message = f"'{given.name}' starts from the inputs, and this layer does not know them before training."
        yield Problem(("normalization", "input"), message, "Use 'data.standardize: true' instead.")
    if not isinstance(given, Rbm):
        return
    if recipe.activation is None or recipe.activation.name != "sigmoid":
        found = f"found '{recipe.activation.name}'" if recipe.activation is not None else "the default is another"
        message = f"the units of a Boltzmann machine are on or off, which 'sigmoid' gives the odds of; {found}."
        path = ("activation",) if recipe.activation is not None else ("pretraining",)
        yield Problem(path, message, "Write 'activation: sigmoid', or use 'autoencoder'.")
    if recipe.normalization.name != "none":
        message = "a Boltzmann machine needs the layer's bias and its outputs between 0 and 1, which this changes."
        yield Problem(("normalization",), message, "Remove it, or use 'autoencoder'.")


def inputs_fit(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """Inputs that the pretraining method cannot use, or that are of another kind than the recipe's data."""
    given = recipe.pretraining
    if given is None:
        return
    if given.data is not None:
        yield from section_problems(given.data, path=("pretraining", "data"))
        kind = given.data.data_kind
        if kind is not None and facts.kind is not None and kind != facts.kind:
            message = f"'{given.data.name}' holds {KINDS[kind]}, and the network reads {KINDS[facts.kind]}."
            yield Problem(("pretraining", "data"), message, "The inputs need the shape of the recipe's own.")
    if isinstance(given, Rotation) and facts.kind not in {None, "image"}:
        message = f"only images can be rotated, and the data are {KINDS[str(facts.kind)]}."
        yield Problem(("pretraining",), message, "Use 'corruption', or 'autoencoder' for a dense network.")
    if isinstance(given, Rbm) and facts.is_standardized:
        message = "a Boltzmann machine reads numbers between 0 and 1, and the inputs are standardized."
        hint = "Use 'autoencoder', or inputs between 0 and 1 with 'data.standardize: false'."
        yield Problem(("pretraining",), message, hint)


def labels_are_there(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """More labels to keep than the training split has examples."""
    count = facts.examples_to_train(recipe)
    if recipe.pretraining is None or recipe.pretraining.labeled is None or count is None:
        return
    if recipe.pretraining.labeled > count:
        message = (
            f"the training split has {count:,} examples, and {recipe.pretraining.labeled:,} shall keep their labels."
        )
        yield Problem(("pretraining", "labeled"), message, f"Use at most {count}.")


def training_fits(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """Pretraining together with what it cannot be combined with."""
    if recipe.pretraining is None or recipe.pretraining.control:
        return
    if recipe.training.strategy is not None:
        message = "pretraining runs on one device."
        yield Problem(("training", "strategy"), message, "Remove it, or pretrain first and name that run in 'reuse'.")
    if recipe.reuse is not None:
        message = "layers start from an earlier model or from pretraining, not from both."
        yield Problem(("pretraining",), message, "Remove 'pretraining' or 'reuse'.")


RULES = (
    ("pretraining-model", ("pretraining", "model", "activation", "normalization"), network_fits),
    ("pretraining-data", ("pretraining", "data", "task"), inputs_fit),
    ("pretraining-labels", ("pretraining", "data"), labels_are_there),
    ("pretraining-alone", ("pretraining", "training", "reuse"), training_fits),
)
