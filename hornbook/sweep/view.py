"""What a sweep says while it runs: a heading, one line per trial, and on a terminal a line for the running ones."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.text import Text

from hornbook.display import terminal
from hornbook.display.intervals import Interval
from hornbook.display.text import COLUMNS, cut, indented
from hornbook.recipes.sections.sweep import Hyperband
from hornbook.runs.sweeps import Outcome, TrialRow, latest_best
from hornbook.sweep.confirm import Confirmation
from hornbook.sweep.coordinator import Coordinator
from hornbook.sweep.report.table import figure_text, figures_text, short_keys, values_text
from hornbook.sweep.result import SweepResult
from hornbook.sweep.trial import Task, confirmation_name
from hornbook.trainer.listeners import Listener, Position, Start
from hornbook.trainer.progress import MARK

__all__ = ["ConsoleView", "View"]


class View:
    """Says nothing."""

    def start(self, coordinator: Coordinator, *, is_continued: bool, workers: int, parallel: int = 1) -> None:
        """Called once, before the first trial."""

    def begin(self, task: Task) -> None:
        """Called when a trial begins."""

    def listener(self, name: str) -> Listener:
        """Return what hears of a run of this name."""
        return Listener()

    def progress(self, name: str, text: str) -> None:
        """Called with how far a run is; without text it is done."""

    def note(self, text: str) -> None:
        """Called with a sentence the user should read."""

    def ended(self, row: TrialRow) -> None:
        """Called after each trial."""

    def confirm(self, rows: Sequence[TrialRow]) -> None:
        """Called before the winner, or the front of several objectives, is trained again."""

    def confirmed(self, place: int, result: Confirmation) -> None:
        """Called after each training of the winner."""

    def end(self, result: SweepResult) -> None:
        """Called once, at the end."""

    def close(self) -> None:
        """Called in any case."""


class ConsoleView(View):
    """Prints to a terminal with a live line for what runs, or plain lines elsewhere.

    Args:
        console: Where progress goes (stderr on the command line).
        results: Where the result goes (stdout on the command line).
        notes: Where goes what the user should read; omitted: where progress goes.
    """

    def __init__(self, console: Console, results: Console, notes: Console | None = None) -> None:
        self.console, self.results, self.notes = console, results, notes or console
        self._live: Live | None = None
        self._states: dict[str, str] = {}
        self._coordinator: Coordinator | None = None
        self._short: dict[str, str] = {}
        self._again: list[int] = []

    def _say(self, text: str, console: Console | None = None) -> None:
        (console or self.console).print(terminal.line(text), soft_wrap=True)

    def start(self, coordinator: Coordinator, *, is_continued: bool, workers: int, parallel: int = 1) -> None:
        """Say what is compared, how, and whether an earlier sweep goes on."""
        self._coordinator, sweep = coordinator, coordinator.sweep
        self._short = short_keys(sweep.space)
        name, folder = coordinator.recipe.name or "recipe", coordinator.folder
        better = {"max": "higher", "min": "lower"}
        goals = [f"{name}, {better[one]} is better" for name, one in coordinator.directions.items()]
        for line in indented(name, f"{sweep.tuner.name} over {', '.join(sweep.space)}"):
            self._say(line)
        for line in indented("", "; ".join([", ".join(_budget(coordinator, workers, parallel)), *goals])):
            self._say(line)
        if is_continued:
            ended = len(folder.ended())
            text = f"going on with the unfinished {folder.path}: {ended} trial{'s' if ended != 1 else ''} kept"
            self._say(f"note    {text}; --fresh starts anew")
        self._say(f"{'trial':>5} {_columns(sweep.objectives)} {'epochs':>6} {'s':>6}  values")
        for row in folder.ended():
            self.ended(row)
        if self.console.is_terminal:
            self._live = Live(Text("starting …"), console=self.console, transient=True, refresh_per_second=8)
            self._live.start()

    def begin(self, task: Task) -> None:
        """Show that a trial runs."""
        self.progress(task.names()[0], "starting …")

    def progress(self, name: str, text: str) -> None:
        """Show how far a run is; without text it is done."""
        if text:
            self._states[name] = text
        else:
            self._states.pop(name, None)
        if self._live is not None:
            lines = [f"{name}  {state}"[: COLUMNS - 1] for name, state in self._states.items()]
            self._live.update(terminal.line("\n".join(lines)))

    def listener(self, name: str) -> Listener:
        """Return what moves a run's live line."""
        return _LiveLine(self, name)

    def note(self, text: str) -> None:
        """Print a sentence."""
        self._say(f"note    {text}", self.notes)

    def ended(self, row: TrialRow) -> None:
        """Print a trial's line; a star marks the best so far, or the trials that no other beats so far."""
        coordinator, outcome, proposal = self._coordinator, row.outcome, row.proposal
        if coordinator is None or outcome is None:
            return
        self.progress(f"trial-{coordinator.folder.roots(proposal.trial) + 1:03d}", "")
        columns = _columns(coordinator.sweep.objectives, outcome)
        start = f"{proposal.trial + 1:>5} {columns} {proposal.until or outcome.epochs:>6} "
        start += f"{outcome.seconds:>6.1f}  "
        star = f" {MARK}" if any(row is one for one in coordinator.front()) else ""
        room = COLUMNS - len(start) - len(star) - 1
        text = values_text(proposal.values, self._short)
        if proposal.parent is not None:
            text = f"trial {proposal.parent + 1} goes on"
        if outcome.reason:
            text = f"{outcome.reason.split('. ')[0]} ({text})"
        self._say(start + cut(text, room) + star)

    def confirm(self, rows: Sequence[TrialRow]) -> None:
        """Say who is trained again."""
        coordinator = self._coordinator
        if coordinator is None:
            return
        self._states.clear()
        self._again = [row.proposal.trial + 1 for row in rows]
        count, is_front = coordinator.sweep.confirm, coordinator.best() is None
        if is_front and coordinator.sweep.select is not None:
            self.note(f"no trial of the front meets {', '.join(coordinator.sweep.conditions)}; so none wins")
        if count:
            each = " each" if len(rows) > 1 else ""
            text = f"again with {count} fresh seed{'s' if count > 1 else ''}{each}, and tested"
            label = "front" if is_front else "best"
            numbers = ", ".join(map(str, self._again))
            for line in indented(label, f"trial{'s' if len(rows) > 1 else ''} {numbers} {text}"):
                self._say(line)

    def confirmed(self, place: int, result: Confirmation) -> None:
        """Print the figures of one training of the winner, or of a trial of the front."""
        if self._coordinator is None:
            return
        count = self._coordinator.sweep.confirm
        trial, seed = self._again[place // count], place % count + 1
        self.progress(confirmation_name(trial, seed, is_winner=self._coordinator.best() is not None), "")
        if result.exit_code:
            return
        number = f"{seed}" if len(self._again) == 1 else f"{trial}.{seed}"
        known = [name for name in result.validation if name != "loss"] or ["loss"]
        splits = (("val", result.validation), ("test", result.test))
        figures = [f"{split}_{name} {values[name]:.4f}" for name in known for split, values in splits if name in values]
        for line in indented(f"  {number}", "  ".join(figures)):
            self._say(line)

    def end(self, result: SweepResult) -> None:
        """Print how it ended, on the results' console."""
        self.close()
        coordinator = self._coordinator
        if coordinator is None:
            return
        for line in closing(result, coordinator, self._short):
            self._say(line, self.results)

    def close(self) -> None:
        """Take the live line away; also after an error."""
        if self._live is not None:
            self._live.stop()
            self._live = None


class _LiveLine(Listener):
    """Moves a run's line in the sweep's view."""

    def __init__(self, view: ConsoleView, name: str) -> None:
        self.view, self.name, self.epochs = view, name, 0

    def on_start(self, start: Start) -> None:
        """Remember how many epochs there are."""
        self.epochs = start.prepared.table.length.epochs

    def on_chunk(self, place: Position) -> None:
        """Move the line on."""
        self._show(place.epoch, round(20 * place.batch / place.batches))

    def on_epoch(self, row: Mapping[str, Any], *, is_best: bool) -> None:
        """Show that an epoch is done."""
        self._show(row["epoch"], 20)

    def _show(self, epoch: int, filled: int) -> None:
        self.view.progress(self.name, f"epoch {epoch}/{self.epochs} {'━' * filled}")


def _columns(objectives: Sequence[str], outcome: Outcome | None = None) -> str:
    """Return a trial's figures below the names of the objectives, or its state; without a trial those names."""
    figures = outcome.of(objectives) if outcome is not None else None
    if outcome is None:
        texts = list(objectives)
    elif figures is None:
        texts = [outcome.state, *[""] * (len(objectives) - 1)]
    else:
        texts = [figure_text(name, value) for name, value in figures.items()]
    return " ".join(f"{text:>{max(len(name), 9)}}" for name, text in zip(objectives, texts, strict=True))


def _budget(coordinator: Coordinator, workers: int, parallel: int) -> list[str]:
    sweep, tuner = coordinator.sweep, coordinator.sweep.tuner
    parts = []
    if isinstance(tuner, Hyperband):
        parts.append(f"up to {tuner.max_epochs} epochs a trial, one in {tuner.factor} goes on")
    else:
        most = f"at most {sweep.max_trials} trials of " if sweep.max_trials is not None else "trials of "
        varies = "training.epochs" in sweep.space
        parts.append(most + ("as many epochs as they say" if varies else coordinator.recipe.training.duration))
    if sweep.executions > 1:
        parts.append(f"{sweep.executions} seeds each")
    if sweep.total_epochs is not None:
        parts.append(f"{sweep.total_epochs} epochs in all")
    if sweep.max_time is not None:
        parts.append(f"within {sweep.max_time}")
    parts += [f"{workers} workers"] if workers > 1 else []
    return parts + ([f"{parallel} at once"] if parallel > 1 else [])


def closing(result: SweepResult, coordinator: Coordinator, short: Mapping[str, str]) -> list[str]:
    """Return the lines below the trials: winner or front, how it was confirmed, cost, where everything is."""
    lines, ended = [], [row.outcome for row in coordinator.folder.ended() if row.outcome is not None]
    lines += _front_lines(result, short)
    if result.score is not None:
        sweep, number = coordinator.sweep, next((one.trial for one in result.front if one.values == result.best), 0)
        score = f"{sweep.objectives[0]} {result.score:.4f} (best of {result.trials})"
        rule = f"{', '.join(sweep.conditions) or sweep.select}: trial {number} of the front"
        lines += indented("best", values_text(result.best, short))
        lines += indented("", f"selected by {rule if number else score}")
    for name, value in _worth_saying(result.confirmed):
        lines += indented("", f"confirmed {name} {value.text()} ({_seeds(value.count)})")
    bad = [f"{sum(o.state == state for o in ended)} {state}" for state in ("diverged", "failed")]
    bad = [text for text in bad if not text.startswith("0 ")]
    count = len(coordinator.rejected)
    bad += [f"{count} combination{'' if count == 1 else 's'} rejected by the rules"] if count else []
    cost = f"{result.trials} trials, {sum(o.epochs for o in ended)} epochs in {coordinator.elapsed_s:.1f} s"
    lines += indented("ended", "; ".join([f"{cost}: {result.stop_reason}", *bad]))
    lines.append(f"{'sweep':<7} {result.folder}")
    if result.state == "finished" and result.score is None:
        lines += indented("next", "choose one of the front, for instance")
        lines.append(f"{'':<7} hornbook train --config {latest_best(result.folder).parent / result.front[0].recipe}")
    elif result.state == "finished":
        lines.append(f"{'next':<7} hornbook train --config {latest_best(result.folder)}")
    else:
        lines.append(f"{'next':<7} the same command goes on here")
    return lines


def _front_lines(result: SweepResult, short: Mapping[str, str]) -> list[str]:
    """Return a line for each trial of the front, and below it what fresh seeds say of it."""
    lines: list[str] = []
    for place, member in enumerate(result.front):
        text = f"trial {member.trial}: {figures_text(member.figures)} ({values_text(member.values, short)})"
        lines += indented("front" if place == 0 else "", text)
        if member.confirmed and result.score is None:
            figures = [f"{name} {value.text()}" for name, value in _worth_saying(member.confirmed)]
            seeds = _seeds(next(iter(member.confirmed.values())).count)
            lines += [f"  {line}" for line in indented("", f"confirmed {', '.join(figures)} ({seeds})")]
        if member.is_beaten:
            lines += [f"  {line}" for line in indented("", "by these figures another trial of the front beats it")]
    return lines


def _worth_saying(confirmed: Mapping[str, Interval]) -> list[tuple[str, Interval]]:
    """Return the confirmed figures without the losses, where there is anything else."""
    is_loss = {name: name.removeprefix("test_").removeprefix("val_") == "loss" for name in confirmed}
    return [(name, value) for name, value in confirmed.items() if not is_loss[name] or len(confirmed) <= 2]


def _seeds(count: int) -> str:
    return f"{count} fresh seed{'s' if count > 1 else ''}"
