"""Ctrl-C and SIGTERM end a run at the next chunk; a second Ctrl-C ends it at once."""

import signal
import threading
from types import FrameType

from hornbook.errors import HornbookError

__all__ = ["Interrupted", "StopRequest"]


class Interrupted(HornbookError):
    """A signal ended what trains several runs; the message says what is left of them."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class StopRequest:
    """While open, remembers the first signal instead of raising.

    One inside another knows of the other's signal, and leaves its own with it. Signals reach the main thread: one in another
    thread knows of those that the main thread's remembers.
    """

    def __init__(self) -> None:
        self._own: int | None = None
        self._previous: dict[int, object] = {}
        self._main: StopRequest | None = None

    @property
    def signal(self) -> int | None:
        """The signal that came."""
        return self._own if self._own is not None or self._main is None else self._main.signal

    @signal.setter
    def signal(self, number: int | None) -> None:
        self._own = number

    def __enter__(self) -> "StopRequest":
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._remember)
        else:
            owner = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
            self._main = owner if isinstance(owner, StopRequest) else None
        for outer in self._around():
            self.signal = self.signal or outer.signal
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        for outer in self._around():
            outer.signal = outer.signal or self.signal

    def _around(self) -> list["StopRequest"]:
        owners = [getattr(handler, "__self__", None) for handler in self._previous.values()]
        return [owner for owner in owners if isinstance(owner, StopRequest)]

    def _remember(self, number: int, frame: FrameType | None) -> None:
        if self.signal is not None:
            raise KeyboardInterrupt
        self.signal = number

    @property
    def name(self) -> str:
        """What stopped the run, in words."""
        return "Ctrl-C" if self.signal == signal.SIGINT else "SIGTERM"

    @property
    def exit_code(self) -> int:
        """130 for Ctrl-C, 143 for SIGTERM, 0 without a signal."""
        return 128 + self.signal if self.signal is not None else 0
