"""Rules about what the backbone can do with the ingredients: nothing is ever accepted and then ignored."""

from collections.abc import Iterator

from hornbook.errors import Path, Problem
from hornbook.recipes.facts import Facts
from hornbook.recipes.language.hints import did_you_mean
from hornbook.recipes.language.spec import catalog
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sections.activation import ActivationSpec
from hornbook.recipes.sections.connections import above, sources
from hornbook.recipes.sections.initializer import InitializerSpec
from hornbook.recipes.sections.model import (
    KIND_OF_BLOCK,
    PATHS,
    Cnn,
    Layers,
    Mlp,
    ReadsColumns,
    ResidualCnn,
    Rnn,
    Transformer,
    WideAndDeep,
)
from hornbook.recipes.sections.normalization import GroupNormalization, subtracts_biases
from hornbook.recipes.sections.regularization import Regularization

HIDDEN_ONLY = (
    "dropout",
    "alpha_dropout",
    "spatial_dropout",
    "gaussian_dropout",
    "gaussian_noise",
    "max_norm",
)


def no_step_in_hidden_layers(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """The step function in a hidden layer stops every gradient."""
    message = "the step function has no slope, so nothing below it can learn."
    hint = "Use 'relu' or 'sigmoid' here, or layers that do not learn: 'model: {name: layers}' with 'trainable: false'."
    for path, activation in _hidden_activations(recipe):
        if not activation.hidden and _learns_below(recipe, path):
            yield Problem(path, message, hint)


def _learns_below(recipe: Recipe, path: Path) -> bool:
    """Return whether something learns that no gradient reaches but through a hidden activation."""
    model, reuse = recipe.model, recipe.reuse
    if not isinstance(model, Layers) or getattr(recipe.normalization, "input", False):
        return True
    if reuse is not None and reuse.copy_ is None and (reuse.freeze not in (True, "all") or reuse.unfreeze is not None):
        return True
    read = sources(model.layers)
    chosen = [(layer.activation or recipe.activation) if layer.activates() else None for layer in model.layers]
    flat = frozenset(place for place, each in enumerate(chosen) if each is not None and not each.hidden)
    reached = above(len(model.layers) - 1, read, without=flat)
    by_recipe = {place for place in flat if model.layers[place].activation is None}
    places = by_recipe if path == ("activation",) else flat & {int(path[2])}
    return any(model.layers[i].learns() for place in places for i in above(place, read) - reached)


def _hidden_activations(recipe: Recipe) -> Iterator[tuple[Path, ActivationSpec]]:
    if recipe.activation is not None:
        yield ("activation",), recipe.activation
    if isinstance(recipe.model, Layers):
        for index, layer in enumerate(recipe.model.layers):
            if layer.activation is not None:
                yield ("model", "layers", index, "activation"), layer.activation


def hidden_layers_needed(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """Ingredients of hidden layers in a model that has none."""
    if recipe.model.hidden_units() != () or facts.blocks or getattr(recipe.model, "encoders", None):
        return
    message = "applies to hidden layers, and this model has none."
    for name in HIDDEN_ONLY:
        if getattr(recipe.regularization, name) is not None:
            yield Problem(("regularization", name), message, "Remove it, or add hidden layers: 'model.units=[100]'.")
    if recipe.activation is not None:
        yield Problem(("activation",), message, "Remove it; the head has its own: 'head.activation'.")
    normalization = recipe.normalization
    if normalization.name != "none" and not (getattr(normalization, "input", 0) or getattr(normalization, "output", 0)):
        yield Problem(("normalization",), message, "Remove it, or set 'input: true' to normalize the inputs.")


def dropout_fits_backbone(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """Spatial dropout needs channels; two kinds of dropout at once is a mistake."""
    regularization = recipe.regularization
    has_channels = isinstance(recipe.model, Cnn | ResidualCnn | Rnn | Transformer)
    if isinstance(recipe.model, Layers):
        with_weights = [layer for layer in recipe.model.layers if layer.takes_ingredients()]
        has_channels = any(layer.name not in {"dense", "einsum_dense"} for layer in with_weights)
    if regularization.spatial_dropout is not None and not has_channels:
        message = "drops whole channels, and a dense network has none."
        yield Problem(("regularization", "spatial_dropout"), message, "Use 'dropout'.")
    kinds = [name for name in ("dropout", "alpha_dropout", "gaussian_dropout") if getattr(regularization, name)]
    if len(kinds) > 1:
        message = f"{' and '.join(kinds)} would both act on every hidden layer."
        yield Problem(("regularization", kinds[1]), message, "Keep one of them.", severity="warning")


def activation_fits_cell(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """A recurrent cell takes a plain function."""
    cells: list[tuple[Path, ActivationSpec]] = []
    if isinstance(recipe.model, Rnn) and recipe.activation is not None:
        cells.append((("activation",), recipe.activation))
    if isinstance(recipe.model, Layers):
        for index, layer in enumerate(recipe.model.layers):
            chosen = layer.activation or recipe.activation
            if layer.is_recurrent() and chosen is not None:
                own = layer.activation is not None
                cells.append((("model", "layers", index, "activation") if own else ("activation",), chosen))
    for path, activation in cells:
        if activation.function_name() is None:
            message = f"a recurrent cell takes a plain function, and '{activation.name}' with these options is a layer."
            yield Problem(path, message, "Use 'tanh', 'relu' or 'elu' without options.")


def groups_divide_channels(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """Group normalization whose groups do not divide a layer's channels."""
    normalization, units = recipe.normalization, recipe.model.hidden_units()
    if not isinstance(normalization, GroupNormalization) or not units:
        return
    wrong = sorted({size for size in units if size % normalization.groups})
    if wrong:
        common = [size for size in range(1, min(units) + 1) if all(width % size == 0 for width in units)]
        message = f"{normalization.groups} groups do not divide layers of {', '.join(map(str, wrong))} units."
        options = ", ".join(map(str, common[:8]))
        yield Problem(("normalization", "groups"), message, f"Groups that divide all layers: {options}.")


def free_layers_take_regularization(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """Inputs are dropped once, in front of the first layer, not layer by layer."""
    if not isinstance(recipe.model, Layers):
        return
    for index, layer in enumerate(recipe.model.layers):
        own: Regularization | None = layer.regularization
        if own is not None and own.input_dropout is not None:
            path = ("model", "layers", index, "regularization", "input_dropout")
            yield Problem(
                path, "a layer has no inputs of its own to drop.", "Put it under the recipe's 'regularization'."
            )


def biases_are_there(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """What is said of the biases of a free layer that has none."""
    if not isinstance(recipe.model, Layers):
        return
    for index, layer in enumerate(recipe.model.layers):
        keys = [key for key in ("bias_regularizer", "bias_constraint") if layer.arguments().get(key) is not None]
        if not keys or layer.is_recurrent():
            continue
        normalization, has_bias = layer.normalization or recipe.normalization, layer.arguments().get("use_bias")
        why = "'use_bias: false' leaves it without a bias"
        if has_bias is None and subtracts_biases(normalization):
            has_bias, why = False, f"'{normalization.name}' subtracts any bias in front of it, so there is none"
        if has_bias is False:
            for key in keys:
                yield Problem(("model", "layers", index, key), f"this layer has no bias: {why}.", "Remove it.")


def columns_are_of_tables(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """What a backbone does with columns, where the inputs have none."""
    if not isinstance(recipe.model, ReadsColumns) or facts.kind in {None, "table"}:
        return
    for key in ReadsColumns.model_fields:
        if getattr(recipe.model, key):
            yield Problem(
                ("model", key), f"is for the columns of a table, and this is {facts.kind} data.", "Remove it."
            )


def paths_read_columns(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """Columns of two paths that the table does not have, or that neither path reads."""
    model, columns = recipe.model, facts.columns
    if not isinstance(model, WideAndDeep) or model.inputs is None or columns is None:
        return
    beside = facts.blocks or {}
    omitted = {"wide": tuple(name for name in columns if name not in beside), "deep": tuple(columns)}
    groups = {path: getattr(model.inputs, path) or omitted[path] for path in PATHS}
    unknown = {(path, place): n for path, names in groups.items() for place, n in enumerate(names) if n not in columns}
    for (path, place), name in unknown.items():
        yield Problem(("model", "inputs", path, place), f"there is no column '{name}'.", did_you_mean(name, columns))
    for place, name in enumerate(model.inputs.wide or ()):
        if name in beside:
            message = f"the wide path has no encoder for '{name}', which is no column."
            yield Problem(("model", "inputs", "wide", place), message, "List it under 'deep'.")
    read = {part for names in groups.values() for name in names for part in (name, *columns.get(name, ()))}
    unread = [name for name, parts in columns.items() if not {name, *parts} & read]
    if unread and not unknown:
        listed = ", ".join(f"'{name}'" for name in unread)
        hint = "Add each to 'wide' or to 'deep', or leave it out of the data."
        yield Problem(("model", "inputs"), f"neither path reads {listed}.", hint)


def encoders_read_inputs(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """Encoders of inputs that are not there, or that they cannot read; inputs of which nobody can make numbers."""
    model, blocks = recipe.model, facts.blocks
    encoders = (model.encoders if isinstance(model, ReadsColumns) else None) or {}
    for name, encoder in encoders.items():
        path: Path = ("model", "encoders", name)
        if isinstance(encoder, ReadsColumns):
            for key in (*ReadsColumns.model_fields, "ensemble"):
                if getattr(encoder, key, None):
                    yield Problem((*path, key), "is for the columns of a table, which no encoder reads.", "Remove it.")
        if blocks is None:
            continue
        if name not in blocks:
            hint = did_you_mean(name, blocks) if blocks else "All inputs are columns: remove 'encoders'."
            yield Problem(path, f"there is no input '{name}' beside the columns.", hint)
        elif KIND_OF_BLOCK[blocks[name]] not in encoder.accepts:
            kind = KIND_OF_BLOCK[blocks[name]]
            known = [each for each, cls in catalog("model").items() if kind in getattr(cls, "accepts", ())]
            message = f"'{encoder.name}' does not read a {blocks[name]}."
            yield Problem(path, message, f"Use one of {', '.join(sorted(known))}.")
    if not blocks:
        return
    listed = ", ".join(f"'{name}'" for name in blocks)
    if not isinstance(model, ReadsColumns):
        message = f"'{model.name}' has no encoders, and rows hold {listed} beside the columns."
        yield Problem(("model", "name"), message, "Use 'mlp' or 'wide_and_deep'.")
    for key in ("reuse", "pretraining", "shrink"):
        if getattr(recipe, key) is not None:
            yield Problem(
                (key,), f"is of a network with one input, and rows hold {listed} beside the columns.", "Remove it."
            )
    if getattr(recipe.initializer, "data_dependent", None) is not None:
        message = f"starts from the inputs of one stack of layers, and {listed} has layers of its own."
        yield Problem(("initializer", "data_dependent"), message, "Remove it.")


def two_paths_begin_at_the_inputs(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """A wide path behind the layers of an earlier model, which has no inputs to read."""
    reuse = recipe.reuse
    if not isinstance(recipe.model, WideAndDeep) or reuse is None:
        return
    if reuse.copy_ is None and not reuse.holds_weights_alone:
        message = "the wide path reads the inputs, and here layers of an earlier model stand in front of it."
        yield Problem(("model",), message, "Use 'mlp', or fill this network by name: 'reuse.copy'.")


def ensembles_learn_from_labels(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """What an ensemble that shares weights cannot do: pretraining, layers of an earlier model, nothing to share."""
    model = recipe.model
    if not isinstance(model, Mlp) or model.ensemble is None:
        return
    path = ("model", "ensemble")
    if model.hidden_units() == ():
        yield Problem(
            path, "members share hidden layers, and this model has none.", "Add some: 'model.units=[512, 512]'."
        )
    for key in ("pretraining", "reuse"):
        if getattr(recipe, key) is not None:
            yield Problem(path, f"'{key}' is of one network, and this is several.", "Remove one of them.")


def ntk_is_for_dense_layers(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """NTK parametrization in layers whose inputs nobody scales."""
    places: list[Path] = [("initializer",)] if recipe.initializer.name == "ntk" else []
    if isinstance(recipe.model, Layers):
        layers = enumerate(recipe.model.layers)
        places += [
            ("model", "layers", i, "initializer")
            for i, each in layers
            if getattr(each.initializer, "name", "") == "ntk"
        ]
    if not isinstance(recipe.model, Mlp):
        for path in places:
            message = f"scales the inputs of the dense layers of 'mlp', and this is '{recipe.model.name}'."
            yield Problem(path, message, "Use 'lecun_normal', which starts the same.")


def examples_fit_first_weights(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """First weights from the examples where there are none of that kind, or others take their place."""
    places: list[tuple[Path, InitializerSpec | None]] = [
        (("initializer",), recipe.initializer),
        (("head", "initializer"), recipe.head.initializer),
    ]
    if isinstance(recipe.model, Layers):
        layers = enumerate(recipe.model.layers)
        places += [(("model", "layers", i, "initializer"), each.initializer) for i, each in layers]
    for path, chosen in places:
        if chosen is None or chosen.data_dependent is None:
            continue
        where: Path = (*path, "data_dependent")
        if not isinstance(recipe.model, Mlp):
            yield Problem(where, f"is for the dense layers of 'mlp', and this is '{recipe.model.name}'.", "Remove it.")
        elif recipe.model.ensemble is not None:
            yield Problem(where, "is of one network, and an ensemble's members share their weights.", "Remove it.")
        elif recipe.reuse is not None or recipe.pretraining is not None:
            other = "reuse" if recipe.reuse is not None else "pretraining"
            yield Problem(where, f"is for fresh weights, and '{other}' brings others.", "Remove one of them.")
        elif chosen.name == "zeros":
            yield Problem(where, "has nothing to scale: the weights are zeros.", "Use another initializer.")
        elif chosen.data_dependent == "scale_and_bias":
            if chosen.bias is not None:
                yield Problem(where, "sets the biases, and so does 'bias'.", "Use 'scale', or remove 'bias'.")
            elif path == ("initializer",) and subtracts_biases(recipe.normalization):
                message = f"there are no biases: '{recipe.normalization.name}' behind them would subtract them."
                yield Problem(where, message, "Use 'scale'.")


RULES = (
    ("data-dependent", ("initializer", "head", "model"), examples_fit_first_weights),
    ("ntk", ("model", "initializer"), ntk_is_for_dense_layers),
    ("ensemble", ("model", "pretraining", "reuse"), ensembles_learn_from_labels),
    ("columns", ("data", "model"), columns_are_of_tables),
    ("paths", ("data", "model"), paths_read_columns),
    ("encoders", ("data", "model", "reuse", "pretraining", "shrink", "initializer"), encoders_read_inputs),
    ("paths-reuse", ("model", "reuse"), two_paths_begin_at_the_inputs),
    ("hidden-step", ("activation", "model"), no_step_in_hidden_layers),
    ("no-hidden-layers", ("model", "regularization", "activation", "normalization"), hidden_layers_needed),
    ("dropout", ("model", "regularization"), dropout_fits_backbone),
    ("cell-activation", ("model", "activation"), activation_fits_cell),
    ("groups", ("model", "normalization"), groups_divide_channels),
    ("layer-bias", ("model", "normalization"), biases_are_there),
    ("layer-input-dropout", ("model",), free_layers_take_regularization),
)
