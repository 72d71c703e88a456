"""Runs in MLflow, through its own client.

The client waits for a server that does not answer for many minutes; here it tries twice, for a few seconds each. It reports
its own use to its makers; here it does not. Environment variables that are set already are left alone.
"""

import contextlib
import json
import logging
import os
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hornbook.display.text import path_text
from hornbook.trainer.tracking.tracker import Begun, Ending, Figures, TrackedRun

__all__ = ["MLflowTracker"]

ENVIRONMENT = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "8",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
}
URI, EXPERIMENT = "MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"
LOCAL = "sqlite:///"
DATABASE = "mlflow.db"
STATES = {"finished": "FINISHED", "paused": "FINISHED", "interrupted": "KILLED"}
"""What MLflow calls the ends of runs; all others have failed."""
IN_EVERY_EPOCH = "learning_rate"
"""A figure by which the epochs that the store has are counted."""
MOST_PARAMETERS, LONGEST = 100, 6000
"""What one request, and one parameter, may hold."""
WAIT_S = 5.0


class MLflowTracker:
    """A run of an experiment: parameters, metrics by epoch, tags, artifacts.

    Args:
        uri: A server or a database; None: what the environment says, else a database in the current folder.
        experiment: Its name; None: the recipe's.
        files: What is stored at the end.
    """

    sees_layers = False

    def __init__(self, uri: str | None = None, experiment: str | None = None, files: Sequence[str] = ()) -> None:
        self.uri, self.experiment, self.files = uri, experiment, files
        self._client: Any = None
        self._run = ""

    def begin(self, run: TrackedRun, record: Mapping[str, Any] | None) -> Begun:
        """Create the run, or open the one that the record names, and write parameters and tags."""
        for name, value in ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells of each table that it makes
        from mlflow import MlflowClient
        from mlflow.entities import Param, RunTag

        uri = record["uri"] if record is not None else _absolute(self.uri or os.environ.get(URI) or LOCAL + DATABASE)
        _check_database(uri)
        self._client = MlflowClient(uri)
        tags = {
            "hornbook.name": run.name,
            "hornbook.run": run.id,
            **({"hornbook.tags": ", ".join(run.tags)} if run.tags else {}),
            **({"mlflow.note.content": run.notes} if run.notes else {}),
        }
        if record is None:
            experiment = self._experiment_id(self.experiment or os.environ.get(EXPERIMENT) or run.group)
            self._run = self._client.create_run(experiment, run_name=f"{run.name}/{run.id}").info.run_id
        else:
            self._run = record["run"]
            self._client.update_run(self._run, status="RUNNING")
        texts = {key: _text(value) for key, value in run.parameters.items()}
        there = self._client.get_run(self._run).data
        # A parameter cannot change; what a longer run has changed is a tag.
        tags |= {f"now.{key}": text for key, text in texts.items() if there.params.get(key, text) != text}
        missing = [Param(key, text) for key, text in texts.items() if key not in there.params]
        for start in range(0, len(missing), MOST_PARAMETERS):
            self._client.log_batch(self._run, params=missing[start : start + MOST_PARAMETERS])
        self._client.log_batch(self._run, tags=[RunTag(name, value) for name, value in tags.items()])
        places = sum(self._epochs(name) for name in there.metrics if name.endswith(IN_EVERY_EPOCH))
        return Begun({"uri": uri, "run": self._run}, places, _where(uri))

    def log(self, figures: Sequence[Figures], layers: Sequence[Mapping[str, Any]]) -> None:
        """Send the epochs; the numbers of one epoch arrive together or not at all."""
        from mlflow.entities import Metric

        for one in figures:
            time_ms = int(1000 * one.time_s)
            metrics = [Metric(_key(name), value, time_ms, one.epoch) for name, value in one.values.items()]
            self._client.log_batch(self._run, metrics=metrics)

    def end(self, ending: Ending) -> None:
        """Send the final figures and the files, and say how the run ended."""
        for name, value in ending.figures.items():
            self._client.log_metric(self._run, _key(name), value, step=ending.epochs)
        for path in ending.files.values():
            self._client.log_artifact(self._run, str(path))
        self._client.set_tag(self._run, "hornbook.state", ending.state)
        self._client.set_terminated(self._run, STATES.get(ending.state, "FAILED"))

    def abandon(self) -> None:
        """Nothing is open."""

    def _experiment_id(self, name: str) -> str:
        known = self._client.get_experiment_by_name(name)
        return str(known.experiment_id if known is not None else self._client.create_experiment(name))

    def _epochs(self, name: str) -> int:
        return len({point.step for point in self._client.get_metric_history(self._run, name)})


def _absolute(uri: str) -> str:
    """Return the URI of a file of a database as one that means the same in every folder."""
    if not uri.startswith(LOCAL) or uri == f"{LOCAL}:memory:":
        return uri
    return LOCAL + str(Path(uri.removeprefix(LOCAL)).absolute())


def _check_database(uri: str) -> None:
    """Refuse a file that is no database or cannot be one; the client would try again for an hour.

    Raises:
        OSError: If it cannot be opened.
    """
    if uri.startswith(LOCAL):
        path = uri.removeprefix(LOCAL)
        try:
            with contextlib.closing(sqlite3.connect(path, timeout=WAIT_S)) as connection:
                connection.execute("PRAGMA schema_version")
        except sqlite3.Error as error:
            raise OSError(f"{path}: {error}") from None


def _where(uri: str) -> str:
    """Return where to look; of a server without what may be a password."""
    if uri.startswith(LOCAL):
        return f"mlflow ui --backend-store-uri {LOCAL}{path_text(uri.removeprefix(LOCAL))}"
    scheme, _, rest = uri.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def _key(name: str) -> str:
    """Return a metric's name with the signs that MLflow allows."""
    return "".join(sign if sign.isalnum() or sign in "_-. :/" else "_" for sign in name)


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text[:LONGEST]
