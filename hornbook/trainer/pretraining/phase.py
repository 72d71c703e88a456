"""One phase of pretraining: the model that learns, made of layers of the main model, and the engine that trains it."""

import functools
import hashlib
import json
from typing import Any

import keras
import numpy as np

from hornbook.builder.build import Built
from hornbook.builder.optimizers import build_optimizer
from hornbook.builder.randomness import derive_seed
from hornbook.data.source import Split
from hornbook.data.storage.rows import Inputs, blocks
from hornbook.data.unlabeled import refuse
from hornbook.engine.engine import Engine
from hornbook.engine.prediction import predict_scores
from hornbook.engine.steps import Setup
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sections.pretraining import Greedy, PretrainingSpec
from hornbook.trainer.pretraining.objective import Figure, Objective, OutputLoss

__all__ = ["build_engine", "check_range", "phase_names", "phase_seed"]


def phase_names(recipe: Recipe) -> tuple[str, ...]:
    """Return the phases of a recipe's pretraining: each hidden layer by its name, or the auxiliary task."""
    given = recipe.pretraining
    if given is None or given.control:
        return ()
    if isinstance(given, Greedy):
        return tuple(f"hidden_{number + 1}" for number in range(len(recipe.model.hidden_units() or ())))
    return (given.name,)


def phase_seed(recipe: Recipe, name: str) -> int:
    """Return the seed that order and draws of a phase derive from."""
    return derive_seed(recipe.seed, "pretraining", name)


def build_engine(recipe: Recipe, main: Built, inputs: Inputs, name: str, *, structure: str | None) -> Engine:
    """Return the engine of one phase; what it trains is in place in the main model.

    Args:
        recipe: The resolved recipe.
        main: The main model; the layers below have been pretrained.
        inputs: (N, …) inputs without labels.
        name: One of `phase_names`.
        structure: What makes the main model's programs interchangeable, or None.
    """
    given, seed = _given(recipe), phase_seed(recipe, name)
    if isinstance(given, Greedy):
        objective, inputs = _of_layer(given, main.training_model, inputs, name, seed)
    else:
        model = main.training_model
        objective = given.build(body=keras.Model(model.inputs, model.get_layer("head").input), seed=seed)
    shape, dtype = main.training_model.inputs[0].shape[1:], main.training_model.inputs[0].dtype
    if isinstance(given, Greedy) and objective.clean is None:
        shape, dtype = inputs.shape[1:], "float32"
    start = keras.Input(shape, dtype=dtype, name="input")
    whole = keras.Model(start, objective(start), name="pretraining")
    built = Built(
        model=whole,
        training_model=whole,
        logits_model=whole,
        optimizer=build_optimizer(given.optimizer, None, whole, precision=recipe.training.precision),
        loss=OutputLoss(),
        metrics=(Figure(name=objective.figure),),
    )
    return Engine(
        Setup(
            built=built,
            train=Split(inputs, np.zeros((len(inputs), 1), np.float32)),
            recipe=recipe,
            batch_size=given.batch_size or recipe.training.batch_size,
            seed=seed,
            structure=_structure(structure, recipe, name),
        )
    )


def _given(recipe: Recipe) -> PretrainingSpec:
    if recipe.pretraining is None:
        raise ValueError("the recipe has no pretraining")
    return recipe.pretraining


def _structure(structure: str | None, recipe: Recipe, name: str) -> str | None:
    """Return what makes the programs of a phase interchangeable: all but the optimizer's rate and the data."""
    if structure is None:
        return None
    plain = recipe.to_dict()["pretraining"]
    plain["optimizer"] = {key: value for key, value in plain["optimizer"].items() if key != "learning_rate"}
    kept = {key: value for key, value in plain.items() if key not in {"epochs", "labeled", "data", "inputs"}}
    text = repr((structure, name, json.dumps(kept, sort_keys=True, default=str)))
    return hashlib.sha256(text.encode()).hexdigest()


def _below(model: keras.Model, name: str) -> keras.Model:
    """Return the part of a model that leads to a hidden layer."""
    return keras.Model(model.inputs, model.get_layer(name).input)


def _of_layer(given: Greedy, model: keras.Model, inputs: Inputs, name: str, seed: int) -> tuple[Objective, Inputs]:
    """Return the objective of one hidden layer, and its inputs.

    What the pretrained layers below make of the inputs is computed once where that fits in memory.
    """
    below = _below(model, name)
    clean: Any = functools.partial(below, training=False)  # a partial, so that Keras does not train what is below
    if name != "hidden_1" and isinstance(inputs, np.ndarray) and not isinstance(inputs, np.memmap):
        inputs, clean = predict_scores(below, inputs).astype(np.float32), None
    block = [layer for layer in model.layers if layer.name == name or layer.name.startswith(f"{name}_")]
    width = int(below.output_shape[-1])
    objective: Objective = given.build(block=block, clean=clean, width=width, seed=seed)
    return objective, inputs


def check_range(recipe: Recipe, main: Built, inputs: Inputs) -> None:
    """Refuse inputs that a Boltzmann machine cannot take for probabilities.

    Raises:
        RecipeError: If some lie outside [0, 1] when they reach the first hidden layer.
    """
    if recipe.pretraining is None or recipe.pretraining.name != "rbm":
        return
    below = _below(main.training_model, "hidden_1")
    extremes = [(float(part.min()), float(part.max())) for part in (predict_scores(below, x) for x in blocks(inputs))]
    low, high = min(pair[0] for pair in extremes), max(pair[1] for pair in extremes)
    if low < 0 or high > 1:
        message = f"a Boltzmann machine reads numbers between 0 and 1, and the inputs lie between {low:g} and {high:g}."
        refuse(recipe, ("pretraining",), message, "Scale them, or use 'autoencoder'.")
