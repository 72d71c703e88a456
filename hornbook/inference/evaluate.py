"""What `hornbook evaluate` says about a run on one split."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hornbook.data import Splits, load_data
from hornbook.data.preprocessing import without_category
from hornbook.data.source import Array, DataInfo, Split
from hornbook.display.forecasts import figure_lines, step_lines
from hornbook.display.text import cut, path_text
from hornbook.engine.evaluation import Evaluator, of_mean, of_targets
from hornbook.engine.forecasts import of_forecast
from hornbook.engine.prediction import predict_scores
from hornbook.errors import DataError, RunError, UsageError, escaped
from hornbook.inference.calibration import check_options, one_head
from hornbook.inference.confidence import Confidence, assess
from hornbook.inference.examples import Missing, examples_of
from hornbook.inference.importance import Importance, check_importance, importance_of
from hornbook.inference.mistakes import Mistakes, find_mistakes
from hornbook.inference.timing import Cost, cost_of
from hornbook.inference.trained import Trained, labels_of, load_run
from hornbook.inference.uncertainty import check_dropout
from hornbook.runs import find_run
from hornbook.runs.writing import RunDirectory

__all__ = ["Report", "check_choices", "evaluate_run", "load_splits", "of_split", "split_of"]

MAX_MATRIX = 20  # classes or targets; a larger confusion matrix is unreadable


@dataclass(frozen=True)
class Report:
    """Figures of one split.

    Attributes:
        run: The run's folder.
        split: ``train``, ``validation`` or ``test``; None for a file of its own.
        count: Examples.
        weights: ``best`` or ``last``.
        metrics: Loss and the recipe's metrics.
        classes: scikit-learn's precision, recall and F1 per class; empty for regression.
        confusion: Rows are true classes, columns predicted ones, in examples or their weights; empty for regression and
            multilabel.
        confidence: Calibration and uncertainty, where they were asked for.
        notes: Sentences the user should read.
        baseline: Of a regression: metrics of the training targets' mean, predicted for every example.
        targets: Of a regression with several targets: the metrics of each, by name.
        input: The file that was evaluated in place of a split.
        threshold: Output above which a unit says yes; None where none decides.
        errors: What the run is most wrong about, where that was asked for.
        cost: The model's size, and how long a prediction takes, where that was asked for.
        importance: How much worse the run is without what a column says, where that was asked for.
        is_weighted: Whether the examples have weights, so that all figures are weighted.
        head: Which of several heads this is about; None: the whole run.
        heads: Of a run with several heads: the figures of each.
        forecast: Of windows: the errors of the forecasts and of baselines, as `engine.forecasts` has them.
    """

    run: str
    split: str | None
    count: int
    weights: str
    metrics: dict[str, float]
    classes: dict[str, dict[str, float]]
    confusion: list[list[float]]
    confidence: Confidence | None = None
    notes: tuple[str, ...] = ()
    baseline: dict[str, float] = field(default_factory=dict)
    targets: dict[str, dict[str, float]] = field(default_factory=dict)
    input: str | None = None
    threshold: float | None = None
    errors: Mistakes | None = None
    cost: Cost | None = None
    importance: Importance | None = None
    is_weighted: bool = False
    head: str | None = None
    heads: dict[str, "Report"] = field(default_factory=dict)
    forecast: dict[str, Any] = field(default_factory=dict)

    def record(self) -> dict[str, Any]:
        """Return everything as JSON's types."""
        record = {
            key: value
            for key, value in vars(self).items()
            if key not in {"notes", "confidence", "errors", "cost", "importance", "head", "heads"}
        }
        for key in ("errors", "cost", "importance"):
            part: Mistakes | Cost | Importance | None = getattr(self, key)
            record |= {key: part.record()} if part is not None else {}
        record |= {"head": self.head} if self.head is not None else {}
        record |= {"heads": {name: report.record() for name, report in self.heads.items()}} if self.heads else {}
        return record | (self.confidence.record() if self.confidence is not None else {})

    def text(self) -> str:
        """Return lines of at most 80 characters for up to ten classes."""
        shown = path_text(self.run)
        what = f"{self.split} split of {shown}" if self.input is None else f"{self.input} by {shown}"
        lines = [f"{what}, {self.count:,} examples, {self.weights} weights"]
        lines[0] += ", weighted" if self.is_weighted else ""
        lines[0] += f", head {self.head}" if self.head is not None else ""
        if self.heads:
            lines.append(f"loss {self.metrics['loss']:.4f}")
            for name, report in self.heads.items():
                lines += [
                    "",
                    f"head {name}",
                    *report.figures(),
                    *(report.errors.lines() if report.errors is not None else []),
                ]
        else:
            lines += self.figures()
        for part in (self.confidence, self.errors, self.importance, self.cost):
            lines += part.lines() if part is not None else []
        return "\n".join(lines)

    def figures(self) -> list[str]:
        """Return the lines about metrics and classes."""
        lines = ["  ".join(f"{name} {value:.4f}" for name, value in self.metrics.items())]
        if self.forecast:
            lines += ["", *figure_lines(self.forecast)]
            steps = step_lines(self.forecast)
            lines += ["", *steps] if steps else []
        elif self.baseline:
            figures = "  ".join(f"{name} {value:.4f}" for name, value in self.baseline.items())
            lines.append(f"{figures}  of the training mean, predicted everywhere")
        if 0 < len(self.targets) <= MAX_MATRIX and not self.forecast:
            lines += ["", *_table(self.targets)]
        if self.classes:
            names = [escaped(name, one_line=True) for name in self.classes]
            width = max(len("class"), *(min(len(name), 24) for name in names))
            lines += [
                "",
                f"{'class':<{width}}  precision  recall      f1  {'weight' if self.is_weighted else 'examples':>8}",
            ]
            for name, row in zip(names, self.classes.values(), strict=True):
                support = f"{row['support']:,.2f}".removesuffix(".00")
                figures = f"{row['precision']:>9.4f}  {row['recall']:.4f}  {row['f1-score']:.4f}  {support:>8}"
                lines.append(f"{name[:24]:<{width}}  {figures}")
        if 0 < len(self.confusion) <= MAX_MATRIX:
            lines += ["", "confusion (rows: true class, columns: predicted)"]
            size = max(5, *(len(str(value)) + 1 for row in self.confusion for value in row))
            names = [escaped(name, one_line=True) for name in self.classes]
            if all(len(name) < size for name in names):
                lines.append(" " * 15 + "".join(f"{name:>{size}}" for name in names))
            for name, counts in zip(names, self.confusion, strict=False):
                lines.append(f"{name[:14]:<14} " + "".join(f"{value:>{size}}" for value in counts))
        return lines


def evaluate_run(
    name: str,
    *,
    split: str | None = None,
    which: str | None = None,
    mc_samples: int | None = None,
    calibration: bool = False,
    temperature: bool = False,
    trust: bool = False,
    anyway: bool = False,
    input: str | Path | None = None,
    array: str | None = None,
    missing: Missing | None = None,
    threshold: float | None = None,
    errors: int | None = None,
    timing: bool = False,
    importance: int | None = None,
    head: str | None = None,
) -> Report:
    """Return the figures of a run on one split of its own data, or on a file of examples with their targets.

    Args:
        name: The run's folder, ``NAME/latest``, or its recipe's name.
        split: ``train``, ``validation`` or ``test``; test when omitted.
        which: ``best`` or ``last`` weights; None: the run's final ones.
        mc_samples: Also predict with Monte Carlo dropout, so often for each example.
        calibration: Also return how well probabilities are calibrated.
        temperature: Also fit a temperature on the validation split, and return what it does to the calibration.
        trust: Whether code that the run's model holds may be run.
        anyway: Whether to go on, with a note, where the data has changed since training.
        input: A file to evaluate in place of a split: a table with the recipe's target columns, or a .npz file; ``-`` for
            rows of CSV from standard input.
        array: Name of the array of inputs in a .npz file; the recipe's first, when omitted.
        missing: ``fill`` missing numbers of the file with the training mean, or ``skip`` rows with missing values; None
            refuses them where training had none.
        threshold: Output above which a unit says yes, for labels and metrics; None: the run's own.
        errors: Also return so many of the examples that the run is most wrong about, and of the classes that it confuses.
        timing: Also measure how long a prediction takes.
        importance: Also shuffle each column of a table so often, and say how much worse the run gets; of a split of its own
            the run keeps what was found, for its page.
        head: Which of several heads this is about, as if the run had no other; None: all of them.

    Raises:
        UsageError: If the run has no dropout to sample, no probabilities to calibrate, or options contradict each other.
        RunError: If the data has changed since training.
        DataError: If the run has no such split, or its data is gone.
    """
    check_choices(split=split, input=input, array=array, missing=missing)
    asked: dict[str, Any] = {"mc_samples": mc_samples, "calibration": calibration, "temperature": temperature}
    if threshold is not None and any(asked.values()):
        raise UsageError(
            "--threshold decides about labels; calibration and uncertainty are about probabilities. Give one."
        )
    check_options(find_run(name), calibration=calibration, temperature=temperature, head=head)
    if importance is not None:
        check_importance(find_run(name))
    trained = load_run(name, which=which, trust=trust)
    if head is not None:
        trained = trained.of_head(head)
    elif trained.info.heads and (threshold is not None or mc_samples is not None):
        one_head("--threshold" if threshold is not None else "--mc-samples", None, trained.recipe)
    decision = None if trained.info.heads else trained.decision(threshold)
    if mc_samples is not None:
        check_dropout(trained.model, name)
    splits, notes = load_splits(trained, anyway=anyway) if input is None or temperature else (None, ())
    if input is not None:
        found = examples_of(trained, input, array=array, missing=missing, with_targets=True)
        examples, more = (
            Split(found.x, _present(found.y), found.weights, found.kept.get("path")),
            tuple(f"note: {text}" for text in found.notes),
        )
    else:
        examples, more = of_split(trained, _present(splits), split or "test")
    notes = (*notes, *more)
    if errors is not None and missing == "skip":
        notes = (*notes, "note: an index counts the rows that were not left out.")
    if threshold is not None:
        own = trained.decision()
        notes = (*notes, f"note: labels and metrics by threshold {threshold:g}; the run's own is {own:g}.")
    confidence = assess(trained, splits, examples, **asked) if any(asked.values()) else None
    metrics = Evaluator(trained.built(threshold)).of_split(examples)
    where = _where(trained, split or "test") if input is None else "x"
    classes, confusion, mistakes = _from_scores(trained, examples, decision, errors=errors, where=where)
    heads = {
        view.head or "": _of_head(view, splits, examples, metrics, errors=errors, where=where)
        for view in trained.heads()
    }
    shuffled = None
    if importance is not None:
        place = None if input is not None else split or "test"
        shuffled = importance_of(trained, examples, split=place, repeats=importance, threshold=threshold)
        if place is not None and threshold is None and which is None and head is None:
            notes = (*notes, *_keep(trained, shuffled))
    return Report(
        run=str(trained.run.path),
        split=None if input is not None else split or "test",
        count=len(examples),
        weights=trained.which,
        metrics=metrics,
        classes=classes,
        confusion=confusion,
        confidence=confidence,
        notes=notes,
        baseline=of_mean(trained.recipe, splits.train, examples) if splits is not None else {},
        targets=of_targets(trained.recipe, trained.info, trained.model, examples),
        input=str(input) if input is not None else None,
        threshold=decision,
        errors=mistakes,
        cost=cost_of(trained, examples.x) if timing else None,
        importance=shuffled,
        is_weighted=examples.weights is not None,
        forecast=of_forecast(trained.info, trained.model, splits.train if splits is not None else None, examples),
        head=head,
        heads=heads,
    )


def _of_head(
    view: Trained, splits: Splits | None, examples: Split, metrics: dict[str, float], *, errors: int | None, where: str
) -> Report:
    """Return the figures of one of several heads, whose metrics are among those of all."""
    name, whole = view.head or "", _present(view.whole)
    info = whole.info.head(name)
    own, decision = examples.of_head(info), view.decision()
    classes, confusion, mistakes = _from_scores(view, own, decision, errors=errors, where=where)
    recorded = ["loss", *(metric.recorded for metric in view.recipe.training.metrics or ())]
    return Report(
        run=str(view.run.path),
        split=None,
        count=len(own),
        weights=view.which,
        metrics={key: metrics[f"{name}_{key}"] for key in recorded},
        classes=classes,
        confusion=confusion,
        baseline=of_mean(view.recipe, splits.train.of_head(info), own) if splits is not None else {},
        targets=of_targets(view.recipe, view.info, view.model, own),
        threshold=decision,
        errors=mistakes,
        is_weighted=own.weights is not None,
        head=name,
    )


def _keep(trained: Trained, importance: Importance) -> tuple[str, ...]:
    """Leave what shuffling has shown with the run; returns a note where that cannot be written."""
    try:
        RunDirectory(trained.run.path).write_importance(importance.record())
    except RunError as error:
        return (f"note: the run's page will not show the importance of columns: {error}",)
    return ()


def _from_scores(
    trained: Trained, examples: Split, decision: float | None, *, errors: int | None, where: str
) -> tuple[dict[str, dict[str, float]], list[list[float]], Mistakes | None]:
    """Return what single predictions tell: figures per class, the confusion, and so many of the errors as are asked for."""
    if trained.info.heads or (trained.info.task == "regression" and errors is None):
        return {}, [], None
    scores = predict_scores(trained.model, examples.x, shows_progress=True)
    classes, confusion = _per_class(trained, scores, examples, decision)
    if errors is None:
        return classes, confusion, None
    return (
        classes,
        confusion,
        find_mistakes(trained, examples, scores, decision=decision, count=errors, where=where),
    )


def _where(trained: Trained, split: str) -> str:
    """Return the Python that gives the inputs of a split."""
    return f'split_of("{path_text(trained.run.path)}", "{split}").x'


def _table(targets: dict[str, dict[str, float]]) -> list[str]:
    """Return a line per target with its metrics below their names."""
    width = max(len("target"), *(min(len(name), 24) for name in targets))
    names = list(next(iter(targets.values())))
    lines = ["  ".join([f"{'target':<{width}}", *(f"{name:>10}" for name in names)])]
    for target, figures in targets.items():
        cells = [f"{figures[name]:>{max(len(name), 10)}.4f}" for name in names]
        lines.append("  ".join([f"{cut(target, 24):<{width}}", *cells]))
    return lines


def check_choices(
    *, split: str | None, input: str | Path | None, array: str | None = None, missing: Missing | None = None
) -> None:
    """Raise a UsageError where what is asked contradicts itself."""
    if input is not None and split is not None:
        raise UsageError(f"--split {split} is of the run's own data, and --input another file. Leave one out.")
    for option, value in (("--array", array), ("--missing", missing)):
        if input is None and value is not None:
            raise UsageError(f"{option} {value} says how to read a file. Name one with --input.")


def split_of(name: str | Path, split: str, *, anyway: bool = False) -> Split:
    """Return the examples of a run's split, in the order in which an index counts them.

    Args:
        name: The run's folder, ``NAME/latest``, or its recipe's name.
        split: ``train``, ``validation`` or ``test``.
        anyway: Whether to go on where the data has changed since training.

    Raises:
        RunError: If the data has changed since training.
        DataError: If the run has no such split, or its data is gone.
    """
    trained = load_run(name)
    return of_split(trained, load_splits(trained, anyway=anyway)[0], split)[0]


def of_split(trained: Trained, splits: Splits, split: str) -> tuple[Split, tuple[str, ...]]:
    """Return the examples of a split, and notes about rows of which the model knows less."""
    examples: Split | None = getattr(splits, split)
    if examples is None or not len(examples):
        have = ", ".join(key for key, count in splits.info.counts.items() if count)
        raise DataError(f"the run has no {split} split. It has: {have}.")
    features, whole = splits.info.features or (), trained.info.extra.get("whole", ())
    notes = without_category(examples.x, features, whole, what=f"{split} rows")
    return examples, tuple(f"note: {text}" for text in notes)


def _present(value: Any) -> Any:
    if value is None:
        raise TypeError("this was asked for and is not there")
    return value


def load_splits(trained: Trained, *, anyway: bool = False) -> tuple[Splits, tuple[str, ...]]:
    """Return a run's data, loaded again, and a note where it is not what the run was trained on and that is allowed.

    Raises:
        RunError: If the data has changed since training, unless `anyway`.
    """
    if trained.whole is not None and trained.head is not None:
        splits, notes = load_splits(trained.whole, anyway=anyway)
        return splits.of_head(trained.head), notes
    splits = load_data(trained.recipe, for_training=False).splits
    if splits.info.fingerprint == trained.info.fingerprint:
        return splits, ()
    found, then = splits.info.fingerprint, trained.info.fingerprint
    changed = f"the data has changed since training (fingerprint {found}, then {then})"
    then_meant, means = _meanings(trained.info), _meanings(splits.info)
    for what in means:
        if means[what] != then_meant[what]:
            raise RunError(
                f"{trained.run.path}: {changed}. {what}. Restore the data, or name a file with --input, which is read as "
                "the data was in training."
            )
    if anyway:
        return splits, (f"note: {changed}; examples that were trained on may be among those of every split.",)
    raise RunError(
        f"{trained.run.path}: {changed}. Its splits are drawn anew, so examples that were trained on may be among those of "
        "every split. Restore the data, or go on with --anyway (in Python anyway=True)."
    )


def _meanings(info: DataInfo) -> dict[str, Any]:
    """Return what the numbers mean that go into a model and come out of it, by what is to be said where it has changed."""
    return {
        "The vocabulary is another one now, so that numbers of tokens would mean other words": {
            name: tuple(facts["vocabulary"]) for name, facts in info.extra.get("texts", {}).items()
        },
        "Its series are others now, so that numbers of series would mean other scales": tuple(
            info.extra.get("windows", {}).get("names") or ()
        ),
        "Its columns or their categories are others now, so that numbers would mean other ones": [
            (feature.name, feature.type, tuple(feature.categories)) for feature in info.features or ()
        ],
        "Its classes are others now, so that the numbers of these would mean other ones": [
            tuple(head.class_names or ()) for head in (info.heads or (info,))
        ],
    }


def _per_class(
    trained: Trained, scores: Array, examples: Split, decision: float | None
) -> tuple[dict[str, dict[str, float]], list[list[float]]]:
    """Return scikit-learn's figures per class and the confusion matrix; where examples have weights, sums of these."""
    info = trained.info
    if info.task == "regression":
        return {}, []
    from sklearn.metrics import classification_report, confusion_matrix

    y, predicted = examples.y, labels_of(scores, trained, decision)
    names = list(info.class_names or map(str, range(info.num_classes)))
    weights = None if examples.weights is None else examples.weights.astype(np.float64)
    options: dict[str, Any] = {"target_names": names, "output_dict": True, "zero_division": 0, "sample_weight": weights}
    if info.task == "multilabel":
        report = classification_report(y, predicted, **options)
        return {name: report[name] for name in names}, []
    numbers = list(range(len(names)))
    report = classification_report(y, predicted, labels=numbers, **options)
    matrix = confusion_matrix(y, predicted, labels=numbers, sample_weight=weights)
    return {name: report[name] for name in names}, (matrix if weights is None else matrix.round(2)).tolist()
