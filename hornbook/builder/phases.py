"""When which layers learn, and at which rate: the phases that `reuse.freeze` and `reuse.unfreeze` make of a run."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from hornbook.errors import Path, Problem, RecipeError
from hornbook.recipes.language.layer_names import UnknownLayer, block_number, select
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sections.reuse import GradualUnfreeze, Reuse

__all__ = ["Phase", "chosen_layers", "frozen_forever", "phases_of"]


@dataclass(frozen=True)
class Phase:
    """A stretch of epochs in which the same layers learn.

    Attributes:
        name: What the history calls it: ``training``, ``frozen``, ``unfrozen``, ``unfrozen_2`` …
        start: Its first epoch, counted from 0.
        frozen: Names of layers that do not learn.
        factors: What the learning rate is multiplied by, by layer; 1 where a layer is missing.
        resets_optimizer: Whether the optimizer starts afresh.
    """

    name: str = "training"
    start: int = 0
    frozen: frozenset[str] = frozenset()
    factors: Mapping[str, float] = field(default_factory=dict)
    resets_optimizer: bool = False

    def key(self) -> str:
        """Return a text that is the same for phases in which the same happens."""
        return repr((sorted(self.frozen), sorted(self.factors.items())))

    def sentence(self, learning: Collection[str]) -> str:
        """Return what is frozen, for people; `learning` are the layers that have something to learn."""
        blocks = list(dict.fromkeys(_block(name) for name in sorted(self.frozen & set(learning), key=_by_number)))
        shown = (
            ", ".join(blocks) if len(blocks) <= 6 else f"{', '.join(blocks[:3])} … {blocks[-1]} ({len(blocks)} layers)"
        )
        rates = sorted({factor for name, factor in self.factors.items() if factor != 1 and name not in self.frozen})
        scaled = f", rates ×{', ×'.join(f'{rate:g}' for rate in rates[:4])}" if rates else ""
        return (
            f"{self.name} from epoch {self.start + 1}: {f'{shown} frozen' if blocks else 'every layer learns'}{scaled}"
        )


def _block(name: str) -> str:
    return f"hidden_{block_number(name)}" if block_number(name) else name


def _by_number(name: str) -> tuple[int, str]:
    return block_number(name), name


def chosen_layers(layers: str | Sequence[str], names: Sequence[str], path: Path) -> list[str]:
    """Return the layers that a part of the recipe chooses.

    Raises:
        RecipeError: If one does not exist.
    """
    try:
        return select(layers, names)
    except UnknownLayer as error:
        raise RecipeError([Problem(path, str(error), code="reuse-source")]) from error


def _frozen_first(reuse: Reuse, names: Sequence[str], copied: Sequence[str]) -> list[str]:
    if isinstance(reuse.freeze, bool):
        return list(copied) if reuse.freeze else []
    return list(copied) if reuse.freeze == "all" else chosen_layers(reuse.freeze, names, ("reuse", "freeze"))


def frozen_forever(reuse: Reuse | None, names: Sequence[str], copied: Sequence[str]) -> set[str]:
    """Return the layers that never learn, for which an optimizer need not keep anything.

    Args:
        reuse: The section of the recipe.
        names: All layers of the network, in order.
        copied: Those that come from the earlier model.
    """
    if reuse is None:
        return set()
    frozen = _frozen_first(reuse, names, copied)
    if isinstance(reuse.unfreeze, GradualUnfreeze):
        return set()
    for index, entry in enumerate(reuse.unfreeze or ()):
        gone = set(chosen_layers(entry.layers, frozen, ("reuse", "unfreeze", index, "layers")))
        frozen = [name for name in frozen if name not in gone]
    return set(frozen)


def phases_of(recipe: Recipe, names: Sequence[str], copied: Sequence[str], *, batches: int) -> tuple[Phase, ...]:
    """Return the phases of a run in order; one where nothing is frozen or thawed.

    Args:
        recipe: A resolved recipe.
        names: All layers of the network, in order.
        copied: Those that come from the earlier model.
        batches: Batches per epoch.
    """
    reuse = recipe.reuse
    if reuse is None:
        return (Phase(),)
    frozen, factors = _frozen_first(reuse, names, copied), _first_factors(reuse, names, copied)
    phases = [Phase("frozen" if frozen else "training", 0, frozenset(frozen), factors)]
    length = recipe.training.length(batches=batches, accumulation=recipe.optimizer.accumulation)
    for start, layers, factor, resets in _events(reuse, frozen, length.in_epochs):
        last = phases[-1]
        factors = dict(last.factors) | {name: last.factors.get(name, 1.0) * factor for name in layers}
        rest = last.frozen - set(layers)
        if start == last.start:
            phases[-1] = Phase(last.name if rest else "training", start, rest, factors, last.resets_optimizer)
            continue
        number = sum(phase.name.startswith("unfrozen") for phase in phases) + 1
        name = "unfrozen" if number == 1 else f"unfrozen_{number}"
        phases.append(Phase(name, start, rest, factors, resets))
    return tuple(phase for phase in phases if phase.start < length.epochs)


def _first_factors(reuse: Reuse, names: Sequence[str], copied: Sequence[str]) -> dict[str, float]:
    given = reuse.learning_rate_factor
    if not isinstance(given, dict):
        return {} if given == 1 else dict.fromkeys(copied, float(given))
    factors: dict[str, float] = {}
    for layers, factor in given.items():
        factors |= dict.fromkeys(chosen_layers(layers, names, ("reuse", "learning_rate_factor", layers)), float(factor))
    return factors


def _events(
    reuse: Reuse, frozen: Sequence[str], epoch: Callable[[int | str], int]
) -> Iterator[tuple[int, list[str], float, bool]]:
    """Yield (first epoch, layers, factor, whether the optimizer starts afresh) of every unfreezing, in time order."""
    given = reuse.unfreeze
    if isinstance(given, GradualUnfreeze):
        start, factor = epoch(given.after), 1.0
        for block in _blocks_from_top(frozen):
            yield start, block, factor, given.optimizer == "reset"
            start, factor = start + max(epoch(given.every), 1), factor * given.learning_rate_factor
        return
    events = []
    for index, entry in enumerate(given or ()):
        layers = chosen_layers(entry.layers, frozen, ("reuse", "unfreeze", index, "layers"))
        events.append((epoch(entry.after), layers, entry.learning_rate_factor, entry.optimizer == "reset"))
    yield from sorted(events, key=lambda event: event[0])


def _blocks_from_top(frozen: Sequence[str]) -> list[list[str]]:
    """Return the frozen layers block by block, the one nearest to the head first; each layer of a foreign network is one."""
    blocks: dict[str, list[str]] = {}
    current = ""
    for name in frozen:
        number = block_number(name)
        current = f"hidden_{number}" if number else name
        blocks.setdefault(current, []).append(name)
    return list(reversed(list(blocks.values())))
