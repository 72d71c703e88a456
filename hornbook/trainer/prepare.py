"""From a recipe to everything a run needs, without training: data, resolved recipe, model, rates."""

import hashlib
import json
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hornbook.builder import Built, build_model
from hornbook.builder.build import as_targets, build_around
from hornbook.builder.fitting import fit_first_weights
from hornbook.builder.heads.several import parts_of
from hornbook.builder.inputs import STANDARDIZE
from hornbook.builder.memory import named_exhaustion
from hornbook.builder.ranges import range_problems
from hornbook.callbacks.rates import RateTable, rate_table
from hornbook.data import Shelf, Splits, load_data
from hornbook.data.ranks import bin_edges
from hornbook.data.several import GROUPS
from hornbook.data.source import Array, Inputs
from hornbook.data.sources.given import settled
from hornbook.data.storage.rows import first_columns
from hornbook.data.targets.scales import with_transformed_targets
from hornbook.engine.choice import choose_engine
from hornbook.engine.steps import Setup
from hornbook.engine.strategies import make_strategy, scope
from hornbook.errors import Problem, RecipeError, UsageError
from hornbook.inference.earlier_model import load_source
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.resolve import resolve
from hornbook.recipes.rules.data import fit_has_one_weight, weighted_class
from hornbook.recipes.sections.embedding import PiecewiseLinear
from hornbook.recipes.sections.model import WideAndDeep
from hornbook.recipes.thresholds import TARGETS
from hornbook.shrinking.stages import Shrinking, begin
from hornbook.trainer.pretraining.phase import check_range
from hornbook.trainer.streamed import on_stream
from hornbook.upstream import has_all_variables

__all__ = ["Prepared", "prepare"]

NOT_COMPILED = frozenset(
    {
        "seed",
        "name",
        "notes",
        "tags",
        "initializer",
        "schedule",
        "data",
        "format",
        "pretraining",
        "health",
        "mute",
        "tracking",
    }
)


@dataclass(frozen=True)
class Prepared:
    """A run before its first step.

    Attributes:
        recipe: The recipe with every default filled in, the engine included.
        splits: Training, validation and test examples.
        built: The model with optimizer, loss and metrics.
        table: Learning rate and momentum of every step.
        weights_K: Weight of each class in the loss, or None.
        problems: Warnings of recipe and data.
        strategy: The `tf.distribute` strategy the model was built for, or None.
        unlabeled: Inputs that pretraining sees, or None where there is none.
        shrinking: The earlier model on its way to a smaller one, or None.
    """

    recipe: Recipe
    splits: Splits
    built: Built
    table: RateTable
    weights_K: Array | None
    problems: tuple[Problem, ...]
    strategy: Any = None
    unlabeled: Inputs | None = None
    shrinking: Shrinking | None = None

    @property
    def _standardizes(self) -> bool:
        return any(layer.name == STANDARDIZE for layer in self.built.training_model.layers)

    def size_text(self) -> str:
        """Return what has to be held in memory, in words."""
        count = self.built.training_model.count_params()
        return f"{count:,} parameters, batches of {self.recipe.training.batch_size:,}"

    def setup(self) -> Setup:
        """Return what the run's engine trains."""
        return Setup(
            built=self.built,
            train=self.splits.train,
            recipe=self.recipe,
            batch_size=self.recipe.training.batch_size,
            seed=self.recipe.seed,
            weights_K=self.weights_K,
            momentum_option=self.recipe.optimizer.momentum_option if self.table.moves_momentum else None,
            clipping=self.recipe.training.gradient_clipping,
            structure=self.structure(),
            strategy=self.strategy,
            stream=self.splits.stream,
        )

    def structure(self, *, with_statistics: bool = False) -> str | None:
        """Return what makes compiled programs interchangeable: everything but seed, rates, length and any weights.

        None for a distributed run, whose programs belong to its devices.

        Args:
            with_statistics: Whether means and variances of the inputs are constants of the program.
        """
        if self.strategy is not None:
            return None
        whole = self.recipe.to_dict()
        plain = {key: value for key, value in whole.items() if key not in NOT_COMPILED}
        plain["augmentation"] = whole["data"].get("augmentation")
        plain["optimizer"] = {key: value for key, value in plain["optimizer"].items() if key != "learning_rate"}
        kept = ("precision", "class_weights", "gradient_clipping", "metrics", "batch_size")
        plain["training"] = {key: value for key, value in plain["training"].items() if key in kept}
        weights = dict(self.built.class_weights) or (None if self.weights_K is None else self.weights_K.tolist())
        shapes = [
            tuple(variable.shape) for variable in self.built.training_model.variables
        ]  # a vocabulary's size, for instance
        preprocessing = self.splits.preprocessing
        heads = [self.recipe.head, *(self.recipe.heads or {}).values()]
        if not with_statistics or not any(head.standardize_targets for head in heads):
            preprocessing = replace(preprocessing, target_mean=None, target_variance=None)
        if all(head.target_transform is None for head in heads):
            preprocessing = replace(preprocessing, target_knots=None)
        if not any(head.clamp for head in heads):
            preprocessing = replace(preprocessing, target_low=None, target_high=None)
        fills_with_means = preprocessing.has_missing and not self._standardizes  # these means are constants
        if preprocessing.variance is not None and not fills_with_means and not with_statistics:
            preprocessing = replace(preprocessing, mean=(), variance=())
        is_weighted = self.splits.train.weights is not None
        facts = (self.splits.info.input_shape, self.splits.info.input_dtype, weights, self.table.moves_momentum, shapes)
        text = repr((json.dumps(plain, sort_keys=True, default=str), facts, is_weighted, preprocessing, self._places()))
        return hashlib.sha256(text.encode()).hexdigest()

    def _places(self) -> Any:
        """Return what says where in a row stands what the network reads by name; nothing where it reads whole rows."""
        info = self.splits.info
        if not info.blocks and not isinstance(self.recipe.model, WideAndDeep):
            return None
        return info.blocks, info.extra.get(GROUPS), [feature.source for feature in info.features or ()]


def prepare(recipe: Recipe, data: Any = None, *, shelf: Shelf | None = None) -> Prepared:
    """Load the data, resolve the recipe, build the model. A learning rate that is `auto` stays open.

    Args:
        recipe: A checked recipe.
        data: Arrays or a source of batches in place of the recipe's data source, see `hornbook.data.from_arrays`.
        shelf: Where runs that share their data find it.

    Raises:
        RecipeError: If recipe and data do not fit together.
        DataError: If the data cannot be used.
        UsageError: If the recipe describes a sweep.
    """
    if recipe.sweep is not None:
        raise UsageError(
            f"{recipe.name or 'recipe'}: this recipe describes a sweep of many trainings: hornbook sweep --config FILE. "
            "For one training of it leave the sweep out, by adding '~sweep' to the command."
        )
    strategy = make_strategy(recipe.training.strategy)  # before anything runs: several machines need that
    loaded = load_data(recipe, data, shelf=shelf)
    splits, unlabeled = loaded.splits, loaded.unlabeled
    if splits.stream is not None:
        recipe = on_stream(recipe, splits.stream)
    resolved, problems = resolve(recipe, splits.info, is_standardized=splits.preprocessing.variance is not None)
    splits = _with_transforms(resolved, splits)
    splits = settled(_with_bins(resolved, splits))
    shrinking = None
    with scope(strategy), named_exhaustion(lambda: "a network that is too large to build"):
        if resolved.shrink is not None:
            built, shrinking = shrink_for(resolved, splits)
        else:
            built = build_for(resolved, splits, strategy)
    if unlabeled is not None:
        check_range(resolved, built, unlabeled)
    engine = choose_engine(resolved.training.engine, built, is_on_one_device=strategy is None)
    resolved = resolved.replaced({"training.engine": engine})
    if engine == "fit" and resolved.training.class_weights is not None and splits.train.weights is not None:
        raise RecipeError([fit_has_one_weight()])  # of arrays that are passed in Python
    stream = splits.stream
    batches = stream.batches if stream is not None else resolved.training.batches(len(splits.train))
    return Prepared(
        recipe=resolved,
        splits=splits,
        built=built,
        table=rate_table(resolved, batches=batches),
        weights_K=class_weights(resolved, splits),
        strategy=strategy,
        unlabeled=unlabeled,
        shrinking=shrinking,
        problems=(
            *(problem for problem in problems if problem.severity != "error"),
            *_scale_of_targets(recipe, resolved, splits),
            *range_problems(resolved, built, splits),
        ),
    )


def _with_transforms(recipe: Recipe, splits: Splits) -> Splits:
    """Return the splits with what targets become where a head learns them on another scale."""
    if recipe.head.target_transform is not None:
        transformed = with_transformed_targets(splits.preprocessing, splits.train.y, recipe.head.target_transform)
        return replace(splits, preprocessing=transformed)
    for part in parts_of(recipe):
        transform, place = part.recipe.head.target_transform, slice(*part.columns.targets)
        if transform is not None:
            own = with_transformed_targets(splits.preprocessing.of_targets(place), splits.train.y[:, place], transform)
            splits = replace(splits, preprocessing=splits.preprocessing.with_targets(place, own))
    return splits


def _with_bins(recipe: Recipe, splits: Splits) -> Splits:
    """Return the splits with the edges of the bins that the network embeds numbers by, if it does so."""
    numbers = getattr(recipe.model, "numbers", None)
    if not isinstance(numbers, PiecewiseLinear):
        return splits
    columns = first_columns(splits.train.x, splits.info.width) if splits.info.blocks else splits.train.x
    edges = bin_edges(columns, splits.info.features, numbers.bins)
    return replace(splits, preprocessing=replace(splits.preprocessing, bins=edges))


def _scale_of_targets(recipe: Recipe, resolved: Recipe, splits: Splits) -> Iterator[Problem]:
    """Warn of targets far from 1 that the head does not standardize, unless the recipe says so itself."""
    for name in resolved.heads or ():
        found = _scale_of_targets(recipe.of_head(name), resolved.of_head(name), splits.of_head(name))
        yield from (replace(problem, path=("heads", name)) for problem in found)
    preprocessing, head = splits.preprocessing, resolved.head
    mean, variance = preprocessing.target_mean, preprocessing.target_variance
    if resolved.heads is not None or resolved.task != "regression":
        return
    if mean is None or variance is None or head.standardize_targets or recipe.head.standardize_targets is not None:
        return
    if head.loss is not None and head.loss.targets in (
        "vectors",
        "distributions",
    ):  # their length means nothing, or is 1
        return
    for center, deviation in zip(mean, np.sqrt(variance), strict=True):
        if not TARGETS[0] <= deviation <= TARGETS[1] or abs(center) > TARGETS[1]:
            message = (
                f"the training targets have a mean of {center:.4g} and a deviation of {deviation:.4g}, far from 1, and are "
                f"not standardized with this head and '{head.loss.name if head.loss is not None else 'its loss'}'."
            )
            yield Problem(("head",), message, "Divide them by a number that brings them near 1.", severity="warning")
            return


def build_for(recipe: Recipe, splits: Splits, strategy: Any = None) -> Built:
    """Return a resolved recipe's model for its data, with the layers that it reuses, ready for an engine."""
    built = build_model(
        recipe, splits.info, splits.preprocessing, load_source(recipe, splits.info, splits.preprocessing)
    )
    fit_first_weights(built.model, recipe, splits.train.x)
    weights = {part.name: class_weights(part.recipe, splits.of_head(part.name)) for part in built.heads}
    built = built.weighing({name: tuple(own.tolist()) for name, own in weights.items() if own is not None})
    _complete_metrics(built, splits, strategy)
    return built


def shrink_for(recipe: Recipe, splits: Splits) -> tuple[Built, Shrinking]:
    """Return the model that a resolved recipe fine-tunes and makes smaller, ready for an engine, and what is known of it."""
    model, shrinking = begin(recipe, splits)
    return around(recipe, model, splits), shrinking


def around(recipe: Recipe, model: Any, splits: Splits) -> Built:
    """Return a network that is there already, ready for an engine or to be evaluated."""
    built = build_around(recipe, model)
    _complete_metrics(built, splits)
    return built


def _complete_metrics(built: Built, splits: Splits, strategy: Any = None) -> None:
    """Let metrics that make their variables at the first update make them now: states and programs need them all."""
    late = [metric for metric in built.metrics if not has_all_variables(metric)]
    y = as_targets(splits.train.y[:1], built.model)
    outputs = np.zeros((1, *built.model.output_shape[1:]), np.float32)

    def update() -> None:
        for metric in late:
            metric.update_state(y, outputs)

    if late:
        update() if strategy is None else strategy.run(update)
    for metric in late:
        metric.reset_state()


def class_weights(recipe: Recipe, splits: Splits) -> Array | None:
    """Return the weight of each class (K,), or None; ``balanced`` is N/(K·count), as in scikit-learn."""
    wanted, info = recipe.training.class_weights, splits.info
    if wanted is None:
        return None
    if isinstance(wanted, str):
        counts = np.asarray(info.class_counts, np.float64)
        return np.asarray(counts.sum() / (len(counts) * np.maximum(counts, 1)), np.float32)
    names: Sequence[str] = info.class_names or [str(number) for number in range(info.num_classes)]
    weights = np.ones(info.num_classes, np.float32)
    for key, weight in wanted.items():
        place = weighted_class(key, names)
        if place is not None:  # the rules refuse other classes
            weights[place] = weight
    return weights


def quiet_upstream_warnings() -> None:
    """Silence warnings of Keras and NumPy that a user can do nothing about."""
    warnings.filterwarnings("ignore", message="__array__ implementation doesn't accept a copy keyword")
