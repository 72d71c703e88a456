"""The page or card that runs, a sweep or an ablation have, written where it is not: `hornbook report`, here and in Python.

TensorFlow is imported for a page or card of one run alone, whose model has to predict.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path, PosixPath
from typing import Any
from urllib.parse import quote

from hornbook.atomic import write_text
from hornbook.display.text import path_text
from hornbook.errors import HornbookError, RunError, UsageError
from hornbook.runs.directory import Run, find_run
from hornbook.runs.studies import study_page
from hornbook.runs.sweeps import sweep_page

__all__ = ["Page", "write_page_of", "write_pages"]


class Page(PosixPath):
    """The path of a page; a notebook shows it as a link."""

    def _repr_html_(self) -> str:
        from html import escape

        below = os.path.relpath(self)  # a notebook's server shows what is below its folder
        link = self.absolute().as_uri() if below.startswith(os.pardir) else quote(below)
        return f'<a href="{escape(link)}" target="_blank">{escape(path_text(self))}</a>'


def write_pages(
    names: Sequence[str],
    *,
    output: Path | None = None,
    as_card: bool = False,
    trust: bool = False,
    import_tensorflow: Callable[[], None],
) -> list[Path]:
    """Write what `hornbook report` is asked for; returns the files.

    One run gets its page, several the page that compares them; a sweep and an ablation have theirs. Each run gets a card
    of its own.

    Args:
        names: Runs, or one sweep or ablation: folders, or names below ``runs``.
        output: The file to write; omitted: in the run's folder.
        as_card: Whether to write model cards.
        trust: Whether code that a run's model holds may be run.
        import_tensorflow: Called where it is needed.

    Raises:
        UsageError: If there is no such run, or what is asked for cannot be meant.
        RunError: If a page cannot be written.
    """
    if output is not None:
        _check_place(output)
    finished = {name: page for name in names if (page := sweep_page(name) or study_page(name)) is not None}
    runs = list({run.path: run for name in names if name not in finished for run in [find_run(name)]}.values())
    if as_card:
        if finished:
            raise UsageError("--to markdown: a card is about one model. Name a run of the sweep or ablation.")
        if output is not None and len(runs) > 1:
            raise UsageError(f"--output {output} is one file, and there would be {len(runs)} cards. Name one run.")
        import_tensorflow()
        return [write_page_of(run, output=output, as_card=True, trust=trust) for run in runs]
    if finished and len(names) > 1:
        name, page = next(iter(finished.items()))
        raise UsageError(
            f"{name}: a sweep or ablation has a page of its own, {path_text(page)}. Several runs are compared on one page: "
            "name runs alone."
        )
    if finished:
        return [_copied(page, output) for page in finished.values()]
    if len(runs) == 1:
        import_tensorflow()
        return [write_page_of(runs[0], output=output, trust=trust)]
    from hornbook.study.comparison_page import write_comparison

    return [write_comparison(runs, output=output, findings={run.path: _findings(run) for run in runs})]


def write_page_of(run: Run, *, output: Path | None = None, as_card: bool = False, trust: bool = False) -> Path:
    """Write the page or the card of one run; returns its file. TensorFlow has to be imported."""
    from hornbook.inference.report.card import card_of
    from hornbook.inference.report.page import page_of

    text = (card_of if as_card else page_of)(run, findings=_findings(run), trust=trust)
    path = output if output is not None else run.card_path if as_card else run.page_path
    try:
        write_text(path, text)
    except RunError as error:
        if output is not None:
            raise
        raise RunError(f"{error} --output FILE (in Python output=) writes it elsewhere.") from error
    return path


def _check_place(output: Path) -> None:
    """Find out before the work is done that there is no such folder to write a file into.

    Raises:
        UsageError: If there is none, or the file is a folder itself.
    """
    folder = output.absolute().parent
    if os.path.isdir(output):
        raise UsageError(f"--output {output}: this is a folder. Name a file in it.")
    if not os.path.isdir(folder):
        raise UsageError(
            f"--output {output}: there is no folder {path_text(folder)}. Make it first, or name another file."
        )


def _findings(run: Run) -> list[dict[str, Any]] | None:
    """Return what the doctor finds; None where a file cannot be read or understood, which pages say themselves."""
    from hornbook.doctor.diagnose import diagnose

    try:
        return [finding.record() for finding in diagnose(run.path).findings if not finding.follows_from]
    except HornbookError:
        return None


def _copied(page: Path, output: Path | None) -> Path:
    """Return a page that is written already, or its copy."""
    if output is None:
        return page
    try:
        text = page.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(f"{page}: cannot be read ({error}).") from error
    write_text(output, text)
    return output
