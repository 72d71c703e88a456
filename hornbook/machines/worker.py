"""What runs in a process of Ray's: one job after another, each told from the command's process and answered to it."""

import importlib
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hornbook.errors import BusyError, DataError, HornbookError, RunError

if TYPE_CHECKING:
    from hornbook.data import Shelf
    from hornbook.recipes.recipe import Recipe

__all__ = ["Answer", "Board", "Order", "check_data", "error_from", "error_to", "serve", "shelf", "tell"]

BUSY_WAIT_S = 120.0  # for a process that was taken for dead and still trains the same run
BUSY_POLL_S = 1.0
_CURRENT: list["Order"] = []
_SHELF: list[Any] = []


class Board:
    """Where jobs write how far they are, and the command reads it. Lives in a process of its own."""

    def __init__(self) -> None:
        self.machines: dict[int, tuple[str, str]] = {}
        self.states: dict[str, str] = {}

    def begin(self, number: int, machine: str, node: str) -> None:
        """Note that a job has begun, on a machine and what Ray calls that."""
        self.machines[number] = machine, node

    def tell(self, name: str, text: str) -> None:
        """Note how far a run is."""
        self.states[name] = text

    def take(self) -> tuple[dict[int, tuple[str, str]], dict[str, str]]:
        """Return who trains where, and what is new."""
        states, self.states = self.states, {}
        return self.machines, states


@dataclass(frozen=True)
class Order:
    """A job on its way.

    Attributes:
        number: Tells it from others.
        version: The command's version of Hornbook.
        cwd: The command's folder, from which relative paths count.
        proof: A file that the command has written to the folder of runs.
        device: ``cpu`` where no GPU is reserved.
        board: Ray's handle to where the command reads how far it is.
    """

    number: int
    version: str
    cwd: str
    proof: str
    device: str | None
    board: Any


@dataclass(frozen=True)
class Answer:
    """What became of a job: what it returned, an error that concerns all, or the exit code of the signal that ended it.

    Attributes:
        value: What it returned.
        error: From `error_to`.
        exit_code: 130 or 143.
        machine: Where it was.
    """

    value: Any = None
    error: dict[str, str] | None = None
    exit_code: int = 0
    machine: str = ""


def serve(job: bytes, order: Order) -> Answer:
    """Do a job here and return what became of it.

    Args:
        job: A pickled call without arguments; unpickled once TensorFlow is there.
        order: What is to be known around it.
    """
    from hornbook import startup

    machine = socket.gethostname()
    node = importlib.import_module("ray").get_runtime_context().get_node_id()
    order.board.begin.remote(order.number, machine, node)
    if version("hornbook") != order.version:
        text = f"Hornbook is {version('hornbook')} here and {order.version} where the command runs."
        return Answer(error=error_to(RunError(f"{text} Install the same version on all machines.")), machine=machine)
    startup.import_for_command(order.device)
    from hornbook.trainer.signals import Interrupted

    if os.path.isdir(order.cwd):
        os.chdir(order.cwd)
    _CURRENT[:] = [order]
    try:
        _check_folder(Path(order.proof))
        return Answer(_patiently(_loaded(job)), machine=machine)
    except Interrupted as error:
        return Answer(exit_code=error.exit_code, machine=machine)
    except HornbookError as error:
        return Answer(error=error_to(error), machine=machine)
    finally:
        _CURRENT.clear()


def _loaded(job: bytes) -> Callable[[], Any]:
    call: Callable[[], Any] = importlib.import_module("ray.cloudpickle").loads(job)
    return call


def _patiently(call: Callable[[], Any]) -> Any:
    """Call; wait where another process is still training the same run, which Ray has lost sight of."""
    end = time.monotonic() + BUSY_WAIT_S
    while True:
        try:
            return call()
        except BusyError:
            if time.monotonic() > end:
                raise
        time.sleep(BUSY_POLL_S)


def _check_folder(proof: Path) -> None:
    if not proof.is_file():
        raise RunError(
            f"{proof.parent}: what the command writes here is not to be seen. All machines have to share the folder of "
            "runs, under the same path: give it with --runs."
        )


def tell(name: str, text: str) -> None:
    """Tell the command how far the run of this name is."""
    for order in _CURRENT:
        order.board.tell.remote(name, f"{text}  {socket.gethostname()}")


def shelf() -> "Shelf":
    """Return where the jobs of this process find data that was read before."""
    from hornbook.data import Shelf

    if not _SHELF:
        _SHELF.append(Shelf())
    known: Shelf = _SHELF[0]
    return known


def check_data(recipe: "Recipe", fingerprint: str | None) -> None:
    """Make sure that the data of a recipe is the same here as where the command runs; without a fingerprint nothing.

    Raises:
        DataError: If it is other data, or cannot be used.
    """
    from hornbook.data import load_data

    if fingerprint is None:
        return
    here = load_data(recipe, shelf=shelf(), for_training=False).splits.info.fingerprint
    if here != fingerprint:
        raise DataError(
            f"the data is another than where the command runs (fingerprint {here}, there {fingerprint}), so that results "
            "could not be compared. Each machine reads it for itself, from the same paths."
        )


def error_to(error: HornbookError) -> dict[str, str]:
    """Return an error that concerns all runs in JSON's types."""
    return {"error": str(error), "kind": type(error).__name__}


def error_from(plain: dict[str, str], where: str = "") -> HornbookError:
    """Return the error again, with where it was met in front."""
    kinds: dict[str, type[HornbookError]] = {kind.__name__: kind for kind in (DataError, RunError)}
    return kinds.get(plain["kind"], HornbookError)(where + plain["error"])
