"""What a recipe with `shrink` leaves out: it is the earlier run's."""

from collections.abc import Mapping
from typing import Any

from hornbook.errors import HornbookError
from hornbook.recipes.before import as_before
from hornbook.recipes.language.text import Document, Place, parse
from hornbook.runs.directory import find_run

__all__ = ["NETWORK", "complete"]

NETWORK = ("data", "task", "model", "head", "heads", "initializer", "activation", "normalization", "regularization")
"""Sections that say what the earlier run's data and network are."""
TRAINING = ("batch_size", "metrics", "gradient_clipping", "class_weights", "memory_budget")
"""Keys of `training` that go on as they were."""
SLOWER = 0.1
"""What fine-tuning's learning rate is of the earlier run's. Han et al. (2015), arXiv:1506.02626, section 3.3."""


def suffixed(name: str) -> str:
    """Return what the run is called that shrinks one of this name."""
    return name if name.endswith("_shrunk") else f"{name[:73]}_shrunk"


def complete(document: Document) -> None:
    """Give a recipe that shrinks an earlier run, and describes no network, the sections of that run.

    An earlier run that is not there, or cannot be read, is a rule's to complain about, and of that alone: the sections
    that are missing then stand in for it.
    """
    tree = document.tree
    section = tree.get("shrink") if isinstance(tree, dict) else None
    if not isinstance(tree, dict) or not isinstance(section, Mapping) or "model" in tree:
        return
    try:
        path = find_run(str(section.get("from"))).recipe_path
        earlier = parse(path.read_text(encoding="utf-8"), origin=str(path)).tree
    except (HornbookError, OSError, ValueError):
        earlier = None
    if not isinstance(earlier, dict) or "model" not in earlier:
        tree.update({"data": {"name": "digits"}, "model": {"name": "mlp"}} | tree)
        return
    as_before(earlier)
    for key, value in _defaults(earlier).items():
        if key == "training" and isinstance(tree.get(key), dict):
            tree[key] = {**value, **tree[key]}
        elif key not in tree:
            tree[key] = value
            document.places[(key,)] = Place((0, 0), (0, 0), f"{path.parent.parent.name}'s recipe")


def _defaults(earlier: Mapping[str, Any]) -> dict[str, Any]:
    """Return the sections that a run which shrinks another one begins with."""
    kept = {key: earlier[key] for key in ("seed", *NETWORK, "optimizer") if key in earlier}
    optimizer = kept.get("optimizer")
    if isinstance(optimizer, dict) and isinstance(optimizer.get("learning_rate"), int | float):
        kept["optimizer"] = optimizer | {"learning_rate": float(f"{optimizer['learning_rate'] * SLOWER:.6g}")}
    training = earlier.get("training") or {}
    kept["training"] = {"epochs": 0} | {key: training[key] for key in TRAINING if key in training}
    kept["name"] = suffixed(str(earlier.get("name", "recipe")))
    return kept
