"""Does pretraining help where labels are few? Prints the table of docs/pretraining.md: Fashion-MNIST, 784-300-100-10.

    HORNBOOK_DATA=… python docs/studies/pretraining.py

Each seed draws 20,000 training images; pretraining sees all of them without labels, the classifier 50, 200 or 1,000 with.
The control is the same network on the same labels. Every figure is the mean of the test accuracy over the seeds with the
half-width of its 95 % t-interval; differences are taken seed by seed. About ten minutes on 2 CPU cores.
"""

import sys
import tempfile

import numpy as np
from scipy import stats

from hornbook import load_recipe, startup

startup.import_tensorflow()
from hornbook.data import load  # noqa: E402
from hornbook.recipes.control import control_of  # noqa: E402
from hornbook.trainer.train import train  # noqa: E402

SEEDS = (1, 2, 3, 4, 5)
LABELS = (50, 200, 1000)
INPUTS = 20_000
METHODS = {
    "stacked denoising autoencoder": {"name": "autoencoder", "decoder": "tied", "masking": 0.3},
    "rotation": {"name": "rotation"},
}


def recipe_of(pretraining, labels, seed):
    """Return a recipe for arrays: 10 epochs of pretraining in batches of 128, 100 epochs of training."""
    return load_recipe(
        {
            "name": "study",
            "seed": seed,
            "data": {"name": "arrays", "split": {"validation": 0}},
            "model": {"name": "mlp", "units": [300, 100]},
            "pretraining": {**pretraining, "epochs": 10, "batch_size": 128, "labeled": labels},
            "training": {"epochs": 100},
        }
    )


def interval(values):
    """Return mean ± half of the 95 % t-interval, in percent."""
    half = stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    return f"{100 * np.mean(values):.1f} ± {100 * half:.1f}"


def main() -> None:
    """Train everything and print the table as Markdown."""
    source = load(load_recipe("mnist_300_100", ["data=fashion_mnist", "data.split.validation=0"]).data, seed=0)
    x, y, test = source.train.x, source.train.y, (source.test.x, source.test.y)
    columns = ["control", *METHODS]
    accuracy = {(labels, column): [] for labels in LABELS for column in columns}
    with tempfile.TemporaryDirectory() as runs:
        for seed in SEEDS:
            rows = np.random.default_rng(seed).permutation(len(x))[:INPUTS]
            data = ((x[rows], y[rows]), test)
            for labels in LABELS:
                recipes = {name: recipe_of(method, labels, seed) for name, method in METHODS.items()}
                recipes["control"] = control_of(recipes["rotation"])
                for column in columns:
                    result = train(recipes[column], data=data, runs=runs)
                    accuracy[labels, column].append(result.test["accuracy"])
                    print(seed, labels, column, result.test["accuracy"], file=sys.stderr, flush=True)
    print(f"| labels | control | {' | '.join(f'{column} | gain' for column in METHODS)} |")
    print(f"|{'---|' * (1 + len(columns) + len(METHODS))}")
    for labels in LABELS:
        control, cells = accuracy[labels, "control"], [interval(accuracy[labels, "control"])]
        for column in METHODS:
            values = accuracy[labels, column]
            cells += [interval(values), interval(np.subtract(values, control))]
        print(f"| {labels:,} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
