"""Kills training processes at random moments, resumes them, and compares with runs that were left alone.

    python tests/soak.py --kills 300        hundreds of kills over all kinds of recipe; prints survivors/total
    python tests/soak.py --kills 1 --kind "dropout, batch norm, one_cycle"      one kill of one kind, as the test suite does

A survivor is a run whose final weights, best weights, history and result equal the uninterrupted run's bit for bit. One
process imports TensorFlow and forks a child per run before any operation has run, which saves seconds per child.
"""

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

EVERY = "training.checkpoint.every=0.02"  # seconds: so often that some kills hit a save
KINDS: dict[str, tuple[str, list[str]]] = {
    "dropout, batch norm, one_cycle": ("he_elu_bn", ["training.epochs=8"]),
    "performance scheduling, early stopping": (
        "he_elu_bn",
        [
            "schedule={name: performance, patience: 1, min_delta: 0.05, reduction: 0.5}",
            "training.early_stopping.patience=3",
            "training.epochs=14",
            "regularization={dropout: 0.3, gaussian_noise: 0.1}",
            "optimizer={name: nadam, learning_rate: 0.01}",
            "training.engine=graph",
        ],
    ),
    "accumulation, averaged weights": (
        "he_elu_bn",
        [
            "optimizer={name: adamw, learning_rate: 0.003, accumulation: 3, ema: {momentum: 0.95}}",
            "schedule={name: cosine, warmup: 5%}",
            "training.epochs=8",
            "training.early_stopping.patience=8",
            "training.engine=graph",
        ],
    ),
    "augmentation, convolutions, max-norm": (
        "he_elu_bn",
        [
            "model={name: cnn, filters: [4, 8], dense: [16]}",
            "data={name: digits, augmentation: {shift: 0.1, rotate: 10, noise: 0.05}}",
            "regularization={dropout: 0.2, max_norm: 2.0}",
            "training.epochs=4",
        ],
    ),
    "pretraining layer by layer, averaged weights": (
        "he_elu_bn",
        [
            "pretraining={name: autoencoder, masking: 0.2, epochs: 4, optimizer: {name: adam, ema: 0.9}}",
            "pretraining.labeled=500",
            "training.epochs=4",
            "training.engine=graph",
        ],
    ),
}
MID_SAVE = 0.4  # the share of kills that are meant for the middle of a save
CLOCK = {"train_seconds", "seconds"}


def child(work: Callable[[], None], *, dies_at: int | None = None) -> int:
    """Run something in a forked process with its output thrown away; returns its process id.

    With `dies_at` the process kills itself in the middle of a save: when that many files have been written and the next
    one is about to take its name.
    """
    pid = os.fork()
    if pid:
        return pid
    try:
        if dies_at is not None:
            written, flush = iter(range(dies_at)), os.fsync
            os.fsync = lambda file: (
                flush(file) if next(written, None) is not None else os.kill(os.getpid(), signal.SIGKILL)
            )
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        if not os.environ.get("SOAK_VERBOSE"):
            os.dup2(quiet, 2)
        work()
        os._exit(0)
    except BaseException:
        import traceback

        traceback.print_exc()
        os._exit(1)


def start(kind: str, folder: Path) -> None:
    """Train a recipe of a kind below a folder."""
    from hornbook.recipes.load import load_recipe
    from hornbook.trainer.train import train

    name, overrides = KINDS[kind]
    train(load_recipe(name, [*overrides, EVERY]), runs=folder)


def go_on(folder: Path) -> None:
    """Resume the one run below a folder."""
    from hornbook.trainer.resume import resume

    resume(next(folder.glob("*/2*")))


def outcome(folder: Path) -> dict[str, object]:
    """Return everything of a finished run that must be equal, weights as bytes."""
    import keras

    run = next(folder.glob("*/2*"))
    rows = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
    result = json.loads((run / "result.json").read_text())
    found: dict[str, object] = {
        "history": [{key: value for key, value in row.items() if key not in CLOCK} for row in rows],
        "result": {key: value for key, value in result.items() if key not in CLOCK},
    }
    for which in ("best", "last"):
        model = keras.models.load_model(run / "checkpoints" / f"{which}.keras", compile=False)
        found[which] = [np.asarray(weight).tobytes() for weight in model.get_weights()]
    return found


def report(folder: Path, into: Path) -> None:
    """Write a digest of each part of an outcome, from a process of its own: comparing needs TensorFlow too."""
    import hashlib

    digests = {name: hashlib.sha256(repr(part).encode()).hexdigest() for name, part in outcome(folder).items()}
    temporary = into.with_suffix(".new")
    temporary.write_text(json.dumps(digests))
    temporary.rename(into)


def and_report(work: Callable[[], None], folder: Path) -> None:
    """Do the work that ends a run below a folder, note how long it took, and report on what it left there."""
    began = time.monotonic()
    work()
    (folder / "seconds").write_text(str(time.monotonic() - began))
    report(folder, folder / "digests.json")


def digest(folder: Path) -> dict[str, str]:
    """Return the digests of a finished run, from the process that ended it if that has reported."""
    into = folder / "digests.json"
    if not into.exists():
        os.waitpid(child(lambda: report(folder, into)), 0)
    return json.loads(into.read_text()) if into.exists() else {"unreadable": str(folder)}


def wait(pid: int, seconds: float) -> bool:
    """Kill a process after so many seconds; returns whether it had ended by itself, and not by its own hand."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.WIFEXITED(status)
        time.sleep(0.002)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return False


def place(folder: Path) -> Counter[str]:
    """Return where a kill hit the one run below a folder; nothing where there was no run yet."""
    from hornbook.runs.states import load_state

    runs = [path.parent for path in folder.glob("*/2*/recipe.yaml")]
    if not runs:
        return Counter()
    state, _ = load_state(runs[0] / "checkpoints" / "state")
    where = "before the first state" if state is None else "mid-epoch" if state.facts["batch"] else "between epochs"
    if state is not None and state.facts.get("pretraining", {}).get("index", 2) < 2:  # of two layers
        where = "pretraining"
    is_saving = any(path.name.startswith(".") for path in runs[0].rglob("*"))
    return Counter([where, *["mid-save"] * is_saving])


def one(
    kind: str, expected: dict[str, str], seconds: float, chance: random.Random, root: Path, *, most: int
) -> tuple[Counter[str], list[str]]:
    """Kill one run up to `most` times; returns where the kills hit and what differs in the end."""
    folder = Path(tempfile.mkdtemp(dir=root))
    places: Counter[str] = Counter()
    work = lambda: start(kind, folder)  # noqa: E731
    for _ in range(most):
        dies_at = chance.randint(5, 40) if chance.random() < MID_SAVE else None
        if wait(child(work, dies_at=dies_at), chance.uniform(0.3, 1.0) * seconds):
            break
        hit = place(folder)
        places += hit
        if hit:
            work = lambda: go_on(folder)  # noqa: E731
        else:  # killed before there was a run
            shutil.rmtree(folder)
            folder.mkdir()
    else:
        os.waitpid(child(lambda work=work: and_report(work, folder)), 0)
    found = digest(folder)
    differing = sorted(key for key in expected.keys() | found.keys() if found.get(key) != expected.get(key))
    if not differing:
        shutil.rmtree(folder)
    return places, differing


def count(places: Counter[str]) -> int:
    """Return how many kills hit a run; one that hit a save also hit something else."""
    return places.total() - places["mid-save"]


def main() -> int:
    """Kill and compare; exit code 1 if any run ended differently."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="kills per kind, at least")
    parser.add_argument("--kind", choices=KINDS, help="this kind of recipe alone")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    from hornbook import startup

    startup.import_tensorflow()
    import hornbook.trainer.resume  # noqa: F401  (children begin with everything imported, and no operation run)

    root = Path(tempfile.mkdtemp(prefix="hornbook-soak-"))
    survivors, total, everywhere = 0, 0, Counter[str]()
    for kind in [options.kind] if options.kind else KINDS:
        chance = random.Random(f"{options.seed} {kind}")
        reference = root / f"reference-{len(list(root.iterdir()))}"
        reference.mkdir()
        os.waitpid(child(lambda kind=kind, folder=reference: and_report(lambda: start(kind, folder), folder)), 0)
        seconds = float((reference / "seconds").read_text())
        expected, places, runs, good = digest(reference), Counter[str](), 0, 0
        while count(places) < options.kills:
            hits, differing = one(kind, expected, seconds, chance, root, most=min(options.kills - count(places), 3))
            places, runs, good = places + hits, runs + 1, good + (not differing)
            if differing:
                print(f"  differs: {kind}: {', '.join(differing)}", flush=True)
        print(f"{kind}: {good}/{runs} runs survived {count(places)} kills ({seconds:.1f} s each)", flush=True)
        survivors, total, everywhere = survivors + good, total + runs, everywhere + places
    where = ", ".join(f"{number} {name}" for name, number in sorted(everywhere.items()))
    print(f"survivors {survivors}/{total} after {count(everywhere)} kills ({where})")
    if survivors == total:
        shutil.rmtree(root)
    return 0 if survivors == total else 1


if __name__ == "__main__":
    sys.exit(main())
