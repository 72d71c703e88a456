"""Measures how far the memory of a process rises while it reads data larger than its budget; tests take a process of their own.

    python memory.py [FOLDER] NAME …        functions of this file; the last line is {NAME: bytes} as JSON

What a process has done before would show: allocators keep what was freed, and garbage is freed whenever it comes.
"""

import gc
import json
import os
import sys
from pathlib import Path

import numpy as np

ROWS, COLUMNS, PART = 150_000, 200, 5_000
WHOLE = ROWS * COLUMNS * 4
"""Bytes of the data: 120 MB."""
PIXELS = 30_000, 32, 32, 3
BUDGET, BLOCK = "6 MB", 2**23
RECIPE = {
    "name": "large",
    "data": {"name": "npy", "inputs": "x.npy", "targets": "y.npy", "split": {"validation": 0.2, "test": 0.2}},
    "model": {"name": "mlp", "units": [2]},
    "training": {"epochs": 1, "batch_size": 4096, "memory_budget": BUDGET, "engine": "graph"},
}


def status(name):
    """Return what the kernel says of this process, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) * 1024


def rise(work):
    """Return how many bytes memory rises above what it is now while something is done."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # forget the highest value so far
    before = status("VmRSS")
    work()
    return status("VmHWM") - before


def train(**changes):
    import hornbook

    hornbook.train(hornbook.load_recipe({**RECIPE, **changes}), progress=False)


def write():
    """Write the arrays and train on them once, so that nothing is done for the first time later."""
    x = np.lib.format.open_memmap("x.npy", mode="w+", dtype=np.float32, shape=(ROWS, COLUMNS))
    generator, labels = np.random.default_rng(0), []
    for start in range(0, ROWS, PART):
        part = generator.standard_normal((PART, COLUMNS), dtype=np.float32)
        x[start : start + PART] = part
        labels.append(part[:, 0] > 0)
    x.flush()
    np.save("y.npy", np.concatenate(labels).astype(np.int64))
    train()


def whole():
    return rise(lambda: np.load("x.npy"))


def training():
    return rise(lambda: train(name="again"))


def evaluating():
    from hornbook.inference.evaluate import evaluate_run

    return rise(lambda: evaluate_run("large"))


def predicting(form="npy"):
    from hornbook.inference.predict import predict_file

    found = rise(lambda: predict_file("large", f"x.{form}", output=Path(f"{form}.npz")))
    assert len(np.load(f"{form}.npz")["labels"]) == ROWS
    return found


def predicting_npz():
    np.savez("x.npz", x=np.load("x.npy", mmap_mode="r"))
    return predicting("npz")


def sweeping():
    import hornbook

    sweep = {"tuner": "grid", "space": {"optimizer.learning_rate": [0.01, 0.1]}, "confirm": 0}
    recipe = hornbook.load_recipe({**RECIPE, "name": "searched", "sweep": sweep})
    return rise(lambda: hornbook.run_sweep(recipe, progress=False))


def table():
    import polars as pl

    x, y = np.load("x.npy", mmap_mode="r"), np.load("y.npy")
    for start in range(0, ROWS, PART):
        columns = {f"n{column}": x[start : start + PART, column] for column in range(COLUMNS)}
        pl.DataFrame({**columns, "y": y[start : start + PART]}).write_parquet(f"t-{start:06}.parquet")
    data = {"name": "table", "path": "t-*.parquet", "target": "y", "split": {"validation": 0.2, "test": 0.2}}
    return rise(lambda: train(name="table", data=data))


def pictures():
    """Return the rise for files that are read into the cache, for those found there, and for all pixels in memory."""
    from PIL import Image

    generator = np.random.default_rng(0)
    for number in range(PIXELS[0]):
        place = Path("files") / "ab"[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 256, PIXELS[1:], np.uint8)).save(place / f"{number}.bmp")
    data, rises = {"name": "image_folder", "path": "files", "size": PIXELS[1]}, []
    for name, budget in (("read", BUDGET), ("found", BUDGET), ("in_memory", "1 GB")):
        own = {**RECIPE["training"], "batch_size": 1024, "memory_budget": budget}
        rises.append(rise(lambda name=name, own=own: train(name=name, data=data, training=own)))
    return rises


if __name__ == "__main__":
    os.chdir(sys.argv[1])
    from hornbook import startup

    startup.import_tensorflow()
    import hornbook.engine.feed

    hornbook.engine.feed.BLOCK_BYTES = BLOCK
    write()
    print(json.dumps({name: globals()[name]() for name in sys.argv[2:]}))
