"""What a run says while it trains: a heading, one line per epoch, the result; to its log, and to whoever looks on."""

import itertools
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.text import Text

from hornbook.builder.heads.several import parts_of
from hornbook.data.facts import Preprocessing
from hornbook.data.windows.source import describe_windows
from hornbook.display import terminal
from hornbook.display.forecasts import figure_lines
from hornbook.display.text import COLUMNS, epoch_figure, figures_in_lines, indented
from hornbook.engine.device import describe_device
from hornbook.errors import escaped
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sections.heads import NamedHead
from hornbook.runs.directory import LATEST
from hornbook.runs.writing import RunDirectory
from hornbook.trainer.listeners import Listener, Position, Start
from hornbook.trainer.prepare import Prepared
from hornbook.trainer.result import TrainResult
from hornbook.trainer.reuse.record import end_lines, reuse_lines, start_record
from hornbook.trainer.shrink import record as shrinking

__all__ = ["ConsoleNotes", "ConsoleProgress", "Narrator", "RunLog"]

LABELS = {
    "root_mean_squared_error": "rmse",
    "mean_squared_error": "mse",
    "mean_absolute_error": "mae",
    "mean_absolute_percentage_error": "mape",
    "top_k_accuracy": "top_k",
    "cosine_similarity": "cosine",
    "learning_rate": "rate",
    "train_seconds": "s",
}
NUMBER_WIDTH = 8
MARK = "★"


class Narrator(Listener):
    """Tells a run in lines: a heading, a line per epoch, the end. Where the lines go is for subclasses to say."""

    def __init__(self) -> None:
        self._columns: list[str] = []
        self._start_up_s = 0.0

    def say(self, line: str) -> None:
        """Take one line."""
        raise NotImplementedError

    def on_start(self, start: Start) -> None:
        """Say what will be trained, on what, with which seed."""
        self._start_up_s = start.start_up_s
        for line in heading(start.prepared):
            self.say(line)
        for note in start.notes:
            self.on_note(note)
        self._columns = _columns(start.prepared)
        if not start.prepared.table.length.epochs:
            return
        self.say(" ".join([f"{'epoch':>5}", *(f"{label(name):>{_width(name)}}" for name in self._columns)]))

    def on_note(self, text: str) -> None:
        """Say a sentence."""
        self.say(f"note    {text}")

    def on_epoch(self, row: Mapping[str, Any], *, is_best: bool) -> None:
        """Say one epoch's figures; a star marks the best so far."""
        texts = {name: _number(name, row[name]) for name in self._columns if name in row}
        cells = [f"{texts.get(name, ''):>{_width(name)}}" for name in self._columns]
        error = row.get("reconstruction_error")
        if error is not None:  # of an epoch that has no metrics in these columns
            middle = f"  error {_number('error', error)}"
            cells[1:-2] = [f"{middle:<{sum(map(len, cells[1:-2])) + len(cells) - 4}}"]
        self.say(" ".join([f"{row['epoch']:>5}", *cells]) + (f" {MARK}" if is_best else ""))

    def on_end(self, result: TrainResult) -> None:
        """Say how it ended."""
        for line in closing(result, self._start_up_s):
            self.say(line)


class ConsoleNotes(Listener):
    """Prints what the user should read, and nothing of the progress."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def on_start(self, start: Start) -> None:
        """Print the notes of the beginning."""
        for note in start.notes:
            self.on_note(note)

    def on_note(self, text: str) -> None:
        """Print a sentence."""
        self._console.print(terminal.line(f"note    {text}"), soft_wrap=True)


class RunLog(Narrator):
    """Writes the lines to the run's log.txt."""

    def __init__(self, run: RunDirectory) -> None:
        super().__init__()
        self._run = run

    def say(self, line: str) -> None:
        """Add one line."""
        self._run.append_log(escaped(line, one_line=True))


class ConsoleProgress(Narrator):
    """Prints the lines, with a live one for the running epoch in a terminal.

    Args:
        console: Where progress goes (stderr on the command line).
        results: Where the result goes (stdout on the command line); None for the same.
    """

    def __init__(self, console: Console, results: Console | None = None) -> None:
        super().__init__()
        self.console = console
        self.results = results if results is not None else console
        self._live: Live | None = None
        self._epoch = 0

    def say(self, line: str) -> None:
        """Print one line as it is."""
        self.console.print(terminal.line(line), soft_wrap=True)

    def on_start(self, start: Start) -> None:
        """Say what will be trained and start the live line."""
        super().on_start(start)
        if self.console.is_terminal:
            self._live = Live(Text("    1  compiling …"), console=self.console, transient=True, refresh_per_second=8)
            self._live.start()

    def on_chunk(self, place: Position) -> None:
        """Move the live line on."""
        if self._live is not None:
            self._epoch = place.epoch
            filled, percent = round(30 * place.batch / place.batches), 100 * place.batch // place.batches
            self._live.update(Text(f"{place.epoch:>5}  {'━' * filled}{' ' * (30 - filled)} {percent:>3} %"))

    def on_epoch(self, row: Mapping[str, Any], *, is_best: bool) -> None:
        """Print an epoch's figures; the live line stays empty until the next epoch has done something."""
        if self._live is not None and self._epoch <= row["epoch"]:
            self._live.update(Text(""), refresh=True)  # with the line above it, not an eighth of a second later
        super().on_epoch(row, is_best=is_best)

    def close(self) -> None:
        """Take the live line away; also after an error."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def on_end(self, result: TrainResult) -> None:
        """Say how it ended, on the results' console."""
        self.close()
        self.console, progress = self.results, self.console
        super().on_end(result)
        self.console = progress


def label(name: str) -> str:
    """Return a short heading: ``val_rmse`` for ``val_root_mean_squared_error``."""
    for long, short in LABELS.items():
        if name == long or name.endswith(f"_{long}"):
            return name.removesuffix(long) + short
    return name


def _width(name: str) -> int:
    return max(len(label(name)), 6 if name == "train_seconds" else NUMBER_WIDTH)


def _number(name: str, value: float) -> str:
    return f"{value:.2f}" if name == "train_seconds" else epoch_figure(value)


def _columns(prepared: Prepared) -> list[str]:
    """Return the columns that fit into 78 characters: loss, metrics, validation, rate, seconds."""
    recipe = prepared.recipe
    of_heads = [f"{name}_{one.recorded}" for name, head in (recipe.heads or {}).items() for one in head.metrics or ()]
    metrics = ["loss", *reversed(of_heads), *(metric.recorded for metric in recipe.training.metrics or ())]
    has_validation = bool(prepared.splits.info.counts.get("validation"))
    chosen = [*metrics, *(f"val_{name}" for name in metrics if has_validation)]
    fixed = ["learning_rate", "train_seconds"]
    while len(chosen) > 2 and 5 + sum(1 + _width(name) for name in chosen + fixed) + len(MARK) + 1 > 79:
        extra = [
            name for name in chosen if name not in {"loss", "val_loss"} and name.removeprefix("val_") != metrics[-1]
        ]
        chosen.remove(extra[-1] if extra else chosen[-1])
    return chosen + fixed


def heading(prepared: Prepared) -> list[str]:
    """Return the lines above the epochs: data, model, device, precision, engine, seed."""
    recipe, info, built = prepared.recipe, prepared.splits.info, prepared.built
    name = recipe.name or "recipe"
    count = sum(int(variable.value.shape.num_elements()) for variable in built.model.trainable_variables)
    units = recipe.model.hidden_units()
    heads = [*recipe.heads.values()] if recipe.heads is not None else [recipe.head]
    last = "+".join(str(head.units) for head in heads)
    parts = [*_flat_input(prepared), *_runs_of_equal(units or ()), last]
    sizes = "-".join(map(str, parts)) if units is not None else ""
    model = f"{recipe.model.name} {sizes}".strip()
    if recipe.reuse is not None and recipe.reuse.copy_ is None and not recipe.reuse.holds_weights_alone:
        model = f"reused layers, then {model}"
    device = [describe_device(), recipe.training.precision, recipe.training.engine, f"seed {recipe.seed}"]
    if info.extra.get("streams"):
        device.append("data streams from disk")
    if info.extra.get("unlabeled"):
        device.append(f"{info.extra['unlabeled']:,} inputs for pretraining")
    data, _, counts = f"{info.name}: {info.describe()}".partition(" (")
    indent = " " * min(len(name) + 3, 12)
    first = f"{name:<{len(indent) - 3}}   "
    one_line = f"{first}{data} ({counts}"
    about_data = [one_line] if len(one_line) <= COLUMNS else [first + data, indent + counts.removesuffix(")")]
    spans = ", ".join(f"{split} {first} to {last}" for split, (first, last) in info.extra.get("spans", {}).items())
    about_data_too = [
        info.describe_columns(),
        describe_windows(info),
        *info.describe_pictures(),
        *info.describe_texts(),
    ]
    texts = [text for text in [*about_data_too, f"by time: {spans}" if spans else ""] if text]
    texts += [f"{model}, {count:,} trainable parameters", ", ".join(device)]
    margins: dict[str, Any] = {"initial_indent": indent, "subsequent_indent": indent + "  "}
    wrapped = [
        textwrap.wrap(escaped(text, one_line=True), COLUMNS, break_on_hyphens=True, **margins)
        for text in [*texts, *_units(prepared)]
    ]
    earlier = [*reuse_lines(start_record(prepared)), *shrinking.start_lines(prepared.shrinking)]
    return [*about_data, *(line for lines in wrapped for line in lines), *earlier]


def _runs_of_equal(units: Sequence[int]) -> list[str]:
    """Return widths as text, three or more equal ones in a row as one: ``100(×20)`` is 100, twenty times."""
    texts: list[str] = []
    for width, group in itertools.groupby(units):
        count = len(list(group))
        texts += [f"{width}(×{count})"] if count > 2 else [str(width)] * count
    return texts


def _units(prepared: Prepared) -> list[str]:
    """Return a line that says in which unit a regression's loss and metrics are, where these differ."""
    recipe, preprocessing = prepared.recipe, prepared.splits.preprocessing
    of_heads = [
        f"{part.name}: {text}"
        for part in parts_of(recipe)
        for text in _unit(part.recipe, preprocessing.of_targets(slice(*part.columns.targets)))
    ]
    return of_heads if recipe.heads is not None else _unit(recipe, preprocessing)


def _unit(recipe: Recipe, preprocessing: Preprocessing) -> list[str]:
    """Return the same line for one head; nothing where both are in one unit."""
    mean, variance = preprocessing.target_mean, preprocessing.target_variance
    if not recipe.head.standardize_targets or mean is None or variance is None:
        return []
    moments = (
        f"mean {mean[0]:.4g}, deviation {variance[0] ** 0.5:.4g}"
        if len(mean) == 1
        else "each by its own mean and deviation"
    )
    if preprocessing.series is not None:
        moments = "of each series by its own mean and deviation"
    delta = ", Huber's delta" if recipe.head.loss is not None and recipe.head.loss.name == "huber" else ""
    by = {"log": " by their logarithm", "quantile": " by their quantiles"}.get(recipe.head.target_transform or "", "")
    return [f"targets{by} standardized ({moments}): loss{delta} in deviations, metrics in the targets' unit"]


def _flat_input(prepared: Prepared) -> list[Any]:
    if prepared.recipe.model.name != "mlp":
        return []
    copied = prepared.built.copied
    first = [layer.name for layer in prepared.built.model.layers if copied is None or layer.name not in copied.origin]
    heads = [f"head_{name}" for name in prepared.recipe.heads or ()]
    for name in (*sorted(name for name in first if name.startswith("hidden_")), "head", *heads):
        if name in first:
            return [prepared.built.model.get_layer(name).input.shape[-1]]
    return []


def closing(result: TrainResult, start_up_s: float) -> list[str]:
    """Return the lines below the epochs: metrics, why it ended, the run, what to do next."""
    seconds, epochs = sum(row["seconds"] for row in result.history), result.epochs
    lines = []
    for split, values in (("test", result.test), ("val", result.validation if not result.test else {})):
        lines += _figures(split, values, result.recipe)
    lines += [f"        {result.remark}"] if result.remark else []
    if result.forecast:
        lines += [f"        {line}" for line in figure_lines(result.forecast)]
    else:
        lines += _figures("mean", result.baseline, result.recipe, "(predicting the training mean everywhere)")
    if result.reuse is not None:
        lines += end_lines(result.reuse)
    lines += shrinking.end_lines(result.shrink)
    best = f", best epoch {result.best_epoch} kept" if result.final == "best" else ""
    ended = f"{epochs} epoch{'' if epochs == 1 else 's'} in {seconds:.1f} s, start-up {start_up_s:.1f} s: "
    lines += indented("ended", f"{ended}{result.stop_reason}{best}")
    lines.append(f"{'run':<7} {result.run}")
    return lines + next_commands(result)


def _figures(split: str, values: Mapping[str, float], recipe: Recipe, remark: str = "") -> list[str]:
    """Return a line of figures, or one for the loss of all and one for each of several heads; none where there are none."""
    names = [f"{head}_{key}" for head, one in (recipe.heads or {}).items() for key in _recorded(one)]
    groups = [[name for name in values if name not in names]]
    for head, one in (recipe.heads or {}).items():
        groups.append([f"{head}_{key}" for key in _recorded(one) if f"{head}_{key}" in values])
    texts = [[f"{label(name)} {_number(name, values[name])}" for name in group] for group in groups if group]
    if not texts:
        return []
    texts[-1] += [remark] if remark else []
    starts = [f"{split:<7} ", *(" " * 8 for _ in texts[1:])]
    return [line for start, group in zip(starts, texts, strict=True) for line in figures_in_lines(group, start)]


def _recorded(head: NamedHead) -> list[str]:
    return ["loss", *(metric.recorded for metric in head.metrics or ())]


def next_commands(result: TrainResult) -> list[str]:
    """Return the commands that make sense now."""
    if result.state == "interrupted":
        return [f"{'next':<7} hornbook resume {result.run}"]
    latest = result.run.parent / LATEST
    run = latest if latest.is_symlink() and latest.resolve() == result.run.resolve() else result.run
    return [f"{'next':<7} hornbook evaluate {run}", f"{'':<7} hornbook predict {run} --input FILE"]
