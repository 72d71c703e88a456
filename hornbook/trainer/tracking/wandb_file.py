"""What the client of Weights & Biases has written into its file, which after a kill is less than it was told.

The client has no reader of its own. The file has the form of LevelDB's logs: blocks of 32 KiB, in them parts of records with
a header of seven bytes (checksum, size, kind), each record a message of the client's.
"""

import json
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["records_of", "steps_of", "wait_for_end"]

BLOCK, HEADER = 32768, 7
WHOLE, FIRST, MIDDLE, LAST = 1, 2, 3, 4
PAUSE_S = 0.05


def records_of(path: Path) -> Iterator[Any]:
    """Yield the records of a file as the client's messages; what a kill has cut off is left out."""
    from wandb.proto.wandb_internal_pb2 import Record

    data, at, parts = path.read_bytes(), HEADER, b""  # the file has a header of the same size
    while at + HEADER <= len(data):
        room = BLOCK - at % BLOCK
        if room < HEADER:
            at += room
            continue
        _, size, kind = struct.unpack("<IHB", data[at : at + HEADER])
        part = data[at + HEADER : at + HEADER + size]
        at += HEADER + size
        if not WHOLE <= kind <= LAST or len(part) < size:
            return
        parts = part if kind in (WHOLE, FIRST) else parts + part
        if kind in (WHOLE, LAST):
            yield Record.FromString(parts)


def steps_of(path: Path) -> set[int]:
    """Return the steps of the history in a file."""
    histories = (record.history for record in records_of(path) if record.WhichOneof("record_type") == "history")
    items = (item for history in histories for item in history.item)
    return {json.loads(item.value_json) for item in items if [item.key, *item.nested_key][-1] == "_step"}


def wait_for_end(path: Path, seconds: float) -> None:
    """Wait until a file has its run's last record, at most so long."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if any(record.WhichOneof("record_type") == "exit" for record in records_of(path)):
            return
        time.sleep(PAUSE_S)
