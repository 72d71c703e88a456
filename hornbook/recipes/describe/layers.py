"""Describes Keras's layers for `hornbook list layers` and `hornbook show layer dense`, from their source."""

import inspect
import re

from hornbook.recipes.describe.docstrings import one_line
from hornbook.recipes.describe.pages import Description, Option
from hornbook.recipes.language import keras_layers
from hornbook.recipes.language.spec import article
from hornbook.recipes.sections.connections import JOINS
from hornbook.recipes.sections.free_layer import hidden_arguments, own_ingredients
from hornbook.recipes.sections.layer_arguments import has_weights

__all__ = ["describe_layer", "layer_summary"]

VALUES = {
    "activation": "relu",
    "axes": "1",
    "dims": "[2, 1]",
    "equation": '"ab,bc->ac"',
    "factor": "0.1",
    "filters": "32",
    "height": "28",
    "height_factor": "0.1",
    "input_dim": "1000",
    "kernel_size": "3",
    "n": "2",
    "output_dim": "64",
    "output_shape": "64",
    "output_size": "1",
    "pool_size": "2",
    "rate": "0.2",
    "scale": "0.1",
    "stddev": "0.1",
    "target_shape": "[8, 8]",
    "units": "100",
    "width": "28",
    "width_factor": "0.1",
}
"""What examples write for arguments that have no default."""
READS = "Which layers above it reads, by their names; `input`: the inputs of the network. Omitted: the layer above."
_SECTION = re.compile(r"^\w[\w ]*:$")
_ARGUMENT = re.compile(r"^(?P<name>\*{0,2}\w+)(?: \([^)]*\))?:\s*(?P<text>.*)$")


def layer_summary(name: str) -> str:
    """Return the first sentence of a layer's own docstring."""
    first = _paragraphs(keras_layers.docstring(name))[:1]
    return re.split(r"(?<=\.)(?<!a\.k\.a\.)\s(?=[A-Z])", one_line(first[0]))[0] if first else ""


def describe_layer(name: str) -> Description:
    """Return a layer with its arguments as a recipe writes them."""
    helps = _argument_helps(keras_layers.docstring(name))
    own = own_ingredients(name)
    hidden = hidden_arguments(name)
    required = keras_layers.required_arguments(name)
    options = [
        Option(argument, "", "required" if argument in required else default, helps.get(argument, ""))
        for argument, default in keras_layers.defaults(name).items()
        if argument not in hidden
    ]
    options += [Option(key, f"{article(key)} {key}", "", f"In place of the recipe's own {key}.") for key in own]
    if has_weights(name):
        options.append(Option("trainable", "true or false", "true", "Whether its weights change in training."))
    options += [
        Option("as", "a name", "", "What `from` calls it in the layers below it."),
        Option("from", "a name, or a list of names", "required" if name in JOINS else "", READS),
    ]
    needed = "".join(f", {argument}: {VALUES.get(argument, '…')}" for argument in sorted(required))
    first = "{name: dense, units: 30, as: deep}, " if name in JOINS else ""
    needed += ", from: [input, deep]" if name in JOINS else ""
    return Description(
        kind="layer",
        name=name,
        text="\n\n".join(one_line(paragraph) for paragraph in _paragraphs(keras_layers.docstring(name))[:2]),
        options=tuple(options),
        source=f"Keras: `keras.layers.{keras_layers.class_name(name)}`.",
        example=f"model: {{name: layers, layers: [{first}{{name: {name}{needed}}}]}}",
        builds=f"keras.layers.{keras_layers.class_name(name)}",
    )


def _paragraphs(docstring: str) -> list[str]:
    """Return the prose in front of the first section (``Args:``, ``Examples:``), code left out."""
    prose = []
    for block in re.split(r"\n\s*\n", inspect.cleandoc(docstring)):
        first = block.split("\n", 1)[0]
        if _SECTION.match(first):
            break
        if not re.match(r"[`>$\s]|\d\.|Note", block):
            prose.append(block)
    return prose


def _argument_helps(docstring: str) -> dict[str, str]:
    """Return {argument: first sentence} from the ``Args:`` of a docstring."""
    found: dict[str, list[str]] = {}
    is_inside, current = False, ""
    for line in inspect.cleandoc(docstring).split("\n"):
        if line and not line.startswith(" "):
            is_inside = line.startswith(("Args:", "Arguments:"))
            continue
        match = _ARGUMENT.match(line[4:]) if is_inside and line[:4] == "    " and line[4:5] not in {" ", ""} else None
        if match:
            current = match["name"]
            found[current] = [match["text"]]
        elif is_inside and current:
            found[current].append(line)
    return {name: re.split(r"(?<=\w\.)\s+(?=[A-Z`])", one_line(" ".join(lines)))[0] for name, lines in found.items()}
