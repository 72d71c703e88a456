"""What is known about one thing that a recipe can name, and how it reads in a terminal."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hornbook.recipes.language.spec import noun

__all__ = ["Description", "Option", "as_text"]


@dataclass(frozen=True)
class Option:
    """One key: its name, what it takes in words, its default as YAML, and what it does.

    `default` is ``required`` where there is none, and empty where omitting the key means something of its own.
    """

    name: str
    type: str
    default: str
    help: str


@dataclass(frozen=True)
class Description:
    """One component, layer, section or shipped recipe.

    Attributes:
        kind: ``optimizer``, ``layer``, ``section``, ``recipe`` …
        name: As a recipe names it.
        text: What it is and when to use it.
        options: Its own keys.
        shared: Keys that everything of the kind has.
        facts: What else a user decides by: (label, text).
        source: Paper, book or Keras.
        example: YAML.
        builds: Dotted path of what it becomes; empty where that follows from the rest.
    """

    kind: str
    name: str
    text: str
    options: tuple[Option, ...] = ()
    shared: tuple[Option, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    source: str = ""
    example: str = ""
    builds: str = ""


def as_text(description: Description, width: int = 100) -> str:
    """Return a description as plain text, wrapped to `width` columns; a recipe's text as it is."""
    if description.kind == "recipe":
        return description.example
    blocks = [f"{description.kind} {description.name}"]
    blocks += [_wrapped(paragraph, width) for paragraph in description.text.split("\n\n") if paragraph]
    if description.options:
        blocks.append("Options\n" + _table(description.options, width))
    if description.shared:
        blocks.append(f"Options of every {noun(description.kind)}\n" + _table(description.shared, width))
    if description.example:
        blocks.append("Example\n" + textwrap.indent(description.example, "  "))
    facts = [*description.facts, ("Source", description.source), ("Builds", description.builds)]
    lines = [_wrapped(f"{label}: {text}", width, hang=2) for label, text in facts if text]
    return "\n\n".join([*blocks, "\n".join(lines)] if lines else blocks)


def _wrapped(text: str, width: int, hang: int = 0) -> str:
    return textwrap.fill(
        " ".join(text.split()), width, subsequent_indent=" " * hang, break_long_words=False, break_on_hyphens=False
    )


def _table(options: Sequence[Option], width: int) -> str:
    return "\n".join(line for option in options for line in _rows(option, max(len(o.name) for o in options), width))


def _rows(option: Option, column: int, width: int) -> Iterator[str]:
    default = f"default {option.default}" if option.default not in {"", "required"} else option.default
    takes = "; ".join(part for part in (option.type, default) if part)
    indent = " " * (column + 4)
    first = f"  {option.name:<{column}}  "
    yield textwrap.fill(takes, width, initial_indent=first, subsequent_indent=indent) if takes else first.rstrip()
    if option.help:
        yield textwrap.fill(option.help, width, initial_indent=indent, subsequent_indent=indent)
