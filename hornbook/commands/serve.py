"""The serve command. What it needs beside Hornbook is imported when it runs."""

import os
from typing import Annotated

import typer

from hornbook.commands.completion import complete_run
from hornbook.commands.options import TrustOption, examples

__all__ = ["COMMANDS"]

TOKEN = "HORNBOOK_TOKEN"


def serve(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN…",
            help="Runs; a name, or NAME/latest, is followed to newer ones",
            autocompletion=complete_run,
        ),
    ],
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where to listen; 0: any that is free")] = 8080,
    host: Annotated[str, typer.Option(help="The address; others than this machine's own need a token")] = "127.0.0.1",
    token: Annotated[
        str | None, typer.Option(metavar="TEXT", help=f"What requests have to show; better in {TOKEN}")
    ] = None,
    max_body: Annotated[int, typer.Option(min=1, metavar="MB", help="Largest request")] = 16,
    max_rows: Annotated[int, typer.Option(min=1, metavar="N", help="Most rows of a request")] = 4096,
    deadline: Annotated[float, typer.Option(min=0.1, metavar="SECONDS", help="Longest that a request may take")] = 30.0,
    trust: TrustOption = False,
) -> None:
    """Answer requests with the models of runs.

    Tables by column name, pictures, raw numbers and the KServe V2 protocol, with a page to try it at /.
    """
    from hornbook.serving.serve import bind, check_extra, check_token, names_of, serve

    token = token if token is not None else os.environ.get(TOKEN) or None
    check_token(host, token)
    found = names_of(runs)
    check_extra()
    listening = bind(host, port)
    limits = {"body": max_body * 2**20, "rows": max_rows, "deadline_s": deadline}
    with listening:
        serve(found, listening, token=token, limits=limits, trust=trust)


COMMANDS = (
    (
        serve,
        examples(
            "hornbook serve he_elu_bn",
            "hornbook serve runs/houses/latest runs/digits/latest --port 9000",
            "hornbook serve he_elu_bn --max-rows 100 --deadline 5",
        ),
    ),
)
