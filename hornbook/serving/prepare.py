"""From a run to what a service runs. In a process of its own where the service needs no TensorFlow: `python -m`."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from hornbook.builder.inputs import STANDARDIZE, scale_of
from hornbook.data.source import Array
from hornbook.engine.prediction import large_batch
from hornbook.errors import DataError, HornbookError
from hornbook.exports.export import export_run
from hornbook.exports.signature import function_of, output_name
from hornbook.inference.trained import Trained, load_run
from hornbook.inference.trust.confidence import gives_probabilities
from hornbook.recipes.sources.table import Table
from hornbook.serving.facts import ERROR_FILE, FACTS_FILE, MODEL_FILE, Facts, model_name

__all__ = ["export", "in_tensorflow"]

LARGEST_BATCH = 1024


def facts_of(trained: Trained) -> Facts:
    """Return what a service knows of a run that it runs in TensorFlow."""
    info, model = trained.info, trained.model
    layers = {layer.name: layer for layer in model.layers}
    data = trained.recipe.data
    targets: tuple[str, ...] = ()
    if info.task == "regression":
        targets = data.target_columns if isinstance(data, Table) else info.target_names()
    means = None
    if STANDARDIZE in layers and info.kind == "table":
        means = tuple(float(value) for value in np.asarray(layers[STANDARDIZE].mean).reshape(-1))
    return Facts(
        name=model_name(trained.run.path, trained.head),
        version=trained.run.path.name,
        weights=trained.which,
        runtime="TensorFlow",
        proof="the run's own model",
        dtype=info.input_dtype if info.kind == "image" else str(model.inputs[0].dtype),
        output=output_name(info.task),
        units=int(model.output_shape[-1]),
        threshold=trained.decision(),
        has_probabilities=gives_probabilities(trained),
        targets=tuple(targets) or (("prediction",) if info.task == "regression" else ()),
        scale=scale_of(model),
        means=means,
        batch=min(LARGEST_BATCH, large_batch(model)),
    )


def in_tensorflow(name: str | Path, *, head: str | None = None, trust: bool = False) -> tuple[Facts, Any]:
    """Return a run's facts, and the function from raw inputs (N, …) to outputs (N, K), compiled for any N.

    Raises:
        RunError: If the run's files are missing or damaged.
    """
    trained = _trained(name, head, trust=trust)
    facts = facts_of(trained)
    function = function_of(trained.model, dtype=facts.dtype, output=facts.output).get_concrete_function()

    def run(inputs: Array) -> Array:
        outputs: Array = function(tf.constant(inputs))[facts.output].numpy()
        return outputs

    run(np.zeros([1, *(size or 1 for size in trained.info.input_shape)], facts.dtype))
    return facts, run


def export(name: str | Path, folder: Path, *, head: str | None = None, trust: bool = False) -> None:
    """Write the facts of a run, or of one of its heads, into a folder, and its model as ONNX, proved; no model where ONNX
    cannot have it.

    Raises:
        RunError: If the run's files are missing or damaged.
    """
    trained = _trained(name, head, trust=trust)
    facts = facts_of(trained)
    try:
        exported = export_run(name, "onnx", output=folder / MODEL_FILE, head=head, trust=trust, anyway=True)[0]
    except DataError as error:
        facts = replace(facts, proof=f"nothing to compare with: {error}")
    else:
        if exported.proof is None or exported.path is None:
            facts = replace(facts, proof=exported.reason)
        else:
            facts = replace(facts, runtime="ONNX Runtime", proof=exported.proof.text())
    (folder / FACTS_FILE).write_text(json.dumps(facts.record()), encoding="utf-8")


def _trained(name: str | Path, head: str | None, *, trust: bool) -> Trained:
    trained = load_run(name, trust=trust)
    return trained if head is None else trained.of_head(head)


def main() -> None:
    """Run `export` with arguments of the command line: run, folder, head and `trust`, or empty texts for both."""
    name, folder, head, trust = sys.argv[1:]
    try:
        export(name, Path(folder), head=head or None, trust=bool(trust))
    except HornbookError as error:
        (Path(folder) / ERROR_FILE).write_text(str(error), encoding="utf-8")
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
