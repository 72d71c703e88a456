"""What a recorded loss is made of: recipes whose losses are made in different ways cannot be compared by them."""

from collections.abc import Sequence
from typing import Any

from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sections.head import Head

__all__ = ["holds_penalties", "keys_of_other_losses", "other_figure"]

IN_LOSS = ("loss", "standardize_targets", "target_transform")
"""Keys of a head that say of what its loss is, and in which unit."""
PENALTIES = ("l1", "l2")
"""Keys of `regularization` that add to the loss, that of validation included."""


def keys_of_other_losses(figure: str, recipes: Sequence[Recipe]) -> tuple[str, ...]:
    """Return the keys by which a figure measures something else in some of the recipes; none of a metric.

    Args:
        figure: `val_loss`, `test_price_loss`, `val_accuracy`.
        recipes: Those to compare, resolved or not.
    """
    made = [_made_of(figure, recipe) for recipe in recipes]
    keys = dict.fromkeys(key for parts in made for key in parts)
    return tuple(key for key in keys if any(parts.get(key) != made[0].get(key) for parts in made))


def holds_penalties(figure: str, recipes: Sequence[Recipe]) -> bool:
    """Return whether a figure holds penalties that the recipes do not share."""
    shares = [[getattr(recipe.regularization, key) or 0.0 for key in PENALTIES] for recipe in recipes]
    return _plain(figure) == "loss" and any(share != shares[0] for share in shares)


def other_figure(figure: str, recorded: Sequence[str], recipes: Sequence[Recipe]) -> str | None:
    """Return a recorded figure of the same split that measures the same in all recipes, a metric before a loss."""
    split = figure.partition("_")[0]
    same = [name for name in recorded if name.startswith(f"{split}_") and not keys_of_other_losses(name, recipes)]
    return min(same, key=lambda name: name.endswith("loss"), default=None)


def _plain(figure: str) -> str:
    return figure.removeprefix("val_").removeprefix("test_")


def _made_of(figure: str, recipe: Recipe) -> dict[str, Any]:
    """Return {key: value} of what a figure that is a loss is made of; nothing for a metric."""
    plain = _plain(figure)
    if recipe.heads is None:
        return _of_head(recipe.head, "head") if plain == "loss" else {}
    parts: dict[str, Any] = {}
    for name, head in recipe.heads.items():
        if plain in {"loss", f"{name}_loss"}:
            parts |= _of_head(head, f"heads.{name}")
        if plain == "loss":
            parts[f"heads.{name}.weight"] = head.weight
    return parts


def _of_head(head: Head, place: str) -> dict[str, Any]:
    return {f"{place}.{key}": getattr(head, key) for key in IN_LOSS}
