"""Data larger than the recipe's memory budget is never in memory as a whole, whichever command reads it."""

import gc
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROWS, COLUMNS, PART = 150_000, 200, 5_000  # 120 MB of float32
BUDGET, BLOCK, ALLOWED = "6 MB", 2**23, 80e6  # bytes: blocks, windows of the file, and what evaluation takes
RECIPE = {
    "name": "large",
    "data": {"name": "npy", "inputs": "x.npy", "targets": "y.npy", "split": {"validation": 0.2, "test": 0.2}},
    "model": {"name": "mlp", "units": [2]},
    "training": {"epochs": 1, "batch_size": 4096, "memory_budget": BUDGET, "engine": "graph"},
}


class Peak:
    """How far the process's memory rises above what it is now, by the kernel's own account."""

    def __init__(self):
        gc.collect()  # what earlier tests left would be freed while we measure, and hide as much of what we take
        Path("/proc/self/clear_refs").write_text("5")  # forget the highest value so far
        self.before = self.status("VmRSS")

    def status(self, name):
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith(name)).split()[1]) * 1024

    def bytes(self):
        return self.status("VmHWM") - self.before


@pytest.fixture(scope="module")
def home(tmp_path_factory, tensorflow):
    """A folder with the data and a run on it; the current one. Blocks are a quarter as large as otherwise."""
    import hornbook

    if not os.access("/proc/self/clear_refs", os.W_OK):
        pytest.skip("this system does not tell how much memory a process has taken")
    folder = tmp_path_factory.mktemp("large")
    x = np.lib.format.open_memmap(folder / "x.npy", mode="w+", dtype=np.float32, shape=(ROWS, COLUMNS))
    generator, labels = np.random.default_rng(0), []
    for start in range(0, ROWS, PART):
        part = generator.standard_normal((PART, COLUMNS), dtype=np.float32)
        x[start : start + PART] = part
        labels.append(part[:, 0] > 0)
    x.flush()
    del x
    np.save(folder / "y.npy", np.concatenate(labels).astype(np.int64))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr("hornbook.engine.feed.BLOCK_BYTES", BLOCK)
        hornbook.train(hornbook.load_recipe(RECIPE), progress=False)
        yield folder


@pytest.mark.whole
def test_a_whole_array_would_be_noticed(home):
    peak = Peak()
    np.load("x.npy")
    assert peak.bytes() > ALLOWED


def test_training(home):
    import hornbook

    peak = Peak()
    hornbook.train(hornbook.load_recipe({**RECIPE, "name": "again"}), progress=False)
    assert peak.bytes() < ALLOWED


def test_evaluating(home):
    from hornbook.inference.evaluate import evaluate_run

    peak = Peak()
    assert evaluate_run("large").count == ROWS // 5
    assert peak.bytes() < ALLOWED


@pytest.mark.parametrize("form", ["npy", "npz"])
def test_predicting(home, form):
    from hornbook.inference.predict import predict_file

    source = home / f"x.{form}"
    if form == "npz":
        np.savez(source, x=np.load("x.npy", mmap_mode="r"))
    peak = Peak()
    predict_file("large", source, output=home / f"{form}.npz")
    assert peak.bytes() < ALLOWED
    assert len(np.load(home / f"{form}.npz")["labels"]) == ROWS


@pytest.mark.whole
def test_sweeping(home):
    import hornbook

    sweep = {"tuner": "grid", "space": {"optimizer.learning_rate": [0.01, 0.1]}, "confirm": 0}
    recipe = hornbook.load_recipe({**RECIPE, "name": "searched", "sweep": sweep})
    peak = Peak()
    hornbook.run_sweep(recipe, progress=False)
    assert peak.bytes() < ALLOWED


@pytest.mark.whole
def test_pictures_in_files(home, tmp_path, monkeypatch):
    """92 MB of pixels, once read into the cache and once found there; a network's own memory is the same in all runs."""
    import hornbook

    generator, side, count = np.random.default_rng(0), 32, 30_000
    for number in range(count):
        place = tmp_path / "files" / "ab"[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 256, (side, side, 3), np.uint8)).save(place / f"{number}.bmp")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("hornbook.engine.feed.BLOCK_BYTES", BLOCK)
    data = {"name": "image_folder", "path": "files", "size": side}
    peaks = []
    for name, budget in (("read", BUDGET), ("found", BUDGET), ("in_memory", "1 GB")):
        training = {**RECIPE["training"], "batch_size": 1024, "memory_budget": budget}
        peak = Peak()
        hornbook.train(
            hornbook.load_recipe({**RECIPE, "name": name, "data": data, "training": training}), progress=False
        )
        peaks.append(peak.bytes())
    assert max(peaks[:2]) < peaks[2] - count * side * side * 3


def test_the_budget_that_no_recipe_names_is_half_of_the_machine(monkeypatch):
    from hornbook import load_recipe
    from hornbook.data import memory_budget

    monkeypatch.setattr("os.sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 1000}.__getitem__)
    assert memory_budget(load_recipe({**RECIPE, "training": {}})) == 2_048_000
    assert memory_budget(load_recipe(RECIPE)) == 6_000_000


@pytest.mark.whole
def test_training_on_a_table(home):
    import polars as pl

    import hornbook

    x, y = np.load("x.npy", mmap_mode="r"), np.load("y.npy")
    for start in range(0, ROWS, PART):
        columns = {f"n{column}": x[start : start + PART, column] for column in range(COLUMNS)}
        pl.DataFrame({**columns, "y": y[start : start + PART]}).write_parquet(f"t-{start:05}.parquet")
    data = {"name": "table", "path": "t-*.parquet", "target": "y", "split": {"validation": 0.2, "test": 0.2}}
    recipe = hornbook.load_recipe({**RECIPE, "name": "table", "data": data})
    peak = Peak()
    hornbook.train(recipe, progress=False)
    assert peak.bytes() < ALLOWED
