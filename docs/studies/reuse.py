"""The textbook's transfer example over ten seeds: python docs/studies/reuse.py [SEEDS]   (needs Fashion-MNIST)

Trains model A once per seed, then model B from scratch and on top of that seed's model A: once on the first 200 images,
so that seeds differ in weights and order alone, and once on 200 images drawn anew for each seed; and both with the best
rates found on the validation images. Prints the table of docs/reuse.md.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

import hornbook
from hornbook.data.source import Array
from hornbook.display.intervals import mean_interval, paired_interval

FASTER = "optimizer={name: sgd, learning_rate: 0.01, momentum: 0.9, nesterov: true}"
REDRAWN = "data={name: arrays, split: {validation: 0}}"


def pool() -> tuple[Array, Array, tuple[Array, Array]]:
    """Return all sandals and shirts behind the first 5,000 images, and the test images."""
    from hornbook.data import load

    recipe = hornbook.load_recipe("fashion_b_scratch", ["~data.limit"])
    splits = load(recipe.data, seed=0)
    if splits.test is None:
        raise SystemExit("no test images")
    return splits.train.x[:], splits.train.y, (splits.test.x[:], splits.test.y)


def main() -> None:
    """Train everything and print the table."""
    seeds = range(42, 42 + int(sys.argv[1] if len(sys.argv) > 1 else 10))
    runs = Path(tempfile.mkdtemp(prefix="hornbook-reuse-"))
    x, y, test = pool()
    scores: dict[str, list[float]] = {}

    def score(name: str, recipe: str, overrides: list[str], seed: int, *, data: object = None) -> Path:
        slug = name.replace(", ", "_").replace(" ", "_")
        checked = hornbook.load_recipe(recipe, [f"seed={seed}", f"name={slug}", *overrides])
        result = hornbook.train(checked, data=data, runs=runs, progress=False)
        values = result.validation if name == "a" else result.test
        scores.setdefault(name, []).append(values["accuracy"])
        print(seed, name, f"{values['accuracy']:.4f}", flush=True)
        return result.run

    for seed in seeds:
        model_a = score("a", "fashion_model_a", [], seed)
        source = [f"reuse.from={model_a}"]
        chosen = np.random.default_rng(seed).choice(len(x), 200, replace=False)
        drawn = ((x[chosen], y[chosen]), test)
        score("scratch, same 200", "fashion_b_scratch", [], seed)
        score("on A, same 200", "fashion_b_on_a", source, seed)
        score("best scratch, same 200", "fashion_b_scratch", [FASTER], seed)
        score("best on A, same 200", "fashion_b_best", source, seed)
        score("scratch, redrawn 200", "fashion_b_scratch", [REDRAWN], seed, data=drawn)
        score("on A, redrawn 200", "fashion_b_on_a", [REDRAWN, *source], seed, data=drawn)
    print("\n| what | accuracy, mean ± 95 % interval | lowest to highest |\n|---|---|---|")
    for name, values in scores.items():
        print(f"| {name} | {mean_interval(values).text()} | {min(values):.4f} to {max(values):.4f} |")
    for which in ("{}, same 200", "{}, redrawn 200", "best {}, same 200"):
        gain = paired_interval(scores[which.format("on A")], scores[which.format("scratch")])
        print(f"gain, {which.format('on A')}: {gain.text()}")


if __name__ == "__main__":
    main()
