"""Is the rate that is found the right one? python benchmarks/learning_rates.py [--train | --search] [NAME …]

Each recipe is trained with each schedule over a grid of learning rates, three per decade, and three seeds. The best rate
of the grid is the one with the best mean figure of the test split, which nothing else looks at. Beside it stands what the range tests suggest.
How a schedule's rate follows from a range test was chosen on the recipes of `CHOSEN_ON` alone; those of `CHECKED_ON` had
no say. Figures are kept in results/learning_rates.json, so that the table can be printed again without training.
"""

import argparse
import json
import math
import os
import sys
import tempfile
from pathlib import Path
from statistics import fmean
from typing import Any

RESULTS = Path(__file__).parent / "results" / "learning_rates.json"
SEEDS = (42, 43, 44)
WITHIN = 3.0
SCHEDULES: dict[str, Any] = {
    "constant": "constant",
    "one_cycle": "one_cycle",
    "cosine": "cosine",
    "exponential": "exponential",
    "performance": {"name": "performance", "reduction": 0.5, "patience": 2},
}
DIGITS = {"name": "digits", "split": {"validation": 0.1, "test": 0.4}}
SGD = {"name": "sgd", "momentum": 0.9}
NESTEROV = SGD | {"nesterov": True}
HOUSES = {
    "name": "table",
    "path": str(Path(os.environ.get("HORNBOOK_DATA", "data"), "tables", "california_housing.csv")),
    "target": "median_house_value",
    "limit": 2400,
}
CHOSEN_ON: dict[str, dict[str, Any]] = {
    "digits, SGD, BN": {
        "data": DIGITS,
        "model": {"name": "mlp", "units": [100, 50]},
        "activation": "elu",
        "normalization": "batch_normalization",
        "optimizer": SGD,
    },
    "Fashion-MNIST, Adam": {
        "data": {"name": "fashion_mnist", "limit": 2400},
        "model": {"name": "mlp", "units": [100]},
        "optimizer": {"name": "adam"},
    },
    "houses, Adam": {
        "data": HOUSES,
        "model": {"name": "mlp", "units": [50, 50]},
        "optimizer": {"name": "adam"},
    },
    "digits, CNN, SGD": {
        "data": DIGITS,
        "model": {"name": "cnn", "filters": [8, 16], "dense": [32]},
        "optimizer": SGD,
    },
}
CHECKED_ON: dict[str, dict[str, Any]] = {
    "digits, five layers, SGD, BN": {
        "data": DIGITS,
        "model": {"name": "mlp", "units": [100, 100, 100, 100, 100]},
        "activation": "elu",
        "normalization": "batch_normalization",
        "optimizer": SGD,
    },
    "digits, deep SELU, Nadam": {
        "data": DIGITS | {"standardize": True},
        "model": {"name": "mlp", "units": [50] * 8},
        "initializer": "lecun_normal",
        "activation": "selu",
        "normalization": "none",
        "optimizer": {"name": "nadam"},
    },
    "MNIST, Nesterov, BN, dropout": {
        "data": {"name": "mnist", "limit": 2400},
        "model": {"name": "mlp", "units": [100, 50]},
        "normalization": "batch_normalization",
        "regularization": {"dropout": 0.2},
        "optimizer": NESTEROV,
    },
    "houses, SGD, BN": {
        "data": HOUSES,
        "model": {"name": "mlp", "units": [50, 50]},
        "normalization": "batch_normalization",
        "optimizer": SGD,
    },
    "Fashion-MNIST, CNN, Adam, BN": {
        "data": {"name": "fashion_mnist", "limit": 1200},
        "model": {"name": "cnn", "filters": [8, 16], "dense": [32]},
        "normalization": "batch_normalization",
        "optimizer": {"name": "adam"},
    },
}
EPOCHS = 10
GRIDS = {"sgd": (-3, 0), "adam": (-4, -1), "nadam": (-4, -1)}  # decades: from, to


def recipe_of(tree: dict[str, Any], schedule: str, rate: float, seed: int) -> Any:
    """Return a recipe with a schedule, a rate and a seed."""
    from hornbook import load_recipe

    optimizer = tree["optimizer"] | {"learning_rate": rate}
    training = {"epochs": EPOCHS, "engine": "graph", "checkpoint": {"every": "1 hours"}}
    whole = tree | {"optimizer": optimizer, "schedule": SCHEDULES[schedule], "training": training, "seed": seed}
    return load_recipe(whole)


def grid_of(tree: dict[str, Any]) -> list[float]:
    """Return three rates per decade."""
    low, high = GRIDS[tree["optimizer"]["name"]]
    return [float(f"{10 ** (low + step / 3):.2g}") for step in range(3 * (high - low) + 1)]


def measure(tree: dict[str, Any], schedule: str) -> dict[str, Any]:
    """Search, and train over the grid; returns the test figure of each seed at each rate, None where it diverged."""
    from hornbook.data import Shelf
    from hornbook.errors import DivergedError
    from hornbook.trainer.train import train

    shelf = Shelf()
    scores: dict[str, list[float | None]] = {}
    for rate in grid_of(tree):
        row = scores[f"{rate:g}"] = []
        for seed in SEEDS:
            with tempfile.TemporaryDirectory() as runs:
                try:
                    test = train(recipe_of(tree, schedule, rate, seed), runs=runs, shelf=shelf).test
                except DivergedError:
                    row.append(None)
                else:
                    row.append(test["accuracy"] if "accuracy" in test else -test["root_mean_squared_error"])
    return {"scores": scores, **suggestion(tree, schedule)}


def suggestion(tree: dict[str, Any], schedule: str) -> dict[str, Any]:
    """Return what range tests suggest: the rate, that of each seed, and why it or a seed is missing.

    A schedule that `auto` refuses is searched as the constant rate that it begins with.
    """
    from hornbook.trainer.lr_find.search import find_learning_rate

    recipe = recipe_of(tree, schedule, 0.01, SEEDS[0])
    searched = recipe if recipe.schedule.rate_can_be_found else recipe_of(tree, "constant", 0.01, SEEDS[0])
    search = find_learning_rate(searched)
    reasons = list(search.reasons) or list(search.left_out)
    return {"found": search.rate, "reasons": reasons, "seeds": [verdict.rate for verdict in search.verdicts]}


def table(results: dict[str, Any]) -> list[str]:
    """Return the lines of the table, one per recipe and schedule, and how often the rate lies near the best."""
    lines = [
        "| recipe, optimizer | schedule | found | best of the grid | figure with the nearest rate | with the best |"
    ]
    lines.append("|---|---|---|---|---|---|")
    near: dict[str, list[bool]] = {}
    for group, recipes in (("chosen on", CHOSEN_ON), ("checked on", CHECKED_ON)):
        for name in recipes:
            for schedule in SCHEDULES:
                result = results.get(f"{name} / {schedule}")
                if result is None:
                    continue
                means = {float(rate): fmean(row) for rate, row in result["scores"].items() if None not in row}
                best = max(means, key=lambda rate: means[rate])
                rate = result["found"]
                apart = max(rate / best, best / rate) if rate is not None else math.inf
                for key in (f"{schedule}, {group}", schedule):
                    near.setdefault(key, []).append(apart <= WITHIN)
                nearest = min(means, key=lambda other: abs(math.log(other / rate))) if rate is not None else None
                cells = [name, schedule, f"{rate:g}" if rate is not None else "none"]
                cells.append(f"{best:g}{'' if apart <= WITHIN else f' (**{apart:.1f}** times apart)'}")
                cells += [f"{abs(means[x]):.4g}" if x is not None else "" for x in (nearest, best)]
                lines.append(f"| {' | '.join(cells)} |")
    lines += [
        "",
        f"| schedule | within a factor of {WITHIN:g} | where it was chosen | where it was checked |",
        "|---|---|---|---|",
    ]
    for schedule in SCHEDULES:
        counts = [near.get(key, []) for key in (schedule, f"{schedule}, chosen on", f"{schedule}, checked on")]
        cells = [f"{sum(flags)} of {len(flags)}" for flags in counts]
        share = f" ({sum(counts[0]) / len(counts[0]):.0%})" if counts[0] else ""
        lines.append(f"| {schedule} | {cells[0]}{share} | {cells[1]} | {cells[2]} |")
    return lines


def main() -> None:
    """Measure what is asked for; print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--train", action="store_true", help="search and train over the grid: an hour of two busy cores"
    )
    parser.add_argument("--search", action="store_true", help="search again; the grid's figures stay")
    parser.add_argument("names", nargs="*", help="these recipes alone")
    options = parser.parse_args()
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    if options.train or options.search:
        from hornbook import startup

        startup.import_tensorflow()
        for name, tree in (CHOSEN_ON | CHECKED_ON).items():
            for schedule in SCHEDULES if not options.names or name in options.names else ():
                key = f"{name} / {schedule}"
                results[key] = measure(tree, schedule) if options.train else results[key] | suggestion(tree, schedule)
                RESULTS.write_text(json.dumps(results, indent=1) + "\n")
                print(f"measured {key}", file=sys.stderr, flush=True)
    print("\n".join(table(results)))


if __name__ == "__main__":
    main()
