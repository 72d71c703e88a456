"""Kills training processes at random moments, resumes them, and compares with runs that were left alone.

    python tests/soak.py --kills 300        hundreds of kills over all kinds of recipe; prints survivors/total
    python tests/soak.py --at 30 60 --kind "dropout, batch norm, one_cycle, mixed examples"     as the test suite does, see `deaths`
    python tests/soak.py --sweep 1          a sweep, killed and stopped after each file that it writes, see `sweep_stages`
    python tests/soak.py --sweep 5 --at-once 2     the same of trials side by side
    python tests/soak.py --damage 2000      a file of a run damaged at random under each command that reads it
    python tests/soak.py --mutations 16000  checks so many damaged recipes, see `mutated`
    python tests/soak.py --widths 60        trains so many networks in one process, none as wide as another, see `widths`

A survivor is a run whose final weights, best weights, history and result equal the uninterrupted run's bit for bit. One
process imports TensorFlow and forks a child per run before any operation has run, which saves seconds per child.
"""

import argparse
import itertools
import json
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from reviews import write_reviews

EVERY, ALWAYS, NEVER = (f"training.checkpoint.every={seconds}" for seconds in (0.02, 0.000001, 3600))
"""So often that some kills hit a save; after each chunk, so that the number of files written says where a run is; never."""
FEW = "data.limit=320"
KINDS: dict[str, tuple[str, list[str]]] = {
    "dropout, batch norm, one_cycle, mixed examples": (
        "he_elu_bn",
        [FEW, "training.epochs=4", "data.augmentation={mixup: 0.4, cutmix: 1.0}"],
    ),
    "performance scheduling, early stopping, accumulation, averaged weights": (
        "he_elu_bn",
        [
            FEW,
            "schedule={name: performance, patience: 1, min_delta: 0.05, reduction: 0.5}",
            "training.early_stopping.patience=3",
            "training.epochs=8",
            "regularization={dropout: 0.3, gaussian_noise: 0.1}",
            "optimizer={name: nadam, learning_rate: 0.01, accumulation: 3, ema: {momentum: 0.95}}",
            "training.engine=graph",
        ],
    ),
    "pretraining layer by layer, averaged weights, augmentation, max-norm": (
        "he_elu_bn",
        [
            "data={name: digits, limit: 320, augmentation: {shift: 0.1, rotate: 10, noise: 0.05}}",
            "model.units=[60, 30]",
            "pretraining={name: autoencoder, masking: 0.2, epochs: 2, optimizer: {name: adam, ema: 0.9}}",
            "pretraining.labeled=160",
            "regularization={dropout: 0.2, max_norm: 2.0}",
            "training.epochs=4",
            "training.engine=graph",
        ],
    ),
    "picture files, streamed": (
        "he_elu_bn",
        [
            "data={name: image_folder, path: PICTURES, size: 12, channels: 1, duplicates: together}",
            "model={name: cnn, filters: [4], dense: []}",
            "training.memory_budget=0.001 MB",
            "training.epochs=3",
        ],
    ),
    "table, read in parts and streamed": (
        "he_elu_bn",
        [
            "data={name: table, path: TABLE, target: y}",
            "model={name: mlp, units: [12], categories: 3}",
            "training.memory_budget=0.001 MB",
            "training.epochs=3",
        ],
    ),
    "several heads": (
        "he_elu_bn",
        [
            "data={name: iris, columns: [sepal_length, sepal_width, petal_length]}",
            "model={name: mlp, units: [12, 8]}",
            "heads={species: {weight: 0.9}, petals: {target: petal_width, loss: huber}, early: {target: species, from: hidden_1}}",
            "training.batch_size=16",
            "training.epochs=4",
        ],
    ),
    "windows, a scale for each series": (
        "he_elu_bn",
        [
            "data={name: seasons, steps: 200, count: 2, window: 12, horizon: 3, stride: 2, scaling: series, calendar: [hour]}",
            "model={name: rnn, cell: gru, units: [6]}",
            "normalization=none",
            "regularization={dropout: 0.2}",
            "training.batch_size=32",
            "training.epochs=3",
        ],
    ),
    "texts beside columns": (
        "he_elu_bn",
        [
            "data={name: table, path: REVIEWS, target: liked, types: {review: text}, text: {length: 6}}",
            "model={name: mlp, units: [8], encoders: {review: {name: mean_embedding, embedding: 4, dense: []}}}",
            "regularization={dropout: 0.2}",
            "training.epochs=3",
        ],
    ),
}
MID_SAVE = 0.4  # the share of kills that are meant for the middle of a save
GROWTH = 0.5  # MB a width that memory may seem to grow: the noise of one process
CLOCK = {"train_seconds", "seconds"}


def child(
    work: Callable[[], None], *, dies_at: int | None = None, copies: Mapping[int, Callable[[], None]] = {}
) -> int:
    """Run something in a forked process with its output thrown away; returns its process id.

    With `dies_at` the process kills itself in the middle of a save: when that many files have been written and the next
    one is about to take its name. When as many have been written as a key of `copies` says, its value is called.
    """
    pid = os.fork()
    if pid:
        return pid
    try:
        if dies_at is not None:
            written, flush = itertools.count(), os.fsync

            def count_files(file: Any) -> None:
                number = next(written)
                if number == dies_at:
                    os.kill(os.getpid(), signal.SIGKILL)
                copies.get(number, lambda: None)()
                flush(file)

            os.fsync = count_files
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


def start(kind: str, folder: Path, every: str = EVERY) -> None:
    """Train a recipe of a kind below a folder."""
    from hornbook.recipes.load import load_recipe
    from hornbook.trainer.train import train

    name, overrides = KINDS[kind]
    for word, written in (("PICTURES", pictures), ("TABLE", table), ("REVIEWS", reviews)):
        overrides = [text.replace(word, str(written())) if word in text else text for text in overrides]
    train(load_recipe(name, [*overrides, every]), runs=folder)


def pictures() -> Path:
    """Return a folder of digits, written where it is not there yet."""
    from pictures import write_digits

    folder = Path(tempfile.gettempdir()) / "hornbook-soak-pictures"
    return folder if folder.exists() else write_digits(folder, per_class=60)


def table() -> Path:
    """Return a table of two classes with gaps and categories, written where it is not there yet."""
    file = Path(tempfile.gettempdir()) / "hornbook-soak-table.csv"
    if not file.exists():
        generator = np.random.default_rng(1)
        numbers, colours = generator.normal(size=(1_000, 3)).round(3), generator.integers(0, 12, 1_000)
        rows = [
            f"{a},{b if b < 1 else ''},{c},colour {colour},{'yes' if a + colour / 6 > 1 else 'no'}"
            for (a, b, c), colour in zip(numbers.tolist(), colours.tolist(), strict=True)
        ]
        file.write_text("\n".join(["a,b,c,colour,y", *rows]) + "\n")
    return file


def reviews() -> Path:
    """Return a table of texts beside numbers and categories, written where it is not there yet."""
    file = Path(tempfile.gettempdir()) / "hornbook-soak-texts.csv"
    return file if file.exists() else write_reviews(file, 400)


def go_on(folder: Path, *overrides: str) -> None:
    """Resume the one run below a folder."""
    from hornbook.trainer.resume import resume

    resume(next(folder.glob("*/2*")), overrides)


def outcome(folder: Path) -> dict[str, object]:
    """Return everything of a finished run that must be equal, weights as bytes."""
    import keras

    run = next(folder.glob("*/2*"))
    rows = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
    result = json.loads((run / "result.json").read_text())
    found: dict[str, object] = {
        "history": [{key: value for key, value in row.items() if key not in CLOCK} for row in rows],
        "result": {key: value for key, value in result.items() if key not in CLOCK},
        "measured": [json.loads(line)["step"] for line in (run / "health.jsonl").read_text().splitlines()],
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


def deaths(kind: str, numbers: list[int], root: Path) -> int:
    """Kill a run in the middle of its last of these saves, and go on from there and from what was on disk in each other.

    A process that is killed leaves what is on disk at that moment, so one process and copies of its folder stand for as
    many kills. Another process goes on from each, and then trains the run that is left alone.

    Args:
        numbers: Files that were written in full before each of the deaths, in order.
    """
    folders = [root / f"death-{number}" for number in numbers]
    whole = root / "whole"
    for folder in (folders[-1], whole):
        folder.mkdir()
    copies = {
        number: lambda folder=folder: shutil.copytree(folders[-1], folder, symlinks=True)
        for number, folder in zip(numbers[:-1], folders, strict=False)
    }
    _, status = os.waitpid(child(lambda: start(kind, folders[-1], ALWAYS), dies_at=numbers[-1], copies=copies), 0)
    assert os.WIFSIGNALED(status), "the run had ended before it was to die"
    places = [sorted(place(folder)) for folder in folders]

    def go_on_and_compare() -> None:
        for folder in folders:
            and_report(lambda folder=folder: go_on(folder, NEVER), folder)
        and_report(lambda: start(kind, whole, NEVER), whole)

    os.waitpid(child(go_on_and_compare), 0)
    expected, good = digest(whole), 0
    for folder, hit in zip(folders, places, strict=True):
        differing = [key for key, value in digest(folder).items() if value != expected.get(key)]
        good += not differing
        print(f"{folder.name}: {', '.join(hit)}: {', '.join(differing) or 'survived'}")
    return 0 if good == len(folders) else 1


SWEEP = {
    "name": "few",
    "data": {"name": "moons", "examples": 60},
    "model": {"name": "mlp", "units": [4]},
    "training": {"epochs": 2, "batch_size": 14, "engine": "graph", "checkpoint": {"every": "0.000001 seconds"}},
    "sweep": {
        "objective": "val_accuracy",
        "max_trials": 2,
        "confirm": 2,
        "space": {"optimizer.learning_rate": [0.01, 0.1]},
    },
}


AT_ONCE = [1]  # trials side by side


def stage() -> str:
    """Return how far the sweep below this folder is, from what is on disk."""
    (folder,) = Path("runs/few").glob("sweep-*")
    events = folder / "trials.jsonl"
    lines = events.read_text().splitlines() if events.exists() else []
    if not lines:
        return "opening"
    if (folder / "best.yaml").exists():
        return "report"
    if (folder / "confirm").exists():
        return "confirm"
    return "between" if '"end"' in lines[-1] else "trial"


def run_sweep(at_file: Callable[[int], None] = lambda number: None) -> None:
    """Run the sweep below this folder, or go on with it; calls a function when a file is about to take its name."""
    from hornbook.recipes.load import load_recipe
    from hornbook.sweep.sweep import sweep

    written, flush = itertools.count(), os.fsync

    def count_files(file: Any) -> None:
        at_file(next(written))
        flush(file)

    os.fsync = count_files
    try:
        sweep(load_recipe(SWEEP), runs="runs", parallel=AT_ONCE[0])  # a relative path, as on the command line
    finally:
        os.fsync = flush


def sweep_outcome() -> dict[str, object]:
    """Return what must be equal however often a sweep was stopped."""
    folder = Path("runs/few/latest-sweep")
    result = json.loads((folder / "result.json").read_text())
    found = {key: result[key] for key in ("state", "best", "values", "score", "confirmed", "trials", "epochs")}
    found["ranking"] = [(row["trial"], row["score"]) for row in result["ranking"]]
    found["best.yaml"] = [line for line in (folder / "best.yaml").read_text().splitlines() if not line.startswith("#")]
    found["report"] = (folder / "report.html").exists()
    return found


def sweep_stages(step: int, root: Path) -> int:
    """Kill a sweep, and send it SIGTERM, at every stage; go on with it, and compare with the one that was left alone.

    A process that is killed leaves what is on disk at that moment: one process is copied at each file that it writes and
    stands for as many kills. Another goes on from all of them. SIGTERM takes a process each time, one per stage.

    Args:
        step: Which files count: each first one of a stage and every so many; 1 also sends SIGTERM at all of them.
    """
    copies: dict[str, Path] = {}
    whole = root / "whole"
    whole.mkdir()

    def copy(number: int) -> None:
        now = stage()
        if number % step == 0 or not any(name.startswith(now) for name in copies):
            copies[f"{now} {number}"] = root / f"{now}-{number}"
            shutil.copytree("runs", copies[f"{now} {number}"] / "runs", symlinks=True)

    def first() -> None:
        os.chdir(whole)
        run_sweep(copy)
        (root / "copies.json").write_text(json.dumps({name: str(path) for name, path in copies.items()}))

    os.waitpid(child(first), 0)
    stopped = {name: Path(path) for name, path in json.loads((root / "copies.json").read_text()).items()}
    last = {name.split()[0]: name for name in stopped}  # of each stage; all with a step of 1
    for name, path in [(name, path) for name, path in stopped.items() if step == 1 or name in last.values()]:
        if name.startswith("opening"):
            continue
        stopped[f"{name} TERM"] = folder = path.with_name(f"{path.name}-term")
        folder.mkdir()

        def terminated(folder: Path = folder, number: int = int(name.split()[1])) -> None:
            os.chdir(folder)
            run_sweep(lambda now: os.kill(os.getpid(), signal.SIGTERM) if now == number else None)

        os.waitpid(child(terminated), 0)

    def go_on() -> None:
        for folder in [*stopped.values(), whole]:
            os.chdir(folder)
            try:
                if folder != whole:
                    run_sweep()
                found: object = sweep_outcome()
            except Exception as error:
                found = f"{type(error).__name__}: {error}"
            (folder / "outcome.json").write_text(json.dumps(found))

    os.waitpid(child(go_on), 0)
    expected = json.loads((whole / "outcome.json").read_text())
    bad = 0
    for name, folder in stopped.items():
        found = json.loads((folder / "outcome.json").read_text())
        differing = [found] if isinstance(found, str) else [key for key in expected if found[key] != expected[key]]
        bad += bool(differing)
        print(f"{name}: {', '.join(differing) or 'survived'}")
    print(f"survivors {len(stopped) - bad}/{len(stopped)}")
    return 1 if bad else 0


ODD = (
    "null", "[]", "{}", "''", "-1", "0", "1e400", "1e-400", ".nan", "-.inf", "9" * 40, "9" * 400, "true", "2026-01-01", "~",
    '"\\uD800"', '"\\0"', "&a [*a]", "*b", "!!python/object:os.system x", "[[[[]]]]", "{a: {b: {c: 1}}}", "{1: 2}", "? [a]",
    "é\u202e", "x" * 300, "a.b.c", "../..", "all", "auto", "3 epochs", "10 %", "-1 steps", "hidden_1-hidden_9", "relu", "sgd",
    "|", ">", "- a", "#", "\t", "%", "@", "`", "...", "---", ": ", "{name: layers, layers: [dense]}", "[null, null]",
)  # fmt: skip
"""What stands in the place of a value, or between two lines."""


def mutated(text: str, chance: random.Random) -> str:
    """Return a recipe's text with up to four things changed: values, lines, indentation, single characters."""
    for _ in range(chance.randint(1, 4)):
        lines = text.split("\n")
        place = chance.randrange(len(lines))
        line = lines[place]
        kind = chance.randrange(9)
        if kind <= 2 and ":" in line:  # another value
            lines[place] = f"{line.split(':')[0]}: {chance.choice(ODD)}"
        elif kind == 3 and (words := re.findall(r"[\w.+-]+", line)):  # another word
            lines[place] = line.replace(chance.choice(words), chance.choice(ODD), 1)
        elif kind == 4:
            del lines[place]
        elif kind == 5:
            lines.insert(place, chance.choice([chance.choice(lines), chance.choice(ODD)]))
        elif kind == 6:
            lines[place] = " " * chance.randrange(6) + line.lstrip()
        elif kind == 7 and line:  # another character
            at = chance.randrange(len(line))
            lines[place] = (
                line[:at] + chance.choice(["", chr(chance.randrange(1, 0x2FF)), "[", "}", ":"]) + line[at + 1 :]
            )
        else:  # a part of another recipe's line
            lines[place] = line[: chance.randrange(len(line) + 1)] + chance.choice(lines)
        text = "\n".join(lines)
    return text


def check(text: str) -> bool:
    """Return whether a recipe has errors; what a check raises beside its own errors is a fault, and what nobody can read."""
    from hornbook.errors import HornbookError, format_problems
    from hornbook.recipes.load import check_recipe

    try:
        checked = check_recipe(text + "\n")
    except HornbookError as error:
        str(error).encode()
        return True
    format_problems(checked.problems, origin="recipe").encode()
    return bool(checked.errors)


def mutations(number: int, seed: int) -> int:
    """Check so many changed recipes; exit code 1 if any check ends in anything but a recipe or its problems."""
    import traceback

    from hornbook.recipes.load import shipped_recipes

    chance, texts = random.Random(seed), list(shipped_recipes().values())
    refused, faults = 0, 0
    for _ in range(number):
        text = mutated(chance.choice(texts), chance)
        try:
            refused += check(text)
        except Exception:
            faults += 1
            print(f"{text}\n{traceback.format_exc(limit=-4)}{'-' * 80}", flush=True)
    print(f"{number:,} recipes: {refused:,} refused, {number - refused - faults:,} valid, {faults} faults")
    return 1 if faults else 0


COMMANDS = ("evaluate RUN", "predict RUN -i x.npy", "resume RUN", "reproduce RUN", "compare RUN other", "reuse-report RUN",
            "runs list", "runs prune", "check -c RUN/recipe.yaml", "train -c on.yaml -q")  # fmt: skip
"""What reads files of a run; the last one reuses it."""


def spoil(file: Path, chance: random.Random) -> str:
    """Damage a file at random, and return what was done to it."""
    content = bytearray(file.read_bytes())
    way = chance.choice(["flip", "flip", "flip", "cut", "zeros", "twice", "swap", "gone"])
    place = chance.randrange(len(content) + 1)
    if way == "gone":
        file.unlink()
        return way
    if way == "cut":
        del content[place:]
    elif way == "zeros":
        content[place : place + 64] = bytes(len(content[place : place + 64]))
    elif way == "twice":
        content[place:place] = content[place : place + 200]
    elif way == "swap":
        content = content[place:] + content[:place]
    else:
        for at in (chance.randrange(len(content)) for _ in range(chance.choice((1, 1, 5)) if content else 0)):
            content[at] ^= 1 << chance.randrange(8)
    file.write_bytes(bytes(content))
    return way


def damages(number: int, seed: int, root: Path) -> int:
    """Damage a file of a run so often, each time under another command; exit code 1 if one ends in a traceback."""
    import contextlib
    import io
    import traceback

    import hornbook.cli
    from hornbook.recipes.load import load_recipe
    from hornbook.trainer.train import train

    os.chdir(root)
    data = {"name": "moons", "examples": 40}
    small = {"data": data, "model": {"name": "mlp", "units": [4]}, "name": "first"}
    small["training"] = {"epochs": 2, "batch_size": 28, "engine": "graph", "checkpoint": {"every": "1 hours"}}
    shutil.copytree(train(load_recipe(small), runs="runs").run, "other")
    run = train(load_recipe({**small, "name": "second", "reuse": {"from": "other"}}), runs="runs").run
    np.save("x.npy", np.zeros((1, 2), np.float32))
    Path("on.yaml").write_text(
        f"{{data: {{name: moons, examples: 40}}, model: mlp, reuse: {{from: {run}}}, training: {{epochs: 1}}}}"
    )
    shutil.copytree("runs", "whole", symlinks=True)
    chance, codes, faults = random.Random(seed), Counter[int](), 0
    names = sorted(file.relative_to(run) for file in run.rglob("*") if file.is_file() and not file.is_symlink())
    for _ in range(number):
        shutil.rmtree("runs")
        shutil.copytree("whole", "runs", symlinks=True)
        name, line = chance.choice(names), chance.choice(COMMANDS).replace("RUN", str(run))
        way, sys.argv = spoil(run / name, chance), ["hornbook", *line.split()]
        code, said = 0, io.StringIO()
        try:
            with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                hornbook.cli.main()
        except SystemExit as end:
            code = int(end.code or 0)
        except BaseException:
            code = -1
            said.write(traceback.format_exc(limit=-4))
        if code not in {0, 1, 2, 3} or "Traceback" in said.getvalue():
            faults += 1
            print(f"{way} of {name}: {line}: {said.getvalue()[-1500:]}\n{'-' * 80}", flush=True)
        codes[code] += 1
    print(f"{number:,} damages: {codes[0]:,} without effect, {codes[1] + codes[2] + codes[3]:,} named, {faults} faults")
    return 1 if faults else 0


def widths(number: int, engine: str) -> int:
    """Train networks of so many widths in one process; exit code 1 if memory still grows after the first dozen.

    What counts is the highest that each dozen reaches: executables of XLA are forgotten several at once.
    """
    import ctypes
    import gc

    from hornbook.recipes.load import load_recipe
    from hornbook.trainer.train import train

    trim = ctypes.CDLL(None).malloc_trim  # what was freed goes back to the system, so that it isn't counted
    peaks: list[float] = []
    for trained in range(number):
        changes = [FEW, f"model.units=[{20 + trained}, 10]", "training.epochs=2", f"training.engine={engine}"]
        with tempfile.TemporaryDirectory() as folder:
            train(load_recipe("he_elu_bn", changes), runs=folder)
        gc.collect()
        trim(0)
        resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
        peaks[trained // 12 :] = [max([resident, *peaks[trained // 12 :]])]
        if trained % 12 == 11:
            print(f"{engine}: {trained + 1} widths, {peaks[-1]:.0f} MB", flush=True)
    growth = (peaks[-1] - peaks[1]) / (number - 24)
    print(f"{engine}: {growth:.1f} MB a width from the second dozen to the last")
    return 1 if growth > GROWTH else 0


def count(places: Counter[str]) -> int:
    """Return how many kills hit a run; one that hit a save also hit something else."""
    return places.total() - places["mid-save"]


def main() -> int:
    """Kill and compare; exit code 1 if any run ended differently."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="kills per kind, at least")
    parser.add_argument("--kind", choices=KINDS, help="this kind of recipe alone")
    parser.add_argument("--at", type=int, nargs="+", help="in place of random kills: files written before each death")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sweep", type=int, metavar="N", help="a sweep instead, killed and stopped at every Nth file")
    parser.add_argument("--at-once", type=int, default=1, help="with --sweep: so many trials side by side")
    parser.add_argument("--mutations", type=int, metavar="N", help="so many damaged recipes instead")
    parser.add_argument("--damage", type=int, metavar="N", help="so many random damages to the files of a run instead")
    parser.add_argument("--widths", type=int, metavar="N", help="networks of so many widths instead, at least 36")
    parser.add_argument("--engine", choices=("xla", "graph"), default="xla", help="what trains them")
    options = parser.parse_args()
    if options.mutations:
        return mutations(options.mutations, options.seed)
    from hornbook import startup

    startup.import_tensorflow()
    if options.widths:
        return widths(options.widths, options.engine)
    import hornbook.trainer.resume  # children begin with everything imported, and no operation run

    root = Path(tempfile.mkdtemp(prefix="hornbook-soak-", dir=os.environ.get("TMPDIR")))  # as of now, not of the start
    if options.damage:
        return damages(options.damage, options.seed, root)
    if options.sweep:
        import hornbook.sweep.sweep  # noqa: F401

        AT_ONCE[0] = options.at_once

        return sweep_stages(options.sweep, root)
    if options.at:
        return deaths(options.kind, options.at, root)
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
