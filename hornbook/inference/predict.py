"""Predictions for a file or a split: labels and probabilities as CSV or .npz."""

import glob
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from hornbook.atomic import replacing
from hornbook.data import Splits
from hornbook.data.readings import Examples
from hornbook.data.source import Array, Inputs, Split
from hornbook.data.storage.files import is_pattern
from hornbook.data.storage.rows import in_memory
from hornbook.display.terminal import data_stream
from hornbook.engine.prediction import predict_scores
from hornbook.errors import DataError, RunError, UsageError
from hornbook.inference.evaluate import check_choices
from hornbook.inference.examples import Missing, examples_of
from hornbook.inference.forecasts import future_arrays, future_columns
from hornbook.inference.mistakes import readable_rows
from hornbook.inference.predicted import prediction_arrays, prediction_columns
from hornbook.inference.run_splits import load_splits, of_split
from hornbook.inference.trained import Trained, load_run
from hornbook.inference.trust.calibration import check_options, one_head
from hornbook.inference.trust.confidence import predict_with_temperature, run_temperature
from hornbook.inference.trust.ensemble import Members, compare_members
from hornbook.inference.uncertainty import Uncertainty, check_dropout, sample_run
from hornbook.recipes.language.hints import did_you_mean
from hornbook.recipes.sources.table import Table
from hornbook.runs import find_run
from hornbook.runs.members import are_several

__all__ = ["predict_file"]

ROWS_AT_ONCE = 1 << 16
MOST_NAMED = 20  # columns of a split that a message names


def predict_file(
    run: str | Path | Sequence[str],
    source: str | Path | None = None,
    *,
    output: Path | None,
    split: str | None = None,
    which: str | None = None,
    mc_samples: int | None = None,
    temperature: bool = False,
    trust: bool = False,
    anyway: bool = False,
    array: str | None = None,
    keep: Sequence[str] = (),
    missing: Missing | None = None,
    threshold: float | None = None,
    head: str | None = None,
) -> tuple[str, ...]:
    """Predict for every example of a file, or of a split of the run, and write the predictions; returns notes for the user.

    Args:
        run: The run's folder, ``NAME/latest``, or its recipe's name; several, a sweep or an ablation: the mean of what
            their runs predict.
        source: A file of examples; ``-`` for rows of CSV from standard input; None: a split of the run.
        split: ``train``, ``validation`` or ``test`` of the run's own data, in place of a file.
        output: A .csv or .npz file to write; None: CSV to stdout.
        which: ``best`` or ``last`` weights; None: the run's final ones.
        mc_samples: Predict with Monte Carlo dropout, so often for each example, and write how far samples differ.
        temperature: Divide logits by the temperature that fits the run's validation split best.
        trust: Whether code that the run's model holds may be run.
        anyway: Whether to go on, with a note, where the run's data is asked for and has changed since training.
        array: Name of the array of inputs in a .npz file; the recipe's first, when omitted.
        keep: What to write in front of the predictions: columns of the file; of a split ``index`` (its place in the split,
            from 0), ``name`` (its file, where examples have one), the target and columns of a table that are inputs.
        missing: ``fill`` missing numbers with the training mean, or ``skip`` rows with missing values; None refuses them
            where training had none.
        threshold: Output above which a unit says yes; None: the run's own.
        head: Which of several heads predicts, as if the run had no other; None: all of them, whose columns begin with their
            names.

    Raises:
        UsageError: If the output is neither .csv nor .npz, or would take the place of examples, or the run's model does not
            allow an option.
        RunError: If data of the run is asked for and has changed since training.
        DataError: If the file does not fit the model, or the run has no such split.
    """
    check_choices(split=split, input=source, array=array, missing=missing)
    reading = {"array": array, "keep": keep, "missing": missing}
    asked = _Asked(source, split, output, mc_samples, temperature, threshold, head, anyway, reading)
    asked.check()
    names = [str(run)] if isinstance(run, str | Path) else list(run)
    if are_several(names):
        asked.check_for_several()
        return _predict_mean(Members(names, which=which, trust=trust, head=head), asked)
    if mc_samples is not None and temperature:
        raise UsageError("--temperature is fitted to predictions without dropout. Leave it out, or --mc-samples.")
    check_options(find_run(names[0]), calibration=False, temperature=temperature, head=head)
    return _predict_by_one(names[0], load_run(names[0], which=which, trust=trust), asked)


@dataclass(frozen=True)
class _Asked:
    """What is to be predicted and how; arguments of `predict_file`, those about a file's contents as `reading`."""

    source: str | Path | None
    split: str | None
    output: Path | None
    mc_samples: int | None
    temperature: bool
    threshold: float | None
    head: str | None
    anyway: bool
    reading: Mapping[str, Any]

    def check(self) -> None:
        """Raise a UsageError where nothing is to be predicted, or the output is not to be written."""
        if self.source is None and self.split is None:
            raise UsageError("what to predict? Name a file with --input, or a split of the run with --split.")
        if self.output is not None and self.output.suffix not in {".csv", ".npz"}:
            raise UsageError(f"{self.output}: predictions are written as .csv or .npz.")
        if self.output is not None and not self.output.parent.is_dir():
            raise UsageError(f"{self.output.parent}: there is no such folder.")

    def check_for_several(self) -> None:
        """Raise a UsageError for options that are about one run."""
        one = {"--mc-samples": self.mc_samples, "--temperature": self.temperature}
        for option, value in one.items():
            if value:
                raise UsageError(f"{option} is about one run, and there are several to average. Leave it out.")

    def spare(self, trained: Trained) -> None:
        """Refuse to write predictions over examples: the input, or a file of the run's data."""
        if self.output is None:
            return
        files = dict.fromkeys(_meant(trained.recipe.data.absolute_paths().values()), "data of the run")
        if self.source is not None:
            files |= dict.fromkeys(_meant([Path(self.source)]), "the input")
        for path, what in files.items():
            if self.output.exists() and path.exists() and self.output.samefile(path):
                raise UsageError(f"--output {self.output}: this is {what}. Write the predictions to another file.")


def _predict_by_one(name: str, trained: Trained, asked: _Asked) -> tuple[str, ...]:
    """Write what a run predicts; returns notes."""
    threshold = asked.threshold
    if asked.head is not None:
        trained = trained.of_head(asked.head)
    elif trained.info.heads and (threshold is not None or asked.mc_samples is not None):
        one_head("--threshold" if threshold is not None else "--mc-samples", None, trained.recipe)
    asked.spare(trained)
    if asked.mc_samples is not None:
        check_dropout(trained.model, name)
    decision = None if trained.info.heads else trained.decision(threshold)
    splits: Splits | None = None
    if asked.source is not None:
        examples = examples_of(trained, asked.source, **asked.reading)
    else:
        splits, notes = load_splits(trained, anyway=asked.anyway)
        examples = _of_split(trained, splits, asked.split or "", asked.reading["keep"], notes)
    notes = examples.notes
    if threshold is not None:
        notes = (*notes, f"note: labels by threshold {threshold:g}; the run's own is {trained.decision():g}.")
    scored = _scored(trained, examples.x, splits, asked)
    return (*notes, *scored.notes, *_write(scored, trained, examples, decision, asked.output))


def _predict_mean(members: Members, asked: _Asked) -> tuple[str, ...]:
    """Write the mean of what several runs predict; returns notes, among them what that gains where it can be said."""
    for trained in members.trained:
        asked.spare(trained)
    decision, first = members.first.decision(asked.threshold), Examples(np.zeros(0))
    if asked.source is not None:
        scores, examples = members.scores_of_file(asked.source, **asked.reading)
        notes, first = examples[0].notes, examples[0]
    else:
        if asked.reading["keep"]:
            raise UsageError("--keep of a split is about one run, and there are several to average. Leave it out.")
        scores, _, notes = members.scores_of_split(asked.split or "", anyway=asked.anyway)
    mean = np.mean(scores, axis=0).astype(np.float32)
    try:
        gain = compare_members(members, anyway=asked.anyway).sentence()
    except (UsageError, DataError, RunError) as error:
        gain = f"note: what averaging gains is not known: {error}"
    written = _write(_Scored(mean), members.first, first, decision, asked.output)
    return (*notes, f"note: the mean of {len(members.trained)} runs.", gain, *written)


@dataclass(frozen=True)
class _Scored:
    """Outputs (N, K), how far samples of them differ, and notes."""

    scores: Array
    uncertainty: Uncertainty | None = None
    notes: tuple[str, ...] = ()


def _scored(trained: Trained, x: Inputs, splits: Splits | None, asked: _Asked) -> _Scored:
    """Return the model's outputs, the way they are asked for."""
    if asked.mc_samples is not None:
        uncertainty = sample_run(trained, x, asked.mc_samples)
        return _Scored(uncertainty.mean.astype(np.float32), uncertainty)
    if not asked.temperature:
        return _Scored(predict_scores(trained.model, x, shows_progress=True))
    notes: tuple[str, ...] = ()
    if splits is None:
        splits, notes = load_splits(trained, anyway=asked.anyway)
    scores, more = _with_temperature(trained, splits, x)
    return _Scored(scores, notes=(*notes, *more))


def _write(
    scored: _Scored, trained: Trained, examples: Examples, decision: float | None, output: Path | None
) -> tuple[str, ...]:
    """Write predictions beside what is kept of the examples; returns a note about the file, where there is one."""
    kept, future = examples.kept, examples.future
    if output is not None and output.suffix == ".npz":
        arrays = prediction_arrays(scored.scores, trained, scored.uncertainty, decision)
        kept = kept if future is None else future_arrays(future)
        arrays = _beside(arrays, {name: _as_array(values) for name, values in kept.items()})
        taken = {"file", "allow_pickle"} & {*arrays}  # arguments of NumPy's function
        if taken:
            raise UsageError(
                f"--keep {taken.pop()}: NumPy writes no array of this name. Write a .csv, or rename the column."
            )
        with replacing(output) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, **arrays)
    else:
        if future is None:
            columns = prediction_columns(scored.scores, trained, scored.uncertainty, decision=decision)
        else:
            columns = future_columns(scored.scores, future, scored.uncertainty)
        frame = pl.DataFrame(_beside(columns, kept))
        if output is None:
            for start in range(0, max(frame.height, 1), ROWS_AT_ONCE):
                part = frame.slice(start, ROWS_AT_ONCE)
                data_stream().write(part.write_csv(include_header=start == 0))
            return ()
        with replacing(output) as temporary:
            frame.write_csv(temporary)
    count = len(scored.scores) if future is None else len(future.times)
    return (f"wrote {count:,} predictions to {output}",)


def _of_split(trained: Trained, splits: Splits, split: str, keep: Sequence[str], notes: tuple[str, ...]) -> Examples:
    """Return the examples of a split, and what is kept of each."""
    part, more = of_split(trained, splits, split)
    columns: dict[str, Any] = {"index": np.arange(len(part))}
    columns |= {"name": part.names} if part.names is not None else {}
    if keep and trained.info.kind == "table":
        columns |= readable_rows(in_memory(part.x), trained.info)
    columns |= _targets(trained, part.y)
    for name in keep:
        if name not in columns:
            hint = did_you_mean(name, columns)
            known = f"It has {', '.join(columns)}." if len(columns) <= MOST_NAMED else ""
            raise UsageError(f"--keep {name}: the split has no such column. {known or hint}")
    return Examples(part.x, part.y, {name: columns[name] for name in keep}, (*notes, *more))


def _targets(trained: Trained, y: Array) -> dict[str, Any]:
    """Return the targets by the names of their columns, classes by their names."""
    data, info = trained.recipe.data, trained.info
    if info.heads:
        whole = Split(y, y)
        return {
            name: values
            for view in trained.heads()
            for name, values in _targets(view, whole.of_head(info.head(view.head or "")).y).items()
        }
    names = data.target_columns if isinstance(data, Table) else tuple(info.extra.get("target_names") or ("y",))
    if info.task in {"binary", "multiclass"}:
        known = info.class_names or tuple(map(str, range(info.num_classes)))
        return {names[0]: [known[number] for number in y]}
    rows = y.reshape(len(y), -1)
    if len(names) != rows.shape[1]:
        names = tuple(f"{names[0]}_{place + 1}" for place in range(rows.shape[1]))
    return {name: rows[:, place] for place, name in enumerate(names)}


def _meant(paths: Iterable[str | Path]) -> list[Path]:
    """Return the files of paths and patterns."""
    found = [glob.glob(str(path), recursive=True) if is_pattern(path) else [path] for path in paths]
    return [Path(file) for files in found for file in files]


def _with_temperature(trained: Trained, splits: Splits, x: Any) -> tuple[Array, tuple[str, ...]]:
    """Return probabilities (N, K) with the run's temperature, and a note."""
    value = run_temperature(trained, splits)
    count = splits.info.counts["validation"]
    note = f"note: temperature {value:.4g}, fitted on {count:,} validation examples."
    return predict_with_temperature(trained, x, value), (note,)


def _beside(columns: dict[str, Any], kept: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is kept of the examples, and the predictions behind it."""
    taken = [name for name in kept if name in columns]
    if taken:
        raise UsageError(f"--keep {taken[0]}: the predictions have a column of that name. Rename it in the input.")
    return {**kept, **columns}


def _as_array(values: Any) -> Array:
    """Return a column that is kept as an array that needs no pickle: text where it is no number."""
    array = values.to_numpy() if isinstance(values, pl.Series) else np.asarray(values)
    return np.array(["" if value is None else str(value) for value in array]) if array.dtype.kind == "O" else array
