"""Predictions by name: the columns of a CSV file and the arrays of a .npz file."""

from typing import Any

import numpy as np

from hornbook.builder.heads.several import parts_of
from hornbook.data.source import Array
from hornbook.errors import UsageError
from hornbook.inference.trained import Trained, labels_of
from hornbook.inference.trust.confidence import gives_probabilities
from hornbook.inference.uncertainty import Uncertainty

__all__ = ["prediction_arrays", "prediction_columns"]


def prediction_columns(
    scores: Array, trained: Trained, uncertainty: Uncertainty | None = None, *, decision: float | None = None
) -> dict[str, Any]:
    """Return the columns of the CSV: `prediction`, a probability per class or one prediction per target, uncertainty.

    Uncertainty is a standard deviation per probability or target (`std_…`; `std` where there is one target), then
    `entropy` and `mutual_information`, for each label where there are several. Of several heads each has its columns, with
    its name in place of `prediction` and behind `probability`.
    """
    if trained.info.heads:
        return _of_heads(scores, trained)
    columns = _columns(scores, trained, decision)
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


def _of_heads(scores: Array, trained: Trained) -> dict[str, Any]:
    """Return the columns of each of several heads.

    Raises:
        UsageError: If two heads would have a column of one name.
    """
    columns: dict[str, Any] = {}
    for part, view in zip(parts_of(trained.recipe), trained.heads(), strict=True):
        for name, values in _columns(part.columns.of_outputs(scores), view, view.decision()).items():
            own = _own_name(name, view)
            if own in columns:
                raise UsageError(
                    f"two heads would have a column '{own}'. Predict with one at a time: --head {part.name}."
                )
            columns[own] = values
    return columns


def _own_name(name: str, view: Trained) -> str:
    """Return what a column of a head is called among those of several: `price`, `price_north`, `probability_sold_yes`."""
    what, _, rest = name.partition("_")
    if name in _label_names(view) and view.info.task == "multilabel":
        return f"{view.head}_{name}"
    if what == "prediction":
        return f"{view.head}_{rest}" if rest else str(view.head)
    return f"{what}_{view.head}_{rest}"


def _label_names(trained: Trained) -> list[str]:
    """Return the names of the columns that hold labels, not numbers."""
    info = trained.info
    if info.task == "multilabel":
        return list(info.class_names or map(str, range(info.num_classes)))
    return [] if info.task == "regression" else ["prediction"]


def _columns(scores: Array, trained: Trained, decision: float | None) -> dict[str, Any]:
    info = trained.info
    names = list(info.class_names or map(str, range(info.num_classes)))
    labels = labels_of(scores, trained, decision)
    if info.task == "regression":
        if scores.shape[1] == 1:
            return {"prediction": scores[:, 0]}
        return {f"prediction_{name}": scores[:, index] for index, name in enumerate(info.target_names())}
    if info.task == "multilabel":
        columns: dict[str, Any] = {name: labels[:, index] for index, name in enumerate(names)}
        return columns | {f"probability_{name}": scores[:, index] for index, name in enumerate(names)}
    predicted = {"prediction": [names[label] for label in labels]}
    what = "probability" if gives_probabilities(trained) else "score"
    shown = [names[1]] if info.task == "binary" else names
    return predicted | {f"{what}_{name}": scores[:, index] for index, name in enumerate(shown)}


def prediction_arrays(
    scores: Array, trained: Trained, uncertainty: Uncertainty | None, decision: float | None
) -> dict[str, Any]:
    """Return the arrays of a .npz file: outputs, labels and their names, uncertainty."""
    info = trained.info
    if info.heads:
        parts = zip(parts_of(trained.recipe), trained.heads(), strict=True)
        return {
            f"{part.name}_{name}": array
            for part, view in parts
            for name, array in prediction_arrays(part.columns.of_outputs(scores), view, None, view.decision()).items()
        }
    arrays: dict[str, Any] = {"probabilities" if gives_probabilities(trained) else "scores": scores}
    if info.target_names():
        arrays["target_names"] = np.asarray(info.target_names(), dtype=np.str_)
    if info.task != "regression":
        arrays["labels"] = labels_of(scores, trained, decision)
        arrays["class_names"] = np.asarray(info.class_names or [], dtype=np.str_)
    if uncertainty is not None:
        for name in ("std", "entropy", "mutual_information"):
            values = getattr(uncertainty, name)
            if values is not None:
                arrays[name] = values.astype(np.float32)
    return arrays
