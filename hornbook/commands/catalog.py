"""The commands `hornbook list` and `hornbook show`. TensorFlow is imported to draw, and only then."""

import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from hornbook.atomic import write_text
from hornbook.commands.completion import complete_kind, complete_name
from hornbook.commands.options import examples, import_tensorflow
from hornbook.errors import UsageError
from hornbook.recipes.describe import catalog, pages

__all__ = ["COMMANDS"]


def list_command(
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="KIND", help="recipes, data, models, layers, or an ingredient", autocompletion=complete_kind
        ),
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
        str,
        typer.Argument(
            metavar="KIND",
            help="An ingredient, data, model, layer, recipe; or the name alone",
            autocompletion=complete_kind,
        ),
    ],
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="The component's or recipe's name", autocompletion=complete_name),
    ] = None,
    options: Annotated[
        list[str] | None, typer.Argument(metavar="OPTION=VALUE", help="For the picture: alpha=0.5, warmup=10%")
    ] = None,
    plot: Annotated[
        bool, typer.Option("--plot", help="Draw an activation, initializer or schedule, to KIND_NAME.svg")
    ] = False,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Draw it to this .svg file")] = None,
) -> None:
    """Show a component's options and an example, or a recipe.

    With --plot, draw what an activation, an initializer or a schedule looks like.
    """
    options = list(options or ())
    if name is not None and "=" in name:
        options, name = [name, *options], None
    if output is not None and output.suffix != ".svg":
        raise UsageError(f"--output {output}: the picture is an SVG file. Name one that ends in .svg.")
    description = catalog.show(kind, name)
    if plot or output is not None:
        _draw(description.kind, description.name, options, output)
        return
    if options:
        raise UsageError(f"{' '.join(options)}: options are for the picture. Add --plot.")
    columns = min(shutil.get_terminal_size().columns, 100)
    print(pages.as_text(description, columns))


def _draw(kind: str, name: str, options: list[str], output: Path | None) -> None:
    from hornbook.explain.pictures import drawable

    component = drawable(kind, name, options)
    if kind != "schedule":
        import_tensorflow()
    picture = component.draw()
    path = output or Path(f"{kind}_{name}.svg")
    write_text(path, picture.svg)
    print(f"{picture.text}\n\npicture  {path}")


COMMANDS = (
    (list_command, examples("hornbook list", "hornbook list activation", "hornbook list recipes")),
    (
        show,
        examples(
            "hornbook show activation elu",
            "hornbook show recipe he_elu_bn",
            "hornbook show activation elu alpha=0.5 --plot",
            "hornbook show schedule one_cycle --plot",
        ),
    ),
)
