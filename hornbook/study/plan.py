"""From a recipe and factors to the recipes of every cell, all checked before anything is trained. No TensorFlow."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from hornbook.errors import Problem, RecipeError, UsageError
from hornbook.recipes.language.keys import split_key, value_at
from hornbook.recipes.load import Checked, check_recipe
from hornbook.recipes.recipe import Recipe
from hornbook.study.factors import ORIGIN, Cell, Factor, cells_of
from hornbook.study.significance import Repeats

__all__ = ["NOTHING_LEFT", "Plan", "PlannedCell", "also_called", "make_plan", "same_as"]

BASELINE = "baseline"
FEWEST_SEEDS = 2
GRID = (0.1, 10**-0.5, 1.0, 10**0.5, 10.0)
"""Factors of a cell's own value that `--tune` tries."""
NOTHING_LEFT = Problem(
    (), "every value is what the recipe has, so nothing is left to compare.", code="ablation", origin=ORIGIN
)


@dataclass(frozen=True)
class PlannedCell:
    """A cell that can be trained.

    Attributes:
        cell: Its settings.
        recipe: Its recipe with the study's first seed.
        overrides: All overrides that make it, the user's own first.
        grid: Overrides for `--tune` and the recipe of each, empty without it.
    """

    cell: Cell
    recipe: Recipe
    overrides: tuple[str, ...]
    grid: tuple[tuple[str, Recipe], ...] = ()


@dataclass(frozen=True)
class Plan:
    """What an ablation will train.

    Attributes:
        cells: The baseline first.
        seeds: Every cell is trained with each; numbers of folds where `folds` is given.
        tune: The key that is tuned for every cell first, or None.
        text: The recipe's text.
        warnings: What theory calls unwise, cell by cell.
        folds: Parts of the cross-validation that takes the place of seeds, or None.
    """

    cells: tuple[PlannedCell, ...]
    seeds: tuple[int, ...]
    tune: str | None
    text: str
    warnings: tuple[Problem, ...]
    folds: int | None = None

    @property
    def num_runs(self) -> int:
        """Runs in all, those of tuning included."""
        return sum(len(cell.grid) + len(self.seeds) for cell in self.cells)

    def repeats(self) -> Repeats:
        """Return what is repeated."""
        return Repeats() if self.folds is None else Repeats.folds(self.folds)

    def repeat(self, recipe: Recipe, number: int) -> tuple[Recipe, tuple[str, ...]]:
        """Return a cell's recipe with another seed, or fold, and the overrides that make it."""
        values = {"seed": number}
        if self.folds is not None:
            values = {"data.split.folds": self.folds, "data.split.fold": number}
        return recipe.replaced(values), tuple(f"{key}={value}" for key, value in values.items())


def make_plan(
    config: str,
    overrides: Sequence[str],
    factors: Sequence[Factor],
    *,
    seeds: int,
    cross: bool = False,
    tune: str | None = None,
    folds: int | None = None,
) -> Plan:
    """Return the checked recipes of all cells.

    Args:
        config: A recipe's file, the name of a shipped one, or ``-``.
        overrides: For all cells.
        factors: What is varied.
        seeds: How many; they count up from the recipe's own. With `tune` its own is for tuning alone.
        cross: Whether every combination is a cell, instead of one change at a time.
        tune: A key with a number that each cell may choose for itself first.
        folds: Parts of a cross-validation that takes the place of seeds.

    Raises:
        UsageError: For too few seeds or folds, or for tuning on folds.
        RecipeError: If the recipe itself, or any cell, is wrong: all problems at once.
    """
    if seeds < FEWEST_SEEDS:
        raise UsageError(f"--seeds {seeds}: too few seeds for an interval. Use {FEWEST_SEEDS} at least, better 5.")
    if folds is not None and folds < FEWEST_SEEDS:
        raise UsageError(
            f"--folds {folds}: too few folds for an interval. Use {FEWEST_SEEDS} at least, better 5 or 10."
        )
    if folds is not None and tune is not None:
        raise UsageError("--tune: the folds hold every example, so none is left to tune on. Use --seeds.")
    if config == "-":
        config = sys.stdin.read() + "\n"
    if folds is not None:
        overrides = [*overrides, f"data.split.folds={folds}", "data.split.fold=0"]
    base = check_recipe(config, overrides)
    if base.recipe is None:
        raise RecipeError(base.problems, origin=base.config.origin)
    cells, problems, warnings = _checked(config, overrides, base, cells_of(factors, cross=cross))
    if tune is not None and not problems:
        cells = [_tuned(cell, config, tune, factors, problems) for cell in cells]
    if problems:
        raise RecipeError(problems, origin=ORIGIN)
    first = base.recipe.seed + (tune is not None)
    numbers = range(first, first + seeds) if folds is None else range(folds)
    return Plan(tuple(cells), tuple(numbers), tune, base.config.text, tuple(warnings), folds)


def _checked(
    config: str, overrides: Sequence[str], base: Checked, wanted: Sequence[Cell]
) -> tuple[list[PlannedCell], list[Problem], list[Problem]]:
    """Return the cells, the baseline first, with all their errors and warnings."""
    if base.recipe is None:
        raise TypeError("a baseline without a recipe")
    problems, warnings = list[Problem](), list(base.warnings)
    cells = [PlannedCell(Cell(BASELINE, "", ()), base.recipe, tuple(overrides))]
    for cell in wanted:
        checked = check_recipe(config, [*overrides, *cell.overrides])
        found = _of_cell(checked, cell, base)
        known = {problem.sentence() for problem in warnings}
        problems += [p for p in found if p.severity == "error" and p not in problems]
        warnings += [p for p in found if p.severity != "error" and p.sentence() not in known]
        if checked.recipe is not None:
            _add(cells, PlannedCell(cell, checked.recipe, tuple(checked.overrides)), problems)
    if not problems and len(cells) == 1:
        problems.append(NOTHING_LEFT)
    return cells, problems, warnings


def _of_cell(checked: Checked, cell: Cell, base: Checked) -> list[Problem]:
    """Return what is wrong with a cell and not with the baseline, each naming the option it came from."""
    known = {problem.sentence() for problem in base.problems}
    return [
        replace(problem, line=0, column=0, origin=cell.option)
        for problem in checked.problems
        if problem.sentence() not in known
    ]


def _add(cells: list[PlannedCell], new: PlannedCell, problems: list[Problem]) -> None:
    """Add a cell; one that is the baseline only gives its name to it, one that was there already is refused."""
    plain = new.recipe.to_dict()
    place = next((at for at, old in enumerate(cells) if old.recipe.to_dict() == plain), None)
    if place is None:
        cells.append(new)
    elif place == 0:
        cells[0] = also_called(cells[0], new)
    else:
        problems.append(same_as(new, cells[place]))


def also_called(baseline: PlannedCell, cell: PlannedCell) -> PlannedCell:
    """Return the baseline with the name of a cell that is the same recipe."""
    own = baseline.cell.label.removeprefix(BASELINE).strip().removeprefix("(").removesuffix(")")
    names = ", ".join(name for name in (own, cell.cell.label) if name)
    return replace(baseline, cell=replace(baseline.cell, label=f"{BASELINE} ({names})"))


def same_as(cell: PlannedCell, other: PlannedCell) -> Problem:
    """Return the problem of a cell that is another one under a different name."""
    message = f"the same recipe as '{other.cell.label}'."
    return Problem((), message, "Remove one.", code="ablation", origin=cell.cell.option)


def _tuned(cell: PlannedCell, config: str, key: str, factors: Sequence[Factor], problems: list[Problem]) -> PlannedCell:
    """Return the cell with the recipes of its grid: `GRID` times its own value."""
    option = f"--tune {key}"
    varied = (one for factor in factors for one in factor.keys)
    taken = next((one for one in varied if key == one or key.startswith(f"{one}.name")), None)
    own = _value(cell.recipe, key)
    if taken is not None:
        message, hint = f"'{taken}' is varied, so it cannot be tuned for every cell.", "Leave one of them out."
    elif not isinstance(own, int | float) or isinstance(own, bool) or own <= 0:
        message, hint = f"'{cell.cell.label}' has no number above 0 there.", "Give it one in the recipe."
    else:
        grid = []
        for value in (float(f"{own * factor:.3g}") for factor in GRID):
            checked = check_recipe(config, [*cell.overrides, f"{key}={value!r}"])
            if checked.recipe is None:
                found = [Problem((), problem.sentence(), code="ablation", origin=option) for problem in checked.errors]
                problems += [problem for problem in found if problem not in problems]
            else:
                grid.append((f"{key}={value!r}", checked.recipe))
        return replace(cell, grid=tuple(grid))
    problem = Problem((), message, hint, code="ablation", origin=option)
    if problem not in problems:
        problems.append(problem)
    return cell


def _value(recipe: Recipe, key: str) -> Any:
    """Return what stands at a path of the recipe, defaults included; None where there is nothing."""
    return value_at(recipe.to_dict(), split_key(key))
