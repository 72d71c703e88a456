"""Runs the benchmarks: peers paired in one run, medians and spreads printed, results written.

    python benchmarks/run.py             everything, about an hour on 2 idle cores
    python benchmarks/run.py mlp cnn     only comparisons whose name begins so

Each contender is a process of its own that prints seconds as JSON. Rounds alternate between the contenders, so that a busy
minute hits both sides; the ratio is the median over rounds of their paired ratios. PyTorch and JAX run in .venv-bench.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

HERE = Path(__file__).parent
PEERS = HERE.parent / ".venv-bench" / "bin" / "python"
ROUNDS, EPOCHS = 5, 5


@dataclass(frozen=True)
class Comparison:
    """One row of the table.

    Attributes:
        name: Short name.
        what: What is measured, in words.
        ours: Arguments of our contender.
        peer: Arguments of the peer.
        against: The peer in words.
        target: Ratio peer/ours to reach.
        epochs: Epochs per round.
        rounds: How often both are measured.
    """

    name: str
    what: str
    ours: tuple[str, ...]
    peer: tuple[str, ...]
    against: str
    target: float
    epochs: int = EPOCHS
    rounds: int = ROUNDS


def contender(script: str, *arguments: str) -> tuple[str, ...]:
    """Return the arguments that run a contender."""
    return (str(HERE / "contenders" / script), *arguments)


def epochs(case: str) -> tuple[str, ...]:
    """Return Hornbook on a case."""
    return contender("hornbook_epochs.py", case)


def inference(what: str, who: str) -> tuple[str, ...]:
    """Return somebody's way of using a trained network."""
    return contender("inference.py", what, "{epochs}", who)


SEARCH = "30 random trials of 784-300-100-10, 10,000 images, 5 epochs; "
FIRST = "784-300-100-10, batch norm, ELU, Nesterov, batch 32, 60,000 images"
TEXTS = "100,000 texts of 50 words, vocabulary 20,000, mean of embeddings; "
PREDICT = "predict 1,000,000 rows of 20 columns by 64-64-1, batch norm, ELU"
SAMPLE = "mean and deviation of 100 predictions with dropout, 10,000 images, 784-300-100-10"
LIMIT = "the limit: its products at their own shapes and the optimizer's bytes"
COMPARISONS = [
    Comparison("mlp-fit", FIRST, epochs("mlp"), contender("keras_fit.py", "mlp"), "model.fit", 5.5),
    Comparison("mlp-dropout-fit", "the same, dropout 0.2", epochs("mlp_dropout"), contender("keras_fit.py", "mlp_dropout"), "model.fit", 5.0),
    Comparison("mlp-dropout-clip-fit", "the same, dropout 0.2, global-norm clipping", epochs("mlp_dropout_clip"), contender("keras_fit.py", "mlp_dropout_clip"), "model.fit", 4.5),
    Comparison("mlp-together", "the first", epochs("mlp"), contender("keras_fit.py", "mlp", "{epochs}", "50"), "model.fit(steps_per_execution=50)", 3.0),
    Comparison("mlp-jax", "the first", epochs("mlp"), contender("jax_scan.py", "mlp"), "hand-written JAX, lax.scan", 1.0),
    Comparison("mlp-torch", "the first", epochs("mlp"), contender("torch_epochs.py", "mlp"), "PyTorch, DataLoader", 6.0, 3),
    Comparison("mlp-floor", "the first", epochs("mlp"), contender("floor.py", "mlp"), LIMIT, 1 / 1.25),
    Comparison("cnn-fit", "CNN 32-64, batch norm, ELU, dense 128, 6,400 images", epochs("cnn"), contender("keras_fit.py", "cnn"), "model.fit", 1.2),
    Comparison("cnn-fused", "the same CNN", epochs("cnn"), epochs("cnn_graph"), "engine `graph`", 1.15),
    Comparison("cnn-torch", "the same CNN", epochs("cnn"), contender("torch_epochs.py", "cnn"), "PyTorch, DataLoader", 1.0, 3),
    Comparison("deep-fit", "20×100 dense, batch norm, Adam, 6,400 images", epochs("deep"), contender("keras_fit.py", "deep"), "model.fit", 7.0),
    Comparison("deep-floor", "the same network", epochs("deep"), contender("floor.py", "deep"), LIMIT, 1 / 1.25),
    Comparison("lstm-fit", "two LSTM layers of 64 on 28 steps, Adam, 6,400 images", epochs("lstm"), contender("keras_fit.py", "lstm"), "model.fit", 2.0),
    Comparison("text-file", TEXTS + "from the file to three epochs", contender("text_file.py", "hornbook"), contender("text_file.py", "keras"), "TextVectorization, tf.data, model.fit", 1.0, 1, 3),
    Comparison("text-epoch", TEXTS + "an epoch", contender("text_file.py", "hornbook-epoch"), contender("text_file.py", "keras-epoch"), "TextVectorization, tf.data, model.fit", 1.0, 1, 3),
    Comparison("predict-keras", PREDICT, inference("predict", "hornbook"), inference("predict", "keras"), "model.predict at its best batch size", 2.0),
    Comparison("predict-loop", PREDICT, inference("predict", "hornbook"), inference("predict", "loop"), "a tf.function by batches of the best size", 2.0),
    Comparison("evaluate", "the same network and rows: loss and accuracy", inference("evaluate", "hornbook"), inference("evaluate", "keras"), "model.evaluate at its best batch size", 2.0),
    Comparison("sample-book", SAMPLE, inference("sample", "hornbook"), inference("sample", "book"), "the textbook's `model(x, training=True)`", 2.0, 2, 3),
    Comparison("sample-loop", SAMPLE, inference("sample", "hornbook"), inference("sample", "loop"), "a tf.function by batches of the best size", 2.0, 2, 3),
    Comparison("calibrate", "the temperature of 100,000 examples, 10 classes", inference("calibrate", "hornbook"), inference("calibrate", "sklearn"), "CalibratedClassifierCV(method='temperature')", 2.0),
    Comparison("command", "whole command: train 20 epochs on digits, start to exit", contender("whole_command.py", "hornbook"), contender("whole_command.py", "keras"), "the same script in plain Keras", 1.0, 1),
    Comparison("command-limit", "the same command", contender("whole_command.py", "hornbook"), contender("whole_command.py", "floor"), "the fastest known import of TensorFlow and Keras, and its steps compiled", 1 / 1.2, 1),
    Comparison("sweep", SEARCH + "rate, optimizer, activation", contender("sweep.py", "hornbook", "mixed"), contender("sweep.py", "keras", "mixed"), "keras-tuner and model.fit", 7.0, 5, 3),
    Comparison("sweep-rates", SEARCH + "only rate and seed vary", contender("sweep.py", "hornbook", "rates"), contender("sweep.py", "keras", "rates"), "keras-tuner and model.fit", 7.0, 5, 3),
]  # fmt: skip


def measure(command: tuple[str, ...], epochs: int) -> dict[str, float]:
    """Return the median seconds of one round, warm-up left out, and what else the contender says of it."""
    script, case, *rest = command
    more = rest[1:] if rest[:1] == ["{epochs}"] else rest
    python = str(PEERS) if Path(script).name.startswith(("torch", "jax")) else sys.executable
    found = subprocess.run([python, script, case, str(epochs), *more], capture_output=True, text=True, check=False)
    if found.returncode:
        raise SystemExit(f"{script} failed:\n{found.stderr[-2000:]}")
    said = json.loads(found.stdout.splitlines()[-1])
    numbers = {name: value for name, value in said.items() if isinstance(value, float)}
    return numbers | {"seconds": statistics.median(said["seconds"][1:] or said["seconds"])}


def compare(row: Comparison) -> dict[str, object]:
    """Return a row with its figures over all rounds."""
    pairs = []
    for number in range(row.rounds):
        order = (row.ours, row.peer) if number % 2 == 0 else (row.peer, row.ours)
        timed = {command: measure(command, row.epochs) for command in order}
        pairs.append((timed[row.ours], timed[row.peer]))
    ratios = sorted(peer["seconds"] / ours["seconds"] for ours, peer in pairs)
    ours, peer = (
        {name: statistics.median(one[name] for one in column) for name in column[0]}
        for column in zip(*pairs, strict=True)
    )
    figures = {
        "ours_s": round(ours["seconds"], 4),
        "peer_s": round(peer["seconds"], 4),
        "ratio": round(statistics.median(ratios), 3),
        "spread": [round(ratios[0], 3), round(ratios[-1], 3)],
        "rounds": row.rounds,
        **{
            f"{who}_{name}": round(said[name], 4)
            for who, said in (("ours", ours), ("peer", peer))
            for name in said
            if name != "seconds"
        },
    }
    kept = {key: value for key, value in asdict(row).items() if key in {"name", "what", "against", "target"}}
    return {**kept, **figures, "met": statistics.median(ratios) >= row.target}


def machine() -> dict[str, object]:
    """Return what the figures were measured on."""
    from importlib.metadata import version

    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        "?",
    )
    return {
        "date": time.strftime("%Y-%m-%d"),
        "gflops": round(_large_matrix_rate()),
        "cpu": model,
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        **{package: version(package) for package in ("tensorflow", "keras", "numpy")},
    }


def _large_matrix_rate() -> float:
    """Return this moment's rate of a 2,048 × 2,048 product in GFLOP/s: rented machines differ from hour to hour."""
    import numpy as np

    matrix, seconds = np.ones((2048, 2048), np.float32), []
    for _ in range(5):
        begin = time.perf_counter()
        matrix @ matrix
        seconds.append(time.perf_counter() - begin)
    return 2 * 2048**3 / min(seconds) / 1e9


def main() -> None:
    """Measure, print and write."""
    chosen = [row for row in COMPARISONS if not sys.argv[1:] or any(row.name.startswith(arg) for arg in sys.argv[1:])]
    target_file = HERE / "results" / "comparisons.json"
    known = json.loads(target_file.read_text()) if target_file.exists() else {"rows": {}}
    for row in chosen:
        figures = compare(row)
        low, high = figures["spread"]
        mark = "met" if figures["met"] else "MISSED"
        print(
            f"{row.name:<22} ours {figures['ours_s']:.3f} s  peer {figures['peer_s']:.3f} s  "
            f"ratio {figures['ratio']:.2f} ({low:.2f}-{high:.2f})  target {row.target:.2f} {mark}",
            flush=True,
        )
        known["rows"][row.name] = figures | {"machine": machine()}
        target_file.parent.mkdir(exist_ok=True)
        target_file.write_text(json.dumps(known, indent=1) + "\n")


if __name__ == "__main__":
    main()
