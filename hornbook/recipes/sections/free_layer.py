"""One layer of `model: {name: layers}`: a Keras layer by name, its arguments, and its own ingredients."""

import re
from collections.abc import Collection
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from hornbook.recipes.language import keras_layers
from hornbook.recipes.language.hints import did_you_mean, key_hint
from hornbook.recipes.language.spec import Spec, as_tuple, catalog
from hornbook.recipes.language.text import shown
from hornbook.recipes.sections.activation import Activation
from hornbook.recipes.sections.initializer import Initializer
from hornbook.recipes.sections.layer_arguments import has_weights, refusals
from hornbook.recipes.sections.normalization import Normalization
from hornbook.recipes.sections.regularization import Regularization

__all__ = ["KERNELS", "NAME", "FreeLayer", "LayerItem", "hidden_arguments", "own_ingredients"]

RECURRENT = frozenset({"simple_rnn", "lstm", "gru", "conv_lstm1d", "conv_lstm2d", "conv_lstm3d"})
WITH_WEIGHTS = RECURRENT | frozenset(
    {"dense", "einsum_dense", "conv1d", "conv2d", "conv3d", "conv1d_transpose", "conv2d_transpose",
     "conv3d_transpose", "depthwise_conv1d", "depthwise_conv2d", "separable_conv1d", "separable_conv2d"}
)  # fmt: skip
KERNELS = ("kernel", "depthwise", "pointwise")
BY_INGREDIENTS = frozenset(
    {"activation", "bias_initializer", "seed"}
    | {f"{part}_{what}" for part in KERNELS for what in ("initializer", "regularizer")}
)
ELSEWHERE = {
    "seed": "Random layers follow the recipe's 'seed'.",
    "bias_initializer": "It goes into the initializer: 'initializer: {name: he_normal, bias: ones}'.",
    **{f"{part}_initializer": "Write 'initializer: he_normal'." for part in KERNELS},
    **{f"{part}_regularizer": "Write 'regularization: {l2: 0.0001}'." for part in KERNELS},
}
"""Where ingredients say what Keras's arguments would."""
INGREDIENTS = ("activation", "normalization", "initializer", "regularization")
CONNECTIONS = ("as", "from")
"""Keys of every layer: its name in the list, and what it reads."""
NAME = r"[A-Za-z][A-Za-z0-9_]*"
"""What a layer can be called."""


class FreeLayer(Spec):
    """A Keras layer by its snake_case name, with Keras's arguments and, where it has weights, its own ingredients.

    `trainable: false` keeps its weights as they are from the start. `as` names it in the list, and `from` says which named
    layers it reads in place of the one above it, `input` being the inputs of the network.
    """

    model_config = ConfigDict(extra="allow", strict=True, frozen=True, serialize_by_alias=True)
    name: str
    as_: str | None = Field(None, alias="as")
    from_: Annotated[str | tuple[str, ...] | None, BeforeValidator(as_tuple)] = Field(None, alias="from")
    activation: Activation | None = None
    normalization: Normalization | None = None
    initializer: Initializer | None = None
    regularization: Regularization | None = None
    trainable: bool | None = None

    def learns(self) -> bool:
        """Return whether it has weights that change in training."""
        return has_weights(self.name) and self.trainable is not False

    def activates(self) -> bool:
        """Return whether it has an activation: its own, or the recipe's."""
        return self.takes_ingredients() or self.name == "activation"

    def takes_ingredients(self) -> bool:
        """Return whether the recipe's ingredients apply to it."""
        return self.name in WITH_WEIGHTS

    def is_recurrent(self) -> bool:
        """Return whether its activation goes into a cell."""
        return self.name in RECURRENT

    def reads(self) -> tuple[str, ...] | None:
        """Return the names of the layers that it reads; None: the one above it."""
        return (self.from_,) if isinstance(self.from_, str) else self.from_

    def arguments(self) -> dict[str, Any]:
        """Return Keras's arguments as written."""
        return dict(self.model_extra or {})

    @model_validator(mode="wrap")
    @classmethod
    def _known(cls, value: Any, handler: ModelWrapValidatorHandler["FreeLayer"]) -> "FreeLayer":
        if not isinstance(value, dict):
            return handler(value)
        name = value.get("name")
        if not isinstance(name, str) or name not in keras_layers.layer_names():
            near = did_you_mean(str(name), keras_layers.layer_names(), kind="layer") if name is not None else ""
            if isinstance(name, str) and name in catalog("activation") and not near.startswith("Did"):
                near = f"Write '{{name: activation, activation: {name}}}'."
            near = near if near and not near.startswith("Known") else "'hornbook list layers' shows all of them."
            found = f"unknown layer '{name}'." if name is not None else "'name' is missing: which layer?"
            raise _errors([(("name",) if name is not None else (), f"{found} {near}", name)])
        own = own_ingredients(name)
        hidden = hidden_arguments(name)
        arguments = set(keras_layers.argument_names(name)) - hidden
        allowed = {"name", *CONNECTIONS, *own, *arguments, *(("trainable",) if has_weights(name) else ())}
        wrong: list[tuple[tuple[str, ...], str, Any]] = [
            ((key,), f"unknown key for layer '{name}'. {_hint(key, hidden, allowed)}", item)
            for key, item in value.items()
            if key not in allowed
        ]
        wrong += [((key,), text, value[key]) for key, text in _misnamed(value).items()]
        refused = refusals(name, {key: item for key, item in value.items() if key in arguments and key not in own})
        wrong += [((key,), text, value[key]) for key, text in refused.items()]
        regularization = value.get("regularization")
        if isinstance(regularization, dict) and regularization.get("max_norm") is not None:
            twice = [key for key in value if key in {f"{part}_constraint" for part in KERNELS}]
            wrong += [((key,), "give either this or 'regularization.max_norm', not both.", value[key]) for key in twice]
        missing = keras_layers.required_arguments(name) - set(value)
        wrong += [((), f"layer '{name}' needs '{key}'.", None) for key in sorted(missing)]
        if wrong:
            raise _errors(wrong)
        return handler(value)


def _misnamed(value: dict[str, Any]) -> dict[str, str]:
    """Return {key: what is wrong with it} of a layer's name in the list and the names that it reads."""
    wrong, name, read = {}, value.get("as"), value.get("from")
    if name is not None and not (isinstance(name, str) and re.fullmatch(NAME, name)):
        wrong["as"] = f"expected a name of letters, digits and '_', such as 'deep', found {shown(name)}."
    names = [read] if isinstance(read, str) else read
    if read is not None and not (
        isinstance(names, list | tuple) and names and all(isinstance(one, str) for one in names)
    ):
        wrong["from"] = f"expected the name of a layer above, or a list of such names, found {shown(read)}."
    return wrong


def _errors(found: list[tuple[tuple[str, ...], str, Any]]) -> ValidationError:
    return ValidationError.from_exception_data(
        "layer",
        [
            InitErrorDetails(type=PydanticCustomError("layer", "{text}", {"text": text}), loc=where, input=value)
            for where, text, value in found
        ],
    )


def _hint(key: Any, hidden: frozenset[str], allowed: Collection[str]) -> str:
    if key in hidden and key in ELSEWHERE:
        return ELSEWHERE[key]
    return key_hint(key, ("layer",), allowed, section="layer") or did_you_mean(key, allowed)


def hidden_arguments(name: str) -> frozenset[str]:
    """Return the arguments of Keras that ingredients and seed of the recipe stand for."""
    known = frozenset(keras_layers.argument_names(name))
    return known & (BY_INGREDIENTS if own_ingredients(name) else frozenset({"seed"}))


def own_ingredients(name: str) -> tuple[str, ...]:
    """Return the ingredients that a layer may have of its own."""
    return INGREDIENTS if name in WITH_WEIGHTS else ("activation",) if name == "activation" else ()


LayerItem = Annotated[FreeLayer, BeforeValidator(lambda v: {"name": v} if isinstance(v, str) else v)]
"""A layer as a recipe holds it: its name alone, or a mapping."""
