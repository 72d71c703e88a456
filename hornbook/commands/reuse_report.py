"""The reuse-report command. TensorFlow is imported when it runs."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from hornbook.commands.completion import complete_run
from hornbook.commands.options import TrustOption, examples, find_whole, import_tensorflow

__all__ = ["COMMANDS"]


def reuse_report(
    run: Annotated[
        str,
        typer.Argument(metavar="RUN", help="A run that reused layers or was pretrained", autocompletion=complete_run),
    ],
    control: Annotated[
        bool, typer.Option("--control", help="Train the same recipe from scratch too, and both with further seeds")
    ] = False,
    seeds: Annotated[int, typer.Option(min=1, help="Seeds per side, with --control")] = 5,
    runs: Annotated[Path, typer.Option(help="Folder below which runs are made")] = Path("runs"),
    trust: TrustOption = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON")] = False,
) -> None:
    """Show what reused layers did, and what they gained."""
    find_whole(run, "result", "history", "reuse")
    import_tensorflow()
    from hornbook.study.reuse_report import reuse_report as report_of

    report = report_of(
        run, control=control, seeds=seeds, runs=runs, say=lambda text: print(text, file=sys.stderr), trust=trust
    )
    print(json.dumps(report.json(), indent=2) if as_json else report.text())


COMMANDS = (
    (
        reuse_report,
        examples(
            "hornbook reuse-report runs/fashion_b_on_a/latest",
            "hornbook reuse-report fashion_b_on_a --control --seeds 10",
        ),
    ),
)
