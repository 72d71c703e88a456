"""Starts programs without importing TensorFlow each time, which takes seconds of each process.

`Warm()` starts one process that has everything imported and has run no operation, and writes two executables into a
folder of its own: `hornbook` and `python`. Each asks that process to fork a child, which runs the command with the caller's
arguments, folder, environment and streams. The executable passes SIGINT, SIGTERM and SIGHUP on and ends as the child ends; a child
whose executable is killed is killed too.

Whatever Python and TensorFlow read before the first import is the same for all children: PYTHON* variables except
PYTHONPATH, the hash seed, the devices that are visible. Tests of the start itself, of memory, and of bits that must not
depend on the process take a real process.
"""

import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EXECUTABLE = """\
#!{python} -SE
import json, os, signal, socket, sys
server = socket.socket(socket.AF_UNIX)
server.connect({address!r})
request = json.dumps({{"argv": sys.argv, "cwd": os.getcwd(), "env": dict(os.environ)}}).encode()
socket.send_fds(server, [len(request).to_bytes(4, "big")], [0, 1, 2])
server.sendall(request)
pid = int.from_bytes(server.recv(4), "big")
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, lambda number, frame: os.kill(pid, number))
code = int.from_bytes(server.recv(4), "big", signed=True)
if code < 0:
    signal.signal(-code, signal.SIG_DFL) if -code != signal.SIGKILL else None
    os.kill(os.getpid(), -code)
os._exit(code)
"""


class Warm:
    """The process that forks, for as long as this object is not closed.

    Several test processes may share one: `Warm(folder)` uses the process that `folder` of another `Warm` belongs to.

    Attributes:
        hornbook: The executable to put in the place of `hornbook`.
        python: The executable that takes a script, `-m module` or `-c code` like Python.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._temporary = self._process = None
        if folder is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="warm-")  # the address of a socket has to be short
            folder = Path(self._temporary.name)
            address = folder / "socket"
            self._process = subprocess.Popen([sys.executable, __file__, address], stdin=subprocess.PIPE)
            for name in ("hornbook", "python"):
                path = folder / name
                path.write_text(EXECUTABLE.format(python=sys.executable, address=str(address)), encoding="utf-8")
                path.chmod(0o755)
        self.folder = folder
        self.hornbook, self.python = folder / "hornbook", folder / "python"

    def wait(self) -> None:
        """Return when the process has imported everything."""
        end = time.monotonic() + 120
        while not (self.folder / "socket").exists():
            if (self._process is not None and self._process.poll() is not None) or time.monotonic() > end:
                raise RuntimeError("the process that forks has ended")
            time.sleep(0.02)

    def path(self) -> str:
        """Return a PATH on which these executables come first, and those beside this Python next."""
        return os.pathsep.join([str(self.folder), str(Path(sys.executable).parent), os.environ["PATH"]])

    def close(self) -> None:
        """End the process, if it is this one's own."""
        if self._process is not None and self._temporary is not None:
            self._process.stdin.close()
            self._process.wait()
            self._temporary.cleanup()


def import_everything() -> None:
    """Import what commands import, TensorFlow first and the way they do."""
    from hornbook import startup

    startup.import_for_command()
    for name in (
        "matplotlib.backends.backend_svg",
        "scipy.stats",
        "sklearn.datasets",
        "sklearn.model_selection",
        "hornbook.cli",
        "hornbook.inference.evaluate",
        "hornbook.sweep.sweep",
        "hornbook.trainer.resume",
        "hornbook.trainer.train",
    ):
        importlib.import_module(name)


def serve(address: str) -> dict[str, object]:
    """Fork a child per request until the standard input ends; returns a request, in a child."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{address}.new")
        listener.listen(64)
        os.rename(f"{address}.new", address)  # whoever sees it can connect
        children: dict[int, socket.socket] = {}
        while True:
            ready, _, _ = select.select([listener, 0, *children.values()], [], [], 0.02 if children else None)
            if 0 in ready:
                for pid in children:
                    os.kill(pid, signal.SIGKILL)
                os._exit(0)
            for pid, asker in list(children.items()):
                if asker in ready:  # it never writes again, so it has gone
                    os.kill(pid, signal.SIGKILL)
                ended, status = os.waitpid(pid, 0 if asker in ready else os.WNOHANG)
                if ended:
                    end(asker, os.waitstatus_to_exitcode(status))
                    del children[pid]
            if listener in ready:
                asker, _ = listener.accept()
                request, streams = receive(asker)
                if request is None:  # it was killed before it had asked
                    asker.close()
                    continue
                pid = os.fork()
                if not pid:
                    for each in (asker, *children.values()):
                        each.close()
                    return request | {"streams": streams}
                for stream in streams:
                    os.close(stream)
                children[pid] = asker
                with contextlib.suppress(OSError):  # it has gone: its child is killed above
                    asker.sendall(pid.to_bytes(4, "big"))


def end(asker: socket.socket, code: int) -> None:
    """Send an exit code, if anybody is still there to read it."""
    with asker, contextlib.suppress(OSError):
        asker.sendall(code.to_bytes(4, "big", signed=True))


def receive(asker: socket.socket) -> tuple[dict[str, object] | None, list[int]]:
    """Read a request and its three streams; None for the request if the asker ends before it is complete."""
    size, streams, _, _ = socket.recv_fds(asker, 4, 3)
    count, text = int.from_bytes(size, "big"), b""
    while len(text) < count and (part := asker.recv(count - len(text))):
        text += part
    if text and len(text) == count:
        return json.loads(text), streams
    for stream in streams:
        os.close(stream)
    return None, []


def become(argv: list[str], cwd: str, env: dict[str, str], streams: list[int]) -> None:
    """Take over everything in which a child of this process differs from a fresh one."""
    import random

    import numpy as np

    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.path[1:1] = [folder for folder in env.get("PYTHONPATH", "").split(os.pathsep) if folder]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # pytest itself may run under nohup
    random.seed()
    np.random.seed()
    sys.argv = argv


def run(argv: list[str]) -> None:
    """Run what the arguments ask for, as the main program."""
    program, *arguments = argv
    if Path(program).name == "hornbook":
        import hornbook.cli

        sys.path.pop(0)  # this file's folder
        hornbook.cli.main()
        return
    kind = arguments[0]
    sys.argv = arguments[1:] if kind == "-m" else arguments
    sys.path[0] = str(Path(kind).resolve().parent) if not kind.startswith("-") else ""
    if kind == "-m":
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    elif kind == "-c":
        sys.argv = ["-c", *arguments[2:]]
        exec(arguments[1], {"__name__": "__main__"})
    else:
        runpy.run_path(kind, run_name="__main__")


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for pytest, which then closes the standard input
    import_everything()
    gc.collect()
    gc.freeze()  # a child that collects would otherwise copy every page
    gc.set_threshold(100_000, 20, 50)
    asked = serve(sys.argv[1])
    become(**asked)
    run(asked["argv"])
