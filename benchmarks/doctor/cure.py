"""Whether what `--try` ends with cures: `python benchmarks/doctor/cure.py FOLDER [COUNT]`, after run.py --aside.

Cured: at least 90 % of the gap between the ill recipe and its twin is closed, in the mean of three fresh seeds, on the test
split. Cases whose data is at fault, and those that are no worse than their twin, have no gap to close.
"""

import math
import sys
from pathlib import Path
from statistics import mean

sys.path.insert(0, str(Path(__file__).parent))
from cases import CASES, Case, twin_recipe
from score import wilson

FRESH = (101, 102, 103)
IN_THE_DATA = {
    "label_leak", "duplicates_between_splits", "wrong_labels", "class_imbalance", "wrong_metric", "overfitting",
    "missing_regularization",
}  # fmt: skip
"""Faults whose twin has other data."""


def test_score(recipe, folder: Path) -> float:
    """Return the mean skill of a recipe on its test split over fresh seeds: accuracy, or share of variance."""
    import hornbook
    from hornbook.errors import HornbookError

    scores = []
    for seed in FRESH:
        try:
            result = hornbook.train(hornbook.load_recipe(recipe, [f"seed={seed}"]), runs=folder, progress=False)
        except HornbookError:
            scores.append(0.0)
            continue
        if "accuracy" in result.test:
            scores.append(result.test["accuracy"])
            continue
        name = next(iter(result.baseline))
        ratio = result.test[name] / result.baseline[name]
        scores.append(1 - min(ratio**2, 1.0) if math.isfinite(ratio) else 0.0)
    return mean(scores)


def main() -> None:
    folder = Path(sys.argv[1])
    most = int(sys.argv[2]) if len(sys.argv) > 2 else len(CASES)
    from hornbook import startup

    startup.import_tensorflow()
    from hornbook.doctor.treat import treat

    twins: dict[str, float] = {}
    cured = count = 0
    wanted: list[Case] = [case for case in CASES if case.is_set_aside and case.fault not in IN_THE_DATA]
    for case in sorted(wanted, key=lambda case: case.name[::-1]):
        runs = [path.parent for path in (folder / case.name.replace("/", "-")).rglob("recipe.yaml")]
        if not runs or count >= most:
            continue
        place = folder / "cures"
        if case.twin not in twins:
            twins[case.twin] = test_score(twin_recipe(case.twin, folder), place)
        ill = test_score(case.recipe(folder), place)
        if twins[case.twin] - ill < 0.03:
            print(f"{case.name}: no worse than its twin ({ill:.3f}, {twins[case.twin]:.3f})", flush=True)
            continue
        cure = treat(runs[0])
        score = ill
        if cure.recipe is not None:
            path = place / "cured.yaml"
            path.write_text(cure.recipe, encoding="utf-8")
            score = test_score(path, place)
        closed = (score - ill) / (twins[case.twin] - ill)
        count += 1
        cured += closed >= 0.9
        print(
            f"{case.name}: {ill:.3f} → {score:.3f} (twin {twins[case.twin]:.3f}), {closed:.0%} by {cure.overrides}",
            flush=True,
        )
    print(f"cured {wilson(cured, count)}")


if __name__ == "__main__":
    main()
