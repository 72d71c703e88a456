"""The comparisons with Keras on a GPU, and single against half precision there: python benchmarks/gpu.py

Writes benchmarks/results/gpu.json, and the table of docs/performance.md that speaks of GPUs.
"""

import json
import subprocess
import sys
from pathlib import Path

from run import COMPARISONS, Comparison, compare, epochs, machine
from table import comparisons

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "performance.md"
BEGIN, END = "<!-- gpu: begin -->", "<!-- gpu: end -->"
NAMES = {"mlp-fit", "mlp-together", "cnn-fit", "deep-fit", "lstm-fit"}
HALF = Comparison(
    "cnn-half", "the same CNN, `precision: mixed_float16`", epochs("cnn_half"), epochs("cnn"), "float32", 1.0
)
NAME = """
from hornbook.startup import import_tensorflow
import_tensorflow()
from hornbook.engine.device import describe_device, has_gpu
print(describe_device() if has_gpu() else "")
"""


def main() -> None:
    """Measure, print and write."""
    name = subprocess.run([sys.executable, "-c", NAME], capture_output=True, text=True, check=True).stdout.strip()
    if not name:
        raise SystemExit(
            "TensorFlow sees no GPU here: nothing to measure. Install 'hornbook[gpu]' and NVIDIA's driver."
        )
    rows = {}
    for row in [*(row for row in COMPARISONS if row.name in NAMES), HALF]:
        rows[row.name] = compare(row) | {"machine": machine()}
        print(row.name, json.dumps(rows[row.name]), flush=True)
    (HERE / "results" / "gpu.json").write_text(json.dumps({"device": name, "rows": rows}, indent=1) + "\n")
    head, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    table = "\n".join([f"Measured {machine()['date']} on {name}.", "", *comparisons({"rows": rows})])
    PAGE.write_text(f"{head}{BEGIN}\n{table}\n{END}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
