"""The commands `hornbook new` and `hornbook schema`: recipes to start from, and what editors read. No TensorFlow."""

import json
import math
from pathlib import Path
from typing import Annotated

import typer

from hornbook.atomic import write_text
from hornbook.commands.options import OverrideArguments, examples
from hornbook.display.text import hanging
from hornbook.errors import UsageError
from hornbook.recipes.describe import scaffold
from hornbook.recipes.describe.from_keras import KerasRecipe, described
from hornbook.recipes.describe.schema import json_schema
from hornbook.recipes.language.spec import catalog
from hornbook.runs.keras_file import read_config

__all__ = ["COMMANDS"]

DIGIT = 8 * 8  # pixels of one of the digits


def new(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write, for instance my_recipe.yaml")],
    overrides: OverrideArguments = None,
    data: Annotated[
        str | None,
        typer.Option(help="A file or folder of yours, or a data source: 'hornbook list data'; omitted: digits"),
    ] = None,
    target: Annotated[str | None, typer.Option(help="The column of your table to predict")] = None,
    model: Annotated[str | None, typer.Option(help="A backbone: 'hornbook list models'; chosen by the data")] = None,
    from_keras: Annotated[
        Path | None, typer.Option(help="A model saved by Keras as .keras, branches included: its recipe")
    ] = None,
) -> None:
    """Write a commented recipe to start from.

    With a file of yours it says what each column becomes and why: types, task, split, network, batch size and length.
    Overrides say what the file does not, such as data.encoding=cp1252. With a Keras model the recipe says what the
    model is and was compiled with, as far as a recipe can, and what it cannot is listed. The JSON Schema is written
    beside it, so that editors complete and check the recipe while you type.
    """
    path = path if path.suffix in {".yaml", ".yml"} else path.with_name(path.name + ".yaml")
    if path.exists():
        raise UsageError(f"{path}: exists already, and is left as it is. Choose another name.")
    if not path.parent.is_dir():
        raise UsageError(f"{path.parent}: there is no such folder.")
    if from_keras is not None and model is not None:
        raise UsageError("'--model' and '--from-keras' both say what the network is. Leave one out.")
    known = None if from_keras is None else described(read_config(from_keras), str(from_keras))
    data = data or _own_data(known, from_keras)
    text, notes = _recipe(data, model, target, overrides or [], known, str(from_keras))
    write_text(path, text)
    write_text(path.parent / scaffold.SCHEMA_FILE, _schema_text())
    print(f"wrote {path} and {path.parent / scaffold.SCHEMA_FILE}")
    for note in notes:
        print("\n".join(hanging("look  ", note)))
    print(f"next  hornbook check --config {path}{'' if data in catalog('data') else ' --load-data'}")
    print(f"      hornbook train --config {path}")


def _own_data(known: KerasRecipe | None, where: Path | None) -> str:
    """Return the data of a recipe for which none are named: digits, if a Keras model takes such pictures.

    Raises:
        UsageError: If it takes others.
    """
    if known is None:
        return "digits"
    shape = known.input_shape
    if shape is None or None in shape or math.prod(size or 0 for size in shape) != DIGIT:
        what = "unknown shape" if shape is None else f"shape {'×'.join(str(size or '?') for size in shape)}"
        raise UsageError(
            f"{where}: on which data? The model takes inputs of {what}. Name them: --data FILE, or a source of 'hornbook "
            "list data'."
        )
    return "digits"


def _recipe(
    data: str, model: str | None, target: str | None, overrides: list[str], known: KerasRecipe | None, where: str
) -> tuple[str, tuple[str, ...]]:
    """Return the text of a recipe on a data source or a file, and what can be read in two ways."""
    is_source = data in catalog("data") or not (Path(data).exists() or Path(data).suffix or "/" in data)
    if is_source:
        if target is not None or overrides:
            raise UsageError("'--target' and overrides are for a file of yours: --data my.csv.")
        if known is None:
            return scaffold.new_recipe(data=data, model=model), ()
        start = scaffold.start_on(data)
    else:
        from hornbook.data.preview.draft import start_from  # NumPy

        start = start_from(data, target=target, overrides=overrides)
    if known is None:
        return scaffold.written(start, model=model), start.notes
    return scaffold.written_as(start, known.sections, known.notes, where), (*start.notes, *known.notes)


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
    (
        new,
        examples(
            "hornbook new my_recipe.yaml",
            "hornbook new mine.yaml --data houses.csv --target price",
            "hornbook new known.yaml --from-keras model.keras",
        ),
    ),
    (schema, examples("hornbook schema", "hornbook schema --output hornbook.schema.json")),
)
