"""The report command. TensorFlow is imported when it runs."""

import sys
import webbrowser
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from hornbook.commands.options import TrustOption, examples, import_tensorflow
from hornbook.display.text import path_text
from hornbook.errors import RunError, UsageError
from hornbook.runs.directory import find_run
from hornbook.runs.studies import study_page
from hornbook.runs.sweeps import sweep_page

__all__ = ["COMMANDS", "write_page_of"]


class Form(StrEnum):
    """What to write."""

    html = "html"
    markdown = "markdown"


def report(
    runs: Annotated[
        list[str],
        typer.Argument(metavar="RUN", help="Runs: folders, runs/NAME/latest, recipes' names; or a sweep or ablation"),
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file to write; omitted: in the run's folder")
    ] = None,
    to: Annotated[Form, typer.Option(help="html: a page to look at; markdown: a model card for a hub")] = Form.html,
    opened: Annotated[bool, typer.Option("--open", help="Open the page in a browser")] = False,
    trust: TrustOption = False,
) -> None:
    """Write a run's page: one HTML file to look at.

    Curves, confusion, wrong examples, layers, recipe; nothing is loaded from elsewhere. A sweep or an ablation has its page
    already, and its path is printed.
    """
    if output is not None and len(runs) > 1:
        raise UsageError(f"--output {output} is one file, and there would be {len(runs)} pages. Name one run.")
    finished = {name: sweep_page(name) or study_page(name) for name in runs}
    found = {name: find_run(name) for name in runs if finished[name] is None}
    if to is Form.markdown and len(found) < len(runs):
        raise UsageError("--to markdown: a card is about one model. Name a run of the sweep or ablation.")
    if output is not None and not found:
        raise UsageError(f"--output {output}: the page is written already, {finished[runs[0]]}. Copy it from there.")
    for name in runs:
        path = finished[name] or write_page_of(found[name].path, output=output, to=to, trust=trust)
        print(path_text(path))
        if opened and not webbrowser.open(path.absolute().as_uri()):
            print("no browser was found to open it", file=sys.stderr)


def write_page_of(run: Path, *, output: Path | None = None, to: Form = Form.html, trust: bool = False) -> Path:
    """Write the page or the card of a run's folder; returns its file."""
    import_tensorflow()
    from hornbook.doctor.diagnose import diagnose
    from hornbook.inference.card import write_card
    from hornbook.inference.page import write_page

    write = write_card if to is Form.markdown else write_page
    try:
        findings = [finding.record() for finding in diagnose(run).findings if not finding.follows_from]
    except RunError:  # what is damaged is named on the page
        findings = None
    return write(find_run(run), output=output, findings=findings, trust=trust)


COMMANDS = (
    (
        report,
        examples(
            "hornbook report he_elu_bn --open",
            "hornbook report he_elu_bn --to markdown -o README.md",
        ),
    ),
)
