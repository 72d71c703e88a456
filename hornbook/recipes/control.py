"""The control of a recipe: the same network, data, labels, seed and budget, without what was learned before."""

from typing import Any

from hornbook.errors import UsageError
from hornbook.recipes.recipe import Recipe

__all__ = ["control_of"]


def control_of(recipe: Recipe) -> Recipe:
    """Return the recipe without its pretraining, or with fresh weights in the place of reused ones.

    The returned recipe says so itself (`pretraining.control: true`, where `labeled` stays, or `reuse.weights: fresh` with
    nothing frozen) and trains again as it is. It is called ``…_control``.

    Raises:
        UsageError: If the recipe neither pretrains nor reuses anything.
    """
    values: dict[str, Any]
    if recipe.pretraining is not None:
        values = {"pretraining.control": True}
    elif recipe.reuse is not None:
        reuse = recipe.to_dict()["reuse"]
        kept = {key: reuse[key] for key in ("from", "layers", "copy", "dropout", "trust") if key in reuse}
        values = {"reuse": kept | {"weights": "fresh", "freeze": False}}
    else:
        raise UsageError("--control: the recipe has neither 'pretraining' nor 'reuse' that could be left out.")
    name = recipe.name or "recipe"
    return recipe.replaced(values | {"name": name if name.endswith("_control") else f"{name}_control"})
