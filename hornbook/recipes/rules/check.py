"""Rules that span sections: errors where the run would be wrong, warnings where theory calls it unwise, tips
that call for no action.

A rule names its code and the sections it reads; it runs when those are valid, even if others are not. Each code is
described in docs/errors.md.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace

from hornbook.errors import Path, Problem
from hornbook.recipes.facts import Facts
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.rules import (
    amounts,
    augmentation,
    connections,
    data,
    examples,
    heads,
    installed,
    model,
    pretraining,
    rate,
    reuse,
    shrink,
    sweep,
    symmetry,
    theory,
    tokens,
    tracking,
    training,
)

__all__ = ["RULES", "Facts", "check_rules"]

RuleFunction = Callable[[Recipe, Facts], Iterator[Problem]]

OF_ALL_HEADS = frozenset({"heads-or-head", "mixing", "imbalance", "shrink-source", "sweep-loss", "sweep-space"})
"""Rules that read `head` and look at a recipe with several heads as a whole, or advise of what is of one head alone."""


@dataclass(frozen=True)
class Rule:
    """A check, its stable code, and the top-level keys it reads."""

    code: str
    reads: tuple[str, ...]
    check: RuleFunction


RULES = tuple(
    Rule(code, reads, check)
    for module in (
        data,
        heads,
        model,
        connections,
        tokens,
        pretraining,
        reuse,
        shrink,
        training,
        rate,
        theory,
        symmetry,
        amounts,
        augmentation,
        examples,
        sweep,
        tracking,
        installed,
    )
    for code, reads, check in module.RULES
)


def check_rules(recipe: Recipe, facts: Facts, *, without: Collection[str] = ()) -> Iterator[Problem]:
    """Yield every problem of a recipe whose sections are valid by themselves.

    Args:
        recipe: The recipe; sections in `without` are placeholders.
        facts: What is known about the data.
        without: Sections that are missing or not valid; rules that read them do not run.
    """
    unread = {*without} | ({"head", "task"} if "heads" in without else set())
    for rule in RULES:
        if not set(rule.reads) & unread:
            for problem in _found(rule, recipe, facts):
                is_named = rule.code == "data" or problem.code == "unknown-key"
                yield problem if is_named else replace(problem, code=rule.code)


def _found(rule: Rule, recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """Yield what a rule finds; a rule about a head looks at each of several as if there were no other."""
    if recipe.heads is None or "head" not in rule.reads or rule.code in OF_ALL_HEADS:
        yield from rule.check(recipe, facts)
        return
    said = set[tuple[Path, str]]()
    for name in recipe.heads:
        view = recipe.of_head(name)
        for problem in rule.check(view, facts.heads.get(name) or Facts.of(view)):
            placed = replace(problem, path=_of_head(problem.path, name))
            if (placed.path, placed.message) not in said:
                yield placed
            said.add((placed.path, placed.message))


def _of_head(path: Path, name: str) -> Path:
    """Return where a key of the only head stands, where it is one of several."""
    if path[:1] in {("head",), ("task",)}:
        return ("heads", name, *path[path[0] == "head" :])
    if path[:2] == ("training", "metrics"):
        return ("heads", name, *path[1:])
    return path
