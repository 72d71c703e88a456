"""A sweep on disk: the one truth about what was tried and how it ended. The only place that knows its file names.

runs/<recipe name>/sweep-<YYYYmmdd-HHMMSS>-<4 hex>/     `latest-sweep` beside it points to the newest
  sweep.yaml  trials.jsonl  trials.csv  best.yaml  result.json  report.html
  trials/trial-001/<run>/ …  confirm/confirm-1/<run>/ …  front/trial-001.yaml …  tensorboard/
"""

import fcntl
import json
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hornbook.atomic import jsonable, write_json, write_text
from hornbook.errors import RunError
from hornbook.runs.directory import runs_of
from hornbook.runs.reading import read_lines, read_record, read_text
from hornbook.runs.records import EventRecord, SweepRecord
from hornbook.runs.writing import make_folder

__all__ = [
    "Outcome", "Proposal", "SweepFolder", "TrialRow", "best_runs", "latest_best", "sweep_above", "sweep_page",
    "sweep_result",
]  # fmt: skip

SOURCE, EVENTS, TABLE, BEST, RESULT, REPORT = (
    "sweep.yaml", "trials.jsonl", "trials.csv", "best.yaml", "result.json", "report.html",
)  # fmt: skip
TRIALS, CONFIRM, FRONT, TENSORBOARD, PREFIX, LATEST, LOCK = (
    "trials", "confirm", "front", "tensorboard", "sweep-", "latest-sweep", ".lock",
)  # fmt: skip
LOCK_WAIT_S = 3.0  # workers of a sweep that was killed need a moment to notice


@dataclass(frozen=True)
class Proposal:
    """What is to be tried.

    Attributes:
        trial: Number, from 0.
        values: Value of each key that is active.
        until: Epochs to train altogether; None for the recipe's own.
        parent: The trial whose runs are trained further; None for new runs.
    """

    trial: int
    values: dict[str, Any]
    until: int | None = None
    parent: int | None = None


@dataclass(frozen=True)
class Outcome:
    """How a trial ended.

    Attributes:
        state: ``finished``, ``diverged``, ``failed`` or ``interrupted``.
        score: Mean of `scores`; None without one.
        scores: The first objective of each execution.
        epochs: Epochs trained for this trial, in all executions.
        seconds: Seconds of training for it.
        reason: Why it has no score.
        runs: The runs' folders, relative to the sweep's.
        exit_code: 130 or 143 where a signal ended it.
        figures: Mean of each objective where there are several and the trial has a score.
    """

    state: str
    score: float | None = None
    scores: tuple[float, ...] = ()
    epochs: int = 0
    seconds: float = 0.0
    reason: str = ""
    runs: tuple[str, ...] = ()
    exit_code: int = 0
    figures: Mapping[str, float] = field(default_factory=dict)

    def of(self, objectives: Iterable[str]) -> dict[str, float] | None:
        """Return what the trial reached in each objective; None without a score."""
        if self.score is None:
            return None
        return {name: self.figures.get(name, self.score) for name in objectives}


@dataclass(frozen=True)
class Rejection:
    """A combination that was drawn and that the rules reject, and why."""

    values: dict[str, Any]
    reason: str


@dataclass
class TrialRow:
    """One trial as recorded: what was to be tried, and how it ended (None while it runs)."""

    proposal: Proposal
    drawn: Mapping[str, Any]
    outcome: Outcome | None = None


@dataclass
class SweepFolder:
    """The folder of one sweep. Every finished trial is a line of `trials.jsonl` that is on disk before the next begins."""

    path: Path
    rows: dict[int, TrialRow] = field(default_factory=dict)
    order: list[tuple[str, int]] = field(default_factory=list)
    elapsed_s: float = 0.0
    rejected: list[Rejection] = field(default_factory=list)
    lock_fd: int | None = None
    fingerprint: str | None = None

    @classmethod
    def create(cls, root: Path, name: str, source: str, *, fingerprint: str | None = None) -> "SweepFolder":
        """Make a fresh folder below `root`/`name` for a sweep of a recipe's text, on data of a fingerprint.

        Raises:
            RunError: If it cannot be made.
        """
        path = make_folder(root, name, inner=TRIALS, what="sweep", prefix=PREFIX, latest=LATEST)
        folder = cls(path, fingerprint=fingerprint)
        folder.lock()
        folder.write_result({"state": "running"})
        write_text(path / EVENTS, "")
        write_text(path / SOURCE, source)  # what makes it a sweep that can be continued
        return folder

    @classmethod
    def find_unfinished(cls, root: Path, name: str, source: str) -> "SweepFolder | None":
        """Return the newest sweep of the same recipe, overrides and space, if it is not finished.

        Raises:
            RunError: If its record is damaged, or another process works on it.
        """
        sources = (root / name).glob(f"{PREFIX}*/{SOURCE}")  # written once, at the start; names are exact to the second
        for path in (found.parent for found in sorted(sources, key=lambda one: one.stat().st_mtime_ns, reverse=True)):
            try:
                is_same = read_text(path / SOURCE) == source
            except RunError:
                continue  # a sweep that nobody can read is another one
            if is_same:
                return cls(path).opened() if sweep_result(path)["state"] != "finished" else None
        return None

    def opened(self) -> "SweepFolder":
        """Read the record back; a last line that a kill cut off is dropped.

        Raises:
            RunError: If another process works on this sweep, or its record is damaged.
        """
        self.lock()
        try:
            self.fingerprint = sweep_result(self.path).get("fingerprint")
            text = read_text(self.path / EVENTS)
            whole = text[: text.rfind("\n") + 1]
            if whole != text:
                write_text(self.path / EVENTS, whole)
            for event in read_lines(self.path / EVENTS, EventRecord):
                if event["event"] == "end" and event["trial"] not in self.rows:
                    raise RunError(f"{self.path / EVENTS}: damaged (trial {event['trial']} ends and never began).")
                self._take(event)
        except RunError as error:
            self.close()
            raise RunError(f"{error} --fresh begins another sweep.") from error
        return self

    def lock(self) -> None:
        """Keep other processes from working on this sweep while this one does.

        Raises:
            RunError: If one does already.
        """
        self.lock_fd = os.open(self.path / LOCK, os.O_CREAT | os.O_RDWR, 0o644)
        deadline = time.monotonic() + LOCK_WAIT_S
        while True:
            try:
                fcntl.flock(self.lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except OSError as error:
                if time.monotonic() > deadline:
                    self.close()
                    raise RunError(
                        f"{self.path}: another process works on this sweep. Wait for it, or begin another with --fresh."
                    ) from error
            time.sleep(0.2)

    def close(self) -> None:
        """Let other processes work on this sweep."""
        if self.lock_fd is not None:
            os.close(self.lock_fd)
            self.lock_fd = None

    def start(self, row: TrialRow, *, rejected: Sequence[Rejection]) -> None:
        """Note that a trial begins, and what was rejected so far."""
        one = row.proposal
        event = {"event": "start", "trial": one.trial, "values": one.values, "until": one.until, "parent": one.parent}
        news = [vars(rejection) for rejection in rejected if rejection not in self.rejected]
        self._append({**event, "drawn": dict(row.drawn), "rejected": news})

    def end(self, trial: int, outcome: Outcome, *, elapsed_s: float) -> None:
        """Note how a trial ended."""
        left_out = {"exit_code"} if outcome.figures else {"exit_code", "figures"}
        facts = {key: value for key, value in vars(outcome).items() if key not in left_out}
        self._append({"event": "end", "trial": trial, **facts, "elapsed": round(elapsed_s, 3)})

    def _append(self, event: Mapping[str, Any]) -> None:
        line = json.dumps(jsonable(dict(event)), ensure_ascii=False) + "\n"
        try:
            with (self.path / EVENTS).open("a", encoding="utf-8") as file:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise RunError(f"{self.path / EVENTS}: cannot be written ({error.strerror}).") from error
        self._take(json.loads(line))

    def _take(self, event: Mapping[str, Any]) -> None:
        number = int(event["trial"])
        self.order.append((event["event"], number))
        if event["event"] == "start":
            proposal = Proposal(number, event["values"], event.get("until"), event.get("parent"))
            self.rows[number] = TrialRow(proposal, event["drawn"])
            known = event.get("rejected")  # early sweeps say how many there were, and not which
            self.rejected += [Rejection(**rejection) for rejection in (known if isinstance(known, list) else ())]
            return
        names = ("state", "score", "epochs", "seconds", "reason", "figures")
        facts = {name: event[name] for name in names if name in event}
        scores, runs = event.get("scores", ()), event.get("runs", ())
        self.rows[number].outcome = Outcome(scores=tuple(scores), runs=tuple(runs), **facts)
        self.elapsed_s = float(event["elapsed"])

    def write_result(self, facts: Mapping[str, Any]) -> None:
        """Write how the sweep stands, and on which data."""
        known = {"fingerprint": self.fingerprint} if self.fingerprint is not None else {}
        write_json(self.path / RESULT, {**facts, **known})

    def write_text(self, name: str, text: str) -> None:
        """Write one of the sweep's own files."""
        write_text(self.path / name, text)

    def ended(self) -> Sequence[TrialRow]:
        """Return the trials that have ended, in the order of their numbers."""
        return [row for _, row in sorted(self.rows.items()) if row.outcome is not None]

    def roots(self, trial: int) -> int:
        """Return the trial that a trial's runs began with: itself, or the first of those it goes on from."""
        parent = self.rows[trial].proposal.parent
        return trial if parent is None else self.roots(parent)


def sweep_page(name: str) -> Path | None:
    """Return the page in a sweep's folder, or in the newest of a recipe that has only sweeps; None where it is no sweep's.

    Raises:
        RunError: If the sweep has none yet.
    """
    known = (Path(name), Path("runs") / name)
    newest = (path / LATEST for path in known if not runs_of(path.parent, path.name))
    folder = next((path for path in (*known, *newest) if (path / EVENTS).is_file()), None)
    if folder is None:
        return None
    page = (folder / REPORT).resolve()
    if not page.is_file():
        raise RunError(f"{page}: missing. A sweep writes its page when it ends; go on with it by hornbook sweep.")
    return page


def sweep_above(run: Path) -> Path | None:
    """Return the folder of the sweep that a run is part of, or None."""
    return next((parent for parent in run.parents if parent.name.startswith(PREFIX)), None)


def sweep_result(sweep: Path) -> dict[str, Any]:
    """Return how a sweep stands, its state among it.

    Raises:
        RunError: If the record cannot be read.
    """
    return read_record(sweep / RESULT, SweepRecord)


def best_runs(sweep: Path, count: int) -> set[Path]:
    """Return the runs of a sweep's best trials, of those of the front, and of its confirmation, from its record.

    Raises:
        RunError: If the record cannot be read.
    """
    facts = sweep_result(sweep)
    ranked = enumerate(facts.get("ranking", []))
    kept = {sweep / run for place, row in ranked if place < count or row.get("front") for run in row["runs"]}
    return kept | {sweep / run for run in facts.get("confirm_runs", [])}


def latest_best(sweep: Path) -> Path:
    """Return the path of the winner's recipe by way of the link to the newest sweep."""
    return sweep.parent / LATEST / BEST
