"""How far a run's predictions can be trusted on one split: as they are, with a temperature, as a mean of samples."""

import math
from dataclasses import asdict, dataclass, field
from typing import Any

import keras
import numpy as np

from hornbook.builder.features.members import MEMBERS
from hornbook.builder.heads.single import decision_threshold, head_layer
from hornbook.data.source import Array, Split, Splits
from hornbook.engine.prediction import predict_scores
from hornbook.inference.trained import Trained
from hornbook.inference.trust.calibration import Bin, fit_temperature, measure, softmax, two_columns
from hornbook.inference.uncertainty import Uncertainty, sample_run

__all__ = ["Confidence", "assess", "gives_probabilities", "predict_with_temperature", "run_temperature"]

SMALLEST = 1e-7  # probability, of which a float32 still has the logarithm

WORDS = {
    "accuracy": "accuracy",
    "log_loss": "log loss",
    "brier": "Brier score",
    "expected_calibration_error": "expected calibration error",
    "root_mean_squared_error": "root mean squared error",
    "mean_absolute_error": "mean absolute error",
    "mean_std": "standard deviation",
    "mean_entropy": "entropy",
    "mean_mutual_information": "mutual information",
}


@dataclass(frozen=True)
class Confidence:
    """Figures of several ways to predict with the same weights: ``plain``, ``temperature``, ``monte_carlo``.

    Attributes:
        figures: For each way accuracy, log loss, Brier score and expected calibration error; errors for regression.
        reliability: For each way the bins of its reliability curve, where that was asked for.
        temperature: What logits were divided by, fitted on the validation split.
        mc_samples: Monte Carlo samples of each example.
        uncertainty: Means over the examples whose Monte Carlo prediction is ``right`` and ``wrong``; over ``all`` of
            them for regression.
    """

    figures: dict[str, dict[str, float]]
    reliability: dict[str, tuple[Bin, ...]] = field(default_factory=dict)
    temperature: float | None = None
    mc_samples: int | None = None
    uncertainty: dict[str, dict[str, float]] = field(default_factory=dict)

    def record(self) -> dict[str, Any]:
        """Return everything as JSON's types."""
        return asdict(self)

    def lines(self) -> list[str]:
        """Return lines of at most 80 characters."""
        headings = {"plain": "plain"}
        if self.temperature is not None:
            headings["temperature"] = f"T = {self.temperature:.3f}"
        if self.mc_samples is not None:
            headings["monte_carlo"] = f"mean of {self.mc_samples}"
        lines = ["", " " * 26 + "".join(f"{headings[way]:>18}" for way in self.figures)]
        for name in self.figures["plain"]:
            lines.append(f"{WORDS[name]:<26}" + "".join(f"{row[name]:>18.4f}" for row in self.figures.values()))
        if self.uncertainty:
            columns = [name for name in next(iter(self.uncertainty.values())) if name != "examples"]
            heading = "".join(f"{WORDS[name]:>20}" for name in columns)
            lines += ["", f"{'mean uncertainty':<17}{'examples':>9}{heading}"]
            for group, row in self.uncertainty.items():
                means = "".join(f"{row[name]:>20.4f}" for name in columns)
                lines.append(f"{group:<17}{int(row['examples']):>9,}{means}")
        for way, bins in self.reliability.items():
            lines += ["", *_reliability_lines(headings[way], bins)]
        return lines


def _reliability_lines(heading: str, bins: tuple[Bin, ...]) -> list[str]:
    lines = [f"reliability, {heading}", "confidence     examples  mean confidence  accuracy      gap"]
    for item in bins:
        if item.confidence is not None and item.accuracy is not None:
            gap = item.accuracy - item.confidence
            figures = f"{item.examples:>8,}  {item.confidence:>15.4f}  {item.accuracy:>8.4f}  {gap:>+7.4f}"
            lines.append(f"{item.lower:.3f}-{item.upper:.3f}    {figures}")
    return lines


def assess(
    trained: Trained,
    splits: Splits | None,
    split: Split,
    *,
    mc_samples: int | None,
    calibration: bool,
    temperature: bool,
) -> Confidence:
    """Return the figures of a run's predictions on one split, one column for each way that is asked for.

    Args:
        trained: A run that `check_options` found fit for this.
        splits: Its data; a temperature is fitted on the validation split. None where none is asked for.
        split: The examples to assess on.
        mc_samples: Also predict with Monte Carlo dropout, so often; None: don't.
        calibration: Whether to return reliability curves.
        temperature: Whether to also predict with a temperature.
    """
    value = run_temperature(trained, splits) if temperature else None
    found = sample_run(trained, split.x, mc_samples) if mc_samples is not None else None
    if not gives_probabilities(trained):
        x: Any = split.x
        ways = {"plain": predict_scores(trained.model, x)} | ({"monte_carlo": found.mean} if found else {})
        figures = {way: _errors(scores, split, trained) for way, scores in ways.items()}
        return Confidence(figures, mc_samples=mc_samples, uncertainty=_uncertainty(found, split.y, trained))
    logits, labels, weights = _logits_and_labels(trained, split)
    probabilities = {"plain": softmax(logits)}
    if value is not None:
        probabilities["temperature"] = softmax(logits, value)
    if found is not None:
        probabilities["monte_carlo"] = found.mean if _has_softmax(trained) else two_columns(1 - found.mean, found.mean)
    measured = {way: measure(rows, labels, weights) for way, rows in probabilities.items()}
    return Confidence(
        figures={way: item.figures() for way, item in measured.items()},
        reliability={way: item.bins for way, item in measured.items()} if calibration else {},
        temperature=value,
        mc_samples=mc_samples,
        uncertainty=_uncertainty(found, split.y, trained),
    )


def run_temperature(trained: Trained, splits: Splits | None) -> float:
    """Return the temperature that fits a run's validation split best.

    Raises:
        DataError: If there is none.
    """
    if splits is None or splits.validation is None:
        raise ValueError("check_options comes first: the run has no validation split")
    return fit_temperature(*_logits_and_labels(trained, splits.validation))


def predict_with_temperature(trained: Trained, x: Any, temperature: float) -> Array:
    """Return probabilities (N, K) float32 of a run's model with its logits divided by the temperature."""
    logits = _logits(trained, x)
    if _has_softmax(trained):
        return softmax(logits, temperature).astype(np.float32)
    yes = softmax(two_columns(0.0, logits), temperature)[:, 1]
    return yes.reshape(logits.shape).astype(np.float32)


def _head(trained: Trained) -> str:
    head = trained.recipe.head.activation
    return head.name if head is not None else "linear"


def _has_softmax(trained: Trained) -> bool:
    return _head(trained) == "softmax"


def gives_probabilities(trained: Trained) -> bool:
    """Return whether a run's outputs are probabilities of classes or labels."""
    return trained.info.task != "regression" and _head(trained) in {"softmax", "sigmoid"}


def _logits(trained: Trained, x: Any) -> Array:
    """Return what goes into the last activation, (N, K); of an ensemble what would give the mean of its members."""
    if MEMBERS in {layer.name for layer in trained.model.layers}:
        shares = np.clip(predict_scores(trained.model, x).astype(np.float64), SMALLEST, 1 - SMALLEST)
        return np.log(shares) if _has_softmax(trained) else np.log(shares / (1 - shares))
    activation = head_layer(trained.model, "activation")
    weighted_sums = trained.model.output if activation is None else activation.input
    return predict_scores(keras.Model(trained.model.input, weighted_sums, name="logits"), x).astype(np.float64)


def _logits_and_labels(trained: Trained, split: Split) -> tuple[Array, Array, Array | None]:
    """Return logits (M, C), class numbers (M,) and weights: a row per example, or per label of one in two columns."""
    logits, labels = _logits(trained, split.x), np.asarray(split.y).reshape(-1).astype(np.int64)
    weights = None if split.weights is None else np.repeat(split.weights, len(labels) // len(split))
    return (logits if _has_softmax(trained) else two_columns(0.0, logits)), labels, weights


def _errors(scores: Array, split: Split, trained: Trained) -> dict[str, float]:
    """Return what can be said of outputs (N, K) that are no probabilities."""
    targets = split.y.reshape(scores.shape)

    def mean(values: Array) -> float:
        return float(np.average(values.reshape(len(split), -1).mean(axis=1), weights=split.weights))

    if trained.info.task != "regression":
        return {"accuracy": mean((scores > decision_threshold(trained.recipe)) == targets)}
    errors = scores.astype(np.float64) - targets
    return {"root_mean_squared_error": math.sqrt(mean(errors**2)), "mean_absolute_error": mean(np.abs(errors))}


def _uncertainty(found: Uncertainty | None, y: Array, trained: Trained) -> dict[str, dict[str, float]]:
    """Return mean uncertainties of the examples (or labels) that are predicted right and wrong."""
    if found is None:
        return {}
    if found.entropy is None or found.mutual_information is None:
        return {"all": {"examples": found.std.size, "mean_std": float(found.std.mean())}}
    is_yes = found.mean > decision_threshold(trained.recipe)
    predicted = found.mean.argmax(axis=1) if _has_softmax(trained) else is_yes
    right = predicted.reshape(found.entropy.shape) == np.asarray(y).reshape(found.entropy.shape)
    groups = {"right": right, "wrong": ~right}
    return {
        name: {
            "examples": int(group.sum()),
            "mean_entropy": float(found.entropy[group].mean()),
            "mean_mutual_information": float(found.mutual_information[group].mean()),
        }
        for name, group in groups.items()
        if group.any()
    }
