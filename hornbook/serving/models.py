"""A run that is loaded and answers: its facts, and the function from inputs to outputs in the fastest runtime there is."""

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from hornbook.data.facts import DataInfo
from hornbook.data.records import from_json
from hornbook.data.source import Array
from hornbook.data.tables.plain import PlainRows
from hornbook.errors import HornbookError, RunError, UsageError
from hornbook.runs.directory import find_run
from hornbook.serving.facts import ERROR_FILE, FACTS_FILE, MODEL_FILE, Facts
from hornbook.startup import import_for_command

__all__ = ["Model", "load_model", "newer_run", "stop_loading"]

LOADING: set[subprocess.Popen[bytes]] = set()
"""Processes that prepare a run now."""
NEEDED = ("tf2onnx", "onnx", "onnxruntime")


@dataclass(frozen=True)
class Model:
    """A loaded run.

    Attributes:
        facts: What a service knows of it.
        info: Facts about the data that it was trained on.
        run: Raw inputs (N, …) → outputs (N, K), in a thread of its own choice.
        head: Which of several heads answers; None for a run with one.
    """

    facts: Facts
    info: DataInfo
    run: Callable[[Array], Array]
    head: str | None = None

    @cached_property
    def plain(self) -> PlainRows:
        """What reads rows that need no reading."""
        return PlainRows(self.info)


def has_onnx() -> bool:
    """Return whether models can be written as ONNX and run in its runtime."""
    return all(importlib.util.find_spec(name) is not None for name in NEEDED)


def load_model(name: str | Path, *, head: str | None = None, trust: bool = False) -> Model:
    """Return a run, or one of its heads, in ONNX Runtime if its file proves to predict the same, else in TensorFlow.

    A process beside this one writes and proves the file, so that a service that has it needs no TensorFlow and goes on
    answering at full speed while another run is loaded.

    Raises:
        UsageError: If there is no such run, or it has no such head.
        RunError: If the run's files are missing or damaged.
    """
    run = find_run(name)
    info = from_json(run.data)
    heads = [each.name for each in info.heads]
    if (head is None) != (not heads) or (head is not None and head not in heads):
        has = f"has the heads {', '.join(heads)}" if heads else "has a single head"
        raise UsageError(f"{run.path}: this run {has}, and {head or 'a single one'} is asked for.")
    info = info if head is None else info.of_head(head)
    if has_onnx():
        with tempfile.TemporaryDirectory(prefix="hornbook-serve-") as folder:
            facts = _prepare(run.path, Path(folder), head=head, trust=trust)
            if facts.runtime != "TensorFlow":
                return Model(facts, info, _in_onnx(Path(folder) / MODEL_FILE), head)
        why = facts.proof
    else:
        why = "the run's own model"
    import_for_command()
    from hornbook.serving.prepare import in_tensorflow

    facts, function = in_tensorflow(run.path, head=head, trust=trust)
    return Model(replace(facts, proof=why), info, function, head)


def newer_run(name: str, version: str) -> Path | None:
    """Return the folder of a run that has taken the place of a version and is finished; None where there is none."""
    try:
        run = find_run(name)
        is_new = run.path.name != version and run.result["state"] == "finished"
    except HornbookError:
        return None
    return run.path if is_new else None


def stop_loading() -> None:
    """End the processes that prepare runs; who waits for one gets a RunError."""
    for process in [*LOADING]:
        process.kill()


def _prepare(run: Path, folder: Path, *, head: str | None, trust: bool) -> Facts:
    """Let another process write facts and model into a folder.

    Raises:
        RunError: If it cannot; with what it says.
    """
    command = [sys.executable, "-m", "hornbook.serving.prepare", str(run), str(folder), head or "", "trust" * trust]
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"}
    with subprocess.Popen(
        command, env={**os.environ, **quiet}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:  # fmt: skip
        LOADING.add(process)
        try:
            _, said = process.communicate()
        except BaseException:
            process.kill()
            raise
        finally:
            LOADING.discard(process)
    facts, error = folder / FACTS_FILE, folder / ERROR_FILE
    if error.is_file():
        raise RunError(error.read_text(encoding="utf-8"))
    if process.returncode or not facts.is_file():
        lines = said.decode("utf-8", "replace").strip().splitlines() or ["no message"]
        raise RunError(f"{run}: the process that loads it ended with {process.returncode} ({lines[-1]}).")
    return Facts.of_record(json.loads(facts.read_text(encoding="utf-8")))


def _in_onnx(path: Path) -> Callable[[Array], Array]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.add_session_config_entry(
        "session.intra_op.allow_spinning", "0"
    )  # a waiting thread leaves its core to others
    session: Any = onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def run(inputs: Array) -> Array:
        outputs: Array = session.run(None, {name: inputs})[0]
        return outputs

    return run
