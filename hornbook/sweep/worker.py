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
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import IO, Any

from hornbook import startup
from hornbook.errors import HornbookError


def main(folder: Path) -> int:
    """Train what comes in on stdin until it ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what anything prints belongs to the log
    tasks: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_read, args=(tasks,), daemon=True).start()
    startup.import_for_command()
    from hornbook.data import Shelf
    from hornbook.machines.worker import error_to
    from hornbook.sweep.trial import Reporter, run_trial
    from hornbook.sweep.wire import outcome_to, task_from

    shelf = Shelf()
    while line := tasks.get():
        task = task_from(json.loads(line))
        answer: dict[str, Any]
        reporter = Reporter(partial(_report, answers, task.names()[0]))
        try:
            answer = {"outcome": outcome_to(run_trial(task, folder, reporter, shelf))}
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


def _report(answers: IO[str], name: str, text: str) -> None:
    _send(answers, {"progress": name, "text": text})


def _send(answers: IO[str], message: Mapping[str, Any]) -> None:
    try:
        answers.write(json.dumps(message) + "\n")
        answers.flush()
    except BrokenPipeError:
        pass  # nobody listens any more; stdin has ended too


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
