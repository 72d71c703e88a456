"""What an ablation varies: `--vary` and `--drop` become factors, factors become cells. No TensorFlow."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hornbook.errors import Problem, RecipeError
from hornbook.recipes.language.text import parse, shown, to_flow

__all__ = ["ORIGIN", "Cell", "Factor", "Setting", "cells_of", "parse_factors", "split_values", "vary_options"]

ORIGIN = "hornbook ablate"
SAME_TRAINING = {"name", "notes", "tags", "format", "tracking"}
BRACKETS = {"{": "}", "[": "]", "(": ")"}


@dataclass(frozen=True)
class Setting:
    """One value of a factor.

    Attributes:
        option: What the user wrote, ``--vary activation=relu``.
        overrides: What changes the recipe, ``activation=relu`` or ``~normalization``; none leave it as it is.
        label: What tables call it.
    """

    option: str
    overrides: tuple[str, ...]
    label: str


@dataclass(frozen=True)
class Factor:
    """A key of the recipe, or ``key+key``, and the settings to try."""

    key: str
    settings: tuple[Setting, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that it changes."""
        return tuple(self.key.split("+"))


@dataclass(frozen=True)
class Cell:
    """One combination of settings; the baseline has none.

    Attributes:
        label: What tables call it.
        factor: The key it belongs to, for charts; empty for the baseline.
        settings: What it changes.
    """

    label: str
    factor: str
    settings: tuple[Setting, ...]

    @property
    def overrides(self) -> tuple[str, ...]:
        """The overrides that make the cell's recipe out of the baseline's."""
        return tuple(override for setting in self.settings for override in setting.overrides)

    @property
    def option(self) -> str:
        """What the user wrote to get it."""
        return " ".join(setting.option for setting in self.settings)


def vary_options(vary: Mapping[str, Sequence[Any]]) -> list[str]:
    """Return what `--vary` takes, for keys with their values."""
    return [f"{key}={','.join(map(to_flow, values))}" for key, values in vary.items()]


def parse_factors(vary: Sequence[str], drop: Sequence[str], *, cross: bool = False) -> tuple[Factor, ...]:
    """Return the factors of an ablation.

    Args:
        vary: ``key=value,value`` each; values are YAML, and commas inside brackets or quotes belong to a value.
        drop: ``key,key+key`` each: keys to leave out of the recipe, those with a plus between them together.
        cross: Whether they are to be combined, so that none may be a part of another.

    Raises:
        RecipeError: With every option that cannot be understood.
    """
    problems: list[Problem] = []
    factors: list[Factor] = []
    for text in vary:
        factor = _varied(text, problems)
        if factor is not None:
            factors.append(factor)
    for text in drop:
        factors += [factor for keys in text.split(",") if (factor := _dropped(keys, problems)) is not None]
    problems += _clashes(factors, cross=cross)
    if not factors and not problems:
        problems.append(_problem("", "nothing to vary.", "Add --vary activation=relu,tanh or --drop normalization."))
    if problems:
        raise RecipeError(problems, origin=ORIGIN)
    return tuple(factors)


def _varied(text: str, problems: list[Problem]) -> Factor | None:
    key, equals, rest = text.partition("=")
    key, option = key.strip(), f"--vary {text}"
    before = len(problems)
    if not equals or not key:
        problems.append(_problem(option, "expected a key and its values.", "--vary activation=relu,tanh"))
        return None
    if key == "seed":
        problems.append(_problem(option, "seeds are what every cell is repeated over.", "Use --seeds 5."))
    elif key in SAME_TRAINING:
        problems.append(_problem(option, f"'{key}' does not change the training.", ""))
    try:
        texts = split_values(rest)
    except ValueError as error:
        problems.append(_problem(option, f"{error}.", "Put the option in quotes for the shell."))
        return None
    values: list[Any] = []
    for value in texts:
        parsed = parse(value, origin=option)
        if not value or parsed.problems:
            what = "a value is missing" if not value else f"'{value}' is no valid YAML"
            problems.append(_problem(option, f"{what}.", "Separate values by single commas."))
        elif parsed.tree in values:
            problems.append(_problem(option, f"{value} is listed twice.", ""))
        values.append(parsed.tree)
    if len(problems) > before:
        return None
    shown = [_shown(tree, value) for tree, value in zip(values, texts, strict=True)]
    settings = (
        Setting(f"--vary {key}={value}", (f"{key}={value}",), f"{key}={label}")
        for value, label in zip(texts, shown, strict=True)
    )
    return Factor(key, tuple(settings))


def _dropped(text: str, problems: list[Problem]) -> Factor | None:
    """Return the factor that leaves out a key, or several together."""
    keys = [key.strip() for key in text.split("+")]
    option = f"--drop {text.strip()}"
    clash = next((pair for pair in itertools.combinations(keys, 2) if _overlap(*pair)), None)
    if not all(keys) or "=" in text:
        problems.append(_problem(option, "expected a key of the recipe to leave out.", "--drop normalization"))
    elif clash is not None:
        problems.append(_problem(option, f"'{clash[0]}' and '{clash[1]}' overlap.", "Name what to leave out once."))
    else:
        setting = Setting(option, tuple(f"~{key}" for key in keys), f"no {_listed(keys)}")
        return Factor("+".join(keys), (setting,))
    return None


def _listed(keys: Sequence[str]) -> str:
    return " + ".join(keys)


def _overlap(one: str, other: str) -> bool:
    """Return whether two keys are the same, or one is a part of the other."""
    return one == other or one.startswith(f"{other}.") or other.startswith(f"{one}.")


def _shown(tree: Any, text: str) -> str:
    """Return a short name for a value: a component as ``sgd(learning_rate=0.1)``."""
    if not isinstance(tree, dict) or not isinstance(tree.get("name"), str):
        return text
    options = ", ".join(f"{key}={_plain(value)}" for key, value in tree.items() if key != "name")
    return f"{tree['name']}({options})" if options else str(tree["name"])


def _plain(value: Any) -> str:
    return shown(value) if value is None or isinstance(value, bool) else str(value)


def split_values(text: str) -> list[str]:
    """Return values separated by commas; commas inside brackets or quotes do not separate.

    Raises:
        ValueError: If a bracket or quote is not closed.
    """
    values, open_brackets, quote, start = [], list[str](), "", 0
    for place, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"" and (open_brackets or not text[start:place].strip()):
            quote = character
        elif character in BRACKETS:
            open_brackets.append(BRACKETS[character])
        elif open_brackets and character == open_brackets[-1]:
            open_brackets.pop()
        elif character == "," and not open_brackets:
            values.append(text[start:place].strip())
            start = place + 1
    if open_brackets or quote:
        raise ValueError(f"{(open_brackets or [quote])[-1]} is missing")
    return [*values, text[start:].strip()]


def _clashes(factors: Sequence[Factor], *, cross: bool) -> Iterator[Problem]:
    """Yield a problem for keys that appear twice, or that cannot be combined because one is a part of the other."""
    for one, other in itertools.combinations(factors, 2):
        option = other.settings[0].option.split("=")[0]
        is_part = any(_overlap(key, another) for key in one.keys for another in other.keys)
        if one.key == other.key and (cross or option.split()[0] == one.settings[0].option.split()[0]):
            yield _problem(option, f"'{one.key}' is varied already.", "List all values in one option.")
        elif cross and is_part:
            message = f"cannot be combined with '{one.key}', because one is a part of the other."
            yield _problem(option, message, "Leave --cross out, or write whole components.")


def _problem(option: str, message: str, hint: str) -> Problem:
    return Problem((), message, hint, code="ablation", origin=option)


def cells_of(factors: Sequence[Factor], *, cross: bool) -> list[Cell]:
    """Return the cells: each setting alone, or with `cross` every combination of them. The baseline is not among them."""
    if not cross:
        return [Cell(setting.label, factor.key, (setting,)) for factor in factors for setting in factor.settings]
    choices = []
    for factor in factors:
        is_dropped = factor.settings[0].overrides[0] == f"~{factor.keys[0]}"
        kept = Setting(f"--drop {factor.key}", (), f"with {_listed(factor.keys)}")
        choices.append((kept, *factor.settings) if is_dropped else factor.settings)
    return [
        Cell(", ".join(setting.label for setting in settings), settings[0].label, tuple(settings))
        for settings in itertools.product(*choices)
    ]
