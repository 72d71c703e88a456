"""Predictions for a file: labels and probabilities as CSV or .npz."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from hornbook.atomic import replacing
from hornbook.data import memory_budget, read_inputs
from hornbook.data.source import Array
from hornbook.engine.prediction import predict_scores
from hornbook.errors import UsageError
from hornbook.inference.calibration import check_options
from hornbook.inference.confidence import predict_with_temperature, run_temperature
from hornbook.inference.evaluate import labels_of, load_splits
from hornbook.inference.trained import Trained, load_run
from hornbook.inference.uncertainty import Uncertainty, check_dropout, sample_run
from hornbook.report.terminal import data_stream
from hornbook.runs import find_run

__all__ = ["predict_file", "prediction_columns"]


def predict_file(
    run: str,
    source: Path,
    *,
    output: Path | None,
    which: str | None = None,
    mc_samples: int | None = None,
    temperature: bool = False,
    trust: bool = False,
) -> tuple[str, ...]:
    """Predict for every example in a file and write the predictions; returns notes for the user.

    Args:
        run: The run's folder, ``NAME/latest``, or its recipe's name.
        source: A file of examples.
        output: A .csv or .npz file to write; None: CSV to stdout.
        which: ``best`` or ``last`` weights; None: the run's final ones.
        mc_samples: Predict with Monte Carlo dropout, so often for each example, and write how far samples differ.
        temperature: Divide logits by the temperature that fits the run's validation split best.
        trust: Whether code that the run's model holds may be run.

    Raises:
        UsageError: If the output is neither .csv nor .npz, or would take the place of examples, or the run's model does not
            allow an option.
        DataError: If the file does not fit the model.
    """
    if output is not None and output.suffix not in {".csv", ".npz"}:
        raise UsageError(f"{output}: predictions are written as .csv or .npz.")
    if output is not None and not output.parent.is_dir():
        raise UsageError(f"{output.parent}: there is no such folder.")
    if mc_samples is not None and temperature:
        raise UsageError("--temperature is fitted to predictions without dropout. Leave it out, or --mc-samples.")
    check_options(find_run(run), calibration=False, temperature=temperature)
    trained = load_run(run, which=which, trust=trust)
    if output is not None:
        _spare(output, source, trained)
    if mc_samples is not None:
        check_dropout(trained.model, run)
    x, notes = read_inputs(source, trained.info, memory_budget=memory_budget(trained.recipe))
    uncertainty = None
    if mc_samples is not None:
        uncertainty = sample_run(trained, x, mc_samples)
        scores = uncertainty.mean.astype(np.float32)
    elif temperature:
        scores, more = _with_temperature(trained, x)
        notes = (*notes, *more)
    else:
        scores = predict_scores(trained.model, x, shows_progress=True)
    if output is None:
        data_stream().write(pl.DataFrame(prediction_columns(scores, trained, uncertainty)).write_csv())
        return notes
    with replacing(output) as temporary:
        if output.suffix == ".csv":
            pl.DataFrame(prediction_columns(scores, trained, uncertainty)).write_csv(temporary)
        else:
            _write_npz(temporary, scores, trained, uncertainty)
    return (*notes, f"wrote {len(scores):,} predictions to {output}")


def _spare(output: Path, source: Path, trained: Trained) -> None:
    """Refuse to write predictions over examples: the input, or a file of the run's data."""
    files = {
        source: "the input",
        **{Path(path): "data of the run" for path in trained.recipe.data.absolute_paths().values()},
    }
    for path, what in files.items():
        if output.exists() and path.exists() and output.samefile(path):
            raise UsageError(f"--output {output}: this is {what}. Write the predictions to another file.")


def _with_temperature(trained: Trained, x: Any) -> tuple[Array, tuple[str, ...]]:
    """Return probabilities (N, K) with the run's temperature, and notes."""
    splits, notes = load_splits(trained)
    value = run_temperature(trained, splits)
    count = splits.info.counts["validation"]
    note = f"note: temperature {value:.4g}, fitted on {count:,} validation examples."
    return predict_with_temperature(trained, x, value), (*notes, note)


def prediction_columns(scores: Array, trained: Trained, uncertainty: Uncertainty | None = None) -> dict[str, Any]:
    """Return the columns of the CSV: `prediction`, a probability per class or one prediction per target, uncertainty.

    Uncertainty is a standard deviation per probability or target (`std_…`; `std` where there is one target), then
    `entropy` and `mutual_information`, for each label where there are several.
    """
    columns = _columns(scores, trained)
    if uncertainty is None:
        return columns
    spread = [name for name in columns if name not in _label_names(trained)]
    for index, name in enumerate(spread):
        columns["_".join(["std", *name.split("_", 1)[1:]])] = uncertainty.std[:, index].astype(np.float32)
    for key in ("entropy", "mutual_information"):
        values = getattr(uncertainty, key)
        if values is not None and values.ndim == 1:
            columns[key] = values.astype(np.float32)
        elif values is not None:
            names = _label_names(trained)
            columns |= {f"{key}_{name}": values[:, index].astype(np.float32) for index, name in enumerate(names)}
    return columns


def _label_names(trained: Trained) -> list[str]:
    """Return the names of the columns that hold labels, not numbers."""
    info = trained.info
    if info.task == "multilabel":
        return list(info.class_names or map(str, range(info.num_classes)))
    return [] if info.task == "regression" else ["prediction"]


def _columns(scores: Array, trained: Trained) -> dict[str, Any]:
    info = trained.info
    names = list(info.class_names or map(str, range(info.num_classes)))
    labels = labels_of(scores, trained)
    if info.task == "regression":
        if scores.shape[1] == 1:
            return {"prediction": scores[:, 0]}
        return {f"prediction_{index + 1}": scores[:, index] for index in range(scores.shape[1])}
    if info.task == "multilabel":
        columns: dict[str, Any] = {name: labels[:, index] for index, name in enumerate(names)}
        return columns | {f"probability_{name}": scores[:, index] for index, name in enumerate(names)}
    predicted = {"prediction": [names[label] for label in labels]}
    if info.task == "binary":
        activation = trained.recipe.head.activation
        is_probability = activation is not None and activation.name == "sigmoid"
        return predicted | {f"{'probability' if is_probability else 'score'}_{names[1]}": scores[:, 0]}
    return predicted | {f"probability_{name}": scores[:, index] for index, name in enumerate(names)}


def _write_npz(path: Path, scores: Array, trained: Trained, uncertainty: Uncertainty | None) -> None:
    info = trained.info
    arrays: dict[str, Any] = {"scores" if info.task == "regression" else "probabilities": scores}
    if info.task != "regression":
        arrays["labels"] = labels_of(scores, trained)
        arrays["class_names"] = np.asarray(info.class_names or [], dtype=np.str_)
    if uncertainty is not None:
        for name in ("std", "entropy", "mutual_information"):
            values = getattr(uncertainty, name)
            if values is not None:
                arrays[name] = values.astype(np.float32)
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)
