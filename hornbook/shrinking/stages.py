"""From an earlier run's model to a smaller one: what happens before fine-tuning, and what after it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from hornbook.builder.augmentation import AUGMENTATION, augmentation_layers, white_of
from hornbook.builder.inputs import SCALE
from hornbook.data.facts import DataInfo
from hornbook.data.records import from_json
from hornbook.data.source import Array, Splits
from hornbook.errors import DataError, Problem, RecipeError
from hornbook.exports.proof import TOLERANCES, compare
from hornbook.inference.trained import load_model
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sections.shrink import CALIBRATION, FEWEST, Shrink
from hornbook.runs.directory import find_run
from hornbook.runs.keras_file import checksum
from hornbook.shrinking.fold import Folding, fold_inputs, fold_normalization, removed_layers
from hornbook.shrinking.graph import Change, Graph, loaded_again, rebuilt, without_halves
from hornbook.shrinking.prune import Masks
from hornbook.shrinking.rounding import round_to_half, round_to_levels
from hornbook.shrinking.units import remove_units

__all__ = ["Shrinking", "Smaller", "begin", "finish"]

ROWS = 256
"""How many rows are compared before and after each step that changes no output."""
PARTS = {"all": ("normalization", "inputs"), "none": ()}


@dataclass
class Shrinking:
    """An earlier model on its way to a smaller one.

    Attributes:
        shrink: What the recipe asks for.
        where: The earlier model's file.
        checksum: SHA-256 of it.
        rows: Real rows that steps are compared on.
        calibration: Training rows that levels are chosen on.
        folded: {layer that is gone: where it went}.
        kept: {layer that stays: why}.
        removed: Layers of training alone; those of a network that is fine-tuned go after that.
        is_tuned: Whether it is fine-tuned.
        difference: The largest change of an output so far, as a share of the largest output or of 1.
        notes: Sentences for the user.
        masks: Which weights are alive, where some become zero.
    """

    shrink: Shrink
    where: Path
    checksum: str
    rows: Array
    calibration: Array
    folded: dict[str, list[str]] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)
    is_tuned: bool = False
    difference: float = 0.0
    notes: list[str] = field(default_factory=list)
    masks: Masks | None = None

    @property
    def parts(self) -> tuple[str, ...]:
        """What is folded: `normalization`, `inputs`."""
        return PARTS.get(self.shrink.fold, (self.shrink.fold,))

    def record(self) -> dict[str, Any]:
        """Return what is known before fine-tuning, as JSON's types."""
        return {
            "source": str(self.where),
            "sha256": self.checksum,
            "folded": dict(self.folded),
            "kept": dict(self.kept),
            "removed": list(self.removed),
            "difference": self.difference,
        }


def begin(recipe: Recipe, splits: Splits) -> tuple[keras.Model, Shrinking]:
    """Return the network to fine-tune, and what is known of it: normalization folded.

    Args:
        recipe: A resolved recipe with `shrink`.
        splits: Its data.

    Raises:
        RecipeError: If the data does not fit the earlier model.
        RunError: If the earlier model cannot be loaded or taken apart.
        DataError: If there are too few rows to calibrate on.
    """
    shrink = recipe.shrink
    if shrink is None:
        raise TypeError("the recipe shrinks nothing")
    run = find_run(shrink.from_)
    path = run.model_path()
    notes = _check_data(from_json(run.data), splits.info)
    if shrink.precision == "int8" and len(splits.train) < FEWEST:
        raise DataError(
            f"int8 needs at least {FEWEST} training rows to choose its levels on, and there are {len(splits.train)}."
        )
    model = load_model(path, trust=shrink.trust)
    halves = {getattr(layer, "compute_dtype", "float32") for layer in model.layers} & {"float16", "bfloat16"}
    if halves:
        notes.append(f"the earlier model computes in {min(halves)}, the smaller one in float32.")
    model = without_halves(model, trust=shrink.trust)
    examples = splits.validation if splits.validation is not None and len(splits.validation) else splits.train
    shrinking = Shrinking(
        shrink, path, checksum(path), _rows(examples.x, ROWS, model),
        _rows(splits.train.x, shrink.calibration or CALIBRATION, model), notes=notes,
    )  # fmt: skip
    model = _folded(model, recipe, splits, shrinking)
    if shrink.prune is not None:
        batches = recipe.training.batches(len(splits.train))
        length = recipe.training.length(batches=batches, accumulation=recipe.optimizer.accumulation)
        shrinking.masks = Masks(model, shrink.prune, length)
    return model, shrinking


def _rows(x: Any, count: int, model: keras.Model) -> Array:
    return np.asarray(x[:count]).astype(model.inputs[0].dtype)


def _check_data(theirs: DataInfo, ours: DataInfo) -> list[str]:
    """Refuse data that the earlier model cannot read; return a note where it is other data."""
    for what in ("task", "input_shape", "num_classes", "target_size", "features"):
        old, new = getattr(theirs, what), getattr(ours, what)
        if old != new:
            words = "columns or categories" if what == "features" else what.replace("_", " ")
            found = "" if what == "features" else f": {_text(old)}, and now {_text(new)}"
            message = f"the earlier run was trained on data of another {words}{found}."
            raise RecipeError([Problem(("data",), message, "Remove 'data': it is that run's.", code="shrink-source")])
    if theirs.fingerprint != ours.fingerprint:
        return ["the data is not what the earlier run was trained on: it may have learned from validation examples."]
    return []


def _text(value: Any) -> str:
    return "×".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _folded(model: keras.Model, recipe: Recipe, splits: Splits, shrinking: Shrinking) -> keras.Model:
    """Return the network without what can be folded, and without layers of training where there is none; proved on rows."""
    shrink = shrinking.shrink
    graph = Graph(model)
    is_tuned, of_training = recipe.training.epochs != 0, removed_layers(graph)
    gone = {} if is_tuned else dict(of_training)  # fine-tuning is training
    gone |= _places(graph, recipe, splits, is_tuned=is_tuned)
    folding = fold_normalization(graph) if "normalization" in shrinking.parts else Folding()
    expected = _outputs(model, shrinking.rows)
    made = rebuilt(model, {**gone, **folding.changes}, trust=shrink.trust)
    difference = _difference(expected, shrinking.rows, made)
    if difference > TOLERANCES["float32"] and folding.folded:
        reason = f"outputs would differ by {difference:.0e}"
        folding = Folding(kept=dict.fromkeys(folding.folded, reason) | folding.kept)
        again = without_halves(load_model(shrinking.where, trust=shrink.trust), trust=shrink.trust)
        made = rebuilt(again, gone, trust=shrink.trust)
        difference = _difference(expected, shrinking.rows, made)
    shrinking.folded, shrinking.kept, shrinking.difference = folding.folded, folding.kept, difference
    shrinking.removed, shrinking.is_tuned = list(of_training), is_tuned
    if not (folding.folded or of_training or shrink.prune) and shrink.precision == "float32":
        _check_inputs(made, shrinking)
    return made


def _places(graph: Graph, recipe: Recipe, splits: Splits, *, is_tuned: bool) -> dict[str, Change]:
    """Return the augmenting layers for the places where training had them; nothing is left there without fine-tuning."""
    names = [operation.name for operation in graph.operations if operation.name.startswith(AUGMENTATION)]
    if not is_tuned or recipe.data.augmentation is None:
        return {name: Change(is_gone=True) for name in names}
    is_scaled = any(operation.name == SCALE for operation in graph.operations)
    white = 1.0 if is_scaled else white_of(splits.info, splits.preprocessing)
    first, last = augmentation_layers(recipe, splits.info, white=white)
    return {layer.name: Change(layer=layer) for layer in (*first, *last) if layer.name in names}


def _check_inputs(model: keras.Model, shrinking: Shrinking) -> None:
    """Refuse to do nothing: where nothing else is done, inputs have to be folded."""
    inputs = fold_inputs(Graph(model)) if "inputs" in shrinking.parts else Folding()
    if inputs.folded:
        return
    kept = "; ".join(f"'{name}' stays: {why}" for name, why in (shrinking.kept | inputs.kept).items())
    message = f"there is nothing to fold or to remove{f' ({kept})' if kept else ''}, and nothing else is asked for."
    hint = "Add 'prune: {share: 0.8}' or 'precision: int8'."
    raise RecipeError([Problem(("shrink",), message, hint, code="shrink-nothing")])


def _outputs(model: keras.Model, rows: Array) -> Array:
    return np.asarray(model(rows, training=False), np.float32)


def _difference(expected: Array, rows: Array, model: keras.Model) -> float:
    """Return how far outputs lie apart, as a share of the largest one or of 1; infinite where they are not comparable."""
    proof = compare(expected, rows, lambda x: _outputs(model, x), precision="float32", labels=None)
    return proof.difference if not proof.reason or proof.difference > TOLERANCES["float32"] else np.inf


@dataclass(frozen=True)
class Smaller:
    """A smaller model.

    Attributes:
        model: The model.
        removed: How many units went, by layer.
        folded: What of the inputs went into the weights.
        kept: {what stays: why}.
        difference: The largest change of an output that cutting and folding made.
        rounding: {layer: root mean square change of its sums by rounding}.
    """

    model: keras.Model
    removed: Mapping[str, int]
    folded: Mapping[str, list[str]]
    kept: Mapping[str, str]
    difference: float
    rounding: Mapping[str, float]


def finish(model: keras.Model, shrinking: Shrinking) -> Smaller:
    """Return what is made of a fine-tuned network: layers of training and dead units gone, inputs folded, weights rounded.

    Args:
        model: It is left as it is.
        shrinking: What is known of it.

    Raises:
        RunError: If nothing would be left of a layer, or weights cannot be rounded.
    """
    shrink, trust, rows = shrinking.shrink, shrinking.shrink.trust, shrinking.rows
    tolerance, kept = TOLERANCES["float32"], dict[str, str]()
    removed, folded = dict[str, int](), dict[str, list[str]]()
    expected = _outputs(model, rows)
    made = loaded_again(model, trust=trust)
    gone = {layer.name: Change(is_gone=True) for layer in made.layers if layer.name.startswith(AUGMENTATION)}
    gone |= removed_layers(Graph(made))
    made = rebuilt(made, gone, trust=trust) if gone else made
    if shrink.units and shrink.prune is not None:
        cut, counts = remove_units(loaded_again(made, trust=trust), trust=trust)
        difference = _difference(expected, rows, cut)
        if difference <= tolerance:
            made, removed = cut, counts
        else:
            kept |= dict.fromkeys(counts, f"outputs would differ by {difference:.0e} without its dead units")
    if "inputs" in shrinking.parts:
        folding = fold_inputs(Graph(made), evenly=shrink.precision == "int8")
        without = rebuilt(loaded_again(made, trust=trust), folding.changes, trust=trust) if folding.folded else made
        difference = _difference(expected, rows, without)
        if difference <= tolerance:
            made, folded = without, folding.folded
            kept |= folding.kept
        else:
            kept |= dict.fromkeys(folding.folded, f"outputs would differ by {difference:.0e}")
    difference = _difference(expected, rows, made)
    rounding: dict[str, float] = {}
    if shrink.precision == "float16":
        round_to_half(made)
    elif shrink.precision == "int8":
        rounding = round_to_levels(made, shrinking.calibration)
    return Smaller(made, removed, folded, kept, difference, rounding)
