"""What the arguments of a free layer may be: as its Keras class says by their defaults, and by their names penalties, limits
of weights, initializers and functions, which Keras would take as objects.

`check` and the builder ask the same functions, so that what passes the one does not stop the other.
"""

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from hornbook.recipes.language import keras_layers
from hornbook.recipes.language.spec import Positive, Spec
from hornbook.recipes.language.text import shown
from hornbook.recipes.sections.activation import Activation, ActivationSpec
from hornbook.recipes.sections.initializer import Initializer, InitializerSpec

__all__ = ["Limit", "Penalty", "function_of", "has_weights", "initializer_of", "limit_of", "penalty_of", "refusals"]

FIRST = {"l1": 0.01, "l2": 0.01}  # what Keras's names of penalties stand for
LIMITS = {"non_negative": "NonNeg", "non_neg": "NonNeg", "unit_norm": "UnitNorm"}
INITIALIZERS = {"uniform": "random_uniform", "normal": "random_normal", "Zeros": "zeros", "Ones": "ones"}
SPECTROGRAMS = ("mel_spectrogram", "stft_spectrogram")
MAY_BE_NULL = frozenset(
    {("normalization", "axis"), ("mel_spectrogram", "top_db"), *((name, "window") for name in SPECTROGRAMS)}
)
PENALTY = "expected a penalty such as {l2: 0.01}, with l1, l2 or both"
LIMIT = "expected 'non_negative', 'unit_norm', or norms such as {max_norm: 3.0}, with max_norm, min_norm or both"


class Penalty(Spec):
    """l1·Σ|w| + l2·Σw², of weights or outputs, added to the loss."""

    l1: Annotated[float, Field(ge=0)] = 0.0
    """Factor of the absolute values."""
    l2: Annotated[float, Field(ge=0)] = 0.0
    """Factor of the squares."""


class Limit(Spec):
    """What weights are brought back to after each step: no negative ones, a norm of 1, or one within bounds."""

    kind: str = "norms"
    """``NonNeg``, ``UnitNorm`` or ``norms``."""
    max_norm: Positive | None = None
    """Largest norm."""
    min_norm: Positive | None = None
    """Smallest norm."""


def penalty_of(value: Any) -> Penalty:
    """Return the penalty that ``{l1: …, l2: …}``, ``l1`` or ``l2`` stands for.

    Raises:
        ValueError: With what was expected.
    """
    if isinstance(value, str) and value in FIRST:
        return Penalty.model_validate({value: FIRST[value]})
    try:
        if value:
            return Penalty.model_validate(value)
    except ValidationError:
        pass
    raise ValueError(f"{PENALTY}, found {shown(value)}")


def limit_of(value: Any) -> Limit:
    """Return the limit that ``non_negative``, ``unit_norm`` or ``{max_norm: …, min_norm: …}`` stands for.

    Raises:
        ValueError: With what was expected.
    """
    if isinstance(value, str) and value in LIMITS:
        return Limit(kind=LIMITS[value])
    try:
        if value and isinstance(value, dict) and "kind" not in value:
            limit = Limit.model_validate(value)
            if limit.min_norm is None or limit.max_norm is None or limit.min_norm <= limit.max_norm:
                return limit
    except ValidationError:
        pass
    raise ValueError(f"{LIMIT}, found {shown(value)}")


def initializer_of(value: Any) -> InitializerSpec:
    """Return the initializer that a name or a mapping stands for.

    Raises:
        ValueError: If it is none, or one for kernels and biases together.
    """
    name = INITIALIZERS.get(value, value) if isinstance(value, str) else value
    if isinstance(name, dict) and "bias" in name:
        raise ValueError("these weights have no bias of their own")
    if name is None or name == "default":
        raise ValueError("expected an initializer, found " + shown(value))
    chosen: InitializerSpec = _validated(TypeAdapter(Initializer), name)
    if chosen.data_dependent is not None:
        raise ValueError("'data_dependent' belongs to the initializer of an 'mlp'")
    return chosen


def function_of(value: Any) -> str:
    """Return Keras's name of the plain function that an activation stands for.

    Raises:
        ValueError: If it is none, or needs a layer.
    """
    if value is None:
        raise ValueError("expected an activation, found null")
    chosen: ActivationSpec = _validated(TypeAdapter(Activation), value)
    name = chosen.function_name()
    if name is None:
        raise ValueError(f"this takes a plain function, and '{chosen.name}' with these options is a layer")
    return name


def _validated(adapter: TypeAdapter[Any], value: Any) -> Any:
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        raise ValueError(str(error.errors()[0]["msg"]).rstrip(".")) from error


READERS = {
    "_regularizer": penalty_of,
    "_constraint": limit_of,
    "_initializer": initializer_of,
    "recurrent_activation": function_of,
}


def refusals(layer: str, arguments: dict[str, Any]) -> dict[str, str]:
    """Return {argument: what is wrong with its value} of a layer of `keras_layers`."""
    written = {key: _problem(layer, key, value) for key, value in arguments.items()}
    return {key: problem for key, problem in written.items() if problem}


def has_weights(layer: str) -> bool:
    """Return whether a layer has weights that can learn."""
    return any(argument.endswith("_initializer") for argument in keras_layers.argument_names(layer))


def _problem(layer: str, key: str, value: Any) -> str:
    default = keras_layers.written_default(layer, key)
    if value is None:
        return "" if default == "None" or (layer, key) in MAY_BE_NULL else "null means nothing here: omit it."
    reader = next((read for ending, read in READERS.items() if key.endswith(ending)), None)
    if reader is not None:
        try:
            reader(value)
        except ValueError as error:
            return f"{error}" if str(error).endswith("?") else f"{error}."
        return ""
    kind = _kind(layer, key, default)
    return "" if kind.takes(value) else f"expected {kind.words}, found {shown(value)}."


@dataclass(frozen=True)
class Kind:
    """What an argument takes, in words and as a test."""

    words: str
    takes: Callable[[Any], bool]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_amount(value: Any) -> bool:
    return _is_number(value) and value >= 0


def _is_count(value: Any) -> bool:
    return _is_whole(value) and value > 0


def _is_edge(value: Any) -> bool:
    return _is_whole(value) and value >= 0


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _list_of(takes: Callable[[Any], bool], *, deep: bool = False) -> Callable[[Any], bool]:
    """Return a test for lists of one kind, or for lists of such lists too where they are `deep`."""

    def is_list(value: Any) -> bool:
        return (
            isinstance(value, list | tuple)
            and bool(value)
            and all(takes(item) or (deep and is_list(item)) for item in value)
        )

    return is_list


def _either(*tests: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: any(test(value) for test in tests)


def _choice(*words: str) -> Kind:
    *first, last = [f"'{word}'" for word in words]
    return Kind(f"{', '.join(first)} or {last}", lambda value: value in words)


COUNT = Kind("a whole number above 0", _is_count)
SIZE = Kind("a whole number above 0, or a list of them", _either(_is_count, _list_of(_is_count)))
EDGE = Kind("a whole number, or a list of them", _either(_is_edge, _list_of(_is_edge, deep=True)))
PLACE = Kind("a whole number, or a list of them", _either(_is_whole, _list_of(_is_whole)))
NUMBER = Kind("a number", _is_number)
SPAN = Kind("a number, or a list of two", _either(_is_number, lambda v: _list_of(_is_number)(v) and len(v) == 2))
NUMBERS = Kind("a number, or a list of numbers", _either(_is_number, _list_of(_is_number, deep=True)))
TEXT = Kind("a name", _is_text)
SHAPE = Kind("a list of whole numbers", _list_of(lambda value: value is None or _is_whole(value)))
BY_NAME = {
    "data_format": _choice("channels_last", "channels_first"),
    "renorm_clipping": Kind("a mapping of numbers", lambda v: isinstance(v, dict) and all(map(_is_number, v.values()))),
    "quantization_config": Kind("nothing: a recipe trains plain weights", lambda value: False),
    "use_cudnn": Kind("true, false or 'auto'", lambda value: value == "auto" or isinstance(value, bool)),
    "value_range": Kind("a list of two numbers", lambda value: _list_of(_is_number)(value) and len(value) == 2),
    "weights": Kind("nothing: give them as 'embeddings_initializer: {name: constant, value: …}'", lambda value: False),
    **dict.fromkeys(
        ("rate", "stddev", "dropout", "recurrent_dropout"),
        Kind("a number from 0 to 1", lambda value: _is_number(value) and 0 <= value <= 1),
    ),
    **dict.fromkeys(("l1", "l2", "threshold", "negative_slope"), Kind("a number of at least 0", _is_amount)),
    **dict.fromkeys(("stateful", "return_state"), Kind("false: a layer passes on its output alone", lambda v: v is False)),
    "output_shape": Kind("a list of whole numbers", _either(_is_whole, SHAPE.takes)),
    **dict.fromkeys(("equation", "bias_axes", "mode", "window"), TEXT),
    **dict.fromkeys(("target_shape", "noise_shape", "dims"), SHAPE),
    **dict.fromkeys(("axis", "axes"), PLACE),
    "shared_axes": SIZE,  # counted from 1
    **dict.fromkeys(("mean", "variance", "bin_boundaries", "offset"), NUMBERS),
    **dict.fromkeys(("kernel_size", "pool_size", "strides", "dilation_rate", "size", "output_size"), SIZE),
    **dict.fromkeys(("tile_grid_size",), SIZE),
    **dict.fromkeys(("cropping", "output_padding"), EDGE),
    **dict.fromkeys(
        ("filters", "units", "n", "depth_multiplier", "groups", "input_dim", "output_dim", "bins", "num_chains",
         "chain_depth", "num_ops", "num_tokens", "num_bins", "height", "width", "fft_length", "frame_length",
         "frame_step", "num_mel_bins", "sampling_rate", "sequence_length", "sequence_stride", "lora_rank"),
        COUNT,
    ),
}  # fmt: skip
"""What arguments take of which a default says too little."""


def _size(axes: int) -> Kind:
    words = "a whole number above 0" + (f", or a list of {axes}" if axes > 1 else "")
    return Kind(words, lambda value: SIZE.takes(value) and (_is_count(value) or len(value) == axes))


def _kind(layer: str, key: str, default: str | None) -> Kind:
    """Return what an argument takes: by its name, or as its default has it (None: it has none)."""
    try:
        value = None if default is None else ast.literal_eval(default)
    except ValueError:
        value = ""  # a constant of Keras's
    if isinstance(value, bool) and key not in BY_NAME:
        return Kind("true or false", lambda value: isinstance(value, bool))
    if key == "padding":
        words = ("valid", "same", "causal") if layer == "conv1d" else ("valid", "same")
        return _choice(*words) if isinstance(value, str) else EDGE
    if key == "axis" and layer == "concatenate":
        return Kind("a whole number other than 0, the axis of examples", lambda value: _is_whole(value) and value != 0)
    if key == "groups" and layer == "group_normalization":
        return Kind("a whole number above 0, or -1", lambda value: value == -1 or _is_count(value))
    axes = re.search(r"([123])d", layer)
    if BY_NAME.get(key) is SIZE and axes:
        return _size(int(axes[1]))
    if key == "scale" and layer == "rescaling":
        return NUMBERS
    if key in BY_NAME:
        return BY_NAME[key]
    if isinstance(value, str):
        return TEXT
    return SPAN if "factor" in key or key in {"scale", "sigma"} or isinstance(value, tuple) else NUMBER
