"""Whether probabilities mean what they say: expected calibration error, reliability, temperature scaling. NumPy, SciPy only.

Everything here is about classes, examples in rows and classes in columns. Outputs that each say yes or no (binary and
multilabel tasks) become two columns, and each label of each example a row, by `two_columns`. The confidence of such a
row is therefore max(p, 1 - p).
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from hornbook.data.storage.rows import Array
from hornbook.errors import DataError, UsageError
from hornbook.recipes.load import load_recipe
from hornbook.recipes.recipe import Recipe
from hornbook.runs import Run

__all__ = [
    "Bin", "Calibration", "check_options", "fit_temperature", "measure", "one_head", "softmax", "two_columns",
]  # fmt: skip

BINS = 15
SMALLEST = 1e-12  # a probability of 0 would make the log loss infinite


@dataclass(frozen=True)
class Bin:
    """Examples whose confidence is in (lower, upper]; the means are None where there are none."""

    lower: float
    upper: float
    examples: int
    confidence: float | None
    accuracy: float | None


@dataclass(frozen=True)
class Calibration:
    """How good probabilities are.

    Attributes:
        accuracy: Fraction of examples whose most probable class is right.
        log_loss: Mean of -ln p(right class), in nats: the negative log likelihood.
        brier: Mean squared distance from the one-hot labels, 0 to 2; halved for two classes, as in scikit-learn.
            Brier (1950), "Verification of forecasts expressed in terms of probability".
        expected_calibration_error: Mean of |accuracy - confidence| over the bins, weighted by their examples; 15 bins
            of equal width over the most probable class's probability. Guo et al. (2017), arXiv:1706.04599, section 2.
        bins: The reliability curve.
    """

    accuracy: float
    log_loss: float
    brier: float
    expected_calibration_error: float
    bins: tuple[Bin, ...]

    def figures(self) -> dict[str, float]:
        """Return the numbers without the bins."""
        return {key: value for key, value in asdict(self).items() if key != "bins"}


def check_options(run: Run, *, calibration: bool, temperature: bool, head: str | None = None) -> None:
    """Raise before any work, and before TensorFlow is imported, if a run's outputs cannot be calibrated.

    Args:
        run: The run.
        calibration: Whether calibration is asked for.
        temperature: Whether a temperature is to be fitted.
        head: Which of several heads this is about.

    Raises:
        UsageError: If the run's outputs are no probabilities of classes.
        DataError: If a temperature is to be fitted and the run has no validation split.
    """
    if not (calibration or temperature):
        return
    asked = "--temperature" if temperature else "--calibration"
    facts, recipe = run.data, load_recipe(run.recipe_path, for_training=False, of_run=True)
    if recipe.heads is not None:
        recipe = recipe.of_head(one_head(asked, head, recipe))
    if (recipe.task or facts["task"]) == "regression":
        raise UsageError(f"{run.path}: {asked} is about probabilities of classes, and this run's task is regression.")
    activation = recipe.head.activation
    if activation is None or activation.name not in {"softmax", "sigmoid"}:
        name = activation.name if activation is not None else "linear"
        raise UsageError(
            f"{run.path}: {asked} needs probabilities, and this run's head ends in '{name}'. Train with a head that "
            "ends in softmax or sigmoid."
        )
    if temperature and not facts["counts"].get("validation"):
        raise DataError(
            f"{run.path}: --temperature is fitted on the validation split, and this run has none. Train with "
            "data.split.validation."
        )


def one_head(asked: str, head: str | None, recipe: Recipe) -> str:
    """Return the head that an option is about.

    Raises:
        UsageError: If the recipe has several heads and none is named, or one that there is not.
    """
    heads = [*(recipe.heads or ())]
    if head is None:
        raise UsageError(f"{asked} is about one head, and this run has several. Name one: --head {heads[0]}.")
    if head not in heads:
        raise UsageError(f"--head {head}: the run has no such head. It has {', '.join(heads)}.")
    return head


def softmax(logits: Array, temperature: float = 1.0) -> Array:
    """Return probabilities (N, K) in float64 from logits (N, K) divided by the temperature."""
    scaled = logits.astype(np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def two_columns(no: Array | float, yes: Array) -> Array:
    """Return (N·K, 2) from yes-or-no outputs (N, K): 0 and the logit, or 1 - p and p."""
    return np.stack([np.broadcast_to(no, yes.shape), yes], axis=-1).reshape(-1, 2)


def measure(probabilities: Array, labels: Array, weights: Array | None = None) -> Calibration:
    """Return how good probabilities (N, K) are, given the right classes' numbers (N,).

    Args:
        probabilities: (N, K).
        labels: (N,).
        weights: (N,) what each example counts, or None where all count alike; bins hold their number all the same.
    """
    rows = np.arange(len(labels))
    predicted = probabilities.argmax(axis=1)
    right = predicted == labels
    of_right_class = np.maximum(probabilities[rows, labels].astype(np.float64), SMALLEST)
    one_hot = np.zeros(probabilities.shape)
    one_hot[rows, labels] = 1
    distances = ((probabilities - one_hot) ** 2).sum(axis=1) / (2 if probabilities.shape[1] == 2 else 1)
    bins, sizes = _reliability(probabilities[rows, predicted], right, weights)
    gaps = [size * abs((item.accuracy or 0) - (item.confidence or 0)) for size, item in zip(sizes, bins, strict=True)]
    return Calibration(
        accuracy=_mean(right, weights),
        log_loss=_mean(-np.log(of_right_class), weights),
        brier=_mean(distances, weights),
        expected_calibration_error=sum(gaps) / sum(sizes),
        bins=bins,
    )


def _mean(values: Array, weights: Array | None) -> float:
    return float(values.mean(dtype=np.float64) if weights is None else np.average(values, weights=weights))


def _reliability(confidence: Array, right: Array, weights: Array | None) -> tuple[tuple[Bin, ...], list[float]]:
    """Return bins of equal width of confidences (N,), by whether predictions are right (N,), and what each bin counts."""
    numbers = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
    found, sizes = list[Bin](), list[float]()
    for number in range(BINS):
        inside = numbers == number
        count, part = int(inside.sum()), None if weights is None else weights[inside]
        sizes.append(count if part is None else float(part.sum()))
        means: tuple[Any, Any] = (None, None)
        if sizes[-1]:
            means = (_mean(confidence[inside], part), _mean(right[inside], part))
        found.append(Bin(number / BINS, (number + 1) / BINS, count, *means))
    return tuple(found), sizes


def fit_temperature(logits: Array, labels: Array, weights: Array | None = None) -> float:
    """Return the temperature T > 0 at which softmax(logits / T) has the smallest log loss.

    The log loss is convex in 1/T, so the zero of its derivative, the mean of E_p[z] - z_right, is what Brent's method finds.
    Temperature scaling: Guo et al. (2017), arXiv:1706.04599, section 4.2.

    Args:
        logits: (N, K), of examples that were not trained on.
        labels: (N,), the right classes' numbers.
        weights: (N,), what each example counts, or None.

    Raises:
        DataError: If there is no such temperature: all examples are right, the logits are worse than none, or they are
            no numbers.
    """
    if weights is not None:
        counting = weights > 0
        logits, labels, weights = logits[counting], labels[counting], weights[counting]
    refused = f"no temperature can be fitted: on the {len(labels):,} validation predictions"
    if not np.isfinite(logits).all():
        raise DataError(f"{refused} some outputs are NaN or infinite: the model has diverged. Train with a lower rate.")
    below_KN = np.ascontiguousarray(
        logits.T, np.float64
    )  # sums over classes are fast this way round, and nothing is made
    below_KN -= below_KN.max(axis=0)
    of_right_class, powers_KN = below_KN[labels, np.arange(len(labels))], np.empty_like(below_KN)

    def slope(temperature: float) -> float:
        np.divide(below_KN, temperature, out=powers_KN)
        np.exp(powers_KN, out=powers_KN)
        sums = powers_KN.sum(axis=0)
        np.multiply(powers_KN, below_KN, out=powers_KN)
        return _mean(powers_KN.sum(axis=0) / sums - of_right_class, weights)

    if not len(labels) or (below_KN.any() and not of_right_class.any()):
        raise DataError(
            f"no temperature can be fitted: all {len(labels):,} validation predictions are right, so that the log loss "
            "falls for ever as the temperature goes to 0. Train with a larger data.split.validation."
        )
    if slope(np.inf) >= 0:
        raise DataError(
            f"{refused} the model is no better than chance, so that the log loss falls for ever as the temperature rises."
        )
    from scipy.optimize import brentq

    low = -below_KN[below_KN < 0].max() / 1000  # so low that every smaller logit's probability is 0
    high = -below_KN.min()
    while slope(high) >= 0:
        high *= 10
    return float(np.exp(brentq(lambda logarithm: slope(np.exp(logarithm)), np.log(low), np.log(high), xtol=1e-12)))
