"""The commands `hornbook new` and `hornbook schema`: files for the editor. No TensorFlow."""

import json
from pathlib import Path
from typing import Annotated

import typer

from hornbook.atomic import write_text
from hornbook.commands.options import examples
from hornbook.errors import UsageError
from hornbook.recipes.describe import scaffold
from hornbook.recipes.describe.schema import json_schema

__all__ = ["COMMANDS"]


def new(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write, for instance my_recipe.yaml")],
    data: Annotated[str, typer.Option(help="A data source: 'hornbook list data'")] = "digits",
    model: Annotated[str | None, typer.Option(help="A backbone: 'hornbook list models'; chosen by the data")] = None,
) -> None:
    """Write a commented recipe to start from.

    The JSON Schema is written beside it, so that editors complete and check the recipe while you type.
    """
    path = path if path.suffix in {".yaml", ".yml"} else path.with_name(path.name + ".yaml")
    if path.exists():
        raise UsageError(f"{path}: exists already, and is left as it is. Choose another name.")
    if not path.parent.is_dir():
        raise UsageError(f"{path.parent}: there is no such folder.")
    text = scaffold.new_recipe(data=data, model=model)
    write_text(path, text)
    write_text(path.parent / scaffold.SCHEMA_FILE, _schema_text())
    print(f"wrote {path} and {path.parent / scaffold.SCHEMA_FILE}")
    print(f"next  hornbook check --config {path}")
    print(f"      hornbook train --config {path}")


def _schema_text() -> str:
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def schema(
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file to write; omitted: print it")] = None,
) -> None:
    """Write the JSON Schema of recipes, for editors and tools."""
    if output is None:
        print(_schema_text(), end="")
        return
    write_text(output, _schema_text())
    print(f"wrote {output}")


COMMANDS = (
    (new, examples("hornbook new my_recipe.yaml", "hornbook new flowers.yaml --data iris")),
    (schema, examples("hornbook schema", "hornbook schema --output hornbook.schema.json")),
)
