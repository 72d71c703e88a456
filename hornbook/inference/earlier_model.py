"""Loads the earlier model that `reuse` names: a run's, a file's, weights for its own network, or a Keras application."""

import inspect
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

import hornbook.layers  # noqa: F401  (registers the layers that Keras lacks)
from hornbook.builder.build import Built, build_model
from hornbook.builder.phases import chosen_layers
from hornbook.builder.randomness import derive_seed
from hornbook.builder.reuse import EarlierModel
from hornbook.data.facts import DataInfo, Preprocessing
from hornbook.data.records import from_json
from hornbook.errors import Path as Place
from hornbook.errors import Problem, RecipeError, RunError
from hornbook.inference.trained import load_model
from hornbook.recipes.language.layer_names import UnknownLayer
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.rules.reuse import CutError, cut, source_file
from hornbook.recipes.sections.reuse import Application, Reuse
from hornbook.runs.directory import find_run
from hornbook.runs.keras_file import StoredModel, checksum, stored_model
from hornbook.runs.model_file import StoredWeights, check_hdf5, read_model_file, read_weights_file
from hornbook.upstream import default_seeds, reason

__all__ = ["load_source"]

BLUE_FIRST = (-103.939, -116.779, -123.68)
"""What black pixels become in front of the applications that were trained with Caffe's order of channels."""


def load_source(recipe: Recipe, info: DataInfo, preprocessing: Preprocessing) -> EarlierModel | None:
    """Return the model that the recipe reuses, or None where it reuses none.

    Args:
        recipe: The resolved recipe.
        info: Facts about its data.
        preprocessing: Statistics of its training split; of a file of weights the network is the recipe's own.

    Raises:
        RecipeError: If the model does not fit the recipe or the data.
        RunError: If its file cannot be read.
    """
    reuse = recipe.reuse
    if reuse is None:
        return None
    if isinstance(reuse.from_, Application):
        with default_seeds(derive_seed(recipe.seed, "application")):  # of weights that are not read from a file
            return _application(reuse, reuse.from_, info)
    path = source_file(reuse)
    if path is None:
        raise TypeError("a source is a file or an application")
    path = path.absolute()
    if reuse.holds_weights_alone:
        return _own_network(reuse, path, build_model(recipe.replaced({"reuse": None}), info, preprocessing))
    stored = read_model_file(path)
    if stored.needs_code and not reuse.trust:
        raise RunError(
            f"{path} holds code ({', '.join(stored.needs_code)}) and is not loaded without 'reuse.trust: true', or --trust "
            "for a run."
        )
    model = _load(path, trust=reuse.trust)
    if reuse.file() is None:
        _check_columns(reuse.from_, info)
    kept, last = _cut(stored, reuse)
    return EarlierModel(model, tuple(kept), last, str(path), checksum(path), pairs=reuse.copy_)


def _own_network(reuse: Reuse, path: Path, built: Built) -> EarlierModel:
    """Return the recipe's own network with the weights of a file, from which the chosen layers are filled.

    Keras finds the layers of such a file by their class and order. Each has to be there and none may be left over; the
    chosen ones need the same shapes.
    """
    model = built.training_model
    names = [layer.name for layer in model.layers]
    learning = [layer.name for layer in model.layers if layer.weights]
    if reuse.layers is not None:
        wanted = chosen_layers(reuse.layers, names, ("reuse", "layers"))
        chosen = [name for name in learning if name in wanted]
    else:
        chosen = [name for name in learning if name != "head" and not name.startswith("head_")]
    if not chosen:
        raise _problem(("reuse", "layers"), "no layer that has learned anything would be filled.")
    with tempfile.TemporaryDirectory() as folder:
        own = Path(folder) / "own.weights.h5"
        model.save_weights(own)  # the same network as Keras writes it: the places and shapes to expect
        expected = read_weights_file(own)
    problems = _misfits(expected, read_weights_file(path), chosen)
    if problems:
        message = f"{path.name}: {'; '.join(problems)}."
        hint = "Such a file fits the network that it was saved from. Describe that network, or save it as .keras."
        raise _problem(("reuse", "from"), message, hint)
    try:
        with warnings.catch_warnings(action="ignore"):  # about layers that are not chosen
            model.load_weights(path, skip_mismatch=True)
    except Exception as error:
        raise RunError(f"{path}: the weights cannot be loaded ({reason(error)}).") from error
    return EarlierModel(
        model, tuple(names), names[-1], str(path), checksum(path), pairs={name: name for name in chosen}
    )


def _misfits(
    expected: Mapping[str, StoredWeights], given: Mapping[str, StoredWeights], chosen: Sequence[str]
) -> list[str]:
    """Return what of a file's layers, by their place, does not fit a network."""
    problems = []
    for place, layer in expected.items():
        other = given.get(place)
        if other is None:
            problems.append(f"it has nothing for '{layer.name}' ({layer.text()})")
        elif other.shapes != layer.shapes and layer.name in chosen:
            problems.append(
                f"'{layer.name}' ({layer.text()}) cannot take the weights of '{other.name}' ({other.text()})"
            )
    rest = [f"'{layer.name}' ({layer.text()})" for place, layer in given.items() if place not in expected]
    return [*problems, f"the recipe's network has no layer for {', '.join(rest)}"] if rest else problems


def _load(path: Path, *, trust: bool) -> keras.Model:
    model = load_model(path, trust=trust)
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise RunError(
            f"{path}: has {len(model.inputs)} inputs and {len(model.outputs)} outputs, expected one of each."
        )
    return keras.Model(model.inputs, model.outputs)  # a Sequential becomes a graph that can be cut


def _cut(stored: StoredModel, reuse: Reuse) -> tuple[list[str], str]:
    if reuse.copy_ is not None:
        return stored.names(), stored.names()[-1]
    try:
        return cut(stored, reuse)
    except (UnknownLayer, CutError) as error:
        raise _problem(("reuse", "layers"), str(error)) from error


def _problem(path: Place, message: str, hint: str = "") -> RecipeError:
    return RecipeError([Problem(path, message, hint, code="reuse-source")])


def _check_columns(run: str, info: DataInfo) -> None:
    """Refuse a table whose columns, or whose categories' numbers, are others than the earlier model has learned."""
    theirs = from_json(find_run(run).data)
    if theirs.features != info.features:
        pairs = zip(theirs.features or (), info.features or (), strict=False)
        differing = next((old.name for old, new in pairs if old != new), "their number")
        message = f"the earlier model was trained on other columns or categories (first difference: {differing})."
        raise _problem(("reuse", "from"), message, "Give both the same columns and categories.")
    vocabularies = [[facts["vocabulary"] for facts in each.extra.get("texts", {}).values()] for each in (theirs, info)]
    if vocabularies[0] != vocabularies[1]:
        message = "the earlier model was trained on texts with another vocabulary, in which numbers mean other tokens."
        raise _problem(("reuse", "from"), message, "Give both the same training texts and the same 'data.text'.")


def _application(reuse: Reuse, given: Application, info: DataInfo) -> EarlierModel:
    function = getattr(keras.applications, given.application, None)
    if function is None:
        known = ", ".join(name for name in dir(keras.applications) if name[0].isupper())
        raise _problem(
            ("reuse", "from", "application"), f"Keras has no application '{given.application}'. It has: {known}."
        )
    if info.kind != "image":
        raise _problem(("reuse", "from"), f"applications read images, the data has {info.kind} inputs.")
    height, width = _size(given, info)
    arguments: dict[str, Any] = {"input_shape": (height, width, 3), "include_top": False}
    arguments["pooling"] = None if given.pooling == "none" else given.pooling
    arguments |= {key: tuple(value) if isinstance(value, list) else value for key, value in given.options.items()}
    arguments["weights"] = "imagenet" if given.weights == "imagenet" else None
    try:
        model = function(**arguments)
        if given.weights not in {"imagenet", "none"}:
            _read_weights(model, Path(given.weights))
    except RunError:
        raise
    except Exception as error:
        hint = "Without a network give a local file, or 'weights: none'." if given.weights == "imagenet" else ""
        raise _problem(("reuse", "from"), f"{given.application} cannot be made: {reason(error)}.", hint) from error
    stored = stored_model(keras.saving.serialize_keras_object(model), Path(given.application))
    kept, last = (stored.names(), stored.names()[-1]) if reuse.layers is None else _cut(stored, reuse)
    return EarlierModel(
        model, tuple(kept), last, f"keras.applications.{given.application}", preprocess=preprocessing_of(function)
    )


def preprocessing_of(function: Any) -> Any:
    """Return what an application does to pixels from 0 to 255 in front of its first layer."""
    module: Any = inspect.getmodule(function)  # `keras.applications` has no module of MobileNetV3's functions
    black = module.preprocess_input(np.zeros((1, 1, 1, 3), np.float32))
    return _blue_first if np.allclose(np.ravel(black), BLUE_FIRST) else module.preprocess_input


def _blue_first(x: Any) -> Any:
    """Return RGB pixels as blue, green and red minus ImageNet's means, the same numbers as Keras's `preprocess_input`.

    That takes the channels apart and stacks them, which cannot be exported to ONNX.
    """
    return keras.ops.take(x, [2, 1, 0], axis=-1) + np.array(BLUE_FIRST, np.float32)


def _size(given: Application, info: DataInfo) -> tuple[int, int]:
    """Return (height, width): what the recipe says; else the data's, or what the application needs where that is more."""
    if given.size is None:
        height, width = (max(int(size or given.least), given.least) for size in info.input_shape[:2])
        return height, width
    return given.size if isinstance(given.size, tuple) else (given.size, given.size)


def _read_weights(model: keras.Model, path: Path) -> None:
    """Fill an application from a weights file or from a whole saved model of the same layers."""
    if not path.is_file():
        raise RunError(f"{path}: there is no such file.")
    if path.suffix == ".h5":
        check_hdf5(path)
    if path.suffix == ".keras":
        saved = {layer.name: layer for layer in _load(path, trust=False).layers}
        for layer in model.layers:
            if layer.weights and layer.name in saved:
                layer.set_weights(saved[layer.name].get_weights())
        return
    model.load_weights(path)
