"""Diagnoses the runs that run.py has kept: `python benchmarks/doctor/score.py FOLDER [--aside] [-v]`."""

import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from cases import CASES, TWINS


def wilson(hits: int, count: int) -> str:
    """Return a share with its Wilson interval of 95 %."""
    if not count:
        return "-"
    z, p = 1.96, hits / count
    middle, half = (p + z * z / (2 * count)), z * math.sqrt(p * (1 - p) / count + z * z / (4 * count * count))
    low, high = (middle - half) / (1 + z * z / count), (middle + half) / (1 + z * z / count)
    return f"{hits}/{count} = {p:.0%} ({low:.0%}-{high:.0%})"


def findings(place: Path):
    from hornbook.doctor.diagnose import diagnose

    runs = sorted(path.parent for path in place.rglob("recipe.yaml"))
    return diagnose(runs[-1]).findings if runs else None


def main() -> None:
    folder = Path(next(argument for argument in sys.argv[1:] if not argument.startswith("-")))
    aside, verbose = "--aside" in sys.argv, "-v" in sys.argv
    from hornbook import startup

    startup.import_tensorflow()
    detected = right = count = refused = 0
    for case in CASES:
        if case.is_set_aside != aside:
            continue
        place = folder / case.name.replace("/", "-") / "1"
        if not (place / "done").exists():
            continue
        found = findings(place)
        if found is None:
            refused += 1
            print(f"refused {case.name}: {(place / 'error.txt').read_text()[:120]!r}")
            continue
        count += 1
        issues = [finding for finding in found if finding.severity == "issue"]
        detected += bool(issues)
        hit = bool(issues) and issues[0].fault in case.accepted
        right += hit
        if verbose and not hit:
            print(
                f"{'MISSED' if not issues else 'wrong '} {case.name}: {[(f.fault, round(f.confidence, 2)) for f in issues[:4]]}"
            )
            for finding in issues[:1]:
                print("          ", finding.evidence)
    alarms = healthy = 0
    for name in TWINS:
        for place in sorted((folder / f"healthy-{name}").glob("*")):
            issues = [finding for finding in findings(place) or () if finding.severity == "issue"]
            healthy += 1
            alarms += bool(issues)
            if verbose and issues:
                print(f"ALARM  {name} {place.name}: {[(f.fault, round(f.confidence, 2), f.evidence) for f in issues]}")
    print(
        f"detected {wilson(detected, count)}; right first {wilson(right, count)}; alarms {wilson(alarms, healthy)}; refused {refused}"
    )


if __name__ == "__main__":
    main()
