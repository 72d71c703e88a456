"""Puts what the cells of a lesson gave below them, in the pages that the site is made of."""

import base64
import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .cells import CELL, Outputs

BEGIN = re.compile(r"^\*Lesson .*?\*\n", re.MULTILINE | re.DOTALL)
"""The paragraph below a lesson's title."""
COLOR = re.compile(r"\x1b\[[0-9;]*m")
STYLE = re.compile(r"<style>(?:\s*\.dataframe.*?)</style>", re.DOTALL)
LINK = re.compile(r"<a href=\"(?!https?:)[^>]*>(.*?)</a>", re.DOTALL)
"""A link to a file that the lesson wrote, which is not there any more."""
WITHOUT = "This page was made without running the cells, so it has no outputs."


def with_outputs(text: str, outputs: Outputs | None, folder: Path) -> str:
    """Return a lesson's page with what its cells gave, and write the pictures of it.

    Args:
        text: The page.
        outputs: What the cells gave; None where they did not run, which the page then says.
        folder: For the pictures, beside the page.
    """
    if outputs is None:
        return BEGIN.sub(lambda begin: f"{begin[0]}\n{WITHOUT}\n", text, count=1)
    versions = ", ".join(f"{name} {number}" for name, number in outputs.versions.items())
    said = f"Below each cell stands what it gave on {outputs.date}, with {versions}. Seconds depend on the machine."
    text = BEGIN.sub(lambda begin: f"{begin[0]}\n{said}\n", text, count=1)
    cells = enumerate(outputs.cells, start=1)

    def with_output(cell: re.Match[str]) -> str:
        number, given = next(cells)
        parts = [part for place, one in enumerate(given, 1) for part in _shown(one, folder, f"{number}-{place}.png")]
        if not parts:
            return cell[0]
        return f'{cell[0]}\n\n<div class="cell-output" role="group" aria-label="output">\n{"".join(parts)}</div>\n'

    return CELL.sub(with_output, text)


def _shown(output: dict[str, Any], folder: Path, picture: str) -> Iterator[str]:
    """Return an output as HTML: a picture, a table or a drawing that is HTML already, else its text."""
    if output["output_type"] == "stream":
        yield _plain(output["text"])
        return
    data = output["data"]
    if "image/png" in data:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / picture).write_bytes(base64.b64decode(data["image/png"]))
        size = output["metadata"].get("image/png", {})
        measures = "".join(f' {key}="{value}"' for key, value in size.items())
        words = html.escape(data["text/plain"])
        yield f'<p class="cell-picture"><img src="{folder.name}/{picture}" alt="{words}"{measures}></p>\n'
    elif "text/html" in data:
        inside = LINK.sub(r"\1", STYLE.sub("", data["text/html"]))
        yield f'<div class="cell-html">{inside}</div>\n'
    else:
        yield _plain(data["text/plain"])


def _plain(text: str) -> str:
    return f"<pre>{html.escape(COLOR.sub('', text).rstrip()).replace('`', '&#96;')}</pre>\n"
