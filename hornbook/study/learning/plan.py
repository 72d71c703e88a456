"""What a learning curve will train: sizes of the training split, values of a key, seeds. No TensorFlow."""

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hornbook.errors import Problem, RecipeError, UsageError
from hornbook.recipes.load import Checked, check_recipe
from hornbook.recipes.recipe import Recipe
from hornbook.study.factors import Cell, cells_of, parse_factors

if TYPE_CHECKING:
    from hornbook.data.facts import DataInfo

__all__ = ["Amount", "CurvePlan", "Variant", "at_size", "make_plan", "parse_amounts", "sizes_of"]

ORIGIN = "hornbook learning-curve"
FEWEST_SEEDS = 2
DOUBLINGS = "6.25%,12.5%,25%,50%,100%"
WHOLE = "100%"


@dataclass(frozen=True)
class Amount:
    """A number of training examples as it was written: a count, or a part of all of them."""

    text: str
    count: int | None = None
    part: float | None = None

    def of(self, total: int) -> int:
        """Return how many of `total` examples it means."""
        return self.count if self.count is not None else max(1, round((self.part or 0.0) * total))


@dataclass(frozen=True)
class Variant:
    """A recipe whose curve is drawn.

    Attributes:
        label: The key's value, ``model.units=[32]``; empty where nothing is varied.
        recipe: Checked, with the first seed.
        overrides: All overrides that make it.
    """

    label: str
    recipe: Recipe
    overrides: tuple[str, ...]


@dataclass(frozen=True)
class CurvePlan:
    """What a learning curve will train.

    Attributes:
        variants: One, or a recipe per value of the key that is varied.
        amounts: How many examples, from few to many.
        seeds: Every point is trained with each.
        text: The recipe's text.
        key: The key that is varied; None where none is.
        warnings: What theory calls unwise.
    """

    variants: tuple[Variant, ...]
    amounts: tuple[Amount, ...]
    seeds: tuple[int, ...]
    text: str
    key: str | None
    warnings: tuple[Problem, ...]


def make_plan(
    config: str,
    overrides: Sequence[str] = (),
    *,
    examples: str | None = None,
    vary: str | None = None,
    seeds: int = 5,
) -> CurvePlan:
    """Return the checked recipes.

    Args:
        config: A recipe's file, the name of a shipped one, or ``-``.
        overrides: For all runs.
        examples: Counts or percentages; omitted: five sizes, each twice the one before. With `vary` alone, all examples.
        vary: ``model.units=[8],[32],[128]``: a key and its values, from small to large.
        seeds: How many; they count up from the recipe's own.

    Raises:
        UsageError: For too few seeds or sizes, or a recipe that a learning curve says nothing about.
        RecipeError: If the recipe or a value is wrong: all problems at once.
    """
    if seeds < FEWEST_SEEDS:
        raise UsageError(f"--seeds {seeds}: too few seeds for an interval. Use {FEWEST_SEEDS} at least, better 5.")
    amounts = parse_amounts(examples if examples is not None else (DOUBLINGS if vary is None else WHOLE))
    if vary is None and len(amounts) < 2:
        raise UsageError(f"--examples {examples}: one size is no curve. Give two at least, or --vary a key.")
    if config == "-":
        config = sys.stdin.read() + "\n"
    base = check_recipe(config, overrides)
    if base.recipe is None:
        raise RecipeError(base.problems, origin=base.config.origin)
    if base.recipe.pretraining:
        raise UsageError(
            "pretraining: its unlabeled examples would be cut with the others. Leave it out (~pretraining), or vary "
            "pretraining.labeled with 'hornbook ablate'."
        )
    cells = _cells(vary)
    variants, problems = list[Variant](), list[Problem]()
    warnings = list(base.warnings)
    for cell in cells:
        checked = check_recipe(config, [*overrides, *cell.overrides])
        problems += _errors(checked, cell)
        warnings += [
            problem for problem in checked.warnings if problem.message not in {one.message for one in warnings}
        ]
        if checked.recipe is not None:
            variants.append(Variant(cell.label, checked.recipe, tuple(checked.overrides)))
    if problems:
        raise RecipeError(problems, origin=ORIGIN)
    first = base.recipe.seed
    key = cells[0].factor or None
    return CurvePlan(
        tuple(variants), amounts, tuple(range(first, first + seeds)), base.config.text, key, tuple(warnings)
    )


def _cells(vary: str | None) -> list[Cell]:
    if vary is None:
        return [Cell("", "", ())]
    cells = cells_of(parse_factors([vary], []), cross=False)
    key = cells[0].factor
    if key.startswith("data") or key == "training.epochs":
        raise UsageError(
            f"--vary {key}: this is what the points of a curve differ in. Vary the network: model.units=[8],[32]"
        )
    if len(cells) < 2:
        raise UsageError(f"--vary {vary}: one value is no curve. Give two at least, from small to large.")
    return cells


def _errors(checked: Checked, cell: Cell) -> list[Problem]:
    errors = [problem for problem in checked.problems if problem.severity == "error"]
    return [replace(problem, line=0, column=0, origin=cell.option) for problem in errors] if cell.settings else errors


def parse_amounts(text: str) -> tuple[Amount, ...]:
    """Return the sizes that ``10%,50%,100%`` or ``100,200,400`` name.

    Raises:
        UsageError: If one is no count of at least 2 and no percentage up to 100.
    """
    amounts = []
    for word in (part.strip() for part in text.split(",")):
        percent, number = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", word), re.fullmatch(r"\d+", word)
        if percent and 0 < float(percent[1]) <= 100:
            amounts.append(Amount(word, part=float(percent[1]) / 100))
        elif number and int(word) >= 2:
            amounts.append(Amount(word, count=int(word)))
        else:
            hint = f" For a part of the examples write '{float(word):.4g}%'." if _is_fraction(word) else ""
            raise UsageError(f"--examples {word!r}: expected a count of at least 2, or a percentage such as 25%.{hint}")
    return tuple(amounts)


def _is_fraction(word: str) -> bool:
    return bool(re.fullmatch(r"0?\.\d+|1\.0*", word))


def sizes_of(amounts: Sequence[Amount], info: "DataInfo") -> list[int]:
    """Return the sizes in ascending order, each once.

    Args:
        amounts: As they were written.
        info: Of the data with all training examples.

    Raises:
        UsageError: If there are not so many examples, or too few for the classes, or no two sizes are left.
    """
    total, classes = info.counts["train"], info.num_classes
    sizes = set[int]()
    for amount in amounts:
        size = amount.of(total)
        if size > total:
            raise UsageError(f"--examples {amount.text}: there are only {total:,} training examples.")
        if size < max(2, classes):
            what = f"fewer than the {classes} classes" if size < classes else "too few to learn from"
            raise UsageError(
                f"--examples {amount.text}: {size:,} of {total:,} training examples, {what}. Ask for more."
            )
        sizes.add(size)
    if len(sizes) < 2 <= len(amounts):
        raise UsageError(
            f"--examples: all sizes come to {sizes.pop():,} of {total:,} training examples. Ask for others."
        )
    return sorted(sizes)


def at_size(recipe: Recipe, size: int, total: int) -> dict[str, Any]:
    """Return {key: value} of what makes a recipe train on fewer examples for as many steps; nothing for all of them.

    Fewer examples make shorter epochs. Whatever the recipe counts in epochs is therefore set to the steps that these take
    with all examples; otherwise points with few examples would be trained less, and the curve would show that too.

    Args:
        recipe: A resolved recipe.
        size: Training examples.
        total: All that there are.
    """
    if size == total:
        return {}
    training, accumulation = recipe.training, recipe.optimizer.accumulation
    length = training.length(batches=training.batches(total), accumulation=accumulation)
    per_epoch = max(length.batches // length.accumulation, 1)
    values: dict[str, Any] = {"data.limit": size, "training.epochs": _steps(length.steps)}
    stopping = training.early_stopping
    if stopping is not None:
        values["training.early_stopping.patience"] = _in_steps(stopping.patience, per_epoch)
    for name in recipe.schedule.epoch_durations:
        values[f"schedule.{name}"] = _in_steps(getattr(recipe.schedule, name), per_epoch)
    moved = recipe.schedule.in_steps(steps_per_epoch=per_epoch, total_steps=length.steps)
    for name in (*recipe.schedule.durations, "warmup"):
        if getattr(recipe.schedule, name) is not None and "epoch" in str(getattr(recipe.schedule, name)):
            plain = moved.model_dump()
            values[f"schedule.{name}"] = plain[name]
    return values


def _steps(count: int) -> str:
    return f"{count} step" + "s" * (count != 1)


def _in_steps(duration: int | str, per_epoch: int) -> int | str:
    """Return a duration of which a bare number means epochs, in steps; a percentage stays one."""
    if isinstance(duration, str) and "epoch" not in duration:
        return duration
    return _steps(int(re.sub(r"\D", "", str(duration)) or 0) * per_epoch) if str(duration) != "0" else duration
