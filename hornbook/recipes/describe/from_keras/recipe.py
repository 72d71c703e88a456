"""The recipe of a saved Keras model: its layers, its head, its precision, and what it was compiled with."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hornbook.errors import UsageError
from hornbook.recipes.describe.from_keras.graph import Place, input_shape_of, places_of
from hornbook.recipes.describe.from_keras.layers import activation_of, initializers_of, item_of
from hornbook.recipes.describe.from_keras.sections import Item, sections_of
from hornbook.recipes.describe.from_keras.training import is_of_numbers, scales_loss, training_of
from hornbook.recipes.sections.connections import INPUT, JOINS

__all__ = ["KerasRecipe", "described"]

SCALES = {"Rescaling": "scales images to 0 to 1 by itself", "Normalization": "standardizes: data.standardize"}
HEADLESS = (
    "use_bias", "kernel_regularizer", "bias_regularizer", "activity_regularizer", "kernel_constraint", "bias_constraint",
)  # fmt: skip
HEADS = {"softmax": "multiclass", "linear": "regression"}
PLAIN = "float32"
PRECISIONS = {PLAIN, "mixed_bfloat16", "mixed_float16"}


@dataclass(frozen=True)
class KerasRecipe:
    """What a recipe says of a Keras model.

    Attributes:
        sections: {key: plain value} of the recipe, without data.
        notes: What it cannot say, or says otherwise, one line each.
        input_shape: Of an example, as the model takes it; None where its file does not say it.
    """

    sections: dict[str, Any]
    notes: tuple[str, ...]
    input_shape: tuple[int | None, ...] | None = None


def described(config: Mapping[str, Any], where: str) -> KerasRecipe:
    """Return what a recipe says of the config of a saved model.

    Args:
        config: What Keras has written, parsed.
        where: What to call the model in messages.

    Raises:
        UsageError: If it is no graph of layers from one input to one dense head.
    """
    notes: list[str] = []
    places, end = places_of(config, where)
    places = _without_front(places, where, notes)
    head, hidden = _head(places, end, where)
    sections = sections_of(_items(hidden, head, where, notes), notes)
    units, activation = head.config["units"], activation_of(head.config.get("activation"))
    task = HEADS.get(_name(activation)) or ("binary" if units == 1 else "multilabel")
    if _name(activation) not in {"sigmoid", *HEADS} and is_of_numbers(config.get("compile_config")):
        task = "regression"
    compiled, of_training = training_of(config.get("compile_config"), task)
    task = compiled.pop("task", task)
    precision = _precision([place for place in hidden if "dtype" in place.config] or [head], notes)
    if precision != PLAIN:
        compiled.setdefault("training", {})["precision"] = precision
    if scales_loss(config.get("compile_config")) and precision != "mixed_float16":
        of_training.append(
            "the scaling of the loss is left out: a recipe scales it with 'precision: mixed_float16' alone"
        )
    if task == "multilabel" or (task == "regression" and units > 1):
        of_training.append(f"the head has {units} outputs: the data needs as many target columns")
    elif task == "multiclass":
        of_training.append(f"the head has {units} classes: the data says how many there are")
    heads: dict[str, Any] = compiled.pop("head", {})
    if _name(activation) not in {"softmax", "sigmoid", "linear"}:
        heads = {"activation": activation, **heads}
    heads |= _of_head(head.config, notes)
    sections = {"task": task, **({"head": heads} if heads else {}), **sections, **compiled}
    last = f"weights are not in a recipe: 'reuse: {{from: {where}}}' begins with those of the model"
    return KerasRecipe(sections, (*notes, *of_training, last), input_shape_of(config))


def _without_front(places: Sequence[Place], where: str, notes: list[str]) -> list[Place]:
    """Return the layers without those in front that Hornbook has from the data."""
    rest = list(places)
    while fronts := [place for place in rest if place.kind in SCALES and place.reads == (INPUT,)]:
        front, others = fronts[0], [place.id for place in rest if INPUT in place.reads and place is not fronts[0]]
        if others:
            raise UsageError(
                f"{where}: the inputs are read through '{front.id}' ({front.kind}), and as they are by "
                f"{', '.join(others)}. Only models all of whose branches read the scaled inputs can be written."
            )
        notes.append(
            f"{_front(front)} in front is left out: Hornbook {SCALES[front.kind]}, inside the model{_in_its_place(front)}"
        )
        rest = [_read_instead(place, {front.id: INPUT}) for place in rest if place is not front]
    return rest


def _in_its_place(front: Place) -> str:
    """Return what to write where pixels are moved to both sides of 0, which no key does; empty text where they are not."""
    scale, offset = front.config.get("scale"), front.config.get("offset", 0)
    if not isinstance(scale, int | float) or not isinstance(offset, int | float) or not offset:
        return ""
    low, high = offset, 255 * scale + offset
    return (
        f". For bytes from {low:.4g} to {high:.4g}, as here, begin 'model: {{name: layers}}' with {{name: rescaling, scale: "
        f"{high - low:.4g}, offset: {low:.4g}}}; 'data.standardize: true' centres them with any backbone"
    )


def _front(place: Place) -> str:
    """Return what a layer in front is called, with the numbers by which a reader sees whether its place is taken."""
    scale, offset = place.config.get("scale"), place.config.get("offset", 0)
    if place.kind != "Rescaling" or not isinstance(scale, int | float) or not isinstance(offset, int | float):
        return place.kind
    return f"Rescaling (times {scale:.4g}{f', then {offset:+.4g}' if offset else ''})"


def _read_instead(place: Place, others: Mapping[str, str]) -> Place:
    return replace(place, reads=tuple(others.get(one, one) for one in place.reads))


def _head(places: Sequence[Place], end: str, where: str) -> tuple[Place, list[Place]]:
    """Return (the last dense layer with the activation behind it, the layers in front of it)."""
    by_id = {place.id: place for place in places}
    last = head = by_id.get(end)
    if last is not None and last.kind in {"Activation", "Softmax"} and len(last.reads) == 1:
        head = by_id.get(last.reads[0])
    if head is None or head.kind != "Dense" or last is None:
        raise UsageError(
            f"{where}: ends in {last.kind if last is not None else 'nothing'}. A recipe's head is a dense layer: only "
            "models that end in one are written."
        )
    if head is not last:
        if activation_of(head.config.get("activation")) != "linear":
            raise UsageError(f"{where}: layer '{head.id}' has an activation, and '{last.id}' behind it another one.")
        own = {**head.config, "activation": last.config.get("activation", "softmax")}
        head = replace(head, stored={**head.stored, "config": own})
    rest = [place for place in places if place.id not in {head.id, last.id}]
    readers = [place.id for place in rest if {head.id, last.id} & set(place.reads)]
    if readers:
        raise UsageError(f"{where}: what the head '{head.id}' makes is read by {', '.join(readers)} too.")
    return head, rest


def _items(hidden: Sequence[Place], head: Place, where: str, notes: list[str]) -> list[Item]:
    """Return the layers in front of the head as items of a list; those left out hand on what they read."""
    items: list[Item] = []
    skipped: dict[str, str] = {}
    for stored in hidden:
        place = _read_instead(stored, skipped)
        layer = item_of(place, notes)
        is_join = layer is not None and layer["name"] in JOINS
        if len(place.reads) > 1 and not is_join:
            raise UsageError(
                f"{where}: layer '{place.id}' ({place.kind}) reads {', '.join(place.reads)}. A layer of a recipe reads one "
                f"other, but for {', '.join(JOINS)}."
            )
        if layer is None:
            skipped[place.id] = place.reads[0]
        else:
            items.append(Item(place.id, layer, place.reads))
    read, above = skipped.get(head.reads[0], head.reads[0]), items[-1].id if items else INPUT
    if read != above:
        raise UsageError(
            f"{where}: the head '{head.id}' reads '{read}', and the last layer in front of it is '{above}'."
        )
    return items


def _precision(places: Sequence[Place], notes: list[str]) -> str:
    """Return the precision of a recipe that is that of most layers, and note where it is not that of all."""
    counts = Counter(map(_policy, places))
    most = counts.most_common(1)[0][0]
    precision = most if most in PRECISIONS else PLAIN
    if set(counts) != {precision}:
        notes.append(
            f"layers compute in {', '.join(sorted(counts))}: a recipe has one precision for all hidden layers, "
            f"{', '.join(sorted(PRECISIONS))}, here {precision}"
        )
    return precision


def _policy(place: Place) -> str:
    """Return the name of a layer's precision."""
    stored = place.config.get("dtype", PLAIN)
    return str(stored.get("config", {}).get("name", stored["class_name"]) if isinstance(stored, Mapping) else stored)


def _of_head(own: Mapping[str, Any], notes: list[str]) -> dict[str, Any]:
    """Return the head's initializer where it is not Keras's, and note what a recipe's head does not have."""
    for key in HEADLESS:
        value = own.get(key, True if key == "use_bias" else None)
        if value is False or isinstance(value, Mapping):
            shown = value["class_name"] if isinstance(value, Mapping) else value
            notes.append(f"the head's {key} ({shown}) is left out: a recipe's head has no such option")
    found = initializers_of(own)
    return {} if found == {"initializer": "glorot_uniform"} else found


def _name(value: Any) -> str:
    return value["name"] if isinstance(value, dict) else str(value)
