"""From a run to a file of another format: strip, write, run it, compare, keep it or delete it."""

import contextlib
import io
import json
import logging
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from hornbook.data.facts import DataInfo
from hornbook.data.source import Array, Splits
from hornbook.engine.prediction import predict_scores
from hornbook.errors import RunError, UsageError
from hornbook.exports.columns import columns_of
from hornbook.exports.formats import FORMATS, PACKAGE, PRECISIONS, Exportable, Format, RefusedError, format_of
from hornbook.exports.proof import Proof, compare
from hornbook.exports.signature import output_name
from hornbook.exports.stripped import stripped
from hornbook.inference.run_splits import load_splits
from hornbook.inference.trained import Trained, labels_of, load_run, of_one_head
from hornbook.runs.directory import Run
from hornbook.runs.writing import RunDirectory
from hornbook.upstream import reason

__all__ = ["Export", "export_run"]

ROWS = 256
"""How many rows of the validation split are compared."""
CALIBRATION = 256
"""How many training rows give ranges for whole numbers."""
FEWEST = 32
"""Fewer give no ranges to rely on."""


@dataclass(frozen=True)
class Export:
    """What became of one format.

    Attributes:
        format: Its name.
        precision: What numbers are stored in.
        path: The file or folder; None where it was refused.
        bytes: Its size.
        proof: How it compares; None where it could not be written.
        reason: Why there is none; empty where there is.
    """

    format: str
    precision: str
    path: Path | None
    bytes: int
    proof: Proof | None
    reason: str = ""

    def record(self) -> dict[str, Any]:
        """Return everything as JSON's types."""
        proof = self.proof
        load = format_of(self.format).load.format(path=self.path.name) if self.path is not None else None
        return {
            "format": self.format,
            "precision": self.precision,
            "path": None if self.path is None else str(self.path),
            "bytes": self.bytes,
            "rows": proof.rows if proof else None,
            "difference": proof.difference if proof and np.isfinite(proof.difference) else None,
            "tolerance": proof.tolerance if proof else None,
            "agreement": proof.agreement if proof else None,
            "reason": self.reason or None,
            "load": load,
        }


def export_run(
    name: str | Path,
    to: str | Sequence[str],
    *,
    precision: str = "float32",
    output: str | Path | None = None,
    which: str | None = None,
    trust: bool = False,
    anyway: bool = False,
    force: bool = False,
    head: str | None = None,
) -> list[Export]:
    """Write a run's model in other formats, each proved in its own runtime on rows of the validation split.

    A file that does not predict what the run's model predicts is deleted, and the outcome says why.

    Args:
        name: The run's folder, ``NAME/latest``, or its recipe's name.
        to: ``saved_model``, ``onnx``, ``litert``, ``openvino``, ``keras``, several of them, or
            ``all``; or ``package``: a folder that predicts and answers without Hornbook.
        precision: ``float32``, ``float16`` or ``int8``.
        output: The file or folder to write; with several formats the folder that they go to. Omitted: `exports` in the
            run's folder.
        which: ``best`` or ``last`` weights; None: the run's final ones.
        trust: Whether code that the run's model holds may be run.
        anyway: Whether to go on where the run's data has changed since training.
        force: Whether files that are there may be overwritten.
        head: Which of several heads to export, as if the run had no other.

    Raises:
        UsageError: If there is no such format or precision, or what it needs is not installed.
        RunError: If the run has no model, a file is in the way, or cannot be written.
        DataError: If the run's data is gone, so that nothing can be compared.
    """
    names = list(FORMATS) if to == "all" else [to] if isinstance(to, str) else list(to)
    formats = [format_of(each) for each in names]
    if precision not in PRECISIONS:
        raise UsageError(f"--precision {precision}: there is none of that name. There are: {', '.join(PRECISIONS)}.")
    is_all = to == "all"
    for each in () if is_all else formats:
        if each.missing():
            raise UsageError(f"--to {each.name}: needs {', '.join(each.missing())}. Install it: {each.install_line()}")
    trained = load_run(name, which=which, trust=trust)
    trained = (
        of_one_head(trained, "an export is of", " Name one: --head NAME.") if head is None else trained.of_head(head)
    )
    if PACKAGE in formats:
        _check_package(trained.info)
    targets = {each.name: _target(trained, each, precision, output, is_alone=len(formats) == 1) for each in formats}
    taken = [str(path) for path in targets.values() if path.exists()]
    if taken and not force:
        raise RunError(f"{', '.join(taken)}: there already. Overwrite with --force (in Python force=True).")
    splits, _ = load_splits(trained, anyway=anyway)
    source = _Source(trained, splits)
    exports = [_export(source, each, precision, targets[each.name]) for each in formats]
    if output is None:
        _keep_record(trained.run, exports)
    return exports


def _check_package(info: DataInfo) -> None:
    """Raise a UsageError for a run that a package could not make the inputs of."""
    listed = ", ".join(f"'{block.name}'" for block in info.blocks if block.kind != "text")
    if listed:
        raise UsageError(
            f"--to package: reads the columns and texts of a table, and this run reads {listed} beside them. Export 'keras' "
            "or 'onnx', which take whole rows of numbers."
        )


def _keep_record(run: Run, exports: Sequence[Export]) -> None:
    """Write down what is in the run's folder of exports now."""
    written = [each.record() for each in exports if each.path is not None and each.format != PACKAGE.name]
    if not written:
        return
    for record in written:
        record["path"] = Path(record["path"]).name
        del record["reason"]
    names = {record["path"] for record in written}
    kept = [
        record for record in run.exports if record["path"] not in names and (run.exports_path / record["path"]).exists()
    ]
    RunDirectory(run.path).write_exports([*kept, *written])


class _Source:
    """What all formats need of a run."""

    def __init__(self, trained: Trained, splits: Splits) -> None:
        self.trained = trained
        examples = splits.validation if splits.validation is not None and len(splits.validation) else splits.train
        info = trained.info
        self.dtype = info.input_dtype if info.kind == "image" else trained.model.inputs[0].dtype
        self.rows = np.asarray(examples.x[:ROWS]).astype(self.dtype)
        self.calibration = np.asarray(splits.train.x[:CALIBRATION]).astype(self.dtype)
        self.expected = predict_scores(trained.model, self.rows)
        self.metadata = _metadata(trained)
        halves = {getattr(layer, "compute_dtype", "float32") for layer in trained.model.layers} - {"float32"}
        self.computes = min(halves, default="float32")

    def labels(self) -> Callable[[Array], Array] | None:
        """Return the function from outputs to labels; None for numbers."""
        return None if self.trained.info.task == "regression" else partial(labels_of, trained=self.trained)


def _metadata(trained: Trained) -> dict[str, str]:
    """Return what a file says of itself."""
    info, run = trained.info, trained.run
    facts: dict[str, str] = {
        "hornbook": run.environment["versions"].get("hornbook", ""),
        "run": f"{run.path.parent.name}/{run.path.name}",
        "weights": trained.which,
        "recipe": run.recipe_text,
        "task": info.task,
        "metrics": json.dumps({split: run.result.get(split) for split in ("validation", "test")}),
        "fingerprint": info.fingerprint,
    }
    if info.class_names:
        facts["classes"] = json.dumps(list(info.class_names), ensure_ascii=False)
    if info.target_names():
        facts["targets"] = json.dumps(list(info.target_names()), ensure_ascii=False)
    columns = columns_of(info)
    if columns:
        facts["columns"] = json.dumps(columns, ensure_ascii=False)
    if info.blocks:
        facts["blocks"] = json.dumps([asdict(block) for block in info.blocks], ensure_ascii=False)
    return facts


def _target(trained: Trained, each: Format, precision: str, output: str | Path | None, *, is_alone: bool) -> Path:
    if output is not None and is_alone:
        path = Path(output)
        if each.suffix and path.suffix != each.suffix:
            raise UsageError(f"--output {output}: a file of this format ends in {each.suffix}.")
        return path
    folder = Path(output) if output is not None else trained.run.exports_path
    infix = "" if precision == "float32" else f".{precision}"
    ending = each.suffix or f".{each.name}"
    own = "" if trained.head is None else f"_{trained.head}"
    return folder / f"{trained.run.path.parent.name}{own}{infix}{ending}"


def _export(source: _Source, each: Format, precision: str, target: Path) -> Export:
    if each.missing():
        return Export(each.name, precision, None, 0, None, f"not installed: {each.install_line()}")
    if precision not in each.precisions:
        return Export(each.name, precision, None, 0, None, f"no {precision}: {each.lacks}")
    if precision == "int8" and len(source.calibration) < FEWEST:
        count = len(source.calibration)
        why = f"int8 needs at least {FEWEST} training rows to find ranges, and there are {count}"
        return Export(each.name, precision, None, 0, None, why)
    with _beside(target) as temporary:
        try:
            model = stripped(source.trained.model, unrolls=not each.has_loops, is_plain=each.is_plain)
            output = output_name(source.trained.info.task)
            exportable = Exportable(model, source.dtype, output, source.calibration, source.metadata, source.trained)
            with _quietly():
                each.writer()(exportable, temporary, precision)
                proof = compare(
                    source.expected,
                    source.rows,
                    partial(each.runner(), temporary),
                    precision=precision,
                    labels=source.labels(),
                    computes=source.computes,
                )
        except OSError:
            raise
        except RefusedError as error:
            return Export(each.name, precision, None, 0, None, str(error))
        except Exception as error:
            return Export(each.name, precision, None, 0, None, f"{each.runtime} refuses it: {reason(error)}")
        if proof.reason:
            return Export(each.name, precision, None, 0, proof, proof.reason)
        size = sum(file.stat().st_size for file in [temporary, *temporary.rglob("*")] if file.is_file())
        _replace(temporary, target)
    return Export(each.name, precision, target, size, proof)


@contextlib.contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """Give a temporary path on the same disk; what is there in the end is removed.

    Raises:
        RunError: If nothing can be written there.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        folder = tempfile.mkdtemp(dir=target.parent, prefix=f".{target.stem}-")
    except OSError as error:
        raise RunError(f"{target}: cannot be written ({error.strerror}).") from error
    try:
        yield Path(folder) / target.name
    except OSError as error:
        raise RunError(f"{target}: cannot be written ({error.strerror or error}).") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _replace(temporary: Path, target: Path) -> None:
    """Put what was written into its place; a folder that was there goes first."""
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
    os.replace(temporary, target)


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Hold back what converters print, on Python's streams and below them, while this is open."""
    level, was = logging.root.manager.disable, tf.get_logger().level
    logging.disable(logging.WARNING)
    held = io.StringIO()
    with tempfile.TemporaryFile() as sink:
        streams = [(number, os.dup(number)) for number in (1, 2)]
        try:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, _ in streams:
                os.dup2(sink.fileno(), number)
            with contextlib.redirect_stdout(held), contextlib.redirect_stderr(held), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
        finally:
            for number, kept in streams:
                os.dup2(kept, number)
                os.close(kept)
            logging.disable(level)
            tf.get_logger().setLevel(was)
            _give_back(held)


def _give_back(held: io.StringIO) -> None:
    """Let loggers that were made while a stream was held back write to the real one from now on."""
    loggers = [logging.root, *map(logging.getLogger, tuple(logging.root.manager.loggerDict))]
    for handler in {each for logger in loggers for each in logger.handlers}:
        if isinstance(handler, logging.StreamHandler) and handler.stream is held:
            handler.setStream(sys.stderr)
