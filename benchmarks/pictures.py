"""Pictures in files: the first epoch and later ones beside Keras's own way and beside arrays; the tables of docs/pictures.md.

    python benchmarks/pictures.py [--pictures 4000] [--rounds 3] [--listed 100000] [--write]

Draws digits of several sizes as JPEG and PNG in a temporary folder. Each measurement is a process of its own; the ways take
turns, and medians are shown with the load of the machine.
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
PAGE = ROOT / "docs" / "pictures.md"
BLOCK = re.compile("<!-- table -->.*?<!-- end -->", re.DOTALL)
SIZE, BATCH, SIDE = 96, 32, 260
EPOCHS = 4
WAYS = ("hornbook", "hornbook streamed", "keras")
LATER = ("hornbook", "hornbook streamed", "arrays", "keras")
BUDGET_MB = 20


def draw(folder, count, side, seed=0):
    """Write digits as pictures of about `side` pixels, in a folder for each class; three JPEG to one PNG."""
    from PIL import Image
    from sklearn.datasets import load_digits

    rng, bunch = np.random.default_rng(seed), load_digits()
    for number in range(count):
        row = number % len(bunch.images)
        width, height = (int(side * share) for share in rng.uniform(0.8, 1.6, 2)) if side > 64 else (side, side)
        ink, paper = rng.integers(0, 256, (2, 3))
        grey = (
            np.asarray(Image.fromarray(np.uint8(bunch.images[row] * 15.9)).resize((width, height), 3), float)[..., None]
            / 255
        )
        noise = rng.normal(0, 4, (height, width, 1))
        image = Image.fromarray((paper * (1 - grey) + ink * grey + noise).clip(0, 255).astype(np.uint8))
        place = folder / str(bunch.target[row])
        place.mkdir(parents=True, exist_ok=True)
        image.save(place / f"{number:06}.{('jpg', 'jpg', 'png', 'jpg')[number % 4]}")


def recipe(folder, way, epochs):
    """Return a recipe of a small convolutional network, without early stopping, validation or test."""
    data = {"name": "image_folder", "path": str(folder), "size": SIZE, "split": {"validation": 0, "test": 0}}
    training = {"epochs": epochs, "batch_size": BATCH, "engine": "graph"}
    if way == "hornbook streamed":
        training["memory_budget"] = f"{BUDGET_MB} MB"
    model = {"name": "cnn", "filters": [16, 32, 32, 32]}
    return {"data": data, "model": model, "activation": "relu", "training": training, "health": "off"}


def peak_mb():
    """Return the most memory that this process has had; `getrusage` counts what its parent had too."""
    return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024


def measure(folder, way, epochs):
    """Return seconds until each epoch's end, from the first look at the folder; processor time, and peak memory."""
    sys.path.insert(0, str(ROOT))
    from hornbook import startup

    startup.import_tensorflow()
    import keras

    import hornbook

    ends = []

    class Clock(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            ends.append((time.perf_counter(), time.process_time()))

    arrays = None
    if way == "arrays":
        from hornbook.data import load
        from hornbook.recipes import load_recipe

        spec = load_recipe(recipe(folder, way, epochs)).data
        splits = load(spec, seed=42)
        arrays = splits.train.x, splits.train.y
    began = time.perf_counter(), time.process_time()
    if way == "keras":
        model = hornbook.build(hornbook.load_recipe(recipe(folder, way, epochs)))
        began = time.perf_counter(), time.process_time()
        dataset = keras.utils.image_dataset_from_directory(
            folder, image_size=(SIZE, SIZE), batch_size=BATCH, verbose=False
        )
        model.fit(dataset.prefetch(2), epochs=epochs, verbose=0, callbacks=[Clock()])
    else:
        hornbook.train(
            hornbook.load_recipe(recipe(folder, way, epochs)),
            data=arrays,
            runs=folder.parent / "runs",
            callbacks=[Clock()],
        )
    seconds = [end[0] - began[0] for end in ends]
    processor = [end[1] - began[1] for end in ends]
    return {"seconds": seconds, "processor": processor, "peak": peak_mb()}


def look(folder):
    """Return the seconds that listing, reading what is in the cache, and dividing take, each for itself."""
    sys.path.insert(0, str(ROOT))
    from hornbook.data.pictures.listing import list_files
    from hornbook.data.pictures.reading import read_pictures
    from hornbook.data.pipeline import prepare, read
    from hornbook.data.sources.pictures import settings_of
    from hornbook.recipes.sources import ImageFolder

    spec = ImageFolder(path=str(folder), size=64)
    clock = [(time.perf_counter(), time.process_time())]

    def lap():
        clock.append((time.perf_counter(), time.process_time()))

    found = list_files(folder)
    lap()
    read_pictures(folder, found.names, found.stats, settings_of(spec))
    lap()
    source = read(spec, seed=1)
    lap()
    prepare(source, spec, seed=1, memory_budget=10**6)
    lap()
    steps = [(b[0] - a[0], b[1] - a[1]) for a, b in zip(clock, clock[1:], strict=False)]
    return dict(zip(("list", "read", "listed and read", "split"), steps, strict=True))


def child(cache, *arguments):
    """Return what a process of this script measures."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HORNBOOK_CACHE": str(cache), "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, __file__, "--measure", *map(str, arguments)]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return {**json.loads(done.stdout.splitlines()[-1]), "load": os.getloadavg()[0]}


def median(values):
    """Return the middle of some numbers."""
    return statistics.median(values)


def epochs_table(folder, count, rounds):
    """Return the table of first and later epochs."""
    first, later, peaks, loads = {}, {}, {}, []
    for number in range(rounds):
        for way in LATER:
            cache = folder.parent / f"cache-{number}-{way.replace(' ', '-')}"
            found = child(cache, folder, way, EPOCHS)
            shutil.rmtree(cache, ignore_errors=True)
            loads.append(found["load"])
            peaks.setdefault(way, []).append(found["peak"])
            for kind in ("seconds", "processor"):
                times = found[kind]
                first.setdefault((way, kind), []).append(times[0])
                later.setdefault((way, kind), []).append(median(np.diff(times)))
    names = {
        "hornbook": "`image_folder`", "hornbook streamed": f"`image_folder`, `memory_budget: {BUDGET_MB} MB`",
        "arrays": "the same pixels as arrays in memory", "keras": "`image_dataset_from_directory`, `fit`",
    }  # fmt: skip
    caption = (
        f"{count:,} pictures (three JPEG to one PNG, 200 to 420 pixels a side) at {SIZE}×{SIZE}, a `cnn` of 16, 32, 32, 32 "
        f"filters, batches of {BATCH}; medians of {rounds} processes each, taking turns; load of the machine "
        f"{min(loads):.1f} to {max(loads):.1f} on {os.cpu_count()} processors."
    )
    lines = [
        textwrap.fill(caption, 118),
        "",
        "| | first epoch, from the folder on | later epochs | processor, first and later | peak memory |",
        "| --- | --- | --- | --- | --- |",
    ]
    for way in LATER:
        cells = [median(table[way, kind]) for kind in ("seconds", "processor") for table in (first, later)]
        start = "" if way == "arrays" else f"{cells[0]:.1f} s"
        both = f"{cells[2]:.0f} s, {cells[3]:.0f} s" if way != "arrays" else f"{cells[3]:.0f} s"
        lines.append(f"| {names[way]} | {start} | {cells[1]:.1f} s | {both} | {median(peaks[way]):,.0f} MB |")
    return "\n".join(lines)


def listing_table(folder, count, cache):
    """Return the table of what a run on very many pictures begins with."""
    found = [child(cache, folder, "look", 0) for _ in range(3)]
    time.sleep(4)
    rows = {"first time": found[0], "again": child(cache, folder, "look", 0)}
    lines = [
        f"{count:,} JPEG and PNG of 64×64 (load {found[0]['load']:.1f} to {rows['again']['load']:.1f}); seconds, and of processor time:",
        "",
        "| | listed | read into the cache, or found there | divided into splits, fingerprint |",
        "| --- | --- | --- | --- |",
    ]
    for name, row in rows.items():
        cells = [f"{row[key][0]:.1f} ({row[key][1]:.1f})" for key in ("list", "read", "split")]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main():
    """Measure, print, and write where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pictures", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--listed", type=int, default=100_000)
    parser.add_argument("--write", action="store_true", help="put the tables into docs/pictures.md")
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        folder, way, epochs = arguments.measure
        found = look(Path(folder)) if way == "look" else measure(Path(folder), way, int(epochs))
        print(json.dumps(found))
        return
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        draw(folder / "some", arguments.pictures, SIDE)
        tables = [epochs_table(folder / "some", arguments.pictures, arguments.rounds)]
        if arguments.listed:
            draw(folder / "many", arguments.listed, 64)
            tables.append(listing_table(folder / "many", arguments.listed, folder / "cache"))
    text = "\n\n".join(tables)
    print(text)
    if arguments.write:
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(BLOCK.sub(lambda _: f"<!-- table -->\n{text}\n<!-- end -->", page), encoding="utf-8")


if __name__ == "__main__":
    main()
