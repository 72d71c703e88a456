"""States for exact resume: one file each, written atomically with a checksum, two generations kept.

A file is one line of text, ``hornbook-state 1 <sha256 of the rest> <length of the rest>``, then an uncompressed .npz with
the arrays and a JSON text of everything else. No pickles.
"""

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hornbook.atomic import jsonable, replacing
from hornbook.errors import RunError

__all__ = ["State", "load_state", "save_state"]

MAGIC = "hornbook-state 1"
KEPT = 2
FACTS = "facts"


@dataclass(frozen=True)
class State:
    """Everything that changes in a run: named arrays, and the rest as JSON's types."""

    arrays: Mapping[str, Any]
    facts: Mapping[str, Any]


def _files(folder: Path) -> list[Path]:
    """Return the state files, newest first."""
    return sorted((path for path in folder.glob("state-*.bin") if path.stem[6:].isdecimal()), reverse=True)


def save_state(folder: Path, state: State) -> None:
    """Write a new generation and remove those before the last.

    Raises:
        RunError: If the folder cannot be written.
        TypeError: If something is neither an array of numbers nor of JSON's types.
    """
    objects = [name for name, array in state.arrays.items() if np.asarray(array).dtype.hasobject]
    if objects:
        raise TypeError(f"only arrays of numbers can be saved, not {', '.join(objects)}")
    buffer = io.BytesIO()
    text = np.frombuffer(json.dumps(_exact(state.facts)).encode(), np.uint8)
    arrays: dict[str, Any] = {FACTS: text, **state.arrays}
    np.savez(buffer, **arrays)
    body = buffer.getbuffer()
    head = f"{MAGIC} {hashlib.sha256(body).hexdigest()} {len(body)}\n".encode()
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise RunError(f"{folder}: cannot be written ({error.strerror}).") from error
    existing = _files(folder)
    number = int(existing[0].stem.removeprefix("state-")) + 1 if existing else 1
    with replacing(folder / f"state-{number:08d}.bin") as temporary, temporary.open("wb") as file:
        file.write(head)
        file.write(body)
    for old in existing[KEPT - 1 :]:
        old.unlink(missing_ok=True)
    for leftover in folder.glob(".state-*"):  # of a process that was killed while writing
        leftover.unlink(missing_ok=True)


def load_state(folder: Path) -> tuple[State | None, list[str]]:
    """Return the newest state that is whole (None if there is none), and a note for each that is not."""
    notes: list[str] = []
    for path in _files(folder) if folder.is_dir() else []:
        state, reason = _read(path)
        if state is not None:
            return state, notes
        notes.append(f"{path.name} is damaged ({reason}); going back to the state before it.")
    return None, notes


def _read(path: Path) -> tuple[State | None, str]:
    try:
        content = path.read_bytes()
    except OSError as error:
        return None, str(error.strerror)
    head, _, body = content.partition(b"\n")
    words = head.decode("ascii", "replace").split(" ")
    if " ".join(words[:2]) != MAGIC or len(words) != 4:
        return None, "not a state of this version"
    if str(len(body)) != words[3]:
        return None, f"{len(body)} of {words[3]} bytes"
    if hashlib.sha256(body).hexdigest() != words[2]:
        return None, "checksum does not match"
    with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
        named = {name: arrays[name] for name in arrays.files}
    return State(named, json.loads(named.pop(FACTS).tobytes().decode())), ""


def _exact(value: Any) -> Any:
    """Return JSON's types; unlike in reports, NaN and infinity stay what they are."""
    if isinstance(value, Mapping):
        return {str(key): _exact(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_exact(item) for item in value]
    if hasattr(value, "item") and not isinstance(value, str):
        value = value.item()
    return value if isinstance(value, float) else jsonable(value)
