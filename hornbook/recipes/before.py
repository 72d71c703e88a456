"""What the recipe of a run means that an earlier version has left: keys that it lacks get what was done then."""

from typing import Any

__all__ = ["as_before"]


def as_before(tree: dict[Any, Any]) -> None:
    """Give the recipe of a run the keys that it lacks since there were none when it began, with what was done then."""
    pretraining = tree.get("pretraining")
    is_labeled_in_part = isinstance(pretraining, dict) and pretraining.get("labeled") is not None
    others = pretraining.get("data") if isinstance(pretraining, dict) else None
    for section, is_cut in ((tree.get("data"), is_labeled_in_part), (others, False)):
        if isinstance(section, dict):
            if is_cut or section.get("limit") is not None:
                section.setdefault("sample", "first")
            if section.get("name") == "table":
                section.setdefault("reading", "loose")
    tree.setdefault("health", "off")
    if tree.get("task") == "regression" and isinstance(tree.get("head"), dict):
        tree["head"].setdefault("standardize_targets", False)
