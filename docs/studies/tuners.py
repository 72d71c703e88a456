"""Five tuners with the same budget: python docs/studies/tuners.py [SEEDS] [TRIALS]   (needs hornbook[optuna])

Three ranges (the rate, how far it falls, how soon) on a small network for the digits, so that all trials share their
compiled programs. The objective is the validation loss: 144 examples tell accuracies apart in steps of 0.7 points.
Hyperband gets as many epochs in all as the others, and divides them as it does. Prints for each tuner, over the seeds, the
best loss after a third, two thirds and all of the budget, the loss and accuracy on the test split of the winner with three
fresh seeds, and differences to `random` paired by seed.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import hornbook
from hornbook.display.intervals import mean_interval, paired_interval
from hornbook.sweep.sweep import sweep

EPOCHS = 5
TUNERS: dict[str, Any] = {
    "random": "random",
    "hyperband": {"name": "hyperband", "max_epochs": EPOCHS, "factor": 2, "hyperband_iterations": 100},
    "bayesian": "bayesian",
    "tpe": {"name": "optuna", "sampler": "tpe"},
    "cma_es": {"name": "optuna", "sampler": "cma_es"},
}
SPACE = {
    "optimizer.learning_rate": {"min": 1e-4, "max": 1.0, "sampling": "log"},
    "schedule.decay_rate": {"min": 1e-3, "max": 1.0, "sampling": "log"},
    "schedule.decay_steps": {"min": 10, "max": 400, "sampling": "log"},
}
PARTS = {"a third": 1 / 3, "two thirds": 2 / 3, "all": 1.0}


def recipe_of(tuner: str, seed: int, trials: int) -> Any:
    """Return the recipe of one search."""
    budget = {"total_epochs": trials * EPOCHS} if tuner == "hyperband" else {"max_trials": trials}
    return hornbook.load_recipe(
        {
            "name": f"tuners_{tuner}",
            "seed": seed,
            "data": "digits",
            "model": {"name": "mlp", "units": [32]},
            "optimizer": {"name": "sgd", "momentum": 0.9, "learning_rate": 0.01},
            "schedule": "exponential",
            "training": {"epochs": EPOCHS},
            "sweep": {"tuner": TUNERS[tuner], "objective": "val_loss", "space": SPACE, **budget},
        }
    )


def best_by_part(folder: Path, epochs: int) -> dict[str, float]:
    """Return the best loss of a trial trained to its end, after each part of all epochs."""
    events = [json.loads(line) for line in (folder / "trials.jsonl").read_text().splitlines()]
    until = {event["trial"]: event["until"] or EPOCHS for event in events if event["event"] == "start"}
    spent, best, found = 0, float("inf"), {}
    for event in (event for event in events if event["event"] == "end"):
        spent += event["epochs"]
        if event["score"] is not None and until[event["trial"]] == EPOCHS:
            best = min(best, event["score"])
        found |= {name: best for name, part in PARTS.items() if spent <= part * epochs + EPOCHS - 1}
    return {name: found.get(name, best) for name in PARTS}


def main() -> None:
    """Search with each tuner for each seed and print the tables."""
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    trials = int(sys.argv[2]) if len(sys.argv) > 2 else 30
    columns = [*PARTS, "test loss", "test accuracy"]
    scores: dict[str, dict[str, list[float]]] = {tuner: {name: [] for name in columns} for tuner in TUNERS}
    for seed in range(42, 42 + seeds):
        for tuner, found in scores.items():
            with tempfile.TemporaryDirectory() as runs:
                result = sweep(recipe_of(tuner, seed, trials), runs=runs, parallel=1)
                figures = best_by_part(result.folder, trials * EPOCHS)
            figures["test loss"] = result.confirmed["test_loss"].mean
            figures["test accuracy"] = 100 * result.confirmed["test_accuracy"].mean
            for name, value in figures.items():
                found[name].append(value)
            print(seed, tuner, {name: round(value, 4) for name, value in figures.items()}, result.best, flush=True)
    print(f"| tuner | {' | '.join(columns)} |")
    for tuner, found in scores.items():
        texts = [mean_interval(found[name]).text(2 if name == "test accuracy" else 4) for name in columns]
        print(f"| {tuner} | {' | '.join(texts)} |")
    for tuner in [name for name in TUNERS if name != "random"]:
        pairs = {name: paired_interval(scores[tuner][name], scores["random"][name]) for name in columns}
        texts = [pair.text(2 if name == "test accuracy" else 4) for name, pair in pairs.items()]
        print(f"| {tuner} - random | {' | '.join(texts)} |")


if __name__ == "__main__":
    main()
