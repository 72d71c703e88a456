"""The commands `hornbook list` and `hornbook show`. No TensorFlow."""

import shutil
import sys
from typing import Annotated

import typer

from hornbook.commands.options import examples
from hornbook.recipes.describe import catalog, pages

__all__ = ["COMMANDS"]


def list_command(
    what: Annotated[
        str | None, typer.Argument(metavar="KIND", help="recipes, data, models, layers, or an ingredient")
    ] = None,
) -> None:
    """List recipes, data, backbones or one ingredient's choices."""
    rows = catalog.list_lines(what)
    width = max((len(name) for name, _ in rows), default=0)
    for name, text in rows:
        line = f"{name:<{width}}  {text}".rstrip()
        columns = shutil.get_terminal_size().columns
        if sys.stdout.isatty() and len(line) > columns:
            line = line[: columns - 1] + "…"
        print(line)


def show(
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help="An ingredient, data, model, layer, recipe; or the name alone")
    ],
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="The component's or recipe's name")] = None,
) -> None:
    """Show a component's options and an example, or a recipe."""
    columns = min(shutil.get_terminal_size().columns, 100)
    print(pages.as_text(catalog.show(kind, name), columns))


COMMANDS = (
    (list_command, examples("hornbook list", "hornbook list activation", "hornbook list recipes")),
    (show, examples("hornbook show activation elu", "hornbook show recipe he_elu_bn")),
)
