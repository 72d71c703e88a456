"""What `hornbook.train` returns."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hornbook.recipes.recipe import Recipe
from hornbook.runs.directory import is_pretraining

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
        targets: Of a regression with several targets: the metrics of each, by name, for the same examples.
        exit_code: What the command line exits with.
        reuse: Where reused layers came from and how far they moved; None where nothing was reused.
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
    exit_code: int = 0
    reuse: dict[str, Any] | None = None

    @property
    def epochs(self) -> int:
        """How many epochs were trained, pretraining not counted."""
        return sum(not is_pretraining(row) for row in self.history)

    def __repr__(self) -> str:
        def values(metrics: dict[str, float]) -> str:
            return " ".join(f"{name} {value:.4g}" for name, value in metrics.items())

        epochs = f"{self.epochs} epoch" + ("s" if self.epochs != 1 else "")
        parts = [f"{self.recipe.name}: {self.state} after {epochs} ({self.stop_reason})"]
        if self.validation:
            parts.append(f"validation {values(self.validation)}")
        if self.test:
            parts.append(f"test {values(self.test)}")
        return "\n  ".join([*parts, f"run {self.run}"])
