"""The control of a recipe: the same network, data, labels, seed and budget, without what was learned before."""

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
    plain = recipe.to_dict()
    if recipe.pretraining is not None:
        plain["pretraining"]["control"] = True
    elif recipe.reuse is not None:
        kept = {key: plain["reuse"][key] for key in ("from", "layers", "copy", "trust") if key in plain["reuse"]}
        plain["reuse"] = kept | {"weights": "fresh", "freeze": False}
    else:
        raise UsageError("--control: the recipe has neither 'pretraining' nor 'reuse' that could be left out.")
    name = recipe.name or "recipe"
    plain["name"] = name if name.endswith("_control") else f"{name}_control"
    changed = Recipe.model_validate(plain)
    return changed.from_document(recipe.document) if recipe.document is not None else changed
