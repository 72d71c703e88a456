"""The report command. TensorFlow is imported when a run's page is written."""

import sys
import webbrowser
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from hornbook.commands.completion import complete_run
from hornbook.commands.options import TrustOption, examples, import_tensorflow
from hornbook.display.text import path_text

__all__ = ["COMMANDS"]


class Form(StrEnum):
    """What to write."""

    html = "html"
    markdown = "markdown"


def report(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN",
            help="Runs: folders, runs/NAME/latest, recipes' names; or a sweep or ablation",
            autocompletion=complete_run,
        ),
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file to write; omitted: in the run's folder")
    ] = None,
    to: Annotated[Form, typer.Option(help="html: a page to look at; markdown: a model card for a hub")] = Form.html,
    opened: Annotated[bool, typer.Option("--open", help="Open the page in a browser")] = False,
    trust: TrustOption = False,
) -> None:
    """Write the page of a run, or of several side by side.

    Of a run curves, confusion, wrong examples, layers and recipe; of several what sets them apart, beside their results.
    Nothing is loaded from elsewhere. A sweep or an ablation has its page already, and its path is printed.
    """
    from hornbook.pages import write_pages

    is_card = to is Form.markdown
    for path in write_pages(runs, output=output, as_card=is_card, trust=trust, import_tensorflow=import_tensorflow):
        print(path_text(path))
        if opened and not webbrowser.open(path.absolute().as_uri()):
            print("no browser was found to open it", file=sys.stderr)


COMMANDS = (
    (
        report,
        examples(
            "hornbook report he_elu_bn --open",
            "hornbook report he_elu_bn default_adam",
            "hornbook report he_elu_bn --to markdown -o README.md",
        ),
    ),
)
