"""A service from its first check to its end: address, token and runs are looked at before anything takes time."""

import errno
import ipaddress
import logging
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hornbook.errors import UsageError
from hornbook.runs.directory import Run, find_run
from hornbook.serving.facts import model_name

__all__ = ["Wanted", "bind", "check_extra", "check_token", "names_of", "serve"]

PACKAGES = ("fastapi", "fastapi_offline", "uvicorn", "orjson", "multipart", "prometheus_client")
SHORTEST_TOKEN = 16
MAKE = "python -c 'import secrets; print(secrets.token_urlsafe())'"


def check_extra() -> None:
    """Raise a UsageError with its install line where what a service needs is not installed."""
    import importlib.util

    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(f"serve: needs {', '.join(missing)}. Install it: pip install 'hornbook[serve]'")


def check_token(host: str, token: str | None) -> None:
    """Raise a UsageError where a service that others reach has no token, or one that can be guessed."""
    if token is None:
        if not _is_loopback(host):
            raise UsageError(
                f"--host {host}: others reach this address, so requests need a token. Make one ({MAKE}) and put it into "
                "HORNBOOK_TOKEN."
            )
        return
    if len(token) < SHORTEST_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
        raise UsageError(
            f"the token has to be {SHORTEST_TOKEN} or more letters, digits and signs without spaces. Make one: {MAKE}"
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True)
class Wanted:
    """A model that is to answer.

    Attributes:
        run: The run.
        asked: How it was asked for: a name or ``NAME/latest`` is followed to newer ones.
        head: Which of several heads it is; None for a run with one.
    """

    run: Run
    asked: str
    head: str | None = None


def names_of(asked: Sequence[str]) -> dict[str, Wanted]:
    """Return what is asked for by the names of its models: those of recipes, of each of several heads `RECIPE-HEAD`.

    Raises:
        UsageError: If one does not exist, or two have the same name.
        RunError: If files are missing or damaged.
    """
    wanted: dict[str, Wanted] = {}
    for each in asked:
        run = find_run(each)
        data, _ = run.data, run.model_path()
        readable = {"text", "picture"} if "picture_columns" in data.get("extra", {}) else {"text"}
        beside = ", ".join(f"'{block['name']}'" for block in data.get("blocks", ()) if block["kind"] not in readable)
        if beside:
            raise UsageError(
                f"{each}: a service reads columns, texts and picture files, and this run reads {beside}, arrays from "
                "Python. Use 'hornbook predict'."
            )
        for head in [head["name"] for head in data.get("heads", ())] or [None]:
            name = model_name(run.path, head)
            if name in wanted:
                before = wanted[name].run.path.name
                raise UsageError(f"{each}: there is a run of '{name}' already ({before}). A name answers once.")
            wanted[name] = Wanted(run, each, head)
    return wanted


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that is bound to an address.

    Raises:
        UsageError: If it cannot be: the port is in use, needs rights, or the host is none of this machine.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (socket.gaierror, UnicodeError):
        raise UsageError(f"--host {host}: there is no such address.") from None
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(1)  # taken from now on: a second service is told at once
    except OSError as error:
        made.close()
        if error.errno == errno.EADDRINUSE:
            raise UsageError(f"--port {port}: in use. Choose another one, or stop what listens there.") from None
        if error.errno in {errno.EACCES, errno.EPERM}:
            raise UsageError(f"--port {port}: not allowed to you. Choose one from 1024 on.") from None
        raise UsageError(f"--host {host}: cannot listen there ({error.strerror}).") from None
    return made


def serve(
    wanted: Mapping[str, Wanted],
    listening: socket.socket,
    *,
    token: str | None,
    limits: Mapping[str, Any],
    trust: bool = False,
) -> None:
    """Load runs, answer until a signal comes, and end what was begun.

    Args:
        wanted: What `names_of` returned.
        listening: Where.
        token: What requests have to show; None for none.
        limits: As `Limits` takes them.
        trust: Whether code that a model holds may be run.

    Raises:
        RunError: If a run cannot be loaded.
    """
    from hornbook.serving.models import load_model

    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # ends what loads a run, too
    log = _log()
    models = []
    for name, each in wanted.items():
        run = each.run
        log.info("%s: loading %s …", name, run.path.name)
        model = load_model(run.path, head=each.head, trust=trust)
        if run.result["state"] != "finished":
            log.warning("%s: this run is %s, not finished.", name, run.result["state"])
        log.info("%s: %s, %s", name, model.facts.runtime, model.facts.proof)
        models.append(model)
    from hornbook.serving.server import answer
    from hornbook.serving.service import Limits, Service

    service = Service({name: each.asked for name, each in wanted.items()}, models, Limits(**limits), trust=trust)
    answer(service, listening, token=token)


def _log() -> logging.Logger:
    """Return the log, which goes to stderr, one line a message."""
    log = logging.getLogger("hornbook.serving")
    if not log.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S"))
        for name in ("hornbook.serving", "uvicorn.error"):
            logging.getLogger(name).addHandler(handler)
        log.setLevel(logging.INFO)
        logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
        logging.getLogger("python_multipart").setLevel(logging.ERROR)  # a line for each byte of a malformed upload
    return log
