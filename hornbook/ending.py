"""Ends the command line's process: without taking TensorFlow apart, and at Ctrl-C in one line.

Python takes almost a second to take TensorFlow apart. Imports the standard library alone, because Ctrl-C is to be heard
before anything else is imported.
"""

import atexit
import contextlib
import gc
import io
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import PurePath
from typing import NoReturn

__all__ = ["hear_ctrl_c", "leave_after", "leave_at_ctrl_c"]

INTERRUPTED = 130  # as shells say it: 128, and the number of SIGINT
BUFFERED = {io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom}


def leave_after(main: Callable[[], None]) -> NoReturn:
    """Call `main`, then end the process with its exit code.

    What Python promises at the end is kept: threads are waited for, functions of `atexit` called, and what a file left
    open still holds (a plugin's, say) is written. Only modules and their objects are not taken apart one by one.

    Args:
        main: Returns, or raises SystemExit. Any other exception is shown with its traceback, as Python does it. Under a
            profiler, a debugger or ``python -i`` the process ends as ever: they have work left then.
    """
    if _is_watched():
        main()
        sys.exit()
    code = 0
    try:
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    try:
        threading._shutdown()  # type: ignore[attr-defined]  # what Python itself calls first; no public name does the same
        atexit._run_exitfuncs()
    except KeyboardInterrupt:
        code = INTERRUPTED
    _write_open_files()
    os._exit(code)


def leave_at_ctrl_c() -> None:
    """Let Ctrl-C end the process at once with one line, in the program `hornbook` alone, until `hear_ctrl_c` is called.

    There is nothing to lose while a command's modules are imported, and nobody who would catch the exception.
    """
    words = sys.orig_argv[1:]
    is_command = bool(words) and (PurePath(words[0]).stem == "hornbook" or words[:2] == ["-m", "hornbook"])
    if is_command and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)


def hear_ctrl_c() -> None:
    """Let Ctrl-C raise KeyboardInterrupt again."""
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _leave(number: int, frame: object) -> NoReturn:
    os.write(2, b"interrupted\n")
    os._exit(INTERRUPTED)


def _is_watched() -> bool:
    monitoring = getattr(sys, "monitoring", None)  # from Python 3.12 on, for cProfile and coverage among others
    tools = [monitoring.get_tool(number) for number in range(6)] if monitoring else []
    return bool(sys.flags.interactive or sys.getprofile() or sys.gettrace() or any(tools))


def _write_open_files() -> None:
    gc.unfreeze()
    for file in gc.get_objects():
        if type(file) in BUFFERED:
            with contextlib.suppress(OSError, ValueError):  # a reader that has gone, a file that is closed
                file.flush()
