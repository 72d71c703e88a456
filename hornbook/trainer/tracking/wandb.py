"""Runs in Weights & Biases, through its own client.

The client has a process of its own that writes a file in the run's folder and, online, sends it. What it would collect
besides (console, host, user, hardware, code, its own use) is switched off. It would ask for a key where it finds none, and
wait for a network that is gone; here it does neither.
"""

import netrc
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hornbook.display.text import path_text
from hornbook.runs.writing import RunDirectory
from hornbook.trainer.tracking.tracker import Begun, Ending, Figures, TrackedRun
from hornbook.trainer.tracking.wandb_file import steps_of, wait_for_end

__all__ = ["WandBTracker"]

BEGIN_S, END_S = 20.0, 30.0
"""How long the client may wait for the server at the start, and for uploads at the end."""
WRITTEN_S = 20.0
"""How long to wait for its file: the client says that a run is finished before it has written all of it."""
LONGEST_TAG, LONGEST_NAME = 64, 120


class WandBTracker:
    """A run of a project: config, metrics by epoch, tags, one artifact.

    Args:
        project: Its name; None: the recipe's.
        entity: Whose project it is; None: the user's own.
        mode: ``offline`` or ``online``.
        files: What is stored at the end.
    """

    sees_layers = False

    def __init__(
        self,
        project: str | None = None,
        entity: str | None = None,
        mode: str = "offline",
        files: Sequence[str] = (),
    ) -> None:
        self.project, self.entity, self.mode, self.files = project, entity, mode, files
        self._run: Any = None
        self._name = ""
        self._folder = Path()

    def begin(self, run: TrackedRun, record: Mapping[str, Any] | None) -> Begun:
        """Begin the run, or another part of the one that the record names."""
        folder = self._folder = RunDirectory(run.path).wandb
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        os.environ.setdefault("WANDB_SILENT", "true")
        os.environ["WANDB_DATA_DIR"] = str(folder)  # copies of files that are still to be sent
        import wandb

        if self.mode == "online":
            _check_login(wandb.setup().settings)
        folder.mkdir(exist_ok=True)
        settings = wandb.Settings(
            console="off",
            silent=True,
            disable_git=True,
            disable_code=True,
            x_disable_stats=True,
            x_disable_meta=True,
            x_disable_machine_info=True,
            x_save_requirements=False,
            init_timeout=BEGIN_S,
            finish_timeout=END_S,
            finish_timeout_raises=True,
        )
        earlier = record["run"] if record is not None else None
        files = folder.glob(f"*run-*/run-{earlier}.wandb") if earlier is not None else ()
        places = len({step for path in files for step in steps_of(path)})
        self._name = f"{run.name}-{run.id}"
        try:
            self._run = wandb.init(
                project=self.project or os.environ.get("WANDB_PROJECT") or run.group,
                entity=self.entity,
                mode=self.mode,
                dir=str(run.path),
                id=earlier,
                resume="allow" if earlier is not None and self.mode == "online" else None,
                name=f"{run.name}/{run.id}",
                group=run.group if run.group != run.name else None,
                tags=[tag[:LONGEST_TAG] for tag in dict.fromkeys((run.name, run.id, *run.tags))],
                notes=run.notes,
                config=None,
                reinit="create_new",
                settings=settings,
            )
        except wandb.errors.CommError as error:
            raise ConnectionError(str(error).partition("Consider increasing")[0].strip()) from None
        if self.mode == "online":  # steps are places, from 1, and the next one of a new run is 0
            places = max(self._run.starting_step - 1, 0)
        self._run.config.update(dict(run.parameters), allow_val_change=True)
        self._run.define_metric("*", step_metric="epoch")
        where = f"wandb sync {path_text(folder)}/offline-run-*" if self.mode == "offline" else self._run.url
        return Begun({"run": self._run.id}, places, str(where))

    def log(self, figures: Sequence[Figures], layers: Sequence[Mapping[str, Any]]) -> None:
        """Hand the epochs to the client's process."""
        for one in figures:
            self._run.log({"epoch": one.epoch, **one.values}, step=one.place)

    def end(self, ending: Ending) -> None:
        """Write the final figures into the summary, store the files, and wait for the client's process."""
        import wandb

        self._run.summary.update({**ending.figures, "state": ending.state})
        if ending.files:
            artifact = wandb.Artifact(_allowed(self._name), type="model", metadata={"state": ending.state})
            for path in ending.files.values():
                artifact.add_file(str(path))
            self._run.log_artifact(artifact)
        self._run.finish(exit_code=0 if ending.state in ("finished", "paused") else 1)
        wait_for_end(sorted(self._folder.glob(f"*run-*/run-{self._run.id}.wandb"))[-1], WRITTEN_S)

    def abandon(self) -> None:
        """End the client's process, or what is left of it: a later run of this process starts a new one."""
        import wandb

        wandb.teardown(exit_code=1)


def _check_login(settings: Any) -> None:
    """Refuse to begin a run for which the client would ask for a key.

    Raises:
        PermissionError: If it would find none.
    """
    if settings.api_key or settings.identity_token_file:
        return
    try:
        found = netrc.netrc(os.environ.get("NETRC")).authenticators(urlsplit(settings.base_url).hostname or "")
    except (OSError, netrc.NetrcParseError):
        found = None
    if found is None:
        raise PermissionError("there is no key: 'wandb login', or 'mode: offline'")


def _allowed(name: str) -> str:
    """Return a name with the signs that artifacts may have."""
    return "".join(sign if sign.isalnum() or sign in "_-." else "-" for sign in name)[:LONGEST_NAME]
