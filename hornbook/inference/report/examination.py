"""What a finished run's model does with the examples of one split, as numbers to look at: its page draws them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from hornbook.data.facts import DataInfo
from hornbook.data.source import Array, Split, Splits
from hornbook.display.forecasts import Forecast
from hornbook.engine.prediction import predict_scores
from hornbook.inference.augmented import augmented_sheet
from hornbook.inference.forecasts import shown_forecasts
from hornbook.inference.mistakes import Confused, Mistake, confused_of, named, worst_of
from hornbook.inference.report.heat import FeatureMap, feature_map, grad_cam
from hornbook.inference.report.shown import Example, examples_of_rows
from hornbook.inference.run_splits import load_splits
from hornbook.inference.trained import Trained, labels_of, load_run
from hornbook.inference.trust.calibration import Calibration, measure, two_columns
from hornbook.inference.trust.confidence import gives_probabilities
from hornbook.runs.directory import Run

__all__ = ["ClassFigures", "Curve", "Examination", "Residuals", "examine", "examine_split"]

MOST_IN_MATRIX = 20
"""Classes whose confusions a table can show; of more, the most frequent ones are listed."""
MOST_CLASSES = 30
"""Classes that are shown one by one; of more, those with the smallest F1, which alone get areas and curves."""
MOST_CURVES = 7
CURVE_POINTS = 120
MOST_TARGETS = 4
"""Targets of a regression that are drawn; of more, those that are predicted worst."""
MOST_DOTS = 400
MOST_MISTAKES = 20


@dataclass(frozen=True)
class ClassFigures:
    """How well one class (or label) is told from the others.

    Attributes:
        name: The class's.
        precision, recall, f1: Of the predicted labels.
        support: Examples of it.
        predicted: Examples that were taken for it.
        area: Under its ROC curve; None where the split has only examples of it or none, and where more than 30 classes have
            a smaller F1.
        average_precision: Under its precision-recall curve.
    """

    name: str
    precision: float
    recall: float
    f1: float
    support: int
    predicted: int
    area: float | None = None
    average_precision: float | None = None


@dataclass(frozen=True)
class Curve:
    """A line of a ROC or precision-recall picture."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True)
class Residuals:
    """How one target of a regression is predicted.

    Attributes:
        name: The target's.
        root_mean_squared, mean_absolute, largest: Errors, in the target's unit.
        bias: Mean of prediction - truth.
        explained: Share of the variance that is explained (R²); None where the target does not vary.
        truth, predicted: Of some examples, evenly chosen.
        counts, edges: A histogram of all residuals.
    """

    name: str
    root_mean_squared: float
    mean_absolute: float
    largest: float
    bias: float
    explained: float | None
    truth: tuple[float, ...]
    predicted: tuple[float, ...]
    counts: tuple[int, ...]
    edges: tuple[float, ...]


@dataclass(frozen=True)
class Examination:
    """What a model does on one split.

    Attributes:
        split: ``test``, ``validation`` or ``train``: the first that the run has.
        count: Examples.
        classes: A line per class.
        confusion: Rows are true classes, columns predicted ones; empty with more than 20 classes.
        confused: The classes that are taken for another, the most frequent first.
        roc, precision_recall: Curves of the classes with the smallest areas.
        calibration: Of the probabilities, where there are any.
        targets: A regression's, those predicted worst first.
        num_targets: How many there are.
        mistakes: The most confidently wrong, or the largest residuals, first, each with its input.
        feature_map: Which map the heat over the mistakes' pictures is of; None where there is none.
        num_wrong: How many are wrong; None for a regression.
        notes: Sentences about what is not here.
        parameters: Numbers that the model holds, and that were learned.
        augmented: Training images as training shows them, as a PNG; None where they are left as they are.
        forecasts: Of windows: some of them, with what followed and what was predicted.
        heads: Of several heads what each does, by name; the rest says what all have in common.
    """

    split: str
    count: int
    classes: tuple[ClassFigures, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()
    confused: tuple[Confused, ...] = ()
    roc: tuple[Curve, ...] = ()
    precision_recall: tuple[Curve, ...] = ()
    calibration: Calibration | None = None
    targets: tuple[Residuals, ...] = ()
    num_targets: int = 0
    mistakes: tuple[tuple[Mistake, Example], ...] = ()
    feature_map: FeatureMap | None = None
    num_wrong: int | None = None
    notes: tuple[str, ...] = ()
    parameters: tuple[int, int] | None = None
    augmented: bytes | None = None
    forecasts: tuple[Forecast, ...] = ()
    heads: Mapping[str, "Examination"] = field(default_factory=dict)


@dataclass
class _Found:
    """What is collected on the way."""

    facts: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def examine(run: Run, *, trust: bool = False) -> Examination:
    """Return what a run's final model does on its test split, else on its validation split, else on what it learned from.

    Args:
        run: The run.
        trust: Whether code that the run's model holds may be run.

    Raises:
        RunError: If the model is missing, damaged or not trusted, or the data has changed since training.
        DataError: If the data is gone.
    """
    trained = load_run(run.path, trust=trust)
    splits, _ = load_splits(trained)
    name, split = _chosen(splits)
    examination = examine_split(trained, name, split)
    if trained.recipe.data.augmentation is None or trained.info.kind != "image":
        return examination
    return replace(examination, augmented=augmented_sheet(trained.recipe, splits, is_small=True))


def _chosen(splits: Splits) -> tuple[str, Split]:
    for name, split in (("test", splits.test), ("validation", splits.validation)):
        if split is not None and len(split):
            return name, split
    return "train", splits.train


def examine_split(trained: Trained, name: str, split: Split) -> Examination:
    """Return what a run's model does with the examples of a split."""
    if trained.info.heads:
        views = {view.head or "": (view, trained.info.head(view.head or "")) for view in trained.heads()}
        heads = {head: examine_split(view, name, split.of_head(info)) for head, (view, info) in views.items()}
        return Examination(split=name, count=len(split), parameters=_parameters(trained.model), heads=heads)
    scores = predict_scores(trained.model, split.x, shows_progress=True)
    found, model = _Found(), trained.model
    found.facts["parameters"] = _parameters(model)
    usable = np.isfinite(scores.reshape(len(scores), -1)).all(axis=1)
    y = np.asarray(split.y)
    if not usable.all():
        found.notes.append(
            f"{int((~usable).sum()):,} of {len(scores):,} predictions are not finite; they are left out here."
        )
    kept = np.flatnonzero(usable)
    if len(kept):
        judge = _regression if trained.info.task == "regression" else _classification
        judge(found, trained, scores[kept], y[kept])
        if len(kept) == len(scores):
            found.facts["forecasts"] = shown_forecasts(trained, split, scores)
        _, _, worst = worst_of(trained, y[kept], scores[kept], count=MOST_MISTAKES)
        worst = named([replace(one, index=int(kept[one.index])) for one in worst], split)
        heat = _heat(found, trained, split, scores, worst)
        inputs = examples_of_rows(trained.info, split.x, [one.index for one in worst], heat)
        found.facts["mistakes"] = tuple(zip(worst, inputs, strict=True))
    return Examination(split=name, count=len(split), notes=tuple(found.notes), **found.facts)


def _parameters(model: Any) -> tuple[int, int]:
    """Return how many numbers a model holds, and how many of them were learned."""
    return model.count_params(), sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def _heat(found: _Found, trained: Trained, split: Split, scores: Array, worst: Sequence[Mistake]) -> Array | None:
    """Return where the network saw what it predicted, for each of the worst; None where it has no feature map."""
    info = trained.info
    chosen = feature_map(trained.model) if info.kind == "image" and info.task != "regression" else None
    if chosen is None or not worst:
        return None
    places = np.asarray([one.index for one in worst])
    predicted = labels_of(scores[places], trained)
    columns, signs = np.zeros(len(worst), int), np.ones(len(worst))
    if info.task == "multiclass":
        columns = np.asarray(predicted, int)
    elif info.task == "multilabel":
        names = list(info.class_names or map(str, range(info.num_classes)))
        columns = np.asarray([names.index(str(one.of)) for one in worst])
        signs = np.where(predicted[np.arange(len(worst)), columns], 1.0, -1.0)
    else:
        signs = np.where(predicted.reshape(-1), 1.0, -1.0)
    heat = grad_cam(trained.model, chosen.layer, np.asarray(split.x[places]), columns.tolist(), signs.tolist())
    if heat is not None:
        found.facts["feature_map"] = chosen
    return heat


def _classification(found: _Found, trained: Trained, scores: Array, y: Array) -> None:
    info = trained.info
    names = list(info.class_names or map(str, range(info.num_classes)))
    predicted = labels_of(scores, trained)
    if info.task == "multilabel":
        truth_NK, predicted_NK, strength_NK = y.astype(bool), predicted.astype(bool), scores
    else:
        numbers = np.arange(len(names))
        strength_NK = scores if info.task == "multiclass" else _two(scores, trained)
        truth_NK, predicted_NK = y.reshape(-1, 1) == numbers, predicted.reshape(-1, 1) == numbers
        found.facts["confused"] = confused_of(info, y.reshape(-1), predicted.reshape(-1), MOST_IN_MATRIX)
        if len(names) <= MOST_IN_MATRIX:
            found.facts["confusion"] = _confusion(y.reshape(-1), predicted.reshape(-1), len(names))
    classes = _per_class(truth_NK, predicted_NK, names)
    shown = sorted(range(len(names)), key=lambda column: classes[column].f1)[:MOST_CLASSES]
    areas = _curves(found, truth_NK, strength_NK, names, sorted(shown))
    for column, (area, precision) in areas.items():
        classes[column] = replace(classes[column], area=area, average_precision=precision)
    found.facts["classes"] = tuple(classes)
    if gives_probabilities(trained):
        is_softmax = info.task != "multilabel"
        rows = strength_NK if is_softmax else two_columns(1 - scores, scores)
        found.facts["calibration"] = measure(rows, (y if is_softmax else truth_NK).reshape(-1).astype(np.int64))
    wrong = (truth_NK != predicted_NK).any(axis=1)
    found.facts["num_wrong"] = int(wrong.sum())


def _two(scores: Array, trained: Trained) -> Array:
    """Return (N, 2), no and yes, of the one output (N, 1) of a binary task."""
    if gives_probabilities(trained):
        return two_columns(1 - scores, scores)
    return two_columns(-scores, scores)


def _confusion(y: Array, predicted: Array, classes: int) -> tuple[tuple[int, ...], ...]:
    from sklearn.metrics import confusion_matrix

    return tuple(tuple(map(int, row)) for row in confusion_matrix(y, predicted, labels=np.arange(classes)))


def _curves(
    found: _Found, truth_NK: Array, strength_NK: Array, names: Sequence[str], columns: Sequence[int]
) -> dict[int, tuple[float, float]]:
    """Add the curves of those of some classes that are told apart worst; return both areas of each that has them."""
    from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

    both = [column for column in columns if 0 < truth_NK[:, column].sum() < len(truth_NK)]
    areas = {
        column: (
            float(roc_auc_score(truth_NK[:, column], strength_NK[:, column])),
            float(average_precision_score(truth_NK[:, column], strength_NK[:, column])),
        )
        for column in both
    }
    if len(both) < len(columns):
        missing = len(columns) - len(both)
        found.notes.append(
            f"{missing:,} of {len(columns):,} classes have no curves: the split holds no example of them, or nothing else."
        )
    is_pair = len(names) == 2 and truth_NK.sum() == len(truth_NK)  # two classes: one is the other's mirror image
    worst = [column for column in both if column == 1 or not is_pair]
    worst = sorted(worst, key=lambda column: areas[column][0])[:MOST_CURVES]
    roc, precision_recall = [], []
    for column in worst:
        false, true, _ = roc_curve(truth_NK[:, column], strength_NK[:, column])
        precision, recall, _ = precision_recall_curve(truth_NK[:, column], strength_NK[:, column])
        roc.append(Curve(names[column], *_thinned(false, true)))
        precision_recall.append(Curve(names[column], *_thinned(recall[::-1], precision[::-1])))
    found.facts.update(roc=tuple(roc), precision_recall=tuple(precision_recall))
    return areas


def _thinned(x: Array, y: Array) -> tuple[tuple[float, ...], tuple[float, ...]]:
    chosen = _even(len(x), CURVE_POINTS)
    return tuple(map(float, x[chosen])), tuple(map(float, y[chosen]))


def _even(count: int, most: int) -> Array:
    """Return at most so many positions, evenly from the first to the last."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int))


def _per_class(truth_NK: Array, predicted_NK: Array, names: Sequence[str]) -> list[ClassFigures]:
    """Return each class's figures without its areas; a ratio of which nothing is known is 0, as in scikit-learn."""
    right, support, taken = (truth_NK & predicted_NK).sum(axis=0), truth_NK.sum(axis=0), predicted_NK.sum(axis=0)
    precision, recall = right / np.maximum(taken, 1), right / np.maximum(support, 1)
    f1 = 2 * right / np.maximum(support + taken, 1)
    return [
        ClassFigures(
            name=name,
            precision=float(precision[column]),
            recall=float(recall[column]),
            f1=float(f1[column]),
            support=int(support[column]),
            predicted=int(taken[column]),
        )
        for column, name in enumerate(names)
    ]


def _regression(found: _Found, trained: Trained, scores: Array, y: Array) -> None:
    info = trained.info
    truth_NK: Any = y.reshape(len(y), -1).astype(np.float64)
    predicted_NK: Any = scores.reshape(truth_NK.shape)
    names: tuple[str, ...] = info.target_names() or (_only_target(info),)
    targets = [_residuals(name, truth_NK[:, place], predicted_NK[:, place]) for place, name in enumerate(names)]
    targets.sort(key=lambda target: -1.0 if target.explained is None else target.explained)
    found.facts.update(
        targets=tuple(targets[: max(MOST_TARGETS, MOST_IN_MATRIX)]),
        num_targets=len(targets),
    )


def _only_target(info: DataInfo) -> str:
    names = list(info.extra.get("target_names") or ())
    return str(names[0]) if len(names) == 1 else "target"


def _residuals(name: str, truth: Any, predicted: Any) -> Residuals:
    errors = predicted - truth
    variance, square = float(truth.var()), float((errors**2).mean())
    counts, edges = np.histogram(errors, 30)
    chosen = _even(len(truth), MOST_DOTS)
    return Residuals(
        name=name,
        root_mean_squared=square**0.5,
        mean_absolute=float(np.abs(errors).mean()),
        largest=float(np.abs(errors).max()),
        bias=float(errors.mean()),
        explained=1 - square / variance if variance > 0 else None,
        truth=tuple(map(float, truth[chosen])),
        predicted=tuple(map(float, predicted[chosen])),
        counts=tuple(map(int, counts)),
        edges=tuple(map(float, edges)),
    )
