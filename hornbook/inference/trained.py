"""A finished run's model, recipe and data facts, read back for evaluation and prediction."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
from pydantic import BaseModel

import hornbook.builder.heads.losses
import hornbook.layers  # noqa: F401  (registers the layers that Keras lacks)
from hornbook.builder.build import Built, loss_of, metrics_of
from hornbook.builder.heads.metrics import build_metric
from hornbook.builder.heads.several import parts_of, view_of_scores
from hornbook.builder.heads.single import decision_threshold, training_view
from hornbook.builder.outside import unwrap
from hornbook.data.facts import DataInfo
from hornbook.data.records import from_json
from hornbook.data.source import Array
from hornbook.data.targets.labels import decided
from hornbook.errors import RunError, UsageError
from hornbook.recipes.language.spec import Component
from hornbook.recipes.load import load_recipe
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.rules.data import listed
from hornbook.recipes.sections.metric import MetricSpec
from hornbook.runs.directory import Run, find_run
from hornbook.runs.model_file import read_model_file

__all__ = ["Trained", "labels_of", "load_model", "load_run", "of_one_head"]


@dataclass(frozen=True)
class Trained:
    """A run with its model loaded."""

    run: Run
    recipe: Recipe
    info: DataInfo
    model: keras.Model
    which: str
    head: str | None = None
    """Which of several heads this is about; None: the whole run."""
    whole: "Trained | None" = None
    """The run with all of its heads, where this is about one of them."""

    def heads(self) -> "tuple[Trained, ...]":
        """Return the run as one of each of its heads; of a run with a single head nothing."""
        return tuple(self.of_head(part.name) for part in parts_of(self.recipe))

    def of_head(self, name: str) -> "Trained":
        """Return the run as if it had this one of its heads alone: its recipe, its facts, a model that returns its outputs.

        Raises:
            UsageError: If it has no such head.
        """
        parts = {part.name: part for part in parts_of(self.recipe)}
        if name not in parts:
            known = f"It has {listed(list(parts))}." if parts else "It has a single one: leave --head out."
            raise UsageError(f"--head {name}: the run has no such head. {known}")
        part = parts[name]
        model = part.model(self.model)
        return Trained(self.run, part.recipe, self.info.of_head(name), model, self.which, name, self)

    def decision(self, threshold: float | None = None) -> float | None:
        """Return the output above which a unit says yes: what is asked for, else the recipe's; None where none decides.

        Raises:
            UsageError: If a threshold is asked for that the run's outputs cannot be compared with.
        """
        task, head = self.info.task, self.recipe.head.activation
        if task not in {"binary", "multilabel"}:
            if threshold is None:
                return None
            why = "predicts numbers" if task == "regression" else "takes the likeliest of several classes"
            raise UsageError(f"--threshold {threshold:g}: this run {why}, so no threshold decides. Leave it out.")
        if threshold is None:
            return decision_threshold(self.recipe)
        if head is not None and head.name == "sigmoid" and not 0 <= threshold <= 1:
            raise UsageError(f"--threshold {threshold:g}: the run's outputs are probabilities, from 0 to 1.")
        if not math.isfinite(threshold):
            raise UsageError(f"--threshold {threshold:g}: is no number to compare with.")
        return threshold

    def built(self, threshold: float | None = None) -> Built:
        """Return the model in its two views, ready to evaluate; with `threshold` in place of those of all its metrics."""
        heads = parts_of(self.recipe)
        logits_model, tail = (
            (view_of_scores(heads, self.model), ()) if heads else training_view(self.recipe, self.model)
        )
        metrics = metrics_of(self.recipe, self.model, heads)
        if threshold is not None:
            task, units = self.recipe.task or "regression", self.recipe.head.units
            specs = [_decided(metric, threshold) for metric in self.recipe.training.metrics or ()]
            metrics = tuple(build_metric(spec, task, units=units, decision=threshold) for spec in specs)
        return Built(
            model=self.model,
            training_model=self.model,
            logits_model=self.model if logits_model is None else logits_model,
            tail=tail,
            optimizer=None,
            loss=loss_of(self.recipe, self.model, heads, tail),
            metrics=metrics,
            heads=heads,
        )


def of_one_head(trained: Trained, what: str, advice: str = "") -> Trained:
    """Return the run, where it has a single head.

    Args:
        trained: The run.
        what: What needs one, as the beginning of a sentence.
        advice: What to do, with a space in front of it.

    Raises:
        UsageError: If it has several.
    """
    if trained.info.heads:
        names = ", ".join(head.name for head in trained.info.heads)
        raise UsageError(f"{trained.run.path}: {what} a run with one head, and this one has several ({names}).{advice}")
    return trained


def _decided(metric: MetricSpec, threshold: float) -> MetricSpec:
    """Return a metric with another threshold, where it has one."""
    keys: dict[str, Any] = {key: threshold for key in ("threshold", "thresholds") if key in type(metric).model_fields}
    return metric.model_copy(update=keys)


def labels_of(scores: Array, trained: Trained, decision: float | None = None) -> Array:
    """Return class numbers (N,) for classes, 0/1 rows (N, K) for labels, the scores themselves for regression.

    `decision` is the output above which a unit says yes; the run's own when omitted.
    """
    return decided(scores, trained.info.task, decision if decision is not None else decision_threshold(trained.recipe))


def load_run(name: str | Path, *, which: str | None = None, trust: bool = False) -> Trained:
    """Return a run with its ``best``, ``last`` or (None) final model.

    Args:
        name: The run.
        which: Which weights.
        trust: Whether code that the model holds may be run. Nothing in the run's folder says so.

    Raises:
        UsageError: If there is no such run.
        RunError: If its files are missing or damaged, or its model holds code that is not trusted.
    """
    run = find_run(name)
    path = run.model_path(which)
    recipe = load_recipe(run.recipe_path, for_training=False, of_run=True, trust=trust)
    for component in _components(recipe):
        component.import_target()  # registers the layers of plug-ins with Keras
    model = load_model(path, trust=trust)
    return Trained(run, recipe, from_json(run.data), model, path.stem)


def load_model(path: Path, *, trust: bool = False) -> Any:
    """Return the network of a `.keras` or `.h5` file; code that it holds is run where it is trusted, else it is not loaded.

    Raises:
        RunError: If it cannot be loaded, or holds code that is not trusted.
    """
    stored = read_model_file(path, known=keras.saving.get_custom_objects())
    if stored.needs_code and not trust:
        raise RunError(
            f"{path}: holds code or layers of another package ({', '.join(stored.needs_code)}) and is not loaded. If you "
            "know where it comes from, run that code with --trust (in Python trust=True)."
        )
    try:
        return unwrap(keras.models.load_model(path, compile=False, safe_mode=not trust))
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise RunError(f"{path}: the model cannot be loaded ({reason}).") from error


def _components(value: Any) -> Iterator[Component]:
    """Yield every component below a section of a recipe that builds something for the model."""
    if isinstance(value, Component) and value.kind != "data" and value.builds is not None:
        yield value
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _components(getattr(value, name))
    elif isinstance(value, Mapping | tuple | list):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _components(item)
