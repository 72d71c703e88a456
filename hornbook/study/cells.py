"""Trains the runs of a study, and finds again those that an earlier process has finished."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

from hornbook.data import Shelf, load_data, memory_budget
from hornbook.data.facts import DataInfo
from hornbook.engine.turns import runs_at_once
from hornbook.errors import BusyError, DivergedError, HornbookError, RunError
from hornbook.recipes.language.text import to_yaml
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.resolve import resolve
from hornbook.recipes.sections.training import Engine
from hornbook.runs.directory import Run, is_locked, is_pretraining, newest_run, runs_of
from hornbook.trainer.listeners import Listener, Start
from hornbook.trainer.resume import resume
from hornbook.trainer.signals import Interrupted
from hornbook.trainer.train import train

__all__ = ["CellRunner", "Figures", "Source", "train_cell"]

Source = tuple[str, tuple[str, ...]]
"""A recipe's text and overrides, kept with the run."""
ENDED = {"finished", "diverged"}
BEGUN = {"interrupted", "running"}
"""States of a run of the same recipe that is gone on with, unless a process is training it."""


@dataclass(frozen=True)
class Figures:
    """What one run left.

    Attributes:
        seed: Its seed.
        path: Its folder; None where it failed before it had one.
        state: ``finished``, ``diverged`` or ``failed``.
        reason: Why it ended.
        validation: Loss and metrics of the final weights.
        test: The same on the test split.
        history: One mapping per epoch, those of pretraining left out.
        seconds: What the run took, start to end.
        was_there: Whether it was trained before this study.
    """

    seed: int
    path: Path | None
    state: str
    reason: str
    validation: Mapping[str, float] = field(default_factory=dict)
    test: Mapping[str, float] = field(default_factory=dict)
    history: tuple[Mapping[str, Any], ...] = ()
    seconds: float = 0.0
    was_there: bool = False

    @property
    def is_finished(self) -> bool:
        """Whether there are figures to compare."""
        return self.state == "finished"

    def value(self, metric: str) -> float | None:
        """Return ``val_accuracy`` or ``test_accuracy``; None where it is not known."""
        split, _, name = metric.partition("_")
        return (self.test if split == "test" else self.validation).get(name) if self.is_finished else None


class _FolderOf(Listener):
    """Knows the run's folder also where training fails."""

    path: Path | None = None

    def on_start(self, start: Start) -> None:
        """Remember it."""
        self.path = start.run


class CellRunner:
    """Trains recipes in this process, where runs of one structure share compiled programs.

    Args:
        runs: Where runs are, and are made.
    """

    def __init__(self, runs: Path) -> None:
        self.runs = runs
        self._shelf = Shelf()
        self._known: dict[str, dict[str, list[Path]]] = {}
        self._facts: dict[str, tuple[DataInfo, bool]] = {}

    def resolve(self, recipe: Recipe) -> Recipe:
        """Return the recipe as its run will have it, but for the engine.

        Raises:
            RecipeError: If recipe and data do not fit together.
            DataError: If the data cannot be used.
        """
        info, is_standardized = self._data_facts(recipe)
        return resolve(recipe, info, is_standardized=is_standardized)[0]

    def at_once(self, recipe: Recipe, *, are_processes: bool = False) -> int:
        """Return how many runs like a recipe's are best trained at once, in this process or in some of their own."""
        budget = memory_budget(recipe)
        return runs_at_once(recipe, self.data_info(recipe), memory_budget=budget, are_processes=are_processes)

    def data_info(self, recipe: Recipe) -> DataInfo:
        """Return the facts about a recipe's data; errors as of `resolve`."""
        return self._data_facts(recipe)[0]

    def run(self, recipe: Recipe, source: Source) -> Figures:
        """Return what a recipe's run left: one that is there, or a new one.

        Args:
            recipe: A checked recipe.
            source: Its text and overrides, kept with the run.

        Raises:
            Interrupted: If Ctrl-C or SIGTERM ended the run.
        """
        return self.there(recipe) or train_cell(recipe, source, self.found(recipe), self.runs, self._shelf)

    def there(self, recipe: Recipe) -> Figures | None:
        """Return what a recipe's run left that has ended; None where none has."""
        earlier = self.found(recipe)
        if earlier is None or Run(earlier).result["state"] not in ENDED:
            return None
        return replace(figures_of(Run(earlier), recipe.seed), was_there=True)

    def found(self, recipe: Recipe) -> Path | None:
        """Return the newest run of the same resolved recipe on the same data, ended or to be gone on with."""
        known = self._index(recipe.name or "recipe")
        if not known:
            return None
        resolved = self.resolve(recipe).to_dict()
        given = resolved["training"].get("engine", "auto")
        texts = []
        for engine in [given] if given != "auto" else get_args(Engine):
            resolved["training"]["engine"] = engine
            texts.append(to_yaml(resolved))
        candidates = [path for text in texts for path in known.get(text, ())]
        if not candidates:
            return None
        fingerprint = self._data_facts(recipe)[0].fingerprint
        same = [path for path in candidates if Run(path).environment.get("data_fingerprint") == fingerprint]
        return same[0] if same else None

    def _index(self, name: str) -> Mapping[str, list[Path]]:
        """Return {text of the resolved recipe: runs, newest first} of what was there when the study began.

        A run whose process was killed is among them, one that is being trained is not.
        """
        if name not in self._known:
            known: dict[str, list[Path]] = {}
            for run in runs_of(self.runs, name):
                state = _state(run)
                if state in ENDED | BEGUN and not (state == "running" and is_locked(run.path)):
                    known.setdefault(run.recipe_text, []).append(run.path)
            self._known[name] = known
        return self._known[name]

    def _data_facts(self, recipe: Recipe) -> tuple[DataInfo, bool]:
        """Return the data's `DataInfo`, and whether its inputs are standardized; loaded once for all cells."""
        whole = recipe.to_dict()
        key = to_yaml([whole.get(part) for part in ("data", "task", "seed", "pretraining")])
        if key not in self._facts:
            splits = load_data(recipe, shelf=self._shelf).splits
            self._facts[key] = splits.info, splits.preprocessing.variance is not None
        return self._facts[key]


def train_cell(recipe: Recipe, source: Source, earlier: Path | None, runs: Path, shelf: Shelf) -> Figures:
    """Train a recipe, or go on with an earlier run of it, and return what that left.

    Raises:
        Interrupted: If Ctrl-C or SIGTERM ended the run, or the search for its learning rate.
        BusyError: If another process is training the earlier run.
    """
    folder = _FolderOf()
    try:
        if earlier is not None:
            result = resume(earlier, listeners=[folder], shelf=shelf, trust=recipe.is_trusted)
        else:
            is_first = newest_run(Path(runs) / (recipe.name or "recipe")) is None  # else `latest` is one asked for
            result = train(recipe, runs=runs, listeners=[folder], source=source, shelf=shelf, is_latest=is_first)
    except (BusyError, Interrupted):
        raise
    except Exception as error:  # a cell that fails is a row of the table
        state = "diverged" if isinstance(error, DivergedError) else "failed"
        reason = str(error) if isinstance(error, HornbookError) else f"{type(error).__name__}: {error}"
        return Figures(recipe.seed, folder.path, state, " ".join(reason.split()))
    if result is not None and result.exit_code:
        raise Interrupted(result.stop_reason, result.exit_code)
    path = result.run if result is not None else earlier
    if path is None:
        raise TypeError("a run without a folder")
    return figures_of(Run(path), recipe.seed)


def _state(run: Run) -> str:
    try:
        return str(run.result.get("state"))
    except RunError:
        return "unknown"


def figures_of(run: Run, seed: int) -> Figures:
    """Return what a run on disk says."""
    result = run.result
    return Figures(
        seed=seed,
        path=run.path,
        state=str(result["state"]),
        reason=str(result.get("stop_reason", "")),
        validation=result.get("validation") or {},
        test=result.get("test") or {},
        history=tuple(row for row in run.history if not is_pretraining(row)),
        seconds=float(result.get("seconds") or 0.0),
    )
