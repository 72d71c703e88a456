"""keras-tuner's chief and workers: its three environment variables, its gRPC service, and what Hornbook's messages hold.

A message's trial carries, beside keras-tuner's own fields, one text under the name `hornbook`: what is to be trained, or
how it ended. A recipe never travels; each side has its own, and the chief refuses workers with another one.
"""

import errno
import hashlib
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from keras_tuner.src import protos  # the service's messages are in no public module

from hornbook.errors import RunError, UsageError

__all__ = ["Caller", "Place", "check_address", "content_of", "fingerprint", "place_of", "trial_message"]

ID, IP, PORT = "KERASTUNER_TUNER_ID", "KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT"
BEAT_S = 2.0  # between two signs of life of a worker that trains
SILENCE_S = 14.0  # after so long without an answer a worker stops its trial: another may have it soon
LEASE_S = 20.0  # after so long without a sign of life a trial goes to another worker
CONTENT = "hornbook"
STATUS = protos.get_proto().TrialStatus


@dataclass(frozen=True)
class Place:
    """Where a process stands in a sweep over several machines.

    Attributes:
        tuner_id: The process's name; one with "chief" in it is the chief's.
        address: ``ip:port`` of the chief.
    """

    tuner_id: str
    address: str

    @property
    def is_chief(self) -> bool:
        """Return whether this process hands out trials, by keras-tuner's rule."""
        return "chief" in self.tuner_id


def place_of(environment: Mapping[str, str]) -> Place | None:
    """Return what keras-tuner's variables say, or None where none is set.

    Raises:
        UsageError: If only some of them are set, or the port is none.
    """
    given = {name: environment.get(name, "").strip() for name in (ID, IP, PORT)}
    missing = [name for name, value in given.items() if not value]
    if len(missing) == len(given):
        return None
    if missing:
        here = ", ".join(name for name in given if name not in missing)
        raise UsageError(
            f"{here} {'is' if len(missing) == 2 else 'are'} set, but not {' and '.join(missing)}. A sweep over several "
            "machines needs all three (docs/sweep.md); unset all for one machine."
        )
    port = given[PORT]
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise UsageError(f"{PORT}: expected a port between 1 and 65535, found {port!r}.")
    ip = f"[{given[IP]}]" if ":" in given[IP] else given[IP]  # of version 6
    return Place(given[ID], f"{ip}:{int(port)}")


def check_address(place: Place) -> None:
    """Make sure that a chief can listen where it is to.

    Raises:
        RunError: If the address is not this machine's, or taken.
    """
    ip, _, port = place.address.rpartition(":")
    try:
        family, kind, _, _, where = socket.getaddrinfo(ip.strip("[]"), int(port), type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(where)
    except OSError as error:
        who = f"This process is {place.tuner_id!r}, and an id with 'chief' in it makes a chief."
        if error.errno == errno.EADDRINUSE:
            raise RunError(f"{place.address}: the port is taken, perhaps by another chief. {who}") from error
        raise RunError(
            f"{place.address}: a chief cannot listen here ({error.strerror}). {IP} has to be one of its addresses. {who}"
        ) from error


@dataclass(frozen=True)
class Caller:
    """Who calls, sent with every call.

    Attributes:
        tuner_id: The worker's name.
        process: What tells it from others of that name.
        sweep: Fingerprint of the recipe with its overrides.
    """

    tuner_id: str
    process: str
    sweep: str

    def metadata(self) -> tuple[tuple[str, str], ...]:
        """Return it as gRPC sends it."""
        return tuple((f"hornbook-{name}-bin", value.encode()) for name, value in vars(self).items())

    @classmethod
    def of(cls, metadata: Any) -> "Caller | None":
        """Return who called; None where it is no `hornbook sweep`."""
        found = dict(metadata)
        names = ("tuner_id", "process", "sweep")
        values = [found.get(f"hornbook-{name}-bin") for name in names]
        return None if None in values else cls(*(value.decode() for value in values if value is not None))


def fingerprint(source: str) -> str:
    """Return what chief and workers must have in common: the recipe's text and overrides, and this version."""
    return hashlib.sha256(f"{version('hornbook')}\n{source}".encode()).hexdigest()[:16]


def trial_message(number: int | None, status: str, content: Mapping[str, Any] | None = None) -> Any:
    """Return keras-tuner's message of a trial; without a number one that is none."""
    kinds = protos.get_proto()
    values = {CONTENT: kinds.Value(string_value=json.dumps(content))} if content is not None else {}
    return kinds.Trial(
        trial_id="" if number is None else f"{number:04d}",
        status=STATUS.Value(status),
        hyperparameters=kinds.HyperParameters(values=kinds.HyperParameters.Values(values=values)),
    )


def content_of(trial: Any) -> dict[str, Any]:
    """Return what `trial_message` put in; empty where there is nothing."""
    values = trial.hyperparameters.values.values
    return dict(json.loads(values[CONTENT].string_value)) if CONTENT in values else {}
