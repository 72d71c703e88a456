"""Reads what the typed classes say about themselves: docstrings, examples, and the text below each field.

`schema`, `describe` and the generated docs get their words here. Sources are parsed when someone asks, not when classes
are made, so that `hornbook check` does not pay for it. No TensorFlow.
"""

import ast
import inspect
import re
import sys
from functools import cache

from pydantic import BaseModel

__all__ = ["body", "example", "field_help", "one_line", "source", "without_source"]

_EXAMPLE = re.compile(r"\n*^Example:\n(?P<block>(?:[ ]{4}.*(?:\n|\Z)|\n)+)", re.MULTILINE)
# A year from 1600 on, or a reference without one.
_SOURCE = re.compile(r"\b(1[6-9]\d\d|20\d\d)\b|^Keras('s [A-Z]\w+|:)|Géron|scikit-learn's `|^Hornbook|^NumPy doc")


def body(cls: type) -> str:
    """Return a docstring without its example."""
    return _EXAMPLE.sub("\n", _text(cls)).strip()


def example(cls: type) -> str:
    """Return the YAML of a docstring's ``Example:``; empty where there is none."""
    match = _EXAMPLE.search(_text(cls))
    return inspect.cleandoc(match["block"]).rstrip() if match else ""


def source(text: str) -> str:
    """Return the sentences of a text that say where something comes from: a paper, a book, Keras."""
    return " ".join(sentence for sentence in _sentences(text) if _SOURCE.search(sentence))


def without_source(text: str) -> str:
    """Return a text without the sentences that say where it comes from, its paragraphs kept."""
    paragraphs = [
        " ".join(sentence for sentence in _sentences(paragraph) if not _SOURCE.search(sentence))
        for paragraph in text.split("\n\n")
    ]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def _sentences(text: str) -> list[str]:
    return re.split(r"(?<=[.!?])\s+(?=[A-Z\"`'])", one_line(text))


def field_help(cls: type[BaseModel]) -> dict[str, str]:
    """Return {field: the text below it}, inherited fields included; fields without one are left out."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if issubclass(base, BaseModel):
            found |= _own_help(base)
    described = {name: field.description for name, field in cls.model_fields.items() if field.description}
    return {name: text for name, text in {**described, **found}.items() if name in cls.model_fields}


def one_line(text: str) -> str:
    """Return a text with its line breaks taken out."""
    return " ".join(text.split())


def _text(cls: type) -> str:
    return inspect.cleandoc(cls.__dict__.get("__doc__") or "")


@cache
def _own_help(cls: type) -> dict[str, str]:
    node = _classes(cls.__module__).get(cls.__qualname__)
    if node is None:
        return {}
    found = {}
    for item, below in zip(node.body, node.body[1:], strict=False):
        is_field = isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
        text = below.value if isinstance(below, ast.Expr) else None
        if is_field and isinstance(text, ast.Constant) and isinstance(text.value, str):
            found[item.target.id] = one_line(text.value)  # type: ignore[attr-defined]
    return found


@cache
def _classes(module: str) -> dict[str, ast.ClassDef]:
    """Return the class definitions of a module by qualified name; none where its source is not to be had."""
    try:
        tree = ast.parse(inspect.getsource(sys.modules[module]))
    except (KeyError, OSError, TypeError, SyntaxError):
        return {}
    found: dict[str, ast.ClassDef] = {}

    def visit(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef):
                found[prefix + child.name] = child
                visit(child, f"{prefix}{child.name}.")
            elif isinstance(child, ast.FunctionDef):
                visit(child, f"{prefix}{child.name}.<locals>.")
            else:
                visit(child, prefix)

    visit(tree, "")
    return found
