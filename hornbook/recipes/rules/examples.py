"""Rules about what the examples themselves tell: their scale, their targets, their classes, how many there are."""

import math
from collections.abc import Iterator

from hornbook.errors import Path, Problem
from hornbook.recipes.facts import Facts
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.rules.tokens import AS_THEY_ARE
from hornbook.recipes.sections.connections import sources
from hornbook.recipes.sections.model import Layers, Rnn
from hornbook.recipes.thresholds import FAINT, HEAD_RANGES, INPUTS, NARROW, TARGETS, UNBALANCED, UNEVEN

ALREADY_SAID = 16.0  # pixels that the data itself warns of where 'scale' says nothing
NORMALIZING = frozenset({"normalization", "rescaling", "batch_normalization", "layer_normalization"})
BLIND = frozenset({"accuracy", "top_k_accuracy"})
"""Metrics that a network can meet without ever naming a rare class."""
SQUARED = 1e18
"""Targets beyond which sums of squares leave float32, which ends at 3.4e38."""
WIDER = 2
"""Units for each training example, beyond which a layer can learn them by heart many times over."""
MANY_CLASSES = 5


def inputs_are_about_one(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """Raw pixels or columns."""
    inputs, data = facts.inputs, recipe.data
    if inputs is None or getattr(recipe.normalization, "input", False) or recipe.reuse is not None:
        return
    if isinstance(recipe.model, Layers) and (_normalizes_inputs(recipe.model) or _looks_for_numbers(recipe.model)):
        return
    is_image = facts.kind == "image"
    size = inputs["largest"] if is_image else inputs.get("size", inputs["largest"])
    if is_image and recipe.normalization.name != "none":
        return  # the first layer's sums are normalized, and all pixels have one scale
    path: Path = ("data", "standardize")
    if size > INPUTS[1]:
        if is_image and data.scale is None and inputs["largest"] > ALREADY_SAID:
            return
        what, hint = f"values up to {inputs['largest']:.4g}", "Set 'standardize: true'."
        if is_image:
            what, path = f"pixels up to {inputs['largest']:.4g}", ("data", "scale")
            is_off = data.scale is False
            hint = "Remove 'scale: false', or add 'standardize: true'." if is_off else "Add 'standardize: true'."
        message = f"{what} go into the network as they are; it is made for inputs of about 1."
        yield Problem(path, message, hint, severity="warning")
    elif 0 < inputs["largest"] < INPUTS[0] and "size" in inputs:
        message = f"no input is larger than {inputs['largest']:.2g}; the network is made for inputs of about 1."
        yield Problem(path, message, "Set 'standardize: true'.", severity="warning")


def _normalizes_inputs(model: Layers) -> bool:
    """Return whether each layer that reads the inputs scales them, or is one that hands them on to such a layer."""
    read, scales = sources(model.layers), [layer.name in NORMALIZING for layer in model.layers]
    first = [place for place, places in enumerate(read) if -1 in places]
    below = {place: [scales[each] for each, places in enumerate(read) if place in places] for place in first}
    return all(scales[place] or (bool(below[place]) and all(below[place])) for place in first)


def _looks_for_numbers(model: Layers) -> bool:
    """Return whether a layer that reads the inputs needs them as they are."""
    read = zip(model.layers, sources(model.layers), strict=True)
    return any(layer.name in AS_THEY_ARE for layer, places in read if -1 in places)


def head_reaches_targets(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """A head whose activation cannot return some of the targets."""
    activation, targets = recipe.head.activation, facts.targets
    if activation is None or targets is None or facts.task != "regression" or activation.name not in HEAD_RANGES:
        return
    low, high = HEAD_RANGES[activation.name]
    lowest, highest = targets["lowest"], targets.get("highest")
    found = []
    if lowest < low:
        found.append(f"the lowest is {lowest:.4g}")
    if highest is not None and highest > high:
        found.append(f"the highest is {highest:.4g}")
    if found:
        reach = f"from {low:g} to {high:g}" if high < math.inf else f"from {low:g} on"
        message = f"'{activation.name}' returns numbers {reach}, and of the targets {' and '.join(found)}."
        yield Problem(("head", "activation"), message, "Use 'linear', or omit it.", severity="warning")


def targets_are_about_one(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """Targets whose squares no float32 holds, or that no head brings back; large or small ones that are not standardized."""
    targets, loss = facts.targets, recipe.head.loss
    if targets is not None and targets.get("highest") is not None and recipe.head.target_transform is None:
        largest = max(abs(targets["lowest"]), abs(targets["highest"]))
        if largest > SQUARED:
            message = (
                f"targets reach {largest:.4g}, and float32, in which networks compute, does not hold their squares."
            )
            yield Problem(("data",), message, f"Divide them by {10.0 ** math.floor(math.log10(largest)):.0e}.")
            return
    faintest = (targets or {}).get("faintest")
    if faintest is not None and recipe.head.target_transform is None and _standardizes_targets(recipe):
        message = (
            f"targets have a deviation of {faintest:.4g}, and Keras's Normalization, which brings predictions back to it, "
            f"takes none below {FAINT:.0e}."
        )
        yield Problem(("data",), message, f"Multiply them by {10.0 ** -math.floor(math.log10(faintest)):.0e}.")
        return
    if targets is None or recipe.head.standardize_targets is not False or recipe.model.hidden_units() == ():
        return
    if targets.get("highest") is None or (loss is not None and not loss.has_unit):
        return
    largest = max(abs(targets["lowest"]), abs(targets["highest"]))
    if largest > TARGETS[1] or 0 < largest < TARGETS[0]:
        message = f"targets up to {largest:.4g} are not standardized, and the network begins with outputs of about 1."
        yield Problem(("head", "standardize_targets"), message, "It learns faster without this key.", severity="tip")


def _standardizes_targets(recipe: Recipe) -> bool:
    """Return whether the head of a regression learns standardized targets, as far as the recipe says it."""
    head = recipe.head
    if head.standardize_targets is not None:
        return head.standardize_targets
    return (head.activation is None or head.activation.name == "linear") and (head.loss is None or head.loss.has_unit)


def rare_classes_count(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """Unbalanced classes of which neither the loss nor a metric takes notice."""
    counts, training, loss = facts.class_counts, recipe.training, recipe.head.loss
    if not counts or min(counts) == 0 or training.class_weights is not None or "focal" in (loss.name if loss else ""):
        return
    names = {metric.name for metric in training.metrics} if training.metrics is not None else {"accuracy"}
    ratio = max(counts) / min(counts)
    if ratio < UNEVEN or not names <= BLIND:
        return
    classes = facts.class_names or tuple(map(str, range(len(counts))))
    rare, common = classes[counts.index(min(counts))], classes[counts.index(max(counts))]
    message = (
        f"there are {ratio:.3g} training examples of '{common}' for each of '{rare}', which accuracy, the only metric, "
        "hardly sees."
    )
    path: Path = ("training", "metrics") if training.metrics is not None else ("training",)
    hint = "Add 'class_weights: balanced' and 'metrics: [accuracy, f1_score]' to 'training'."
    yield Problem(path, message, hint, severity="warning" if ratio >= UNBALANCED else "tip")


def widths_fit_examples(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """Layers much wider than the data warrants."""
    model, count, vocabulary = recipe.model, facts.train_size, facts.vocabulary_size
    embeddings: list[tuple[Path, int]] = []
    if isinstance(model, Rnn) and model.embedding is not None:
        embeddings.append((("model", "embedding"), model.embedding))
    if isinstance(model, Layers):
        for index, layer in enumerate(model.layers):
            width = layer.arguments().get("output_dim")
            if layer.name == "embedding" and isinstance(width, int):
                embeddings.append((("model", "layers", index, "output_dim"), width))
    for path, width in embeddings:
        if vocabulary is not None and width > vocabulary:
            message = (
                f"{width:,} numbers for each of {vocabulary:,} tokens: one number per token could tell them apart."
            )
            yield Problem(path, message, "32 to 256 are usual.", severity="tip")
    widths = model.hidden_units() or ()
    if isinstance(model, Layers):
        units = [layer.arguments().get("units") for layer in model.layers if layer.name == "dense"]
        widths = tuple(one for one in units if isinstance(one, int))
    classes = facts.num_classes or 0
    if widths and min(widths) <= NARROW and classes >= MANY_CLASSES:
        message = f"a layer of {min(widths)} unit{'s' * (min(widths) > 1)} has to tell {classes} classes apart."
        yield Problem(("model",), message, "Wider layers learn it more easily.", severity="tip")
    if count is not None and widths and max(widths) > WIDER * count and max(widths) >= 100:
        message = f"a layer of {max(widths):,} units for {count:,} training examples is wider than these can tell it."
        yield Problem(("model",), message, "It may well train; a narrower one costs less.", severity="tip")


RULES = (
    ("input-scale", ("data", "model", "normalization", "reuse"), inputs_are_about_one),
    ("head-range", ("data", "task", "head"), head_reaches_targets),
    ("target-scale", ("data", "task", "model", "head"), targets_are_about_one),
    ("imbalance", ("data", "task", "training", "head"), rare_classes_count),
    ("width", ("data", "model"), widths_fit_examples),
)
