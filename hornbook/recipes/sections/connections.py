"""Which layer of `model: {name: layers}` reads which: names by `as`, connections by `from`, layers that join several."""

from collections.abc import Mapping, Sequence
from typing import Protocol

__all__ = ["INPUT", "JOINS", "above", "sources"]

INPUT = "input"
"""What `from` calls the inputs of the network, scaled and encoded as the first layer of a list reads them."""
JOINS: Mapping[str, tuple[int, int | None]] = {
    "add": (2, None), "average": (2, None), "concatenate": (2, None), "maximum": (2, None), "minimum": (2, None),
    "multiply": (2, None), "subtract": (2, 2), "dot": (2, 2), "attention": (2, 3),
}  # fmt: skip
"""{layer that joins several: how many it takes, at least and at most}."""


class Connected(Protocol):
    """What is read here of a layer of the list."""

    @property
    def as_(self) -> str | None:
        """Its name."""

    def reads(self) -> tuple[str, ...] | None:
        """Return the names of what it reads; None: the layer above it."""


def sources(layers: Sequence[Connected]) -> tuple[tuple[int, ...], ...]:
    """Return of each layer the places of those whose outputs it reads, -1 for the inputs of the network.

    A name that no layer above has is left out; `hornbook check` refuses it.
    """
    places, found = {INPUT: -1}, []
    for place, layer in enumerate(layers):
        names = layer.reads()
        found.append((place - 1,) if names is None else tuple(places[name] for name in names if name in places))
        if layer.as_ is not None:
            places.setdefault(layer.as_, place)
    return tuple(found)


def above(place: int, read: Sequence[Sequence[int]], *, without: frozenset[int] = frozenset()) -> frozenset[int]:
    """Return the places of all layers that lead to a layer, itself included.

    Args:
        place: The layer's.
        read: What `sources` returned.
        without: Layers that no way leads through.
    """
    found, waiting = set[int](), [place]
    while waiting:
        here = waiting.pop()
        if here >= 0 and here not in found | without:
            found.add(here)
            waiting += read[here]
    return frozenset(found)
