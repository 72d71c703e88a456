"""Diagnoses the runs that run.py has kept: `python benchmarks/doctor/score.py FOLDER [-v] [--write]`.

`--write` puts the table into docs/doctor.md. The halves that are set aside are reported by
themselves, and so are the cases that were written blind (`outside.py`).
"""

import math
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import outside
from cases import CASES, TWINS

PAGE = Path(__file__).parents[2] / "docs" / "doctor.md"
Faults = list[str]
BLIND = ("written blind, mended on", "written blind, set aside")


@dataclass
class Group:
    """Ill cases that are reported together: (what is accepted, what Hornbook finds, what the published rules find)."""

    found: list[tuple[frozenset[str], Faults, Faults]] = field(default_factory=list)
    refused: int = 0


def wilson(hits: int, count: int) -> str:
    """Return a share with its Wilson interval of 95 %."""
    if not count:
        return "–"
    z, p = 1.96, hits / count
    middle, half = p + z * z / (2 * count), z * math.sqrt(p * (1 - p) / count + z * z / (4 * count * count))
    low, high = (middle - half) / (1 + z * z / count), (middle + half) / (1 + z * z / count)
    return f"{hits}/{count} = {p:.0%} ({low:.0%}–{high:.0%})"


def read(place: Path) -> tuple[Faults, Faults] | None:
    """Return the issues that Hornbook and that the published rules find in a run; None where there is no run."""
    from published import published

    from hornbook.doctor.diagnose import findings_of, read_case
    from hornbook.runs.directory import Run

    runs = sorted(path.parent for path in place.rglob("recipe.yaml") if "latest" not in path.parts)
    if not runs:
        return None
    case, _ = read_case(Run(runs[-1]))
    return [finding.fault for finding in findings_of(case) if finding.severity == "issue"], published(case)


def done(folder: Path, pattern: str) -> Iterable[Path]:
    """Return the runs of a kind that have ended."""
    return sorted(path for path in folder.glob(pattern) if (path / "done").exists())


def main() -> None:
    folder = Path(next(argument for argument in sys.argv[1:] if not argument.startswith("-")))
    verbose = "-v" in sys.argv
    from hornbook import startup

    startup.import_tensorflow()
    groups = {name: Group() for name in ("thresholds chosen on", "set aside", *BLIND)}
    for name, accepted, group, pattern in ill_cases():
        for place in done(folder, pattern):
            found = read(place)
            groups[group].refused += found is None
            if found is None:
                continue
            groups[group].found.append((accepted, *found))
            if verbose and not (found[0] and found[0][0] in accepted):
                print(f"{group}: {name}: {found[0]}")
    blind = [path for kind in ("twin", "well") for path in done(folder, f"outside-{kind}-*/1")]
    is_aside = {path: outside.is_set_aside(path.parent.name.removeprefix("outside-")) for path in blind}
    healthy = {
        "twins, 3 seeds each": [place for name in TWINS for place in done(folder, f"healthy-{name}/*")],
        "shipped recipes, 3 seeds each": list(done(folder, "shipped-*/*")),
        BLIND[0]: [path for path in blind if not is_aside[path]],
        BLIND[1]: [path for path in blind if is_aside[path]],
    }
    alarms = {kind: [read(place) for place in places] for kind, places in healthy.items()}
    for kind, places in healthy.items():
        for place, found in zip(places, alarms[kind], strict=True):
            if verbose and found is not None and found[0]:
                print(f"alarm: {kind} {place.parent.name} {place.name}: {found[0]}")
    lines = table(groups, alarms)
    print("\n".join(lines))
    if "--write" in sys.argv:
        text = PAGE.read_text(encoding="utf-8")
        block = "<!-- table -->\n" + "\n".join(lines) + "\n<!-- end -->"
        PAGE.write_text(
            re.sub(r"<!-- table -->.*?<!-- end -->", lambda _: block, text, flags=re.DOTALL), encoding="utf-8"
        )


def ill_cases() -> Iterator[tuple[str, frozenset[str], str, str]]:
    """Yield each ill case: its name, what is accepted, its group, and where its run is."""
    for case in CASES:
        group = "set aside" if case.is_set_aside else "thresholds chosen on"
        yield case.name, case.accepted, group, f"{case.name.replace('/', '-')}/1"
    for name, (_, _, accepted) in outside.ILL.items():
        is_aside = outside.is_set_aside(f"ill-{name}")
        yield name, frozenset(accepted), BLIND[is_aside], f"outside-ill-{name}/1"


def table(groups: Mapping[str, Group], alarms: Mapping[str, list[tuple[Faults, Faults] | None]]) -> list[str]:
    """Return the table as lines of Markdown."""
    lines = [
        "| | ill recipes | detected | right first finding | published rules: detected | right first |",
        "|---|---|---|---|---|---|",
    ]
    for name, group in groups.items():
        cases = group.found
        row = [f"{len(cases)} ({group.refused} more refused)"]
        for place in (1, 2):
            detected = sum(bool(each[place]) for each in cases)
            right = sum(bool(each[place]) and each[place][0] in each[0] for each in cases)
            row += [wilson(detected, len(cases)), wilson(right, len(cases))]
        lines.append(f"| {name} | {' | '.join(row)} |")
    lines += ["", "| healthy runs | alarms | alarms of the published rules |", "|---|---|---|"]
    for kind, runs in alarms.items():
        known = [run for run in runs if run is not None]
        row = [wilson(sum(bool(run[place]) for run in known), len(known)) for place in (0, 1)]
        lines.append(f"| {kind} | {' | '.join(row)} |")
    return lines


if __name__ == "__main__":
    main()
