"""Loss and metrics of several heads: each reads its columns of one matrix of targets and of one of outputs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

__all__ = ["HeadColumns", "HeadLoss", "HeadMetric", "HeadsLoss", "with_scores"]

SCORES = "_hornbook_scores"


@dataclass(frozen=True)
class HeadColumns:
    """Which columns are one head's.

    Attributes:
        targets: (first, end) among those of all targets.
        outputs: (first, end) among those of all outputs.
        is_class: Whether its target is a class number.
    """

    targets: tuple[int, int]
    outputs: tuple[int, int]
    is_class: bool = False

    def of_targets(self, y: Any) -> Any:
        """Return its targets, (B, K), or class numbers (B, 1) int32."""
        own = ops.convert_to_tensor(y)[:, slice(*self.targets)]
        return ops.cast(own, "int32") if self.is_class else own

    def of_outputs(self, outputs: Any) -> Any:
        """Return its outputs, (B, K)."""
        return outputs[:, slice(*self.outputs)]


def with_scores(outputs: Any, scores: Any) -> Any:
    """Return outputs that carry along the scores they were made of, as Keras lets an output carry its logits."""
    setattr(outputs, SCORES, scores)
    return outputs


@keras.saving.register_keras_serializable("hornbook")
class HeadsLoss(keras.losses.Loss):
    """The sum of the losses of several heads, each times its weight.

    Args:
        heads: By name: `loss`, `weight`, `columns`, the arguments of `HeadColumns`, and where its classes count differently
            `class_weights`, a number for each.
    """

    def __init__(self, heads: Mapping[str, Mapping[str, Any]], name: str = "loss", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.heads = {head: _read(entry) for head, entry in heads.items()}
        weights = {head: entry.get("class_weights") for head, entry in heads.items()}
        self.class_weights = {head: list(own) for head, own in weights.items() if own is not None}

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each example: targets (B, T) and predictions (B, K) of all heads give (B,)."""
        total = 0.0
        for head, (loss, weight, columns) in self.heads.items():
            y = columns.of_targets(y_true)
            values = _each(loss, y, columns.of_outputs(y_pred))
            if head in self.class_weights:
                of_classes = ops.convert_to_tensor(self.class_weights[head], dtype=values.dtype)
                values = values * ops.take(of_classes, ops.reshape(y, (-1,)))
            total += weight * values
        return total

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, for saving."""
        heads = {
            head: {"loss": keras.losses.serialize(loss), "weight": weight, "columns": vars(columns)}
            for head, (loss, weight, columns) in self.heads.items()
        }
        for head, own in self.class_weights.items():
            heads[head]["class_weights"] = own
        return {**super().get_config(), "heads": heads}


def _read(entry: Mapping[str, Any]) -> tuple[Any, float, HeadColumns]:
    loss, columns = entry["loss"], entry["columns"]
    loss = keras.losses.deserialize(loss) if isinstance(loss, dict) else loss
    return loss, float(entry["weight"]), columns if isinstance(columns, HeadColumns) else HeadColumns(**columns)


def _each(loss: Any, y: Any, predicted: Any) -> Any:
    """Return the loss of each example, (B,)."""
    return ops.reshape(loss.call(y, predicted), (-1,))


class HeadMetric(keras.metrics.Metric):
    """A metric of one of several heads.

    Args:
        metric: The metric, of the head's targets and outputs.
        columns: Which these are.
        name: What it is recorded as.
    """

    def __init__(self, metric: keras.metrics.Metric, columns: HeadColumns, name: str) -> None:
        super().__init__(name=name)
        self.metric, self.columns = metric, columns

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch: targets (B, T) and outputs (B, K) of all heads."""
        self.metric.update_state(self.columns.of_targets(y_true), self.columns.of_outputs(y_pred), sample_weight)

    def result(self) -> Any:
        """Return the figure so far."""
        return self.metric.result()

    def reset_state(self) -> None:
        """Begin anew."""
        self.metric.reset_state()

    def get_config(self) -> dict[str, Any]:
        """Return the metric's own arguments, for those who look."""
        return {**self.metric.get_config(), "name": self.name}


class HeadLoss(keras.metrics.Mean):
    """The loss of one of several heads: the mean over examples, each times its own weight where it has one.

    Args:
        of_scores: The loss of what outputs are made of, where they carry it along.
        of_outputs: The loss of the outputs themselves.
        columns: Which targets and outputs are the head's.
        learned: Makes the head's targets what `of_scores` reads.
        name: What it is recorded as.
    """

    def __init__(
        self, of_scores: Any, of_outputs: Any, columns: HeadColumns, learned: Callable[[Any], Any], name: str
    ) -> None:
        super().__init__(name=name)
        self.of_scores, self.of_outputs, self.columns, self.learned = of_scores, of_outputs, columns, learned

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch: targets (B, T) and outputs (B, K) of all heads."""
        y, scores = self.columns.of_targets(y_true), getattr(y_pred, SCORES, None)
        if scores is None:
            values = _each(self.of_outputs, y, self.columns.of_outputs(y_pred))
        else:
            values = _each(self.of_scores, self.learned(y), self.columns.of_outputs(scores))
        if sample_weight is not None:
            values = values * ops.reshape(ops.cast(sample_weight, values.dtype), (-1,))
        super().update_state(values)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of its loss, for those who look."""
        return {"name": self.name, "loss": keras.losses.serialize(self.of_scores)}
