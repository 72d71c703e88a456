"""What is known about a recipe's data: little before loading, everything after. Rules and resolving read it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sections.head import Task
from hornbook.recipes.sections.metric import MetricSpec, default_metric

__all__ = ["Facts", "recorded_names"]


@dataclass(frozen=True)
class Facts:
    """Facts about the data; None where only loading can tell.

    Attributes:
        task: The recipe's task, or the data's.
        kind: ``image``, ``table``, ``sequence`` or ``tokens``.
        num_classes: Classes of a classification, labels of a multilabel task.
        target_size: Numbers per target.
        has_validation: Whether there is a validation split.
        is_standardized: Whether inputs are standardized.
        train_size: Training examples.
        sizes: Examples before they are divided: `train`, and `test` where the source has a test set of its own.
        class_names: Names of the classes in order.
        targets: What the targets of a regression are like, see `hornbook.data.targets.labels.target_facts`.
        class_counts: Training examples of each class, in label order.
        inputs: Of inputs that are not standardized, after scaling: the ``largest`` absolute value, and where it is known
            the ``size`` (root mean square) of the largest column.
        input_size: Numbers of an example.
        columns: What a row of a table can be asked for by name: columns, of an array their numbers from 0 on, and inputs of
            several columns by {name: columns}.
        blocks: {name: kind} of inputs beside the columns of a table.
        vocabulary_size: Distinct tokens.
        embedding: Numbers per token that a file of embeddings has.
        heads: What is known of each of several heads, as if it were the only one; empty where there is one. Of the whole
            there is no task then.
    """

    task: Task | None = None
    kind: str | None = None
    num_classes: int | None = None
    target_size: int | None = None
    has_validation: bool = True
    is_standardized: bool = False
    train_size: int | None = None
    sizes: Mapping[str, int] | None = None
    class_names: tuple[str, ...] | None = None
    targets: Mapping[str, Any] | None = None
    class_counts: tuple[int, ...] | None = None
    inputs: Mapping[str, float] | None = None
    input_size: int | None = None
    columns: Mapping[str, tuple[str, ...]] | None = None
    blocks: Mapping[str, str] | None = None
    vocabulary_size: int | None = None
    embedding: int | None = None
    heads: Mapping[str, "Facts"] = field(default_factory=dict)

    def batches(self, recipe: Recipe) -> int | None:
        """Return the batches of an epoch; None before the data is loaded."""
        return None if self.train_size is None else recipe.training.batches(self.train_size)

    @classmethod
    def of(cls, recipe: Recipe, info: Any = None, *, is_standardized: bool | None = None) -> "Facts":
        """Return what is known from the recipe alone, or from the data's `DataInfo` too."""
        data = recipe.data
        heads = {name: cls._of_head(recipe, name, info, is_standardized) for name in recipe.heads or ()}
        if info is not None:
            return cls(
                heads=heads,
                task=None if heads else info.task,
                kind=info.kind,
                num_classes=info.num_classes or None,
                target_size=info.target_size,
                has_validation=bool(info.counts.get("validation")),
                is_standardized=bool(is_standardized),
                train_size=info.counts.get("train"),
                class_names=info.class_names,
                targets=info.extra.get("targets"),
                class_counts=info.class_counts or None,
                inputs=info.extra.get("inputs"),
                input_size=math.prod(info.input_shape) if None not in info.input_shape else None,
                columns=_columns(info) if info.kind == "table" else None,
                blocks={block.name: block.kind for block in info.blocks},
                vocabulary_size=info.vocabulary_size,
                embedding=_dimension(info.extra.get("texts", {})),
            )
        kind = data.data_kind
        default = data.default_standardize if data.default_standardize is not None else kind in {"table", "sequence"}
        standardized = bool(default if data.standardize is None else data.standardize)
        task = recipe.task or (None if heads else data.task_hint)
        num_classes = None
        if heads:
            pass  # each has its own
        elif data.relabel is not None and task != "regression":
            num_classes = len(set(data.relabel.values()))
        elif data.classes is not None:
            num_classes = len(data.classes)
        elif recipe.task != "regression":
            num_classes = data.num_classes()
        if recipe.task is None and num_classes is not None and task in {"multiclass", "binary", None}:
            task = "binary" if num_classes == 2 else "multiclass"
        return cls(
            task=task,
            kind=kind,
            num_classes=num_classes,
            has_validation=data.effective_split().validation != 0,
            heads=heads,
            is_standardized=standardized and not getattr(recipe.normalization, "input", False),
        )

    @classmethod
    def _of_head(cls, recipe: Recipe, name: str, info: Any, is_standardized: bool | None) -> "Facts":
        """Return what is known of one of several heads; what a source knows of its target it knows of no other."""
        own = None if info is None else info.of_head(name)
        known = cls.of(recipe.of_head(name), own, is_standardized=is_standardized)
        data, head = recipe.data, (recipe.heads or {})[name]
        names_other = head.target not in {None, getattr(data, "target_name", None)}
        names_other = names_other or (head.target is None and name in (data.known_columns or ()))
        if info is not None or not names_other or hasattr(data, "target_columns"):
            return known
        return replace(known, task=head.task, num_classes=None)

    @classmethod
    def named(cls, recipe: Recipe) -> "Facts":
        """Return `of` with the sizes and class names that are known without loading.

        They need not be true of arrays that are passed in Python in place of the data, so only `hornbook check` asks.
        """
        known, data = cls.of(recipe), recipe.data
        if data.classes is None and data.relabel is None and recipe.task != "regression" and not known.heads:
            known = replace(known, class_names=data.known_classes)
        columns = getattr(data, "columns", None) or data.known_columns
        size = len(columns) if columns is not None and data.data_kind == "table" else data.known_input_size
        known = replace(known, inputs=data.known_inputs(), targets=data.known_targets, input_size=size)
        if columns is not None and data.data_kind == "table":
            known = replace(known, columns={name: (name,) for name in columns})
        if data.data_kind is not None:
            known = replace(known, blocks=data.known_blocks or {})
        sizes = data.sizes()
        return known if sizes is None else known.divided(recipe, sizes)

    def divided(self, recipe: Recipe, sizes: Mapping[str, int]) -> "Facts":
        """Return the facts with the numbers of examples before and after the recipe's split."""
        known = replace(self, sizes=sizes)
        left = known.examples_to_train(recipe)
        labeled = recipe.pretraining.labeled if recipe.pretraining is not None else None
        return known if left is None else replace(known, train_size=min(left, labeled or left))

    def examples_to_train(self, recipe: Recipe) -> int | None:
        """Return how many examples the training split has, before labels are taken away; None where that is not known."""
        data, split = recipe.data, recipe.data.effective_split()
        if data.classes is not None or data.relabel is not None or split.method == "group" or split.folds is not None:
            return None
        if self.sizes is None:
            return None
        left = self.sizes["train"] - sum(split.counts(self.sizes["train"], set(self.sizes) - {"train"}))
        return min(left, data.limit or left) if left > 0 else None


def _columns(info: Any) -> dict[str, tuple[str, ...]]:
    """Return the names of a table's columns and of inputs of several, with the columns that each stands for."""
    names = (
        [feature.name for feature in info.columns()] if info.features is not None else list(map(str, range(info.width)))
    )
    names += [block.name for block in info.blocks]
    return {name: (name,) for name in names} | {
        name: tuple(columns) for name, columns in info.extra.get("groups", {}).items()
    }


def recorded_names(recipe: Recipe, facts: Facts) -> dict[str, str] | None:
    """Return {monitor: better direction} of everything the run records; None while the task is unknown."""
    if recipe.heads is not None:
        return _of_heads(recipe, facts)
    metrics: tuple[MetricSpec, ...] | None = recipe.training.metrics
    if metrics is None:
        if facts.task is None:
            return None
        metrics = (default_metric(facts.task, recipe.head.loss),)
    recorded = {"loss": "min"} | {metric.recorded: metric.mode for metric in metrics}
    if facts.has_validation:
        recorded |= {f"val_{name}": mode for name, mode in recorded.items()}
    return recorded


def _of_heads(recipe: Recipe, facts: Facts) -> dict[str, str] | None:
    """Return what is recorded of several heads: the loss of all, each head's, its metrics; None while a task is unknown."""
    recorded = {"loss": "min"}
    for name in recipe.heads or ():
        own = recorded_names(recipe.of_head(name), replace(facts.heads[name], has_validation=False))
        if own is None:
            return None
        recorded |= {f"{name}_{metric}": mode for metric, mode in own.items()}
    if facts.has_validation:
        recorded |= {f"val_{name}": mode for name, mode in recorded.items()}
    return recorded


def _dimension(texts: Mapping[str, Any]) -> int | None:
    """Return how many numbers per token the embeddings of a text have that come from a file."""
    found = [facts["embeddings"]["dimension"] for facts in texts.values() if "embeddings" in facts]
    return found[0] if found else None
