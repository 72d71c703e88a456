"""Random against grid search with 27 trials each: python docs/studies/search.py [SEEDS]   (needs Fashion-MNIST)

Three keys: the rate, which matters, the momentum and ℓ2. The grid has three values of each, the random search 27. Prints
for each seed the best validation score, the winner's mean test accuracy over three fresh seeds, and paired differences.
"""

import sys
import tempfile
from typing import Any

import hornbook
from hornbook.display.intervals import mean_interval, paired_interval
from hornbook.sweep.sweep import sweep

KEYS = {"optimizer.learning_rate": (1e-3, 1.0), "optimizer.momentum": (0.5, 0.98), "regularization.l2": (1e-6, 1e-2)}


def space_of(tuner: str) -> dict[str, Any]:
    """Return the space: three values of each key for the grid, the same ranges for the random search."""
    space: dict[str, Any] = {}
    for key, (low, high) in KEYS.items():
        is_log = key != "optimizer.momentum"
        middle = float(f"{(low * high) ** 0.5 if is_log else (low + high) / 2:.6g}")
        drawn = {"min": low, "max": high, "sampling": "log" if is_log else "linear"}
        space[key] = [low, middle, high] if tuner == "grid" else drawn
    return space


def main() -> None:
    """Search with both for each seed and print the table."""
    scores: dict[str, dict[str, list[float]]] = {tuner: {"selected": [], "test": []} for tuner in ("grid", "random")}
    for seed in range(42, 42 + int(sys.argv[1] if len(sys.argv) > 1 else 8)):
        for tuner, found in scores.items():
            recipe = hornbook.load_recipe(
                {
                    "name": f"search_{tuner}",
                    "seed": seed,
                    "data": {"name": "fashion_mnist", "limit": 2_000, "sample": "first"},
                    "model": {"name": "mlp", "units": [100]},
                    "optimizer": {"name": "sgd", "momentum": 0.9, "learning_rate": 0.01},
                    "training": {"epochs": 5},
                    "sweep": {"tuner": tuner, "objective": "val_accuracy", "max_trials": 27, "space": space_of(tuner)},
                }
            )
            with tempfile.TemporaryDirectory() as runs:
                result = sweep(recipe, runs=runs)
            found["selected"].append(100 * (result.score or 0.0))
            found["test"].append(100 * result.confirmed["test_accuracy"].mean)
            print(seed, tuner, f"{found['selected'][-1]:.2f} {found['test'][-1]:.2f}", result.best, flush=True)
    for tuner, found in scores.items():
        print(f"| {tuner} | {mean_interval(found['selected']).text(2)} | {mean_interval(found['test']).text(2)} |")
    for what in ("selected", "test"):
        print(what, "random - grid:", paired_interval(scores["random"][what], scores["grid"][what]).text(2))


if __name__ == "__main__":
    main()
