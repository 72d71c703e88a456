"""What `hornbook evaluate` says about a run on one split."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hornbook.data import Splits
from hornbook.data.source import Array, Split
from hornbook.display.text import path_text
from hornbook.engine.evaluation import Evaluator, of_mean, of_targets
from hornbook.engine.forecasts import of_forecast
from hornbook.engine.prediction import predict_scores
from hornbook.errors import RunError, UsageError
from hornbook.inference.evaluated import Report
from hornbook.inference.examples import Missing, examples_of
from hornbook.inference.importance import Importance, check_importance, importance_of
from hornbook.inference.mistakes import Mistakes, find_mistakes
from hornbook.inference.run_splits import load_splits, of_split, split_of
from hornbook.inference.timing import cost_of
from hornbook.inference.trained import Trained, labels_of, load_run
from hornbook.inference.trust.calibration import check_options, one_head
from hornbook.inference.trust.confidence import assess
from hornbook.inference.uncertainty import check_dropout
from hornbook.runs import find_run
from hornbook.runs.writing import RunDirectory

__all__ = ["Report", "check_choices", "evaluate_run", "split_of"]


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
    confidence = {"mc_samples": mc_samples, "calibration": calibration, "temperature": temperature}
    asked = _Asked(split, input, array, missing, confidence, threshold, errors, timing, importance, which, head, anyway)
    asked.check(name)
    trained = asked.view_of(load_run(name, which=which, trust=trust))
    if mc_samples is not None:
        check_dropout(trained.model, name)
    return _report(trained, asked)


@dataclass(frozen=True)
class _Asked:
    """What is to be told; arguments of `evaluate_run`, those that `assess` takes as `confidence`."""

    split: str | None
    input: str | Path | None
    array: str | None
    missing: Missing | None
    confidence: Mapping[str, Any]
    threshold: float | None
    errors: int | None
    timing: bool
    importance: int | None
    which: str | None
    head: str | None
    anyway: bool

    def check(self, name: str) -> None:
        """Raise a UsageError where options contradict each other, or a run cannot answer what is asked."""
        check_choices(split=self.split, input=self.input, array=self.array, missing=self.missing)
        if self.threshold is not None and any(self.confidence.values()):
            raise UsageError(
                "--threshold decides about labels; calibration and uncertainty are about probabilities. Give one."
            )
        run, confidence = find_run(name), self.confidence
        check_options(run, calibration=confidence["calibration"], temperature=confidence["temperature"], head=self.head)
        if self.importance is not None:
            check_importance(run)

    def view_of(self, whole: Trained) -> Trained:
        """Return the run, or one of its heads.

        Raises:
            UsageError: If it has no such head, or something is asked that is of one head alone.
        """
        trained = whole if self.head is None else whole.of_head(self.head)
        if trained.info.heads and (self.threshold is not None or self.confidence["mc_samples"] is not None):
            one_head("--threshold" if self.threshold is not None else "--mc-samples", None, trained.recipe)
        return trained

    def notes(self, trained: Trained) -> tuple[str, ...]:
        """Return notes: about row numbers that leave some out, and about a threshold that is not the run's."""
        notes: tuple[str, ...] = ()
        if self.errors is not None and self.missing == "skip":
            notes = ("note: an index counts the rows that were not left out.",)
        if self.threshold is None:
            return notes
        own = trained.decision()
        return (*notes, f"note: labels and metrics by threshold {self.threshold:g}; the run's own is {own:g}.")


def _report(trained: Trained, asked: _Asked) -> Report:
    """Return what is asked about a run, or about one of its heads."""
    place = None if asked.input is not None else asked.split or "test"
    examples, splits, notes = _read(trained, asked, place)
    threshold = asked.threshold
    decision = None if trained.info.heads else trained.decision(threshold)
    metrics = Evaluator(trained.built(threshold)).of_split(examples)
    looked = _Looked(trained, splits, examples, metrics, asked.errors, place)
    classes, confusion, mistakes = looked.from_scores(trained, examples, decision)
    shuffled = None
    if asked.importance is not None:
        shuffled = importance_of(trained, examples, split=place, repeats=asked.importance, threshold=threshold)
        if place is not None and threshold is None and asked.which is None and asked.head is None:
            notes = (*notes, *_keep(trained, shuffled))
    is_confidence_asked = any(asked.confidence.values())
    return Report(
        run=str(trained.run.path),
        split=place,
        count=len(examples),
        weights=trained.which,
        metrics=metrics,
        classes=classes,
        confusion=confusion,
        confidence=assess(trained, splits, examples, **asked.confidence) if is_confidence_asked else None,
        notes=notes,
        baseline=looked.baseline(trained, examples),
        targets=of_targets(trained.recipe, trained.info, trained.model, examples),
        input=str(asked.input) if asked.input is not None else None,
        threshold=decision,
        errors=mistakes,
        cost=cost_of(trained, examples.x) if asked.timing else None,
        importance=shuffled,
        is_weighted=examples.weights is not None,
        forecast=of_forecast(trained.info, trained.model, splits.train if splits is not None else None, examples),
        head=asked.head,
        heads={view.head or "": looked.of_head(view) for view in trained.heads()},
    )


def _read(trained: Trained, asked: _Asked, place: str | None) -> tuple[Split, Splits | None, tuple[str, ...]]:
    """Return the examples of a file or of the split `place`, the run's own data where that is read, and notes."""
    splits: Splits | None = None
    notes: tuple[str, ...] = ()
    if place is not None or asked.confidence["temperature"]:
        splits, notes = load_splits(trained, anyway=asked.anyway)
    if place is not None:
        examples, more = of_split(trained, _present(splits), place)
    else:
        examples, more = _of_file(trained, _present(asked.input), array=asked.array, missing=asked.missing)
    return examples, splits, (*notes, *more, *asked.notes(trained))


def _of_file(
    trained: Trained, input: str | Path, *, array: str | None, missing: Missing | None
) -> tuple[Split, tuple[str, ...]]:
    """Return the examples of a file with their targets, and notes."""
    found = examples_of(trained, input, array=array, missing=missing, with_targets=True)
    examples = Split(found.x, _present(found.y), found.weights, found.kept.get("path"))
    return examples, tuple(f"note: {text}" for text in found.notes)


@dataclass(frozen=True)
class _Looked:
    """What is looked at.

    Attributes:
        trained: The run.
        splits: Its own data, where that was read.
        examples: The examples.
        metrics: Of all of them, and of all heads.
        errors: How many mistakes are asked for.
        place: The split that they are; None: a file.
    """

    trained: Trained
    splits: Splits | None
    examples: Split
    metrics: dict[str, float]
    errors: int | None
    place: str | None

    def baseline(self, view: Trained, examples: Split) -> dict[str, float]:
        """Return the metrics of the training targets' mean, of a run or of one of its heads."""
        if self.splits is None:
            return {}
        train = self.splits.train
        return of_mean(
            view.recipe,
            train if view is self.trained else train.of_head(self.trained.info.head(view.head or "")),
            examples,
        )

    def from_scores(
        self, view: Trained, examples: Split, decision: float | None
    ) -> tuple[dict[str, dict[str, float]], list[list[float]], Mistakes | None]:
        """Return what single predictions tell: figures per class, confusion, as many of the errors as are asked for."""
        if view.info.heads or (view.info.task == "regression" and self.errors is None):
            return {}, [], None
        scores = predict_scores(view.model, examples.x, shows_progress=True)
        classes, confusion = _per_class(view, scores, examples, decision)
        if self.errors is None:
            return classes, confusion, None
        run = path_text(self.trained.run.path)
        where = (
            "x" if self.place is None else f'split_of("{run}", "{self.place}").x'
        )  # the Python that gives the inputs
        mistakes = find_mistakes(view, examples, scores, decision=decision, count=self.errors, where=where)
        return classes, confusion, mistakes

    def of_head(self, view: Trained) -> Report:
        """Return the figures of one of several heads, whose metrics are among those of all."""
        name = view.head or ""
        own, decision = self.examples.of_head(self.trained.info.head(name)), view.decision()
        classes, confusion, mistakes = self.from_scores(view, own, decision)
        recorded = ["loss", *(metric.recorded for metric in view.recipe.training.metrics or ())]
        return Report(
            run=str(view.run.path),
            split=None,
            count=len(own),
            weights=view.which,
            metrics={key: self.metrics[f"{name}_{key}"] for key in recorded},
            classes=classes,
            confusion=confusion,
            baseline=self.baseline(view, own),
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


def check_choices(
    *, split: str | None, input: str | Path | None, array: str | None = None, missing: Missing | None = None
) -> None:
    """Raise a UsageError where what is asked contradicts itself."""
    if input is not None and split is not None:
        raise UsageError(f"--split {split} is of the run's own data, and --input another file. Leave one out.")
    for option, value in (("--array", array), ("--missing", missing)):
        if input is None and value is not None:
            raise UsageError(f"{option} {value} says how to read a file. Name one with --input.")


def _present(value: Any) -> Any:
    if value is None:
        raise TypeError("this was asked for and is not there")
    return value


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
