"""Rules about `reuse`: the earlier model is read (never loaded) as soon as the recipe is checked."""

from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath

from hornbook.errors import HornbookError, Path, Problem
from hornbook.recipes.facts import Facts
from hornbook.recipes.language.layer_names import UnknownLayer, block_number, select
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sections.normalization import NormalizationSpec
from hornbook.recipes.sections.reuse import GradualUnfreeze, Reuse, Unfreeze
from hornbook.runs.directory import find_run
from hornbook.runs.keras_file import StoredLayer, StoredModel
from hornbook.runs.model_file import read_model_file, read_weights_file

__all__ = ["CutError", "cut", "source_file"]


class CutError(ValueError):
    """A choice of layers that cannot be cut out of a network."""


def source_file(reuse: Reuse) -> FilePath | None:
    """Return the path of the earlier model's file; None for an application.

    Raises:
        UsageError: If there is no such run.
        RunError: If the run has no model.
    """
    if not isinstance(reuse.from_, str):
        return None
    own = reuse.file()
    return own if own is not None else find_run(reuse.from_).model_path()


def cut(stored: StoredModel, reuse: Reuse) -> tuple[list[str], str]:
    """Return (names of the kept layers, name of the last one): everything that leads to the last chosen layer.

    Raises:
        UnknownLayer: If a choice fits no layer.
        CutError: If what is chosen does not hang together.
    """
    names = stored.names()
    by_name = {layer.name: layer for layer in stored.layers}
    chosen = select(reuse.layers, names) if reuse.layers is not None else _all_but_head(stored)
    if not any(by_name[name].learns for name in chosen):
        raise CutError("no layer that has learned anything would be kept.")
    last = chosen[-1]
    kept = _ancestors(last, by_name)
    aside = [name for name in chosen if name not in kept]
    if aside:
        raise CutError(f"'{aside[-1]}' does not lead to '{last}', so no path goes through both.")
    holes = [name for name in names if name in kept and name not in chosen and by_name[name].learns]
    if holes:
        raise CutError(f"'{holes[-1]}' comes before '{last}' and is not kept, which leaves no path to it.")
    passing = _passing(last, by_name)
    if passing is not None:
        reader, read = passing
        meet = [name for name in names if _learned(name, by_name) and _passing(name, by_name) is None]
        near = [*[name for name in meet if name in kept][-1:], *[name for name in meet if name not in kept][:1]]
        where = f" Cut where branches have met: at {' or '.join(map(repr, near))}." if near else ""
        raise CutError(f"'{reader}' reads '{read}' past '{last}', so a branch crosses the cut.{where}")
    return [name for name in names if name in kept], last


def _passing(last: str, by_name: Mapping[str, StoredLayer]) -> tuple[str, str] | None:
    """Return (a layer behind a cut, what it reads in front of it) where that has learned something; None without such."""
    kept = _ancestors(last, by_name)
    for name, layer in by_name.items():
        for parent in layer.parents:
            if name not in kept and parent in kept and parent != last and _learned(parent, by_name):
                return name, parent
    return None


def _learned(name: str, by_name: Mapping[str, StoredLayer]) -> bool:
    return any(by_name[each].learns for each in _ancestors(name, by_name))


def _ancestors(last: str, by_name: Mapping[str, StoredLayer]) -> set[str]:
    found, waiting = set(), [last]
    while waiting:
        name = waiting.pop()
        if name not in found and name in by_name:
            found.add(name)
            waiting += by_name[name].parents
    return found


def _all_but_head(stored: StoredModel) -> list[str]:
    """Return all layers but the head: ours by its name, another network's last layer that learns and what follows."""
    names = stored.names()
    own = [name for name in names if name == "head" or name.startswith("head_")]
    if own:
        return [name for name in names if name not in own]
    learning = [place for place, layer in enumerate(stored.layers) if layer.learns]
    return names[: learning[-1]] if learning else []


def source_is_usable(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """A model that is not there, cannot be read, needs code, or lacks the layers that are asked for."""
    reuse = recipe.reuse
    if reuse is None or not isinstance(reuse.from_, str):
        return
    try:
        path = source_file(reuse)
        if path is not None and reuse.holds_weights_alone:
            read_weights_file(path)
            return
        stored = read_model_file(path) if path is not None else None
    except HornbookError as error:
        yield Problem(("reuse", "from"), str(error), "Train the earlier model first, or name another run or file.")
        return
    if stored is None:
        return
    if stored.needs_code and not reuse.trust:
        message = f"{stored.path} holds code or layers of another package: {', '.join(stored.needs_code)}."
        hint = "It is not loaded. If you know where it comes from, add 'trust: true', or --trust for a run."
        yield Problem(("reuse", "from"), message, hint)
        return
    yield from _layer_problems(reuse, stored)


def _layer_problems(reuse: Reuse, stored: StoredModel) -> Iterator[Problem]:
    names = stored.names()
    kept: list[str] = []
    for new, old in (reuse.copy_ or {}).items():
        try:
            select(old, names)
        except UnknownLayer as error:
            yield Problem(("reuse", "copy", new), f"{stored.path.name}: {error}")
    if reuse.copy_ is None:
        try:
            kept, _ = cut(stored, reuse)
        except (UnknownLayer, CutError) as error:
            yield Problem(("reuse", "layers"), f"{error}")
            return
    for path, item in _choices(reuse):
        if reuse.copy_ is None and item != "all" and not block_number(item) and not item.startswith("head"):
            try:
                select(item, kept)
            except UnknownLayer as error:
                yield Problem(path, f"{error}")


def _choices(reuse: Reuse) -> Iterator[tuple[Path, str]]:
    """Yield every choice of layers beside `layers`, with its path."""
    found: list[tuple[Path, object]] = [(("reuse", "freeze"), reuse.freeze)]
    if isinstance(reuse.unfreeze, tuple):
        found += [(("reuse", "unfreeze", index, "layers"), entry.layers) for index, entry in enumerate(reuse.unfreeze)]
    if isinstance(reuse.learning_rate_factor, dict):
        found += [(("reuse", "learning_rate_factor", key), key) for key in reuse.learning_rate_factor]
    for path, value in found:
        for item in (value,) if isinstance(value, str) else value if isinstance(value, tuple) else ():
            yield path, str(item)


def timeline_fits(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """Unfreezing that never happens, or without anything frozen."""
    reuse = recipe.reuse
    if reuse is None or reuse.unfreeze is None:
        return
    if reuse.freeze is False:
        yield Problem(("reuse", "unfreeze"), "nothing is frozen.", "Remove it, or remove 'freeze: false'.")
    given = reuse.unfreeze
    entries: list[tuple[Path, Unfreeze | GradualUnfreeze]] = (
        [(("reuse", "unfreeze", "after"), given)]
        if isinstance(given, GradualUnfreeze)
        else [(("reuse", "unfreeze", index, "after"), entry) for index, entry in enumerate(given)]
    )
    training, batches = recipe.training, facts.batches(recipe)
    length = training.length(batches=batches or 1000, accumulation=recipe.optimizer.accumulation)
    for path, entry in entries:
        is_share, in_steps = (isinstance(entry.after, str) and unit in entry.after for unit in ("%", "step"))
        is_other_unit = not is_share and in_steps != isinstance(training.epochs, str)
        if is_other_unit and (batches is None or in_steps):
            continue  # only the data tells how many steps an epoch has
        if length.in_batches(entry.after) >= length.total:
            end = f"with epoch {training.epochs}" if isinstance(training.epochs, int) else f"after {training.epochs}"
            message = f"the run ends {end}, so these layers are never unfrozen."
            yield Problem(path, message, "Unfreeze earlier, or train longer.")


def inputs_belong_to_source(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """What changes inputs, where the kept layers bring their own preprocessing."""
    reuse = recipe.reuse
    if reuse is None or reuse.copy_ is not None or reuse.file() is not None:
        return
    message = "the reused layers bring the preprocessing that they were trained with."
    if isinstance(recipe.normalization, NormalizationSpec) and recipe.normalization.input:
        yield Problem(("normalization", "input"), message, "Remove it.")
    if recipe.regularization.input_dropout:
        yield Problem(("regularization", "input_dropout"), message, "Remove it.")
    for key in ("standardize", "scale"):
        if getattr(recipe.data, key) is not None:
            yield Problem(("data", key), message, "Remove it.")
    if recipe.data.augmentation is not None and recipe.data.augmentation.noise:
        yield Problem(("data", "augmentation", "noise"), message, "Remove it, or use 'regularization.gaussian_noise'.")


RULES = (
    ("reuse-source", ("reuse",), source_is_usable),
    ("reuse-timeline", ("reuse", "training"), timeline_fits),
    ("reuse-inputs", ("reuse", "data", "normalization", "regularization"), inputs_belong_to_source),
)
