"""What reuse gained: a finished run against the same recipe from scratch, over several seeds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hornbook.display.intervals import mean_interval, paired_interval
from hornbook.errors import HornbookError, RunError, UsageError
from hornbook.recipes.control import control_of
from hornbook.recipes.load import load_recipe
from hornbook.recipes.recipe import Recipe
from hornbook.runs.directory import Run, find_run, runs_of
from hornbook.trainer.reuse.record import end_lines, reuse_lines
from hornbook.trainer.train import train

__all__ = ["ReuseReport", "reuse_report"]


@dataclass(frozen=True)
class Pair:
    """The runs of one seed."""

    seed: int
    ours: Run
    control: Run


@dataclass(frozen=True)
class ReuseReport:
    """What is known about a run that began with learned layers.

    Attributes:
        run: Its folder.
        record: Its reuse.json, or None where it was pretrained instead.
        metric: What is compared, ``test accuracy``.
        higher_is_better: Its direction.
        pairs: One mapping per seed: ``seed``, ``reused``, ``control``, ``epochs_to_match``, ``control_epochs``,
            ``examples``; empty without a control.
    """

    run: Path
    record: Mapping[str, Any] | None
    metric: str
    higher_is_better: bool
    pairs: tuple[Mapping[str, Any], ...]

    def json(self) -> dict[str, Any]:
        """Return everything as JSON's types."""
        return {**vars(self), "run": str(self.run), "pairs": list(self.pairs)}

    def text(self) -> str:
        """Return lines of at most 80 characters."""
        lines = [f"{'run':<8}{self.run}", *reuse_lines(self.record)]
        if self.record is not None and "unchanged" in self.record:
            lines += [*_moves(self.record), *end_lines(self.record)]
        if not self.pairs:
            return "\n".join([*lines, f"{'next':<8}--control trains the same recipe from scratch and compares"])
        lines += ["", f"{'seed':>6} {'reused':>9} {'control':>9}   epochs until the control's best validation value"]
        for row in self.pairs:
            reached = row["epochs_to_match"]
            when = f"{reached} (control {row['control_epochs']})" if reached else "never"
            lines.append(f"{row['seed']:>6} {row['reused']:>9.4f} {row['control']:>9.4f}   {when}")
        return "\n".join([*lines, "", *self._verdict()])

    def _verdict(self) -> list[str]:
        ours = [row["reused"] for row in self.pairs]
        theirs = [row["control"] for row in self.pairs]
        difference = paired_interval(ours, theirs)
        lines = [
            f"{self.metric}: reused {mean_interval(ours).text()}, control {mean_interval(theirs).text()}",
            f"difference {difference.text()} (95 % t interval over {difference.count} paired seeds)",
        ]
        if difference.count < 2:
            return [*lines, "One pair says nothing about seeds: raise --seeds."]
        gain = difference.mean > 0 if self.higher_is_better else difference.mean < 0
        if not difference.excludes_zero:
            lines.append("No difference detected.")
        else:
            lines.append("Reuse is better." if gain else "Reuse is worse than training from scratch.")
        return [*lines, *self._saved()]

    def _saved(self) -> list[str]:
        matched = [row for row in self.pairs if row["epochs_to_match"]]
        if not matched:
            return ["Reuse never reaches the control's best validation value, so it saves nothing."]
        epochs = sum(row["control_epochs"] - row["epochs_to_match"] for row in matched) / len(matched)
        examples = sum(row["examples"] * (row["control_epochs"] - row["epochs_to_match"]) for row in matched) / len(
            matched
        )
        word = "saves" if epochs >= 0 else "costs"
        lines = [
            f"Reaching the control's best validation value {word} {abs(epochs):.1f} epochs ({abs(examples):,.0f} examples)"
        ]
        lines.append(f"in the mean of {len(matched)} of {len(self.pairs)} seeds that reach it.")
        return lines


def _moves(record: Mapping[str, Any]) -> list[str]:
    rows = [row for row in record["layers"] if row.get("moved") is not None]
    if len(rows) > 20:
        return []
    return [f"        {row['layer']:<32} moved {100 * row['moved']:>7.2f} %" for row in rows]


def reuse_report(
    name: str | Path,
    *,
    control: bool = False,
    seeds: int = 5,
    runs: Path = Path("runs"),
    say: Callable[[str], None] = lambda text: None,
    trust: bool = False,
) -> ReuseReport:
    """Return what reuse (or pretraining) gained in a finished run.

    Args:
        name: The run's folder, or its recipe's name.
        control: Whether to train the same recipe from scratch, and both with further seeds. Runs that are there already
            are not trained again.
        seeds: Seeds per side, the run's own and those that follow it.
        runs: Where runs are.
        say: Called with a line per training.
        trust: Whether code may be run that the earlier model holds, which is loaded again with `control`.

    Raises:
        UsageError: If the run neither reuses nor pretrains anything.
        RunError: If it is not finished.
    """
    run = find_run(name)
    recipe = load_recipe(run.recipe_path, for_training=False, of_run=True, trust=trust)
    if recipe.reuse is None and recipe.pretraining is None:
        raise UsageError(
            f"{run.path}: its recipe has neither 'reuse' nor 'pretraining', so there is nothing to compare."
        )
    if run.result.get("state") != "finished":
        raise RunError(f"{run.path}: not finished ({run.result.get('state')}). hornbook resume {run.path}")
    split = "test" if run.result.get("test") else "validation"
    metric = (recipe.training.metrics or ())[0] if recipe.training.metrics else None
    label, higher = (metric.recorded, metric.mode == "max") if metric is not None else ("loss", False)
    pairs = _pairs(run, recipe, seeds, runs, say) if control else []
    rows = [_row(pair, split, label, higher=higher) for pair in pairs]
    return ReuseReport(run.path, run.reuse, f"{split} {label}", higher, tuple(rows))


def _pairs(run: Run, recipe: Recipe, seeds: int, runs: Path, say: Callable[[str], None]) -> list[Pair]:
    pairs = []
    for seed in range(recipe.seed, recipe.seed + seeds):
        own = recipe.replaced({"seed": seed})
        ours = run if seed == recipe.seed else _trained(own, runs, say)
        pairs.append(Pair(seed, ours, _trained(control_of(own), runs, say)))
    return pairs


def _trained(recipe: Recipe, runs: Path, say: Callable[[str], None]) -> Run:
    """Return a finished run of exactly this recipe: one that is there, or a new one."""
    name = recipe.name or "recipe"
    for earlier in runs_of(runs, name):
        try:
            is_finished = earlier.result["state"] == "finished"
            there = load_recipe(earlier.recipe_path, for_training=False, of_run=True, trust=recipe.is_trusted)
        except HornbookError as error:
            say(f"{earlier.path}: left out, because it cannot be read ({error})")
            continue
        if is_finished and there.to_dict() == recipe.to_dict():
            say(f"{name} seed {recipe.seed}: {earlier.path}, trained before")
            return earlier
    result = train(recipe, runs=runs)
    say(f"{name} seed {recipe.seed}: {result.run}")
    return Run(result.run)


def _row(pair: Pair, split: str, label: str, *, higher: bool) -> dict[str, Any]:
    """Return one seed's figures; epochs count until the control's best validation value is reached."""
    key = f"val_{label}"
    ours, theirs = ([row for row in run.history if key in row] for run in (pair.ours, pair.control))
    target, control_epochs = _best(theirs, key, higher=higher)
    reached = next((row["epoch"] for row in ours if _reaches(row[key], target, higher=higher)), None)
    return {
        "seed": pair.seed,
        "reused": pair.ours.result[split][label],
        "control": pair.control.result[split][label],
        "epochs_to_match": reached,
        "control_epochs": control_epochs,
        "examples": pair.ours.data["counts"]["train"],
        "runs": [str(pair.ours.path), str(pair.control.path)],
    }


def _best(history: Sequence[Mapping[str, Any]], key: str, *, higher: bool) -> tuple[float, int]:
    if not history:
        return float("nan"), 0
    best = (max if higher else min)(history, key=lambda row: row[key])
    return float(best[key]), int(best["epoch"])


def _reaches(value: float, target: float, *, higher: bool) -> bool:
    return value >= target if higher else value <= target
