"""Gates, as `train` and `evaluate` take them: `--require 'val_accuracy>=0.9'`. No TensorFlow before they are compared."""

import sys
from collections.abc import Iterable, Mapping
from typing import Annotated

import typer

from hornbook.display.condition import Condition
from hornbook.errors import GateError, UsageError
from hornbook.recipes.language.hints import did_you_mean
from hornbook.recipes.language.spec import catalog
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sections.metric import MetricSpec

__all__ = ["Gates", "RequireOption"]

PREFIXES = {"train": "train", "val": "validation", "test": "test"}
"""What figures of a split begin with."""

RequireOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="GATE", help="'val_accuracy>=0.9', also of train_ and test_; exit code 3 where it fails; repeatable"
    ),
]


class Gates:
    """Bounds on figures of a run.

    Args:
        texts: What `--require` was given.
        default: What a name without `train_`, `val_` or `test_` is about: ``test`` (which is said), ``input`` for a file
            in place of a split, None where it has to be written.

    Raises:
        UsageError: If a text is no condition, or does not say what it is about.
    """

    def __init__(self, texts: Iterable[str] | None, *, default: str | None = "test") -> None:
        self.default = default
        self.conditions = [self._parsed(text) for text in texts or ()]

    @staticmethod
    def _parsed(text: str) -> Condition:
        condition = Condition.parse(text)
        if condition is None:
            raise UsageError(f"--require '{text}': expected something like 'val_accuracy>=0.9' or 'test_loss<0.3'.")
        return condition

    def check_names(self, recipe: Recipe) -> None:
        """Refuse a gate on something that cannot be recorded, before any work, and say what a bare name is about.

        Raises:
            UsageError: If a name is unknown, or two splits could be meant.
        """
        known = _known(recipe)
        for condition in self.conditions:
            prefix, name = _divided(condition.name)
            if name not in known:
                hint = did_you_mean(name, known, kind="metric")
                raise UsageError(f"--require: '{name}' is not recorded. {hint}")
            if prefix is not None and self.default == "input":
                raise UsageError(
                    f"--require: '{condition.name}' is of a split, and --input another file: write '{name}'."
                )
            if prefix is None and self.default is None:
                choices = ", ".join(f"'{split}_{name}'" for split in PREFIXES)
                raise UsageError(f"--require: '{name}' of which split? Write one of {choices}.")
            if prefix is None and self.default == "test":
                print(f"--require: '{name}' is taken as 'test_{name}'.", file=sys.stderr)

    def splits(self) -> set[str]:
        """Return the splits whose figures are needed: ``train``, ``validation``, ``test``, ``input``."""
        return {self._place(condition)[0] for condition in self.conditions}

    def check(self, figures: Mapping[str, Mapping[str, float]]) -> None:
        """Compare figures with the bounds.

        Args:
            figures: The metrics of each split, by ``train``, ``validation``, ``test`` or ``input``.

        Raises:
            UsageError: If one was not recorded.
            GateError: If a bound is not met.
        """
        failed = []
        for condition in self.conditions:
            split, prefix, name = self._place(condition)
            if name not in figures.get(split, {}):
                known = [_joined(one, key) for one, values in figures.items() for key in values]
                raise UsageError(f"--require: '{name}' was not recorded. Recorded: {', '.join(known)}.")
            value = figures[split][name]
            if not condition.holds(value):
                shown = f"{prefix}_{name}" if prefix else name
                failed.append(f"{shown} is {value:.4g}, required {condition.relation} {condition.bound:g}")
        if failed:
            raise GateError("gate not met: " + "; ".join(failed) + ".")

    def _place(self, condition: Condition) -> tuple[str, str, str]:
        """Return the split, what its figures begin with, and the figure's own name."""
        prefix, name = _divided(condition.name)
        if prefix is None:
            return (self.default or "test", "" if self.default == "input" else "test", name)
        return PREFIXES[prefix], prefix, name


def _known(recipe: Recipe) -> list[str]:
    """Return what a run may record, without splits; of heads whose metrics follow from the data whatever there is."""

    def names(metrics: tuple[MetricSpec, ...] | None) -> list[str]:
        return ["loss", *(catalog("metric") if metrics is None else (metric.recorded for metric in metrics))]

    if recipe.heads is None:
        return names(recipe.training.metrics)
    own = [f"{head}_{name}" for head, named in recipe.heads.items() for name in names(named.metrics)]
    return ["loss", *own]


def _divided(text: str) -> tuple[str | None, str]:
    prefix, _, name = text.partition("_")
    return (prefix, name) if prefix in PREFIXES and name else (None, text)


def _joined(split: str, name: str) -> str:
    prefix = next((prefix for prefix, other in PREFIXES.items() if other == split), "")
    return f"{prefix}_{name}" if prefix else name
