"""What each key of a recipe becomes: `hornbook explain`. Reads the objects that training would use, never the recipe."""

from hornbook.explain.explanation import Explanation, Row, explain

__all__ = ["Explanation", "Row", "explain"]
