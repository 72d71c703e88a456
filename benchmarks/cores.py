"""What 8 and 64 cores would give a sweep, simulated from what one thread takes on one core.

    python benchmarks/cores.py --measure    four minutes on 2 idle cores; kept in results/cores.json
    python benchmarks/cores.py              the tables, from what is kept; always the same
    python benchmarks/cores.py --write      the tables into docs/sweep.md

Measured is a sweep of 16 trials in a process with one thread on one core: what Python does in its turn, each program's first
call, which compiles, and each further call. `scheduler` lets these pieces meet on other machines. How near that comes is
tried here: the same sweep on both cores, with one trial and with two trials at a time.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from scheduler import Machine, Piece, Trial, simulate

HERE = Path(__file__).parent
RESULTS, PAGE = HERE / "results" / "cores.json", HERE.parent / "docs" / "sweep.md"
BEGIN, END = "<!-- cores: begin -->", "<!-- cores: end -->"
TRIALS, EPOCHS, LONG = 16, 5, 50
MANY = 128
ROWS = [
    (8, 1, 8, "threads of one process"),
    (8, 8, 1, "processes"),
    (64, 1, 8, "threads of one process, 8 at once"),
    (64, 1, 64, "threads of one process"),
    (64, 8, 1, "processes, 8 at once"),
    (64, 64, 1, "processes"),
    (64, 8, 8, "8 processes of 8 threads (which Hornbook does not have)"),
]
"""Cores, processes, threads of each, and what they are."""
RECIPE: dict[str, Any] = {
    "name": "cores",
    "data": {"name": "fashion_mnist", "limit": 20_000, "split": {"validation": 5_000, "seed": 42}},
    "model": {"name": "mlp", "units": [300, 100]},
    "training": {"epochs": EPOCHS, "batch_size": 32},
    "sweep": {
        "objective": "val_accuracy",
        "max_trials": TRIALS,
        "confirm": 0,
        "space": {
            "optimizer": [{"name": "sgd", "momentum": 0.9}, "adam"],
            "optimizer.learning_rate": {"min": 1e-4, "max": 0.1, "sampling": "log"},
            "activation": ["elu", "relu"],
        },
    },
}


# ---- what is measured, in a process of its own


def trace(folder: Path, parallel: int) -> dict[str, Any]:
    """Run the sweep in this process; return what happened when, in seconds since the process began."""
    from hornbook import load_recipe, startup

    startup.import_for_command()
    began = startup.process_start()
    events: list[tuple[Any, ...]] = [("imported", time.perf_counter() - began)]

    from hornbook.engine import programs
    from hornbook.sweep.sweep import sweep
    from hornbook.sweep.view import View
    from hornbook.trainer.listeners import Listener

    real, known = programs.call_with_captures, list[Any]()  # kept, so that none gets the place of another

    def call(function: Any, arguments: Any, captures: Any) -> Any:
        start, is_first = time.perf_counter(), not any(one is function for one in known)
        if is_first:
            known.append(function)
        found = real(function, arguments, captures)
        program = next(place for place, one in enumerate(known) if one is function)
        events.append(("compile" if is_first else "call", start - began, time.perf_counter() - began, program))
        return found

    class Epochs(Listener):
        def on_epoch_end(self) -> None:
            events.append(("epoch", time.perf_counter() - began))

    class Watching(View):
        def start(self, *given: Any, **options: Any) -> None:
            events.append(("ready", time.perf_counter() - began))

        def begin(self, task: Any) -> None:
            structure = f"{task.recipe.optimizer.name}, {task.recipe.activation.name}"
            events.append(("begin", time.perf_counter() - began, task.trial, structure))

        def listener(self, name: str) -> Listener:
            return Epochs()

        def ended(self, row: Any) -> None:
            events.append(("end", time.perf_counter() - began, row.proposal.trial))

    programs.call_with_captures = call
    sweep(load_recipe(RECIPE), runs=folder, parallel=parallel, view=Watching())
    return {"events": events, "seconds": time.perf_counter() - began}


@dataclass(frozen=True)
class Traced:
    """A process that traces, and its folder."""

    process: subprocess.Popen[str]
    folder: tempfile.TemporaryDirectory[str]

    @classmethod
    def begin(cls, parallel: int, cores: Sequence[int], threads: int | None) -> "Traced":
        """Start one on some cores, with so many threads of TensorFlow's; None for as many as it takes by itself."""
        variables = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
        limits = {} if threads is None else {name: str(threads) for name in variables}
        folder = tempfile.TemporaryDirectory()
        process = subprocess.Popen(
            [sys.executable, __file__, "--trace", folder.name, str(parallel)],
            stdout=subprocess.PIPE, text=True, env={**os.environ, **limits},
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )  # fmt: skip
        return cls(process, folder)

    def end(self) -> dict[str, Any]:
        """Wait for it; return what it has traced."""
        out, _ = self.process.communicate()
        self.folder.cleanup()
        if self.process.returncode:
            raise SystemExit(f"the sweep failed with exit code {self.process.returncode}")
        found: dict[str, Any] = json.loads(out.splitlines()[-1])
        return found


def measure(rounds: int) -> dict[str, Any]:
    """Return what is kept: the pieces of all trials, and what the simulation is compared with."""
    from run import machine

    cores = sorted(os.sched_getaffinity(0))[:2]
    if len(cores) < 2:
        raise SystemExit("two cores are needed: one alone cannot show what two threads do to each other")
    one, two = cores[:1], cores

    def traced(parallel: int, where: Sequence[int], threads: int | None) -> dict[str, Any]:
        found = Traced.begin(parallel, where, threads).end()
        print(f"{parallel} at once on {len(where)} cores: {found['seconds']:.1f} s", flush=True)
        return found

    loads = [os.getloadavg()[0]]
    alone = traced(1, one, 1)
    pairs = [(traced(1, two, 1), traced(2, two, 1)) for _ in range(rounds)]
    shipped = traced(2, two, None)
    beside = [Traced.begin(1, [core], 1) for core in cores]
    beside = [each.end() for each in beside]
    loads.append(os.getloadavg()[0])
    return {
        "machine": machine(),
        "load": [round(load, 1) for load in loads],
        **pieces_of(alone),
        "slowdown": round(
            max(statistics.mean(_total(each, "call") for each in beside) / _total(alone, "call"), 1.0), 3
        ),
        "parallel_part": round(_parallel_part(alone, [each for each, _ in pairs]), 3),
        "measured": {
            "1": [round(each["seconds"], 2) for each, _ in pairs],
            "2": [round(each["seconds"], 2) for _, each in pairs],
            "shipped": round(shipped["seconds"], 2),
        },
    }


def _total(found: dict[str, Any], kind: str) -> float:
    return sum(event[2] - event[1] for event in found["events"] if event[0] == kind)


def _parallel_part(alone: dict[str, Any], on_two: Sequence[dict[str, Any]]) -> float:
    """Return the part of compiling that a second core shares, by Amdahl's law."""
    gain = _total(alone, "compile") / statistics.mean(_total(each, "compile") for each in on_two)
    return min(max(2 * (1 - 1 / gain), 0.0), 1.0)


def pieces_of(found: dict[str, Any]) -> dict[str, Any]:
    """Return a trace of one trial after another as pieces: [kind, seconds, program], cut at the ends of epochs."""
    events = found["events"]
    moments = {event[0]: event[1] for event in events if event[0] in {"imported", "ready"}}
    trials: list[dict[str, Any]] = []
    last = moments["ready"]
    for kind, start, *rest in events:
        if kind in {"imported", "ready"}:
            continue
        if kind == "begin":
            trials.append({"structure": rest[1], "parts": [[]]})
            continue
        parts = trials[-1]["parts"]
        if start > last:
            parts[-1].append(["turn", round(start - last, 5), -1])
        last = start
        if kind == "epoch":
            parts.append([])
        elif kind != "end":
            parts[-1].append([kind, round(rest[0] - start, 5), rest[1]])
            last = rest[0]
    return {"start_s": round(moments["ready"], 3), "end_s": round(found["seconds"] - last, 3), "trials": trials}


# ---- what follows from it


def trials_of(kept: dict[str, Any], *, count: int, epochs: int) -> list[Trial]:
    """Return as many trials as asked for, of so many epochs: those that were measured, again and again.

    Epochs beyond those that were measured are those after the first, again and again.
    """
    whole = [(trial["structure"], _longer(trial["parts"], epochs)) for trial in kept["trials"]]
    first: dict[str, tuple[Piece, ...]] = {}
    later: dict[str, list[tuple[Piece, ...]]] = {}
    for structure, pieces in whole:
        if structure in first:
            later.setdefault(structure, []).append(pieces)
        else:
            first[structure] = pieces
    if rare := first.keys() - later.keys():
        raise SystemExit(f"only one trial has {min(rare)}; another seed draws more")
    endless = {structure: cycle(pieces) for structure, pieces in later.items()}
    return [
        Trial(structure, first[structure], next(endless[structure])) for structure, _ in islice(cycle(whole), count)
    ]


def _longer(parts: Sequence[Sequence[Any]], epochs: int) -> tuple[Piece, ...]:
    """Return a trial's pieces with so many epochs."""
    head, *more, tail = parts
    return tuple(Piece(*piece) for part in [head, *islice(cycle(more), epochs - 1), tail] for piece in part)


def seconds(kept: dict[str, Any], *, cores: int, processes: int, threads: int, count: int, epochs: int) -> float:
    """Return how long a sweep takes, from the start of its process to its end."""
    machine = Machine(cores, kept["slowdown"], kept["parallel_part"], kept["start_s"])
    command_s = kept["start_s"] if processes > 1 else 0.0  # it starts the others, and does not train
    trials = trials_of(kept, count=count, epochs=epochs)
    return command_s + simulate(trials, machine, processes=processes, threads=threads) + kept["end_s"]


def checks(kept: dict[str, Any]) -> Iterator[str]:
    """Yield how near the simulation is to what was measured."""
    yield f"| one process on 2 cores, {TRIALS} trials of {EPOCHS} epochs | measured, s | simulated, s | error |"
    yield "|---|---|---|---|"
    for at_once in (1, 2):
        found = kept["measured"][str(at_once)]
        simulated = seconds(kept, cores=2, processes=1, threads=at_once, count=TRIALS, epochs=EPOCHS)
        error = 100 * (simulated / statistics.mean(found) - 1)
        times = " and ".join(f"{value:.1f}" for value in found)
        yield f"| {at_once} at once, TensorFlow with one thread | {times} | {simulated:.1f} | {error:+.0f} % |"
    yield f"| 2 at once, as shipped (two threads) | {kept['measured']['shipped']:.1f} | | |"


def table(kept: dict[str, Any]) -> Iterator[str]:
    """Yield what other machines would give."""
    lengths = {"count": MANY, "epochs": EPOCHS}, {"count": MANY, "epochs": LONG}
    alone = [seconds(kept, cores=1, processes=1, threads=1, **length) for length in lengths]
    yield f"| cores | {MANY} trials trained by | of {EPOCHS} epochs each | of {LONG} epochs each |"
    yield "|---|---|---|---|"
    yield f"| 1 | one thread | {alone[0]:,.0f} s | {alone[1]:,.0f} s |"
    for cores, processes, threads, what in ROWS:
        found = [seconds(kept, cores=cores, processes=processes, threads=threads, **length) for length in lengths]
        cells = [f"{each:,.0f} s ({base / each:.1f} ×)" for each, base in zip(found, alone, strict=True)]
        yield f"| {cores} | {what} | {cells[0]} | {cells[1]} |"


def shares(kept: dict[str, Any]) -> Iterator[str]:
    """Yield what a trial consists of whose programs are there."""
    for epochs in (EPOCHS, LONG):
        later = [trial.later for trial in trials_of(kept, count=MANY, epochs=epochs)]
        turns, calls = (
            statistics.mean(
                sum(piece.seconds for piece in pieces if (piece.kind == "turn") == is_turn) for pieces in later
            )
            for is_turn in (True, False)
        )
        yield f"{turns:.2f} s of Python's turns and {calls:.2f} s of programs in one of {epochs} epochs"


def text_of(kept: dict[str, Any]) -> str:
    """Return what stands in docs/sweep.md."""
    machine = kept["machine"]
    about = (
        f"Simulated; the pieces were measured on {machine['date']} with one thread on one core of {machine['cpu']}, at a load of "
        f"{kept['load'][0]:.1f} (and {kept['load'][1]:.1f} at the end, two busy processes of this benchmark included). A trial whose programs "
        f"are there takes {', '.join(shares(kept))}. Two busy cores make programs {kept['slowdown']:.2f} × slower, and of "
        f"compiling a second core takes over {100 * kept['parallel_part']:.0f} % (more cores: assumed to be alike)."
    )
    return "\n".join(
        [
            textwrap.fill(about, 118),
            "",
            *table(kept),
            "",
            "How near this comes to what was measured:",
            "",
            *checks(kept),
        ]
    )


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("--rounds", type=int, default=2, help="of the runs that the simulation is compared with")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--trace", nargs=2, metavar=("FOLDER", "PARALLEL"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.trace:
        print(json.dumps(trace(Path(options.trace[0]), int(options.trace[1]))))
        return
    if options.measure:
        RESULTS.write_text(json.dumps(measure(options.rounds)) + "\n")
    text = text_of(json.loads(RESULTS.read_text()))
    print(text)
    if options.write:
        page = PAGE.read_text(encoding="utf-8")
        head, rest = page.split(BEGIN)
        PAGE.write_text(f"{head}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
