"""What tests of sweeps on several machines look at: processes that train, what a sweep has recorded, what its runs left."""

import contextlib
import json
import os
import time
from pathlib import Path

LONG = {
    "name": "few",
    "data": {"name": "digits", "limit": 384},
    "model": {"name": "mlp", "units": [8]},
    "optimizer": {"name": "sgd", "learning_rate": 0.05, "momentum": 0.9},
    "training": {"epochs": 400, "batch_size": 32, "engine": "graph"},
}


def wait_for(condition, seconds=60):
    """Wait until the condition is met, and return what it returned."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.02)
    return found


def epochs_of(folder, trial):
    """Return how many epochs of a trial, from 1, are in its history."""
    paths = folder.glob(f"few/sweep-*/trials/trial-{trial:03d}/2*/history.jsonl")
    return sum(len(path.read_text().splitlines()) for path in paths)


def trains(runs, name):
    """Return the processes that hold the log of a run of this name below a folder, which they lock."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        logs = [file for file in _open_files(process) if file.startswith(f"{runs}/") and file.endswith("/log.txt")]
        if any(f"/{name}/" in log for log in logs):
            found.append(int(process.name))
    return found


def _open_files(process):
    """Return what a process has open; nothing once it has ended."""
    files = []
    with contextlib.suppress(OSError):
        for entry in os.scandir(process / "fd"):
            with contextlib.suppress(OSError):  # closed meanwhile
                files.append(os.readlink(entry))
    return files


def events(folder):
    """Return what a sweep has recorded, without what depends on the clock."""
    lines = [json.loads(line) for line in (folder / "trials.jsonl").read_text().splitlines()]
    changing = {"seconds", "elapsed", "runs"}
    return [{key: value for key, value in line.items() if key not in changing} for line in lines]


def ends(folder):
    """Return {trial: its recorded end}."""
    return {event["trial"]: event for event in events(folder) if event["event"] == "end"}


def left_by(folder):
    """Return {run: history without times, weights as bytes} of a sweep's trials and of the winner's."""
    import keras

    found = {}
    for run in sorted([*folder.glob("trials/*/2*"), *folder.glob("confirm/*/2*")]):
        rows = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
        rows = [{key: value for key, value in row.items() if not key.endswith("seconds")} for row in rows]
        model = keras.models.load_model(run / "checkpoints" / "last.keras")
        assert run.parent.name not in found, "a run was begun anew"
        found[run.parent.name] = rows, [weight.tobytes() for weight in model.get_weights()]
    return found


def epochs_lines(runs):
    """Return how many epochs each run below a folder has in its history."""
    return [len(path.read_text().splitlines()) for path in runs.glob("*/2*/history.jsonl")]
