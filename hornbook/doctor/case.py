"""What is known of a run, as the rules of diagnosis read it: recipe, history, health, facts about the data."""

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hornbook.recipes.recipe import Recipe

__all__ = ["Case", "Examples"]


@dataclass(frozen=True)
class Examples:
    """What the examples themselves say, where they can be read.

    Attributes:
        target_mean: Mean of a regression's targets.
        target_deviation: Their standard deviation; of several, the root mean square of each target's own.
        target_range: The smallest and the largest.
        column_deviations: Standard deviation of each column, raw.
        shared: {split: share of its rows that stand in the training split too, inputs and target}.
        near: {split: share of its rows that lie as good as on a training row with the same target, though not exactly}.
        distinct: Different training rows, inputs and target.
        bits: What the columns could tell apart, if each were free of the others: the sum of log2 of their distinct values.
        repeated: Share of training rows that stand there more than once.
        contradicting: Share of training rows whose inputs come with another target elsewhere.
        leak: (column, how well it alone tells the target, 0 to 1, how well the next one does) or None.
        nearest: How well the nearest neighbour tells the target of the training split, above chance; None if unknown.
        label_entropy: Of several labels: mean cross-entropy of always predicting their shares; 0 for other targets.
        target_values: How many different targets there are.
    """

    target_mean: float = 0.0
    target_deviation: float = 1.0
    target_range: tuple[float, float] = (0.0, 0.0)
    column_deviations: tuple[float, ...] = ()
    shared: Mapping[str, float] = field(default_factory=dict)
    near: Mapping[str, float] = field(default_factory=dict)
    distinct: int = 0
    bits: float = 0.0
    repeated: float = 0.0
    contradicting: float = 0.0
    leak: tuple[str, float, float] | None = None
    nearest: float | None = None
    label_entropy: float = 0.0
    target_values: int = 1000


@dataclass(frozen=True)
class Case:
    """A run as its files tell it.

    Attributes:
        recipe: The resolved recipe.
        data: `data.json`.
        history: Rows of the epochs with labels.
        health: Measurements of the layers; empty where the recipe switches them off.
        result: `result.json`.
        examples: What the examples say; None where they cannot be read.
        has_own_loss: Whether the recorded loss is that of one of several heads, in which penalties do not count.
    """

    recipe: Recipe
    data: Mapping[str, Any]
    history: Sequence[Mapping[str, Any]]
    health: Sequence[Mapping[str, Any]]
    result: Mapping[str, Any]
    examples: Examples | None = None
    has_own_loss: bool = False

    # ---- the task

    @property
    def is_regression(self) -> bool:
        """Whether numbers are predicted."""
        return bool(self.data["task"] == "regression")

    @property
    def train_size(self) -> int:
        """Training examples."""
        return int(self.data["counts"]["train"])

    @property
    def is_tiny(self) -> bool:
        """Whether there are so few examples that their figures say nothing of a network."""
        return self.train_size < 20

    @property
    def batches(self) -> int:
        """Batches of an epoch."""
        return self.recipe.training.batches(self.train_size)

    @property
    def steps(self) -> int:
        """Optimizer updates done."""
        return self.batches * max(len(self.history), 1) // self.recipe.optimizer.accumulation

    @functools.cached_property
    def class_shares(self) -> list[float]:
        """Share of each class in the training split; empty where there are none to count."""
        counts = self.data["class_counts"]
        total = sum(counts)
        return [count / total for count in counts] if total else []

    @functools.cached_property
    def majority(self) -> float:
        """Accuracy of always naming the largest class."""
        return max(self.class_shares, default=0.0)

    @functools.cached_property
    def entropy(self) -> float:
        """Mean cross-entropy of always predicting the classes' shares."""
        return -sum(share * math.log(share) for share in self.class_shares if share > 0)

    # ---- the curves

    def curve(self, name: str) -> list[float]:
        """Return a figure of each epoch; NaN where it is not a number."""
        return [float("nan") if row.get(name) is None else float(row[name]) for row in self.history]

    @functools.cached_property
    def losses(self) -> list[float]:
        """The training loss of each epoch."""
        return self.curve("loss")

    @functools.cached_property
    def validation_losses(self) -> list[float]:
        """The validation loss of each epoch; empty without a validation split."""
        return self.curve("val_loss") if self.history and "val_loss" in self.history[0] else []

    @property
    def has_diverged(self) -> bool:
        """Whether numbers were lost."""
        return bool(self.result.get("state") == "diverged" or self.result.get("rollbacks"))

    def explained(self, prefix: str = "", place: int = -1) -> float | None:
        """Return how much of what there is to learn an epoch has: 0 as good as a constant, 1 perfect; None if unknown.

        Where training mixes examples, its figures are those of mixtures, and the validation split says it.
        """
        if not self.history:
            return None
        row = self.history[place]
        given = self.recipe.data.augmentation
        if given is not None and given.mixes and "val_loss" in row:
            prefix = "val_"
        loss = self.recipe.head.loss
        if self.is_regression:
            return self._explained_numbers(row, prefix)
        accuracy, value = row.get(f"{prefix}accuracy"), row.get(f"{prefix}loss")
        if loss is not None and loss.name in CROSS_ENTROPIES and (self._is_unweighted or accuracy is None):
            return None if value is None or self._constant == 0 else 1 - (value - self._penalty) / self._constant
        if accuracy is None or not self.class_shares or self.majority >= 1:
            return None
        chance = self.majority if self._is_unweighted else 1 / max(len(self.class_shares), 2)
        return float((accuracy - chance) / (1 - chance))

    @functools.cached_property
    def best_explained(self) -> float | None:
        """How much it has learned at the end, of the split that it knows better; None if unknown.

        The training figure is a mean over the last epoch, with dropout: after one or two epochs it lags behind.
        """
        figures = (self.explained(), self.explained("val_"))
        known = [value for value in figures if value is not None and value <= 1]  # more: the penalty has fallen since
        return max(known, default=None)

    @functools.cached_property
    def possible(self) -> float | None:
        """What the nearest other example promises that can be learned at least, 0 to 1; None if unknown.

        Of classes: accuracy above chance. A neighbour has noise of its own, so its skill is about the square of the best
        that can be had; of numbers, its correlation is about the share of the variance that can be explained.
        """
        skill = self.examples.nearest if self.examples is not None else None
        if skill is None or not math.isfinite(skill):
            return None
        return max(skill, 0.0) if self.is_regression else max(skill, 0.0) ** 0.5

    def is_at_its_limit(self, part: float = 0.8) -> bool:
        """Return whether it does about as well as the nearest example promises, so that the rest may be noise."""
        measure = self.explained if self.is_regression else self.right
        has = max((value for value in (measure(), measure("val_")) if value is not None), default=0.0)
        return self.possible is not None and has > 0.05 and has >= part * self.possible

    @functools.cached_property
    def learned(self) -> float:
        """How much it has learned: of the validation split, without one of the training split; 0 if nobody knows."""
        held_out = self.explained("val_")
        return (self.explained() or 0.0) if held_out is None else held_out

    @functools.cached_property
    def _constant(self) -> float:
        """The loss of the best constant prediction, under the weights of the classes; 0 if unknown."""
        if self.data["task"] == "multilabel":
            return self.examples.label_entropy if self.examples is not None else 0.0
        if not self._is_unweighted and self.class_shares:
            return math.log(len(self.class_shares))
        return self.entropy

    @functools.cached_property
    def _penalty(self) -> float:
        """What regularization adds to the loss of the last epoch."""
        return float(self.health[-1].get("penalty") or 0.0) if self.health and not self.has_own_loss else 0.0

    def right(self, prefix: str = "") -> float | None:
        """Return the last epoch's accuracy above that of the largest class (1: all right); None for what has none."""
        accuracy = self.history[-1].get(f"{prefix}accuracy") if self.history else None
        return (
            None if accuracy is None or self.majority >= 1 else (float(accuracy) - self.majority) / (1 - self.majority)
        )

    def _explained_numbers(self, row: Mapping[str, Any], prefix: str) -> float | None:
        deviation = self.examples.target_deviation if self.examples is not None else 0.0
        rmse = row.get(f"{prefix}root_mean_squared_error")
        squared = row.get(f"{prefix}mean_squared_error")
        value, loss = row.get(f"{prefix}loss"), self.recipe.head.loss
        is_squared = value is not None and loss is not None and loss.name == "mean_squared_error"
        if is_squared and self.recipe.head.standardize_targets and self.data["target_size"] > 1:
            return 1 - float(
                row[f"{prefix}loss"]
            )  # each target counts alike; in their own units the largest alone would
        if rmse is not None and deviation > 0:
            return float(1 - min((rmse / deviation) ** 2, 1e6))
        if squared is not None and deviation > 0:
            return float(1 - min(squared / deviation**2, 1e6))
        if value is not None and is_squared:
            if self.recipe.head.standardize_targets:
                return 1 - float(value)
            return 1 - float(value) / deviation**2 if deviation > 0 else None
        return None

    @property
    def _is_unweighted(self) -> bool:
        return self.recipe.training.class_weights is None

    # ---- the layers

    @functools.cached_property
    def kernels(self) -> list[str]:
        """Layers with kernels that learn, from the input on."""
        layers = self.health[0]["layers"] if self.health else {}
        return [name for name, figures in layers.items() if "weight_rms" in figures]

    @functools.cached_property
    def activations(self) -> list[str]:
        """Layers that are, or end in, an activation, from the input on; without the output's."""
        layers = self.health[0]["layers"] if self.health else {}
        return [name for name, figures in layers.items() if figures.get("activation") and not name.startswith("head")]

    def figure(self, layer: str, name: str, place: int = 0) -> float | None:
        """Return a layer's figure at a measurement."""
        if not self.health:
            return None
        value = self.health[place]["layers"].get(layer, {}).get(name)
        return None if value is None else float(value)

    def figures(self, name: str, place: int = 0, layers: Sequence[str] | None = None) -> list[float]:
        """Return a figure of several layers at a measurement, in their order, those that have it."""
        values = [self.figure(layer, name, place) for layer in (self.kernels if layers is None else layers)]
        return [value for value in values if value is not None]

    def update_ratio(self, *, first: float = 0.0, last: float = math.inf) -> float | None:
        """Return the median size of a step relative to the weights, over layers and measurements between two epochs."""
        values = [
            value
            for place, row in enumerate(self.health)
            if first <= row["epoch"] <= last
            for value in self.figures("update_ratio", place)
        ]
        return float(np.median(values)) if values else None

    def gradient_ratio(self, place: int = 0) -> float | None:
        """Return the gradient of the first layer relative to that of the last hidden one, per weight; None for one layer."""
        values = self.figures("gradient_rms", place, self.hidden)
        if len(values) < 2 or not values[-1]:
            return None
        return values[0] / values[-1]

    @property
    def hidden(self) -> list[str]:
        """Kernel layers but the output's."""
        return self.kernels[:-1]


CROSS_ENTROPIES = frozenset({"sparse_categorical_crossentropy", "categorical_crossentropy", "binary_crossentropy"})
