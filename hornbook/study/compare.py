"""Finished runs side by side: where their recipes differ, line by line, and what came out. No TensorFlow."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hornbook.display.text import COLUMNS, p_relation
from hornbook.errors import RunError, UsageError
from hornbook.recipes.language.spec import KINDS, component_class
from hornbook.recipes.language.text import parse, shown
from hornbook.recipes.losses import holds_penalties, keys_of_other_losses
from hornbook.recipes.recipe import Recipe
from hornbook.runs.directory import Run, find_run, is_pretraining
from hornbook.study.grid import grid_lines
from hornbook.study.measure import Measure, measure_of
from hornbook.study.outcome import Group, Row, compare_groups
from hornbook.study.table import verdict_lines

__all__ = ["Column", "Comparison", "compare_found", "compare_runs", "flatten"]

NOT_TRAINING = {"name", "notes", "tags", "tracking"}


@dataclass(frozen=True)
class Column:
    """What stands in one column: a run, or several that differ in the seed alone.

    Attributes:
        letter: ``A``, ``B`` …
        runs: The runs, by seed.
        keys: Flattened keys of their recipe, the seed among them where there is one run.
    """

    letter: str
    runs: tuple[Run, ...]
    keys: Mapping[str, Any]

    @cached_property
    def results(self) -> list[dict[str, Any]]:
        """Each run's result."""
        return [run.result for run in self.runs]

    @cached_property
    def seeds(self) -> list[int]:
        """Each run's seed."""
        return [int(run.environment["seed"]) for run in self.runs]

    def figures(self) -> dict[str, list[float]]:
        """Return what came out: {name: a value per run that has it}."""
        found: dict[str, list[float]] = {}
        for run, result in zip(self.runs, self.results, strict=True):
            rows = [row for row in run.history if not is_pretraining(row)]
            values = {f"val_{name}": value for name, value in (result.get("validation") or {}).items()}
            values |= {f"test_{name}": value for name, value in (result.get("test") or {}).items()}
            values |= {"epochs": len(rows), "seconds": result.get("seconds")}
            for name, value in values.items():
                if value is not None:
                    found.setdefault(name, []).append(float(value))
        return found


@dataclass(frozen=True)
class Comparison:
    """What `hornbook compare` says.

    Attributes:
        columns: The runs, repeats together; the first is compared with.
        differences: (key, a value per column), of keys whose values differ.
        measure: What the statistics are about; None where there are none.
        rows: Means, differences and verdicts; empty where no run is repeated.
        notes: What makes the comparison weaker than it looks.
    """

    columns: tuple[Column, ...]
    differences: tuple[tuple[str, tuple[Any, ...]], ...]
    measure: Measure | None
    rows: tuple[Row, ...]
    notes: tuple[str, ...]

    def text(self) -> str:
        """Return lines of at most 80 characters, paths excepted."""
        lines = [line for column in self.columns for line in _names(column)]
        letters = [column.letter for column in self.columns]
        names = list(dict.fromkeys(name for column in self.columns for name in column.figures()))
        results = [(name, tuple(_mean(column, name) for column in self.columns)) for name in names]
        states = tuple(", ".join(sorted({str(r.get("state")) for r in column.results})) for column in self.columns)
        lines += ["", *grid_lines([("state", states), *results], letters)]
        if self.differences:
            texts = [(key, tuple(_value(value) for value in values)) for key, values in self.differences]
            lines += ["", "recipe", *grid_lines(texts, letters)]
        else:
            lines += ["", "The recipes are the same."]
        if self.measure is not None and self.rows:
            lines += ["", *self._statistics(self.measure)]
        for note in self.notes:
            lines += textwrap.wrap(note, COLUMNS)
        return "\n".join(lines)

    def _statistics(self, measure: Measure) -> Iterator[str]:
        unit = " points" if measure.is_fraction else ""
        for row in self.rows:
            if row.difference is not None:
                p = row.difference.adjusted_p
                more = "" if p is None else f", {p_relation(p)} (Holm)"
                difference = measure.interval(row.difference.interval, sign=True)
                yield f"{measure.name} {row.group.label} - {self.columns[0].letter}: {difference}{unit}{more}"
        yield from verdict_lines(self.rows)
        yield "95 % t intervals over the seeds; differences are paired by seed."

    def json(self) -> dict[str, Any]:
        """Return everything in JSON's types."""
        return {
            "columns": [
                {
                    "runs": [str(run.path) for run in column.runs],
                    "seeds": column.seeds,
                    "states": [result.get("state") for result in column.results],
                    "results": column.figures(),
                    "recipe": {key: values[place] for key, values in self.differences},
                    "verdict": self.rows[place].verdict if self.rows else None,
                    "p_holm": _p(self.rows[place]) if self.rows else None,
                }
                for place, column in enumerate(self.columns)
            ],
            "metric": None if self.measure is None else self.measure.name,
            "notes": list(self.notes),
        }


def _p(row: Row) -> float | None:
    return None if row.difference is None else row.difference.adjusted_p


def compare_runs(names: Sequence[str]) -> Comparison:
    """Return how runs differ.

    Args:
        names: Their folders, or recipes' names for the newest run.

    Raises:
        UsageError: For fewer than two runs, or if there is no such run.
        RunError: If a run's files cannot be read.
    """
    runs = list({run.path: run for run in map(find_run, names)}.values())
    if len(runs) < 2:
        raise UsageError(f"compare needs two different runs at least, found {len(runs)}.")
    return compare_found(runs)


def compare_found(runs: Sequence[Run]) -> Comparison:
    """Return how two different runs or more differ.

    Raises:
        RunError: If a run's files cannot be read.
    """
    columns = _columns(runs)
    keys = list(dict.fromkeys(key for column in columns for key in column.keys))
    table = [(key, tuple(column.keys.get(key) for column in columns)) for key in keys]
    differences = tuple((key, values) for key, values in table if _differs(key, columns))
    has_repeats = any(len(column.runs) > 1 for column in columns)
    recipes = _recipes(columns)
    measure = _measure(recipes)
    rows = compare_groups([_group(column, measure) for column in columns], measure) if has_repeats and measure else []
    return Comparison(
        columns, differences, measure, tuple(rows), tuple(_notes(columns, recipes, has_repeats=has_repeats))
    )


def _differs(key: str, columns: Sequence[Column]) -> bool:
    """Return whether a key is worth a line: an option that only one component has, at its default, is none."""
    values = [column.keys.get(key) for column in columns]
    if all(value == values[0] for value in values):
        return False
    component, _, option = key.rpartition(".")
    kind = component.rpartition(".")[2]
    if kind not in KINDS or all(key in column.keys for column in columns):
        return True
    for column in columns:
        cls = component_class(kind, str(column.keys.get(component)))
        if key in column.keys and (cls is None or cls.model_fields[option].default != column.keys[key]):
            return True
    return False


def _columns(runs: Sequence[Run]) -> tuple[Column, ...]:
    """Return the runs, those together whose recipes differ in the seed alone."""
    groups: dict[str, list[tuple[Run, dict[str, Any]]]] = {}
    for run in runs:
        keys = flatten(_tree(run))
        plain = repr(sorted((key, value) for key, value in keys.items() if key not in {"seed", *NOT_TRAINING}))
        groups.setdefault(plain, []).append((run, keys))
    columns = []
    for number, group in enumerate(groups.values()):
        keys = group[0][1]
        if len(groups) < len(runs):  # a column of repeats has no one seed, so none is shown
            keys.pop("seed", None)
        ordered = sorted((run for run, _ in group), key=lambda run: int(run.environment["seed"]))
        columns.append(Column(_letter(number), tuple(ordered), keys))
    return tuple(columns)


def _letter(number: int) -> str:
    return chr(ord("A") + number) if number < 26 else f"{_letter(number // 26 - 1)}{_letter(number % 26)}"


def _tree(run: Run) -> dict[str, Any]:
    """Return a run's resolved recipe as plain values.

    Raises:
        RunError: If it cannot be read.
    """
    document = parse(run.recipe_text, origin=str(run.recipe_path))
    if document.problems or not isinstance(document.tree, dict) or not document.tree:
        raise RunError(f"{run.recipe_path}: this is no recipe any more. Restore it, or leave the run out.")
    return document.tree


def flatten(tree: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """Return {``optimizer.learning_rate``: value}; a component's name stands under the component itself."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        place = path if key == "name" and path else f"{path}.{key}".lstrip(".")
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, place)
        else:
            flat[place] = value
    return flat


def _recipes(columns: Sequence[Column]) -> list[Recipe]:
    """Return the recipe of each column; none where one cannot be read, such as that of a plug-in that is gone."""
    try:
        return [Recipe.model_validate(_tree(column.runs[0])) for column in columns]
    except ValueError:
        return []


def _measure(recipes: Sequence[Recipe]) -> Measure | None:
    """Return the first recipe's first metric on validation, or what all runs have of it."""
    try:
        return measure_of(recipes, None) if recipes else None
    except UsageError:  # other tasks or losses
        return None


def _group(column: Column, measure: Measure) -> Group:
    split, _, name = measure.name.partition("_")
    part = "validation" if split == "val" else "test"
    values, failures = dict[int, float](), dict[int, str]()
    for seed, result in zip(column.seeds, column.results, strict=True):
        value = (result.get(part) or {}).get(name)
        if value is None:
            failures[seed] = str(result.get("stop_reason") or result.get("state"))
        else:
            values[seed] = float(value)
    return Group(column.letter, values, failures)


def _notes(columns: Sequence[Column], recipes: Sequence[Recipe], *, has_repeats: bool) -> Iterator[str]:
    if not has_repeats:
        yield (
            "One run of each says nothing about seeds: a difference may be chance. hornbook ablate repeats them, and runs "
            "that differ in the seed alone are compared with intervals here."
        )
    keys = keys_of_other_losses("val_loss", recipes)
    if keys:
        yield f"Losses of these runs are made differently ({', '.join(keys[:3])}): they do not tell which is better."
    elif holds_penalties("val_loss", recipes):
        yield "Losses hold the penalties: where those are smaller, a loss is lower for that alone."
    prints: dict[int, set[str]] = {}
    versions: set[str] = set()
    for column in columns:
        for run, seed in zip(column.runs, column.seeds, strict=True):
            environment = run.environment
            prints.setdefault(seed, set()).add(str(environment.get("data_fingerprint")))
            known = environment.get("versions", {})
            versions.add(", ".join(f"{name} {known.get(name)}" for name in ("hornbook", "tensorflow", "keras")))
    if any(len(found) > 1 for found in prints.values()):
        yield "Runs of one seed saw different data: their rows, columns or splits differ."
    if len(versions) > 1:
        yield f"Versions differ: {'; '.join(sorted(versions))}."


def _names(column: Column) -> list[str]:
    seeds = f"seed {column.seeds[0]}" if len(column.runs) == 1 else f"{len(column.runs)} runs"
    first, *rest = column.runs
    return [f"{column.letter:<2} {first.path}  ({seeds})", *(f"   {run.path}" for run in rest)]


def _mean(column: Column, name: str) -> str:
    values = column.figures().get(name, [])
    if not values:
        return "-"
    mean = sum(values) / len(values)
    if name in {"epochs", "seconds"}:
        return f"{mean:.0f}" if name == "epochs" and not mean % 1 else f"{mean:.1f}"
    return f"{mean:.4f}"


def _value(value: Any) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else shown(value)
