"""What `hornbook.train` returns."""

import html
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hornbook.display.chart import PAPER
from hornbook.display.intervals import few_examples
from hornbook.display.learning import figures_of, learning_curves
from hornbook.errors import escaped
from hornbook.recipes.recipe import Recipe
from hornbook.runs.directory import is_pretraining

if TYPE_CHECKING:
    import polars
    from matplotlib.axes import Axes

__all__ = ["TrainResult"]


@dataclass(frozen=True)
class TrainResult:
    """A finished (or interrupted) training.

    Attributes:
        model: The plain `keras.Model` with the final weights.
        history: One mapping per epoch: loss, metrics, validation, learning rate, seconds; those of pretraining first.
        recipe: The recipe with every default filled in.
        run: The run's folder.
        state: ``finished``, ``interrupted``, ``paused`` (a trial that may go on) or ``diverged``.
        stop_reason: Why it ended, in words.
        final: ``best`` or ``last``: which epoch's weights the model holds.
        best_epoch: The best epoch, counted from 1; 0 where there is none.
        validation: Loss and metrics of the final weights on the validation split.
        test: The same on the test split; empty without one.
        baseline: Of a regression: metrics of the training targets' mean, predicted for the same examples as `test`, or as
            `validation` without a test split.
        examples: How many examples `test` is of, or `validation` without a test split; 0 where neither was measured.
        targets: Of a regression with several targets: the metrics of each, by name, for the same examples.
        forecast: Of windows: the errors of the forecasts and of baselines, as `engine.forecasts` has them, for the same
            examples.
        exit_code: What the command line exits with.
        reuse: Where reused layers came from and how far they moved; None where nothing was reused.
        shrink: What was gained by a smaller model and what it cost; None where none was made.
    """

    model: Any
    history: list[dict[str, Any]]
    recipe: Recipe
    run: Path
    state: str
    stop_reason: str
    final: str
    best_epoch: int
    validation: dict[str, float] = field(default_factory=dict)
    test: dict[str, float] = field(default_factory=dict)
    baseline: dict[str, float] = field(default_factory=dict)
    targets: dict[str, dict[str, float]] = field(default_factory=dict)
    forecast: dict[str, Any] = field(default_factory=dict)
    examples: int = 0
    exit_code: int = 0
    reuse: dict[str, Any] | None = None
    shrink: dict[str, Any] | None = None

    @property
    def epochs(self) -> int:
        """How many epochs were trained, pretraining not counted."""
        return sum(not is_pretraining(row) for row in self.history)

    @property
    def remark(self) -> str:
        """How little the figures say, where they are of few examples; else empty text."""
        accuracy = (self.test or self.validation).get("accuracy")
        return few_examples(self.examples, None if self.recipe.task == "multilabel" else accuracy)

    @property
    def _trained(self) -> list[dict[str, Any]]:
        return [row for row in self.history if not is_pretraining(row)]

    def history_frame(self) -> "polars.DataFrame":
        """Return the history as a table: a row per epoch, those of pretraining first, and a column per figure."""
        import polars

        return polars.from_dicts(self.history, infer_schema_length=None) if self.history else polars.DataFrame()

    def plot(self) -> "list[Axes]":
        """Draw the learning curves with Matplotlib; returns the axes, one per figure, to change as you like."""
        from matplotlib import pyplot

        names = figures_of(self._trained) or ["loss"]
        _, grid = pyplot.subplots(1, len(names), figsize=(5 * len(names), 3.5), squeeze=False, layout="constrained")
        for axes, name in zip(grid[0], names, strict=True):
            for key, label in ((name, "training"), (f"val_{name}", "validation")):
                points = [(row["epoch"], row[key]) for row in self._trained if row.get(key) is not None]
                if points:
                    axes.plot(*zip(*points, strict=True), label=label)
            if self.best_epoch:
                axes.axvline(self.best_epoch, linestyle="--", color="0.5", linewidth=1, label="best epoch")
            axes.set(xlabel="epoch", ylabel=name)
        if self._trained:
            grid[0][0].legend()
        return list(grid[0])

    def _repr_html_(self) -> str:
        """Return what a notebook shows, a dark one too: how the run ended, and its learning curves."""
        curves = learning_curves(self._trained, best_epoch=self.best_epoch, name=f"curve-{self.run.name}")
        pictures = "".join(curve.picture for curve in curves)
        return f'<pre>{html.escape(escaped(repr(self)))}</pre><div style="background:{PAPER}">{pictures}</div>'

    def __repr__(self) -> str:
        def values(metrics: dict[str, float]) -> str:
            return " ".join(f"{name} {value:.4g}" for name, value in metrics.items())

        epochs = f"{self.epochs} epoch" + ("s" if self.epochs != 1 else "")
        parts = [f"{self.recipe.name}: {self.state} after {epochs} ({self.stop_reason})"]
        if self.validation:
            parts.append(f"validation {values(self.validation)}")
        if self.test:
            parts.append(f"test {values(self.test)}")
        if self.remark:
            parts.append(self.remark)
        return "\n  ".join([*parts, f"run {self.run}"])
