"""Seconds per epoch of Hornbook: python hornbook_epochs.py CASE EPOCHS"""

import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from cases import CASES

import hornbook

case, epochs = CASES[sys.argv[1]], int(sys.argv[2])
dropout = f"regularization={{dropout: {case.dropout}}}" if case.dropout else "~regularization"
clip = f"training.gradient_clipping.threshold={case.clip}" if case.clip else "~training.gradient_clipping"
recipe = hornbook.load_recipe(
    "he_elu_bn",
    [
        "data={name: fashion_mnist, limit: %d, split: {validation: 0, test: 0}}" % case.examples,
        "optimizer={name: sgd, learning_rate: 0.01, momentum: 0.9, nesterov: true}",
        *case.overrides,
        dropout,
        clip,
        "schedule=constant",
        "~training.early_stopping",
        f"training.epochs={epochs}",
    ],
)
with tempfile.TemporaryDirectory() as runs:
    result = hornbook.train(recipe, runs=runs, progress=False)
rows = result.history
print(json.dumps({"seconds": [row["train_seconds"] for row in rows], "loss": [row["loss"] for row in rows]}))
