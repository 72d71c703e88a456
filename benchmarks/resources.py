"""Start-up of the commands, memory, fixed cost of an epoch and scaling: python benchmarks/resources.py [NAME …]"""

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
HORNBOOK = str(Path(sys.executable).with_name("hornbook"))
ROUNDS = 5
PEAK = """
import resource, sys
{body}
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""
BARE = "import tensorflow as tf, keras; tf.matmul(tf.ones((8, 8)), tf.ones((8, 8)))"
TRAIN = """
import resource, subprocess, tempfile
subprocess.run(["{hornbook}", "train", "-c", "he_elu_bn", "data=fashion_mnist", "training.epochs=3", "--runs", tempfile.mkdtemp()], check=True, capture_output=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
"""
SCALE = """
import json, tempfile, numpy as np, hornbook
rng = np.random.default_rng(0)
seconds = {}
for size in (10_000, 100_000, 1_000_000):
    x, y = rng.integers(0, 255, (size, 28, 28), dtype=np.uint8), rng.integers(0, 10, size)
    overrides = ["data={name: arrays, split: {validation: 0, test: 0}}", "~training.early_stopping", "training.epochs=4",
                 "schedule=constant", "~regularization", "~training.gradient_clipping"]
    result = hornbook.train(hornbook.load_recipe("he_elu_bn", overrides), data=(x, y), runs=tempfile.mkdtemp(), progress=False)
    seconds[size] = sorted(row["train_seconds"] for row in result.history[1:])[1]
print(json.dumps(seconds))
"""
FIXED = """
import json, tempfile, numpy as np, hornbook
rng = np.random.default_rng(0)
seconds = {}
for size in (320, 3_200):
    x, y = rng.integers(0, 255, (size, 28, 28), dtype=np.uint8), rng.integers(0, 10, size)
    overrides = ["data={name: arrays, split: {validation: 0, test: 0}}", "~training.early_stopping", "training.epochs=60",
                 "schedule=constant", "~regularization", "~training.gradient_clipping"]
    result = hornbook.train(hornbook.load_recipe("he_elu_bn", overrides), data=(x, y), runs=tempfile.mkdtemp(), progress=False)
    rows = result.history[10:]
    seconds[size] = sorted(row["seconds"] for row in rows)[len(rows) // 2]
print(json.dumps(seconds))
"""


def run(code: str) -> str:
    """Run Python code in a process of its own; returns its last line."""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return found.stdout.splitlines()[-1]


def commands() -> dict[str, object]:
    """Median seconds of commands that answer at once."""
    found: dict[str, object] = {}
    for name, arguments in {"--help": ["--help"], "check": ["check", "-c", "he_elu_bn"], "list": ["list"]}.items():
        seconds = []
        for _ in range(ROUNDS + 1):
            begin = time.perf_counter()
            subprocess.run([HORNBOOK, *arguments], capture_output=True, check=True)
            seconds.append(time.perf_counter() - begin)
        found[name] = round(statistics.median(seconds[1:]), 3)
    return found | {"target": 0.3, "met": all(value <= 0.3 for value in found.values())}


def memory() -> dict[str, object]:
    """Peak memory of training fashion_mnist against a bare TensorFlow process and the data's bytes."""
    bare = statistics.median(int(run(PEAK.format(body=BARE))) for _ in range(3))
    ours = statistics.median(int(run(TRAIN.format(hornbook=HORNBOOK))) for _ in range(3))
    data = 70_000 * 784 + 70_000 * 4
    ratio = ours / (bare + data)
    return {"bare_mb": bare // 10**6, "data_mb": data // 10**6, "ours_mb": ours // 10**6, "ratio": round(ratio, 3), "target": 1.25, "met": ratio <= 1.25}  # fmt: skip


def scaling() -> dict[str, object]:
    """Seconds per epoch and example from 10,000 to 1,000,000 examples."""
    seconds = {int(size): value for size, value in json.loads(run(SCALE)).items()}
    each = {size: value / size * 1e6 for size, value in seconds.items()}
    spread = max(each.values()) / min(each.values()) - 1
    return {"seconds": seconds, "us_per_example": {size: round(value, 2) for size, value in each.items()}, "spread": round(spread, 3), "target": 0.15, "met": spread <= 0.15}  # fmt: skip


def fixed() -> dict[str, object]:
    """Cost of an epoch that does not depend on its length, by the line through two lengths."""
    seconds = {int(size): value for size, value in json.loads(run(FIXED)).items()}
    small, large = seconds.values()
    cost = small - (large - small) / 9
    return {"seconds": seconds, "fixed_ms": round(cost * 1000, 2), "target": 5, "met": cost <= 0.005}


def main() -> None:
    """Measure, print and write."""
    target_file = HERE / "results" / "resources.json"
    known = json.loads(target_file.read_text()) if target_file.exists() else {}
    for measure in (commands, memory, fixed, scaling):
        if sys.argv[1:] and measure.__name__ not in sys.argv[1:]:
            continue
        known[measure.__name__] = measure()
        print(measure.__name__, json.dumps(known[measure.__name__]), flush=True)
        target_file.parent.mkdir(exist_ok=True)
        target_file.write_text(json.dumps(known, indent=1) + "\n")


if __name__ == "__main__":
    main()
