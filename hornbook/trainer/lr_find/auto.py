"""`optimizer.learning_rate: auto`: finds the rate of a prepared run, or ends with the reasons and a picture."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from hornbook.callbacks.rates import rate_table
from hornbook.errors import InconclusiveError
from hornbook.runs.writing import RunDirectory, write_failed_search
from hornbook.trainer.lr_find.plot import svg, text_plot
from hornbook.trainer.lr_find.report import as_json
from hornbook.trainer.lr_find.search import search_rate
from hornbook.trainer.lr_find.suggest import Search
from hornbook.trainer.prepare import Prepared

__all__ = ["picture_of_failure", "with_found_rate", "write_search"]

HINT = "Give optimizer.learning_rate a number; 'hornbook lr-find' has options for another range or more steps."


def with_found_rate(prepared: Prepared) -> tuple[Prepared, Search]:
    """Return the same run with the learning rate that its range tests suggest, and the tests.

    Its recipe holds the number, and trains again as it is.

    Raises:
        InconclusiveError: If they suggest none. There is no default to fall back to.
        Interrupted: If a signal ended them.
    """
    search = search_rate(prepared)
    if search.rate is None:
        reasons = "\n".join(f"  {reason}" for reason in search.reasons)
        message = f"optimizer.learning_rate: auto found nothing, the range test is inconclusive.\n{reasons}\n{HINT}"
        raise InconclusiveError(message, search)
    recipe = prepared.recipe.replaced({"optimizer.learning_rate": search.rate})
    prepared.built.optimizer.learning_rate.assign(search.rate)
    table = rate_table(recipe, batches=prepared.table.batches)
    return replace(prepared, recipe=recipe, table=table), search


@contextlib.contextmanager
def picture_of_failure(runs: Path, name: str) -> Iterator[None]:
    """Let an inconclusive search that happens while this is open show its plot and leave a picture.

    Raises:
        InconclusiveError: The same error, with the plot and the picture's file in its message.
    """
    try:
        yield
    except InconclusiveError as error:
        search = error.search
        if not isinstance(search, Search):
            raise
        path = write_failed_search(runs, name, svg(search, f"{name}: inconclusive"))
        raise InconclusiveError("\n".join([*text_plot(search), f"{error}", f"Picture: {path}"]), search) from error


def write_search(run: RunDirectory, search: Search, title: str) -> None:
    """Write how a run's rate was found, where it was `auto`."""
    run.write_rate_search(as_json(search), svg(search, title))
