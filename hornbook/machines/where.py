"""What `--on` and `--each` say: which cluster trains, and how much of a machine each run gets. No Ray below this line."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from hornbook.errors import UsageError

__all__ = ["Share", "Where", "refuse_chief", "where_of"]

SCHEME = "ray://"
ADDRESS = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\s:/\[\]]+):(\d{1,5})")
CHIEF = ("KERASTUNER_TUNER_ID", "KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT")


@dataclass(frozen=True)
class Share:
    """What is reserved for a run.

    Attributes:
        cpus: Cores; fractions are possible.
        gpus: GPUs; two runs of 0.5 each share one.
    """

    cpus: float
    gpus: float = 0.0

    def text(self) -> str:
        """Return it in words: ``2 CPUs and 0.5 GPUs``."""
        parts = [(self.cpus, "CPU"), (self.gpus, "GPU")]
        return " and ".join(f"{amount:g} {name}{'' if amount == 1 else 's'}" for amount, name in parts if amount)


@dataclass(frozen=True)
class Where:
    """Who trains.

    Attributes:
        address: ``host:port`` of a cluster; None for the one that Ray knows of, or else this machine.
        share: What each run gets; None where network and machines decide.
        has_gpus: Whether GPUs may be used.
    """

    address: str | None = None
    share: Share | None = None
    has_gpus: bool = True


def where_of(on: str | None, each: str | None = None, *, device: str | None = None) -> Where | None:
    """Return what the options say, None without `--on`.

    Args:
        on: ``ray`` or ``ray://host:port``.
        each: ``cpus=2,gpus=0.5``.
        device: ``cpu``, ``gpu`` or None.

    Raises:
        UsageError: If they cannot be meant.
    """
    if on is None:
        if each is not None:
            raise UsageError("--each says what each run gets of Ray's machines; it needs --on ray.")
        return None
    share = _share(each) if each is not None else None
    if device == "cpu" and share is not None and share.gpus:
        raise UsageError("--device cpu: and --each asks for a GPU. Leave one of them out.")
    if on == "ray":
        return Where(None, share, device != "cpu")
    return Where(address_of(on, "--on"), share, device != "cpu")


def address_of(text: str, origin: str) -> str:
    """Return ``host:port`` of an address with or without ``ray://``; `origin` is named in errors.

    Raises:
        UsageError: If it is none.
    """
    found = ADDRESS.fullmatch(text.removeprefix(SCHEME))
    if found is None or not 0 < int(found[2]) < 65536:
        raise UsageError(f"{origin}: expected ray or ray://HOST:PORT, as in ray://10.0.0.1:6379, found {text!r}.")
    return f"{found[1]}:{int(found[2])}"


def _share(text: str) -> Share:
    amounts: dict[str, float] = {}
    for part in text.split(","):
        name, _, value = (word.strip() for word in part.partition("="))
        try:
            amount = float(value)
        except ValueError:
            amount = math.nan
        if name not in {"cpus", "gpus"} or name in amounts or not 0 <= amount < math.inf:
            raise UsageError(f"--each: expected cpus=2 or cpus=2,gpus=0.5, found {text!r}.")
        amounts[name] = amount
    share = Share(amounts.get("cpus", 1.0), amounts.get("gpus", 0.0))
    if share.gpus > 1 or 1 < share.cpus != int(share.cpus):
        raise UsageError(f"--each: a run takes one GPU at most, and parts of cores below one only; found {text!r}.")
    if not share.cpus and not share.gpus:
        raise UsageError("--each: a run that takes nothing has no place. Use cpus=1 or gpus=0.5.")
    return share


def refuse_chief(environment: Mapping[str, str]) -> None:
    """Make sure that nobody expects a sweep to be keras-tuner's chief or worker.

    Raises:
        UsageError: If one of keras-tuner's variables is set; it names what does that now.
    """
    names = [name for name in CHIEF if environment.get(name)]
    if names:
        raise UsageError(
            f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} set. Sweeps over several machines run on Ray now: "
            "hornbook sweep --on ray (docs/sweep.md). Unset the variable" + ("s." if len(names) > 1 else ".")
        )
