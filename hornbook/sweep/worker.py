"""A worker process of `hornbook sweep --workers`: tasks in on stdin, outcomes out on stdout, one JSON line each.

Ends when stdin does. If that happens while a trial trains, because the sweep was killed, the trial is stopped like by
SIGTERM: it can be gone on with.
"""

import json
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from hornbook import startup
from hornbook.errors import HornbookError

if TYPE_CHECKING:
    from hornbook.trainer.listeners import Listener

PROGRESS_S = 0.5  # between two reports about a running epoch


def main(folder: Path) -> int:
    """Train what comes in on stdin until it ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what anything prints belongs to the log
    tasks: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_read, args=(tasks,), daemon=True).start()
    startup.import_for_command()
    from hornbook.data import Shelf
    from hornbook.sweep.trial import run_trial
    from hornbook.sweep.wire import error_to, outcome_to, task_from

    shelf = Shelf()
    while line := tasks.get():
        task = task_from(json.loads(line))
        answer: dict[str, Any]
        try:
            answer = {"outcome": outcome_to(run_trial(task, folder, _listener(answers, task.names()[0]), shelf))}
        except HornbookError as error:
            answer = error_to(error)
        _send(answers, {**answer, "trial": task.trial})
    return 0


def _read(tasks: "queue.Queue[str]") -> None:
    for line in sys.stdin:
        tasks.put(line)
    tasks.put("")
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:  # something trains
        os.kill(os.getpid(), signal.SIGTERM)


def _send(answers: IO[str], message: Mapping[str, Any]) -> None:
    try:
        answers.write(json.dumps(message) + "\n")
        answers.flush()
    except BrokenPipeError:
        pass  # nobody listens any more; stdin has ended too


def _listener(answers: IO[str], name: str) -> "Listener":
    from hornbook.trainer.listeners import Listener, Position

    class Report(Listener):
        last_s = 0.0

        def on_chunk(self, place: Position) -> None:
            if time.monotonic() - self.last_s > PROGRESS_S:
                self.last_s = time.monotonic()
                text = f"epoch {place.epoch} {100 * place.batch // place.batches} %"
                _send(answers, {"progress": name, "text": text})

    return Report()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
