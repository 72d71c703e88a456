"""Ctrl-C, SIGTERM and a closed terminal end a run at the next chunk; a second Ctrl-C ends it at once."""

import signal
import threading
from types import FrameType

from hornbook.display.terminal import reader_has_gone
from hornbook.errors import HornbookError

__all__ = ["Interrupted", "StopRequest", "signal_name"]

HANGUP = getattr(signal, "SIGHUP", None)
"""What a terminal that is closed sends; Windows has none."""
BROKEN_PIPE = 13  # SIGPIPE, which Windows has not either


def signal_name(number: int | None) -> str:
    """Return what a signal, or the exit code that it leads to, is called in words."""
    number = (number or 0) % 128
    if number == signal.SIGINT:
        return "Ctrl-C"
    if number == HANGUP:
        return "a closed terminal (SIGHUP)"
    return "a pipe that nobody reads" if number == BROKEN_PIPE else "SIGTERM"


class Interrupted(HornbookError):
    """A signal ended what trains several runs; the message says what is left of them."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class StopRequest:
    """While open, remembers the first signal instead of raising.

    One inside another knows of the other's signal, and leaves its own with it. Signals reach the main thread: one in another
    thread knows of those that the main thread's remembers.

    A hangup that is ignored (``nohup``), or that the program around has a use for, stays so. A closed terminal sends it more
    than once, by the kernel and by the shell: one that has come is the last that counts, also while the run is saved.
    A pipe without a reader ends a run as a signal does, unless hangups are ignored.
    """

    def __init__(self) -> None:
        self._own: int | None = None
        self._previous: dict[int, object] = {}
        self._main: StopRequest | None = None
        self._has_hung_up = False

    @property
    def signal(self) -> int | None:
        """The signal that came."""
        if self._own is None and self._main is not None:
            return self._main.signal
        if self._own is None and reader_has_gone() and not _ignores_hangups():
            return BROKEN_PIPE
        return self._own

    @signal.setter
    def signal(self, number: int | None) -> None:
        self._own = number

    def __enter__(self) -> "StopRequest":
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM, *_hangup()):
                self._previous[number] = signal.signal(number, self._remember)
        else:
            owner = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
            self._main = owner if isinstance(owner, StopRequest) else None
        for outer in self._around():
            self.signal = self.signal or outer.signal
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            is_over = number == HANGUP and self._has_hung_up and handler is signal.SIG_DFL
            signal.signal(number, signal.SIG_IGN if is_over else handler)  # type: ignore[arg-type]
        for outer in self._around():
            outer.signal = outer.signal or self.signal
            outer._has_hung_up = outer._has_hung_up or self._has_hung_up

    def _around(self) -> list["StopRequest"]:
        owners = [getattr(handler, "__self__", None) for handler in self._previous.values()]
        return [owner for owner in owners if isinstance(owner, StopRequest)]

    def _remember(self, number: int, frame: FrameType | None) -> None:
        if number == HANGUP:
            self._has_hung_up = True
            self.signal = self.signal or number
            return
        if self.signal not in (None, HANGUP, BROKEN_PIPE):
            raise KeyboardInterrupt
        self.signal = number

    @property
    def name(self) -> str:
        """What stopped the run, in words."""
        return signal_name(self.signal)

    @property
    def exit_code(self) -> int:
        """130 for Ctrl-C, 143 for SIGTERM, 129 for a hangup, 141 for a pipe without a reader, 0 without a signal."""
        return 128 + self.signal if self.signal is not None else 0


def _hangup() -> tuple[int, ...]:
    """Return the hangup's number where it would end the process, or another request to stop hears it."""
    if HANGUP is None:
        return ()
    handler = signal.getsignal(HANGUP)
    is_ours = handler is signal.SIG_DFL or isinstance(getattr(handler, "__self__", None), StopRequest)
    return (HANGUP,) if is_ours else ()


def _ignores_hangups() -> bool:
    return HANGUP is not None and signal.getsignal(HANGUP) is signal.SIG_IGN
