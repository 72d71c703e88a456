"""Rules that span sections: errors where the run would be wrong, warnings where theory calls it unwise, tips
that call for no action.

A rule names its code and the sections it reads; it runs when those are valid, even if others are not. Each code is
described in docs/errors.md.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace

from hornbook.errors import Problem
from hornbook.recipes.facts import Facts
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.rules import (
    amounts,
    augmentation,
    connections,
    data,
    examples,
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

__all__ = ["Facts", "check_rules", "rule_codes"]

RuleFunction = Callable[[Recipe, Facts], Iterator[Problem]]


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


def rule_codes() -> list[str]:
    """Return the codes of all rules, in the order in which they run."""
    return [rule.code for rule in RULES]


def check_rules(recipe: Recipe, facts: Facts, *, without: Collection[str] = ()) -> Iterator[Problem]:
    """Yield every problem of a recipe whose sections are valid by themselves.

    Args:
        recipe: The recipe; sections in `without` are placeholders.
        facts: What is known about the data.
        without: Sections that are missing or not valid; rules that read them do not run.
    """
    for rule in RULES:
        if not set(rule.reads) & set(without):
            for problem in rule.check(recipe, facts):
                is_named = rule.code == "data" or problem.code == "unknown-key"
                yield problem if is_named else replace(problem, code=rule.code)
