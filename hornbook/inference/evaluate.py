"""What `hornbook evaluate` says about a run on one split."""

import os
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hornbook.builder.build import as_targets
from hornbook.builder.head import decision_threshold
from hornbook.data import Splits, load_data
from hornbook.data.preprocessing import without_category
from hornbook.data.source import Array
from hornbook.engine.evaluation import Evaluator, of_mean
from hornbook.engine.prediction import predict_scores
from hornbook.errors import DataError, escaped
from hornbook.inference.calibration import check_options
from hornbook.inference.confidence import Confidence, assess
from hornbook.inference.trained import Trained, load_run
from hornbook.inference.uncertainty import check_dropout
from hornbook.runs import find_run

__all__ = ["Report", "evaluate_run", "labels_of", "load_splits"]

MAX_MATRIX = 20  # classes; a larger confusion matrix is unreadable


@dataclass(frozen=True)
class Report:
    """Figures of one split.

    Attributes:
        run: The run's folder.
        split: ``train``, ``validation`` or ``test``.
        count: Examples.
        weights: ``best`` or ``last``.
        metrics: Loss and the recipe's metrics.
        classes: scikit-learn's precision, recall and F1 per class; empty for regression.
        confusion: Rows are true classes, columns predicted ones; empty for regression and multilabel.
        confidence: Calibration and uncertainty, where they were asked for.
        notes: Sentences the user should read.
        baseline: Of a regression: metrics of the training targets' mean, predicted for every example.
    """

    run: str
    split: str
    count: int
    weights: str
    metrics: dict[str, float]
    classes: dict[str, dict[str, float]]
    confusion: list[list[int]]
    confidence: Confidence | None = None
    notes: tuple[str, ...] = ()
    baseline: dict[str, float] = field(default_factory=dict)

    def record(self) -> dict[str, Any]:
        """Return everything as JSON's types."""
        record = {key: value for key, value in vars(self).items() if key not in {"notes", "confidence"}}
        return record | (self.confidence.record() if self.confidence is not None else {})

    def text(self) -> str:
        """Return lines of at most 80 characters for up to ten classes."""
        run = os.path.relpath(self.run)
        shown = self.run if run.startswith(os.pardir) else run
        lines = [f"{self.split} split of {shown}, {self.count:,} examples, {self.weights} weights"]
        lines.append("  ".join(f"{name} {value:.4f}" for name, value in self.metrics.items()))
        if self.baseline:
            figures = "  ".join(f"{name} {value:.4f}" for name, value in self.baseline.items())
            lines.append(f"{figures}  of the training mean, predicted everywhere")
        if self.classes:
            names = [escaped(name, one_line=True) for name in self.classes]
            width = max(len("class"), *(min(len(name), 24) for name in names))
            lines += ["", f"{'class':<{width}}  precision  recall      f1  examples"]
            for name, row in zip(names, self.classes.values(), strict=True):
                figures = (
                    f"{row['precision']:>9.4f}  {row['recall']:.4f}  {row['f1-score']:.4f}  {int(row['support']):>8,}"
                )
                lines.append(f"{name[:24]:<{width}}  {figures}")
        if 0 < len(self.confusion) <= MAX_MATRIX:
            lines += ["", "confusion (rows: true class, columns: predicted)"]
            size = max(5, *(len(str(value)) + 1 for row in self.confusion for value in row))
            names = [escaped(name, one_line=True) for name in self.classes]
            if all(len(name) < size for name in names):
                lines.append(" " * 15 + "".join(f"{name:>{size}}" for name in names))
            for name, counts in zip(names, self.confusion, strict=False):
                lines.append(f"{name[:14]:<14} " + "".join(f"{value:>{size}}" for value in counts))
        if self.confidence is not None:
            lines += self.confidence.lines()
        return "\n".join(lines)


def evaluate_run(
    name: str,
    *,
    split: str = "test",
    which: str | None = None,
    mc_samples: int | None = None,
    calibration: bool = False,
    temperature: bool = False,
    trust: bool = False,
) -> Report:
    """Return the figures of a run on one split of its own data.

    Args:
        name: The run's folder, ``NAME/latest``, or its recipe's name.
        split: ``train``, ``validation`` or ``test``.
        which: ``best`` or ``last`` weights; None: the run's final ones.
        mc_samples: Also predict with Monte Carlo dropout, so often for each example.
        calibration: Also return how well probabilities are calibrated.
        temperature: Also fit a temperature on the validation split, and return what it does to the calibration.
        trust: Whether code that the run's model holds may be run.

    Raises:
        UsageError: If the run has no dropout to sample, or no probabilities to calibrate.
        DataError: If the run has no such split, or its data is gone.
    """
    check_options(find_run(name), calibration=calibration, temperature=temperature)
    trained = load_run(name, which=which, trust=trust)
    if mc_samples is not None:
        check_dropout(trained.model, name)
    splits, notes = load_splits(trained)
    examples = getattr(splits, split)
    if examples is None or not len(examples):
        have = ", ".join(key for key, count in splits.info.counts.items() if count)
        raise DataError(f"the run has no {split} split. It has: {have}.")
    confidence = None
    if mc_samples is not None or calibration or temperature:
        asked: dict[str, Any] = {"mc_samples": mc_samples, "calibration": calibration, "temperature": temperature}
        confidence = assess(trained, splits, examples, **asked)
    metrics = Evaluator(trained.built())(examples.x, as_targets(examples.y, trained.model))
    classes, confusion = _per_class(trained, examples.x, examples.y)
    features, whole = splits.info.features or (), trained.info.extra.get("whole", ())
    notes = (*notes, *(f"note: {text}" for text in without_category(examples.x, features, whole, what=f"{split} rows")))
    return Report(
        run=str(trained.run.path),
        split=split,
        count=len(examples),
        weights=trained.which,
        metrics=metrics,
        classes=classes,
        confusion=confusion,
        confidence=confidence,
        notes=notes,
        baseline=of_mean(trained.recipe, splits.train, examples),
    )


def load_splits(trained: Trained) -> tuple[Splits, tuple[str, ...]]:
    """Return a run's data, loaded again, and a note if it is not what the run was trained on."""
    splits = load_data(trained.recipe, for_training=False).splits
    if splits.info.fingerprint == trained.info.fingerprint:
        return splits, ()
    found, then = splits.info.fingerprint, trained.info.fingerprint
    return splits, (f"note: the data has changed since training (fingerprint {found}, then {then}).",)


def _per_class(trained: Trained, x: Array, y: Array) -> tuple[dict[str, dict[str, float]], list[list[int]]]:
    """Return scikit-learn's figures per class and the confusion matrix."""
    info = trained.info
    if info.task == "regression":
        return {}, []
    from sklearn.metrics import classification_report, confusion_matrix

    predicted = labels_of(predict_scores(trained.model, x, shows_progress=True), trained)
    names = list(info.class_names or map(str, range(info.num_classes)))
    if info.task == "multilabel":
        report = classification_report(y, predicted, target_names=names, output_dict=True, zero_division=0)
        return {name: report[name] for name in names}, []
    numbers = list(range(len(names)))
    report = classification_report(y, predicted, labels=numbers, target_names=names, output_dict=True, zero_division=0)
    return {name: report[name] for name in names}, confusion_matrix(y, predicted, labels=numbers).tolist()


def labels_of(scores: Array, trained: Trained) -> Array:
    """Return class numbers (N,) for classes, 0/1 rows (N, K) for labels, the scores themselves for regression."""
    task, yes = trained.info.task, scores > decision_threshold(trained.recipe)
    if task == "multiclass":
        return np.asarray(scores.argmax(axis=-1))
    if task == "binary":
        return yes[:, 0].astype(np.int32)
    return yes.astype(np.int32) if task == "multilabel" else scores
