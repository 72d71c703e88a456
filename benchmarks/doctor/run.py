"""Trains the ill recipes and their twins, and keeps the runs: `python benchmarks/doctor/run.py [--aside] [FOLDER]`.

`--shipped` trains the shipped recipes instead, `--outside` the cases that were written blind.
"""

import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import outside
from cases import CASES, TWINS, twin_recipe, write_tables

SEEDS = (1, 2, 3)


def main() -> None:
    folder = Path(sys.argv[-1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    write_tables(folder)
    from hornbook import startup

    startup.import_tensorflow()
    jobs = [(f"healthy/{name}", twin_recipe(name, folder), seed) for name in TWINS for seed in SEEDS]
    aside = "--aside" in sys.argv
    jobs += [(case.name, case.recipe(folder), 1) for case in CASES if case.is_set_aside == aside]
    if aside:
        jobs = jobs[len(TWINS) * len(SEEDS) :]
    if "--shipped" in sys.argv:
        jobs = [(f"shipped/{name}", name, seed) for name in shipped() for seed in SEEDS]
    if "--outside" in sys.argv:
        outside.write_data(folder)
        os.chdir(folder)
        jobs = [(f"outside/{name}", recipe, 1) for name, recipe in outside.recipes().items()]
    for number, (name, recipe, seed) in enumerate(jobs):
        place = folder / name.replace("/", "-") / str(seed)
        if (place / "done").exists():
            continue
        started = time.perf_counter()
        print(f"{number + 1}/{len(jobs)} {name} seed {seed}", end=" ", flush=True)
        print(outcome(recipe, seed, place), f"{time.perf_counter() - started:.1f} s", flush=True)
        (place / "done").touch()


def shipped() -> list[str]:
    """Return the shipped recipes whose data comes with what is installed; searches are none of one run."""
    import hornbook
    from hornbook.recipes import shipped_recipes

    named = {"mnist", "fashion_mnist", "cifar10", "cifar100", "california_housing", "imdb"}
    recipes = [name for name in shipped_recipes() if not name.startswith(("sweep", "fashion"))]
    return [name for name in recipes if hornbook.load_recipe(name).data.name not in named]


def outcome(recipe, seed, place) -> str:
    import hornbook
    from hornbook.errors import HornbookError

    place.mkdir(parents=True, exist_ok=True)
    try:
        loaded = hornbook.load_recipe(recipe, [f"seed={seed}"])
        result = hornbook.train(loaded, runs=place, progress=False)
    except HornbookError as error:
        (place / "error.txt").write_text(f"{type(error).__name__}: {error}")
        return f"{type(error).__name__}: {str(error)[:150]}"
    return f"{result.state} {result.test}"


if __name__ == "__main__":
    main()
