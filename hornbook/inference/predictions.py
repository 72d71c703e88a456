"""Predictions for a file: labels and probabilities as CSV or .npz."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from hornbook.atomic import replacing
from hornbook.data import read_inputs
from hornbook.data.source import Array
from hornbook.errors import UsageError
from hornbook.inference.predict import predict_scores
from hornbook.inference.report import labels_of
from hornbook.inference.trained import Trained, load_run

__all__ = ["predict_file", "prediction_columns"]


def predict_file(run: str, source: Path, *, output: Path | None, which: str | None = None) -> tuple[str, ...]:
    """Predict for every example in a file and write the predictions; returns notes for the user.

    Raises:
        UsageError: If the output is neither .csv nor .npz.
        DataError: If the file does not fit the model.
    """
    if output is not None and output.suffix not in {".csv", ".npz"}:
        raise UsageError(f"{output}: predictions are written as .csv or .npz.")
    if output is not None and not output.parent.is_dir():
        raise UsageError(f"{output.parent}: there is no such folder.")
    trained = load_run(run, which=which)
    x, notes = read_inputs(source, trained.info)
    scores = predict_scores(trained.model, x)
    if output is None:
        pl.DataFrame(prediction_columns(scores, trained)).write_csv(sys.stdout)
        return notes
    with replacing(output) as temporary:
        if output.suffix == ".csv":
            pl.DataFrame(prediction_columns(scores, trained)).write_csv(temporary)
        else:
            _write_npz(temporary, scores, trained)
    return (*notes, f"wrote {len(scores):,} predictions to {output}")


def prediction_columns(scores: Array, trained: Trained) -> dict[str, Any]:
    """Return the columns of the CSV: `prediction`, then a probability per class, or one prediction per target."""
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


def _write_npz(path: Path, scores: Array, trained: Trained) -> None:
    info = trained.info
    arrays: dict[str, Any] = {"scores" if info.task == "regression" else "probabilities": scores}
    if info.task != "regression":
        arrays["labels"] = labels_of(scores, trained)
        arrays["class_names"] = np.asarray(info.class_names or [], dtype=np.str_)
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)
