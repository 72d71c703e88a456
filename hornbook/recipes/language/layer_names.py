"""Chooses layers by name: `hidden_2`, `hidden_1-hidden_3`, `conv_*`, a list of these, or `all`.

A name stands for its whole block: `hidden_2` means `hidden_2_normalization`, `hidden_2_activation` … too.
"""

import fnmatch
import re
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from hornbook.recipes.language.hints import did_you_mean
from hornbook.recipes.language.spec import as_tuple

__all__ = ["Layers", "UnknownLayer", "block_number", "select"]

Layers = Annotated[
    str | tuple[str, ...],
    BeforeValidator(as_tuple),
    WithJsonSchema(
        {
            "title": "layers",
            "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}],
        }
    ),
]
"""Layers by name, block, range or pattern."""


class UnknownLayer(ValueError):
    """A choice that no layer fits; the text says which, and what there is."""

    def __init__(self, item: str, names: Sequence[str]) -> None:
        blocks = [name for name in names if not any(_belongs(name, other) for other in names if other != name)]
        shown = blocks if len(blocks) <= 16 else [*blocks[:8], "…", *blocks[-7:]]
        near = did_you_mean(item, blocks)
        hint = near if near.startswith("Did") else f"Layers: {', '.join(shown)}."
        super().__init__(f"there is no layer '{item}'. {hint}")


def select(layers: str | Sequence[str], names: Sequence[str]) -> list[str]:
    """Return the chosen names, in the order of `names`.

    Args:
        layers: What to choose.
        names: All layers, in the order in which data passes them.

    Raises:
        UnknownLayer: If part of the choice fits no layer.
    """
    items = [layers] if isinstance(layers, str) else list(layers)
    chosen: set[str] = set()
    for item in items:
        found = _matching(item, names)
        if not found:
            raise UnknownLayer(item, names)
        chosen |= found
    return [name for name in names if name in chosen]


def _matching(item: str, names: Sequence[str]) -> set[str]:
    if item == "all":
        return set(names)
    own = {name for name in names if name == item or _belongs(name, item)}
    if own:
        return own
    if any(sign in item for sign in "*?["):
        blocks = {name for name in names if fnmatch.fnmatchcase(name, item)}
        return {name for name in names if name in blocks or any(_belongs(name, block) for block in blocks)}
    for match in re.finditer("-", item):
        ends = [_matching(part.strip(), names) for part in (item[: match.start()], item[match.end() :])]
        if item[: match.start()].strip() and all(ends):
            places = [sorted(names.index(name) for name in end) for end in ends]
            return set(names[places[0][0] : places[1][-1] + 1])
    return set()


def _belongs(name: str, block: str) -> bool:
    """Return whether a layer is part of a block; ``conv2d_1`` is no part of ``conv2d``."""
    return name.startswith(f"{block}_") and not name[len(block) + 1].isdigit()


def block_number(name: str) -> int:
    """Return 3 for ``hidden_3`` and its parts, 0 for other layers."""
    match: Any = re.match(r"hidden_(\d+)(_|$)", name)
    return int(match[1]) if match else 0
