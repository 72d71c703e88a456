"""Tables and arrays larger than memory, loading and predicting: the tables of docs/performance.md.

    python benchmarks/tables.py [--rows 5000000] [--rounds 3] [--folder FOLDER] [--write]

Makes a table of 50 columns as CSV and Parquet, and an array of 75, in a temporary folder or in FOLDER, where they stay: about
8 GB for 5,000,000 rows. Each measurement is a process of its own; the ways take turns, and medians are shown with the load of
the machine.
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "performance.md"
BLOCK = re.compile("<!-- larger: begin -->.*?<!-- larger: end -->", re.DOTALL)
PART, COLUMNS = 500_000, 75
BATCH, EPOCHS = 1024, 4
IN_MEMORY = "1000 GB"


def part(rows, number):
    """Return some rows of the table: 40 fractions, one with gaps, 5 whole numbers, 4 categories, a boolean, the target."""
    import polars as pl

    rng = np.random.default_rng(number)
    colours = np.array(["red", "green", "blue", "yellow", "violet"])
    columns = {f"n{place}": np.round(rng.standard_normal(rows) * 100, 3) for place in range(40)}
    columns |= {f"i{place}": rng.integers(0, 1000, rows) for place in range(5)}
    columns |= {f"c{place}": rng.choice(colours[: 3 + place % 3], rows) for place in range(4)}
    columns["b"] = rng.choice(np.array(["true", "false"]), rows)
    columns["n3"] = np.where(rng.random(rows) < 0.05, np.nan, columns["n3"])
    columns["target"] = (columns["n0"] + 50 * (columns["c0"] == "red") + rng.standard_normal(rows) * 10).round(3)
    return pl.DataFrame(columns).with_columns(pl.col("n3").fill_nan(None))


def make(folder, rows):
    """Write a table of so many rows as CSV and Parquet, unless it is there."""
    import polars as pl

    if (folder / f"{rows}.parquet").exists():
        return
    pieces = []
    with (folder / f"{rows}.csv").open("wb") as file:
        for number, start in enumerate(range(0, rows, PART)):
            frame = part(min(PART, rows - start), number)
            frame.write_csv(file, include_header=number == 0)
            pieces.append(folder / f"{rows}-{number}.parquet")
            frame.write_parquet(pieces[-1])
    pl.scan_parquet(pieces).sink_parquet(folder / f"{rows}.parquet")
    for piece in pieces:
        piece.unlink()


def make_array(folder, rows):
    """Write an array of so many rows, and classes, unless it is there."""
    if (folder / f"{rows}-y.npy").exists():
        return
    shape, labels = (rows, COLUMNS), []
    x = np.lib.format.open_memmap(folder / f"{rows}-x.npy", mode="w+", dtype=np.float32, shape=shape)
    for number, start in enumerate(range(0, rows, PART)):
        count = min(PART, rows - start)
        x[start : start + count] = np.random.default_rng(number).standard_normal((count, COLUMNS), dtype=np.float32)
        labels.append(x[start : start + count, 0] > 0)
    x.flush()
    np.save(folder / f"{rows}-y.npy", np.concatenate(labels).astype(np.int64))


def recipe(file, budget, epochs=EPOCHS):
    """Return a recipe on a file: two layers of 64, batches of 1024."""
    import hornbook

    file = Path(file)
    data = {"name": "table", "path": str(file), "target": "target"}
    if file.suffix == ".npy":
        data = {"name": "npy", "inputs": str(file), "targets": str(file).replace("-x.npy", "-y.npy")}
    tree = {
        "name": "larger", "seed": 1, "data": {**data, "split": {"validation": 0.01, "test": 0.01}},
        "model": {"name": "mlp", "units": [64, 64]},
        "training": {"epochs": epochs, "batch_size": BATCH, "memory_budget": budget},
    }  # fmt: skip
    return hornbook.load_recipe(tree)


def peak():
    """Return the megabytes that this process has taken at most."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status).group(1)) / 1024


def measure_training(file, budget):
    """Return seconds and processor seconds of loading and of each epoch, what TensorFlow alone takes, and the peak."""
    from hornbook.trainer.listeners import Listener
    from hornbook.trainer.train import train

    clock = []

    class Clock(Listener):
        def on_start(self, start):
            clock.append((time.perf_counter(), time.process_time()))

        def on_epoch(self, row, *, is_best):
            clock.append((time.perf_counter(), time.process_time()))

    before, start = peak(), (time.perf_counter(), time.process_time())
    with tempfile.TemporaryDirectory() as runs:
        result = train(recipe(file, budget), runs=runs, listeners=[Clock()])
        loss = result.history[-1]["loss"]
    steps = [(b[0] - a[0], b[1] - a[1]) for a, b in zip([start, *clock], clock, strict=False)]
    return {"load": steps[0], "epochs": steps[1:], "loss": loss, "before": before, "peak": peak()}


def measure_loading(file):
    """Return seconds and processor seconds of polars, of the floor and of Hornbook, all of which have been warmed."""
    import hashlib

    import polars as pl

    from hornbook.data import load_data

    def read():
        return pl.read_csv(file) if file.endswith(".csv") else pl.read_parquet(file)

    def floor():
        frame = read()
        hashlib.sha256(frame.select(pl.selectors.numeric().cast(pl.Float32)).to_numpy().tobytes()).hexdigest()

    ours = recipe(file, IN_MEMORY)
    ways = {"polars": read, "floor": floor, "hornbook": lambda: load_data(ours)}
    found = {name: [] for name in ways}
    for number in range(6):
        for name, way in ways.items():
            start = time.perf_counter(), time.process_time()
            way()
            if number:
                found[name].append((time.perf_counter() - start[0], time.process_time() - start[1]))
    return {name: [statistics.median(column) for column in zip(*times, strict=True)] for name, times in found.items()}


def measure_predicting(run, file, budget):
    """Return seconds, processor seconds and the peak of predictions for a file; `-` from stdin to stdout."""
    from hornbook.inference import examples
    from hornbook.inference.predict import predict_file

    examples.memory_budget = lambda _: int(budget)
    start = time.perf_counter(), time.process_time()
    predict_file(run, file, output=None)
    found = {"seconds": time.perf_counter() - start[0], "processor": time.process_time() - start[1], "peak": peak()}
    print(json.dumps(found), file=sys.stderr)


def child(folder, *arguments, stdin=None):
    """Return what a process of this script measures, with the load of the machine."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3", "TMPDIR": str(folder)}
    environment["HORNBOOK_CACHE"] = str(folder / "cache")
    command = [sys.executable, __file__, "--measure", *map(str, arguments)]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True, stdin=stdin)
    said = done.stderr if arguments[0] == "predict" else done.stdout
    return {**json.loads(said.splitlines()[-1]), "machine": os.getloadavg()[0]}


def when(loads):
    """Return the day, and how busy the machine was."""
    return f"{time.strftime('%Y-%m-%d')}, load {min(loads):.1f} to {max(loads):.1f}"


def loading_table(folder, rounds):
    """Return the table of loading 500,000 rows into memory."""
    lines = [
        "| | `polars` | read + fingerprint | Hornbook, splits and statistics included | ratio |",
        "|---|---|---|---|---|",
    ]
    loads = []
    for kind in ("csv", "parquet"):
        found = [child(folder, "load", folder / f"{PART}.{kind}") for _ in range(rounds)]
        loads += [one["machine"] for one in found]
        middle = {
            name: [statistics.median(one[name][place] for one in found) for place in (0, 1)]
            for name in ("polars", "floor", "hornbook")
        }
        cells = [f"{wall:.2f} ({cpu:.2f})" for wall, cpu in middle.values()]
        against = "polars" if kind == "csv" else "floor"
        ratios = [middle["hornbook"][place] / middle[against][place] for place in (0, 1)]
        lines.append(f"| {kind} | {' | '.join(cells)} | {ratios[0]:.1f} ({ratios[1]:.1f}) |")
    return [
        f"Loading {PART:,} × 50 into memory, seconds (of processor time); {when(loads)}:",
        "",
        *lines,
    ]


def training_table(folder, rows, rounds, budget):
    """Return the table of streamed and resident training."""
    files = {
        f"CSV {rows:,} × 50": f"{rows}.csv",
        f"Parquet {rows:,} × 50": f"{rows}.parquet",
        f"`.npy` {rows:,} × 75": f"{rows}-x.npy",
    }
    lines = [
        "| | load first, again | an epoch | streamed ÷ in memory | peak, TensorFlow alone |",
        "|---|---|---|---|---|",
    ]
    loads = []
    for name, file in files.items():
        found, first = {}, {}
        for _ in range(rounds):
            for way in (budget, IN_MEMORY):
                one = child(folder, "train", folder / file, way)
                first.setdefault(way, one)
                found.setdefault(way, []).append(one)
                loads.append(one["machine"])
        assert len({one["loss"] for ones in found.values() for one in ones}) == 1, "not the same bits"
        epoch = {
            way: [statistics.median(times[place] for one in ones for times in one["epochs"][1:]) for place in (0, 1)]
            for way, ones in found.items()
        }
        for way, what in ((budget, f"streamed, `memory_budget: {budget}`"), (IN_MEMORY, "in memory")):
            later = statistics.median(one["load"][0] for one in found[way][1:] or found[way])
            wall, cpu = epoch[way]
            ratio = "" if way == IN_MEMORY else f"{wall / epoch[IN_MEMORY][0]:.2f} ({cpu / epoch[IN_MEMORY][1]:.2f})"
            most, before = max(one["peak"] for one in found[way]), found[way][0]["before"]
            lines.append(
                f"| {name}, {what} | {first[way]['load'][0]:.0f} s, {later:.0f} s | {wall:.1f} s ({cpu:.1f}) | {ratio} | {most:,.0f} MB, {before:,.0f} MB |"
            )
    caption = f"Training `mlp` [64, 64] in batches of {BATCH}, the same bits both ways; in brackets processor time; {when(loads)} on {os.cpu_count()} processors:"
    return [textwrap.fill(caption, 118), "", *lines]


def predicting_table(folder, rows, budget):
    """Return the table of predictions for a file."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    code = f"import sys; sys.path.insert(0, {str(ROOT / 'benchmarks')!r}); import tables; from hornbook.trainer.train import train; print(train(tables.recipe({str(folder / f'{PART}.csv')!r}, '1000 GB', 1), runs={str(folder / 'runs')!r}).run)"
    run = subprocess.run(
        [sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True
    ).stdout.splitlines()[-1]
    lines, loads = ["| | seconds (of processor time) | peak |", "|---|---|---|"], []
    for what, file, limit in (
        ("file, in memory", f"{rows}.csv", 10**12),
        ("file, in parts", f"{rows}.csv", budget),
        ("Parquet, in parts", f"{rows}.parquet", budget),
        ("stdin to stdout, in parts", "-", budget),
    ):
        path = folder / f"{rows}.csv" if file == "-" else folder / file
        with path.open("rb") as stdin:
            one = child(folder, "predict", run, "-" if file == "-" else path, limit, stdin=stdin)
        loads.append(one["machine"])
        lines.append(f"| {what} | {one['seconds']:.1f} ({one['processor']:.1f}) | {one['peak']:,.0f} MB |")
    caption = (
        f"Predictions for {rows:,} rows, to stdout; in parts with a budget of {budget / 1e6:,.0f} MB; {when(loads)}:"
    )
    return [textwrap.fill(caption, 118), "", *lines]


def main():
    """Measure, print, and write where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--predicted", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--budget", default="500 MB")
    parser.add_argument("--folder", type=Path, help="where the files are made and stay; omitted: a temporary one")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/performance.md")
    parser.add_argument("--measure", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        what, *values = arguments.measure
        found = {"train": measure_training, "load": measure_loading, "predict": measure_predicting}[what](*values)
        print(json.dumps(found))
        return
    folder = arguments.folder or Path(tempfile.mkdtemp())
    folder.mkdir(exist_ok=True)
    try:
        for rows in (PART, arguments.predicted, arguments.rows):
            make(folder, rows)
        make_array(folder, arguments.rows)
        text = "\n\n".join(
            "\n".join(lines)
            for lines in (
                loading_table(folder, arguments.rounds),
                training_table(folder, arguments.rows, arguments.rounds, arguments.budget),
                predicting_table(folder, arguments.predicted, 200_000_000),
            )
        )
    finally:
        shutil.rmtree(folder / "cache", ignore_errors=True)
        if arguments.folder is None:
            shutil.rmtree(folder)
    print(text)
    if arguments.write:
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(
            BLOCK.sub(lambda _: f"<!-- larger: begin -->\n{text}\n<!-- larger: end -->", page), encoding="utf-8"
        )


if __name__ == "__main__":
    main()
