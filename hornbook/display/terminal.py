"""All text on its way to a terminal: control characters are written as escapes, and a terminal that has gone takes none.

A recipe or a table may hold them, and a terminal obeys them: it moves the cursor, changes colours or titles, rings. The
command line puts `Escaping` in front of its two streams, so whatever is printed goes through it; what rich draws goes around
it, because rich's own control characters are meant, and its texts come from `line`.
"""

import errno
import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from hornbook.errors import escaped

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

__all__ = ["Bar", "Escaping", "console", "data_stream", "escaping_streams", "line", "passing", "reader_has_gone"]


class Escaping:
    """A text stream that writes control characters other than ends of lines and tabs as escapes: ``\\x1b``, ``\\r``."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """Write a text."""
        self.stream.write(escaped(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write several texts."""
        for text in lines:
            self.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


class Lasting:
    """A text stream that outlives its terminal: what cannot be shown any more is dropped, and the work goes on.

    A closed terminal answers EIO. A pipe whose reader has gone raises as ever on stdout, where results are what a command is
    for. On stderr it only leaves a mark, by which who trains ends in good order.

    Args:
        stream: What is written to.
        raises: Whether a pipe without a reader is an error.
    """

    def __init__(self, stream: TextIO, *, raises: bool) -> None:
        self._stream, self._raises = stream, raises
        self.has_lost_reader = False

    def write(self, text: str) -> int:
        """Write a text, where there is still somebody to read it."""
        with self._enduring():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Write what is held back."""
        with self._enduring():
            self._stream.flush()

    @contextmanager
    def _enduring(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno != errno.EIO and (self._raises or not isinstance(error, BrokenPipeError)):
                raise
            self.has_lost_reader = self.has_lost_reader or isinstance(error, BrokenPipeError)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def reader_has_gone() -> bool:
    """Return whether the command line's stderr is a pipe that nobody reads any more."""
    stream = sys.stderr.stream if isinstance(sys.stderr, Escaping) else None
    return isinstance(stream, Lasting) and stream.has_lost_reader


@contextmanager
def escaping_streams() -> Iterator[None]:
    """Escape what is written to stdout and stderr, in the command line's process; a terminal may go meanwhile."""
    saved = sys.stdout, sys.stderr
    out, err = Lasting(saved[0], raises=True), Lasting(saved[1], raises=False)
    sys.stdout, sys.stderr = Escaping(out), Escaping(err)  # type: ignore[arg-type]
    try:
        yield
    finally:
        sys.stdout, sys.stderr = saved


class Bar:
    """A line on stderr that says how far something long has come, in the command line's terminal and nowhere else.

    Args:
        what: What is done: ``predicting``.
        total: How much of it there is.
        patience_s: Seconds that nothing is said.
    """

    def __init__(self, what: str, total: int, *, patience_s: float = 1.0) -> None:
        self._what, self._total, self._drawn = what, max(total, 1), ""
        self._next = time.monotonic() + patience_s
        self._is_shown = _can_redraw()

    def move(self, done: int) -> None:
        """Say that so much is done."""
        if self._is_shown and time.monotonic() >= self._next:
            self._next = time.monotonic() + 0.1
            filled = 30 * done // self._total
            self._drawn = f"{self._what}  {'━' * filled}{' ' * (30 - filled)} {100 * done // self._total:>3} %"
            _draw(self._drawn)

    def close(self) -> None:
        """Take the line away."""
        if self._drawn:
            _draw("")


@contextmanager
def passing(text: str) -> Iterator[None]:
    """Show a text on stderr while something is waited for, in the command line's terminal and nowhere else."""
    is_shown = _can_redraw()
    if is_shown:
        _draw(text)
    try:
        yield
    finally:
        if is_shown:
            _draw("")


def _can_redraw() -> bool:
    """Return whether stderr is the command line's, and shows a line in the place of another one."""
    return isinstance(sys.stderr, Escaping) and sys.stderr.isatty() and not _in_notebook()


def _draw(text: str) -> None:
    """Put a text in the place of the terminal's last line; an empty one leaves that free."""
    stream = sys.stderr
    if isinstance(stream, Escaping):
        stream.stream.write(f"\r\x1b[K{text}")
        stream.flush()


def data_stream() -> TextIO:
    """Return stdout for data that a program reads: as it is in a file or a pipe, escaped in a terminal."""
    stream: Any = sys.stdout
    is_raw = isinstance(stream, Escaping) and not stream.isatty()
    return stream.stream if is_raw else stream  # type: ignore[no-any-return]


def console(*, stderr: bool = False, quiet: bool = False) -> "Console":
    """Return rich's console on stderr or stdout; print only what `line` returns on it."""
    from rich.console import Console

    stream: Any = sys.stderr if stderr else sys.stdout
    file: Any = stream.stream if isinstance(stream, Escaping) else None
    if file is None and stream is not None:
        file = Lasting(stream, raises=True)  # a program's own terminal may go as well
    is_terminal = False if _in_notebook() else None  # None: rich finds out
    return Console(
        file=file, stderr=stderr, highlight=False, quiet=quiet, force_terminal=is_terminal, force_jupyter=False
    )


def _in_notebook() -> bool:
    """Return whether what is printed ends in a notebook: of this process, or of a command that one has started.

    A notebook gives its commands a terminal, and asks them for colours by FORCE_COLOR, but keeps every state of a line that
    is drawn again and again. Rich's own way to a notebook makes an output of its own of every line. What Jupyter sets for
    its kernels, and Matplotlib's backend in all of them, tell one.
    """
    return "JPY_PARENT_PID" in os.environ or os.environ.get("MPLBACKEND", "").endswith("backend_inline")


def line(text: str) -> "Text":
    """Return a text as rich prints it: no markup, control characters as escapes."""
    from rich.text import Text

    return Text(escaped(text))
