"""Tells trackers of a run. A tracker that fails, or does not answer in time, costs one warning and nothing else.

A tracker is told of an epoch once it is over, of layers too, so that what a run takes back (an epoch that diverged, one that
a kill has cut) was never told. Only the first of several workers has trackers.
"""

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hornbook.atomic import write_text
from hornbook.errors import HornbookError, format_path
from hornbook.recipes.describe.chosen import chosen_keys
from hornbook.recipes.language.text import to_yaml
from hornbook.recipes.origins import leaves
from hornbook.recipes.recipe import Recipe
from hornbook.runs.directory import Run, is_pretraining
from hornbook.runs.sweeps import sweep_above
from hornbook.runs.writing import RunDirectory
from hornbook.trainer.listeners import Listener, Position, Start
from hornbook.trainer.tracking.deadline import within
from hornbook.trainer.tracking.tracker import Ending, Figures, TrackedRun, Tracker
from hornbook.upstream import reason

if TYPE_CHECKING:
    from hornbook.trainer.result import TrainResult
    from hornbook.trainer.session import Session

__all__ = ["Tracking", "trackers_of"]

BEGIN_S, LOG_S, END_S = 60.0, 20.0, 60.0
"""How long a tracker may take to begin, for an epoch, and for the end."""
BYTES_PER_S = 1e6
"""How fast files are sent at least, or they are given up."""
FAILED_S = 15.0
"""How long a tracker may take to close a run that has failed."""
ABANDON_S = 5.0
NO_FIGURES = frozenset({"epoch", "phase"})
LONGEST = 6000


class Tracking(Listener):
    """Tells all trackers of a recipe.

    Args:
        run: The run's folder.
        session: The run in progress; nothing of it is changed.
        tell: Takes a sentence that the user should read.
    """

    def __init__(self, run: RunDirectory, session: "Session", tell: Callable[[str], None]) -> None:
        self._run, self._session, self._tell = run, session, tell
        self._trackers = trackers_of(session.prepared.recipe)
        self._records: dict[str, Mapping[str, Any]] = {}
        self._places: dict[str, int] = {}
        self._place = 0
        self._layers: list[Mapping[str, Any]] | None = None

    def on_start(self, start: Start) -> None:
        """Let all trackers begin or go on, and tell them the epochs that they do not have yet."""
        try:
            self._records = dict(Run(self._run.path).tracking)
        except HornbookError as error:
            self._tell(f"warning: {reason(error)}. All trackers begin anew.")
        tracked = tracked_run(start.prepared.recipe, self._run.path)
        for name, tracker in list(self._trackers.items()):
            earlier = self._records.get(name)
            begun = self._try(
                name,
                partial(tracker.begin, tracked, earlier),
                BEGIN_S,
                lost="nothing of this run is shown there",
            )
            if begun is None:
                continue
            self._places[name], self._records[name] = begun.places, begun.record
            self._tell(f"{name}: {begun.note}")
        self._keep_records()
        now, elapsed_s = time.time(), self._session.elapsed_s
        done_s, earlier_rows = 0.0, []
        for place, row in enumerate(start.history, 1):
            done_s += row.get("seconds") or 0.0
            earlier_rows.append(self._figures(row, place, now - elapsed_s + done_s))
        self._place = len(earlier_rows)
        self._log(earlier_rows, [])

    def on_epoch_begin(self, place: Position) -> None:
        """Forget what was measured of layers from here on: it is measured again."""
        if place.is_pretraining or not any(tracker.sees_layers for tracker in self._trackers.values()):
            return
        step = (place.epoch - 1) * self._session.prepared.table.batches + place.batch
        self._layers = [row for row in self._measured() if row["step"] < step]

    def on_layers(self, row: Mapping[str, Any]) -> None:
        """Called with a measurement of what layers do, when it is complete."""
        if self._layers is not None:
            self._layers.append(row)

    def on_epoch(self, row: Mapping[str, Any], *, is_best: bool) -> None:
        """Tell of the epoch, and of the layers up to its last batch."""
        self._place += 1
        layers: list[Mapping[str, Any]] = []
        if self._layers and not is_pretraining(row):
            end = row["epoch"] * self._session.prepared.table.batches
            layers = [one for one in self._layers if one["step"] < end]
            self._layers = [one for one in self._layers if one["step"] >= end]
        self._log([self._figures(row, self._place, time.time())], layers)

    def on_end(self, result: "TrainResult") -> None:
        """Tell of what is left, and of the end, with the files that are wanted."""
        self._log([], self._layers or [])
        figures = {f"test_{name}": value for name, value in result.test.items()}
        figures |= {f"final_val_{name}": value for name, value in result.validation.items()}
        files = self._files() if result.state == "finished" and self._session.candidate is None else {}
        self._end(Ending(result.state, result.epochs, figures, files), END_S)

    def close(self, state: str) -> None:
        """Tell that the run has failed.

        Args:
            state: ``failed``, ``diverged`` or ``interrupted``.
        """
        self._log([], self._layers or [])
        self._end(Ending(state, self._session.epoch), FAILED_S)

    def _measured(self) -> Sequence[Mapping[str, Any]]:
        """Return the measurements that trackers do not have yet; at first those of earlier processes."""
        if self._layers is not None:
            return self._layers
        try:
            return Run(self._run.path).health
        except HornbookError:  # who records them has said so
            return []

    def _figures(self, row: Mapping[str, Any], place: int, time_s: float) -> Figures:
        values = {
            name: float(value)
            for name, value in row.items()
            if name not in NO_FIGURES and isinstance(value, int | float) and not isinstance(value, bool)
        }
        if is_pretraining(row):
            values = {f"{row['phase']}/{name}": value for name, value in values.items()}
        else:
            momenta = self._session.prepared.table.epoch(row["epoch"] - 1)[1]
            if momenta.any():
                values["momentum"] = float(momenta[-1])
        return Figures(place, row["epoch"], values, time_s)

    def _log(self, figures: Sequence[Figures], layers: Sequence[Mapping[str, Any]]) -> None:
        for name, tracker in list(self._trackers.items()):
            new = [one for one in figures if one.place > self._places[name]]
            seen = list(layers) if tracker.sees_layers else []
            if not new and not seen:
                continue
            first = new[0].place if new else self._place
            self._try(name, partial(tracker.log, new, seen), LOG_S, lost=f"epochs from {first} on are not shown there")
            if new and name in self._trackers:
                self._places[name] = new[-1].place

    def _end(self, ending: Ending, seconds: float) -> None:
        for name, tracker in list(self._trackers.items()):
            files = {what: path for what, path in ending.files.items() if what in tracker.files}
            own = Ending(ending.state, ending.epochs, ending.figures, files)
            size = sum(path.stat().st_size for path in files.values())
            self._try(
                name,
                partial(tracker.end, own),
                seconds + size / BYTES_PER_S,
                lost="the end of this run and its files may not be there",
            )

    def _files(self) -> dict[str, Path]:
        """Return the files that any tracker wants; the page is written, with what can be told without the doctor."""
        wanted = {what for tracker in self._trackers.values() for what in tracker.files}
        run = Run(self._run.path)
        files = {"model": run.model_path(), "recipe": run.recipe_path}
        if "page" in wanted:
            from hornbook.inference.report.page import page_of

            try:
                write_text(run.page_path, page_of(run, trust=self._session.prepared.recipe.is_trusted))
                files["page"] = run.page_path
            except Exception as error:
                self._tell(f"warning: the page for trackers could not be written: {reason(error)}.")
        return {what: path for what, path in files.items() if what in wanted}

    def _keep_records(self) -> None:
        if self._records:
            try:
                self._run.write_tracking(self._records)
            except HornbookError as error:
                self._tell(f"warning: {reason(error)}. A resumed run would begin anew in its trackers.")

    def _try(self, name: str, work: Callable[[], Any], seconds: float, *, lost: str) -> Any:
        """Return what a tracker answers; None where it fails, which is said, and it is not asked again."""
        started = time.perf_counter()
        try:
            return within(seconds, work)
        except Exception as error:
            tracker = self._trackers.pop(name)
            cause = _first_cause(error)
            said = reason(cause) or type(cause).__name__
            self._tell(f"warning: tracking with {name} failed: {said}. The run goes on; {lost}.")
            with contextlib.suppress(Exception):
                within(ABANDON_S, tracker.abandon)
            return None
        finally:
            self._session.leave_out(time.perf_counter() - started)


def trackers_of(recipe: Recipe) -> dict[str, Tracker]:
    """Return the trackers that a recipe names, by name; imports none of their clients."""
    return {spec.name: spec.build() for spec in recipe.tracking}


def tracked_run(recipe: Recipe, path: Path) -> TrackedRun:
    """Return what trackers are told of a run of a resolved recipe in a folder."""
    plain, name, sweep = recipe.to_dict(), recipe.name or "recipe", sweep_above(path)
    parameters = {
        format_path(place): _short(value) for place, value in leaves(plain) if place[0] not in ("tracking", "notes")
    }
    keys = [format_path(key) for key in chosen_keys(recipe)]
    chosen = {
        key: value for key, value in parameters.items() if any(key == one or key.startswith(f"{one}.") for one in keys)
    }
    return TrackedRun(
        path=path,
        name=name,
        group=name if sweep is None else sweep.parent.name,
        recipe_text=to_yaml(plain),
        parameters=parameters,
        chosen=chosen,
        tags=recipe.tags,
        notes=recipe.notes,
    )


def _first_cause(error: BaseException) -> BaseException:
    """Return the error that led to an error: clients wrap what the network says in several of their own."""
    while (cause := error.__cause__ or (None if error.__suppress_context__ else error.__context__)) is not None:
        error = cause
    return error


def _short(value: Any) -> Any:
    """Return a value, of data that stands in the recipe its beginning."""
    text = str(value)
    return value if len(text) <= LONGEST else text[:LONGEST]
