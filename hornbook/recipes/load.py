"""From a config (file, shipped name, text or mapping) and overrides to a checked Recipe. No TensorFlow."""

import re
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from hornbook.errors import Path, Problem, RecipeError, UsageError
from hornbook.recipes.before import as_before
from hornbook.recipes.language.hints import did_you_mean, nearest_file, what_it_is
from hornbook.recipes.language.overrides import SPACE, apply_overrides
from hornbook.recipes.language.spec import Component
from hornbook.recipes.language.text import MAX_CHARACTERS, Document, document_of, parse
from hornbook.recipes.language.translate import problems_of
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.rules.check import Facts, check_rules
from hornbook.recipes.shrunk import complete
from hornbook.recipes.targets import name_targets
from hornbook.recipes.trial import space_problems

__all__ = [
    "Checked",
    "Look",
    "check_recipe",
    "load_recipe",
    "locate",
    "read_config",
    "refuse_errors",
    "shipped_recipes",
]

Look = Callable[[Recipe], tuple[Facts, list[Problem]]]
"""What looks at a recipe's data: what is known about it, and what is wrong with it."""
OF_DATA = frozenset({".csv", ".tsv", ".parquet", ".xlsx", ".npz", ".npy"})
ONLY_TO_TRAIN = ("reuse", "shrink", "tracking")
"""Sections that name what has to be there to train, and that a trained model does without."""
PLACEHOLDERS = {"data": {"name": "digits"}, "model": {"name": "mlp"}}


@dataclass(frozen=True)
class Config:
    """The text of a recipe, before anything is understood: what it is called and where it came from."""

    text: str
    origin: str
    name: str


@dataclass(frozen=True)
class Checked:
    """What a check found: the recipe (None where it has errors), every problem in line order, and the text."""

    recipe: Recipe | None
    problems: tuple[Problem, ...]
    config: Config
    overrides: tuple[str, ...] = ()

    @property
    def errors(self) -> list[Problem]:
        """The problems that make the run wrong."""
        return [problem for problem in self.problems if problem.severity == "error"]

    @property
    def warnings(self) -> list[Problem]:
        """The problems that theory calls unwise."""
        return [problem for problem in self.problems if problem.severity == "warning"]


def shipped_recipes() -> dict[str, str]:
    """Return the recipes that come with Hornbook: {name: text}."""
    folder = resources.files("hornbook") / "configs"
    files = sorted((item for item in folder.iterdir() if item.name.endswith(".yaml")), key=lambda item: item.name)
    return {item.name.removesuffix(".yaml"): item.read_text(encoding="utf-8") for item in files}


def read_config(config: str | FilePath) -> Config:
    """Return the text of a recipe: a local file, else a shipped name (with or without .yaml), or ``-`` for stdin.

    Raises:
        UsageError: If there is no such recipe, or the file cannot be read as text.
    """
    name = str(config)
    if name == "-":
        try:
            return Config(sys.stdin.read(MAX_CHARACTERS + 1), "standard input", "recipe")
        except UnicodeDecodeError as error:
            raise UsageError(f"standard input: cannot be read as text ({error}).") from error
    path = FilePath(name)
    if path.is_file():
        if path.suffix.lower() in OF_DATA:
            hint = f"'hornbook new {path.stem}.yaml --data {name}' writes one for it."
            raise UsageError(f"{name}: is data, not a recipe. {hint}")
        try:
            if path.stat().st_size > 4 * MAX_CHARACTERS:  # bytes
                raise UsageError(f"{name}: {path.stat().st_size:,} bytes, which is too large for a recipe.")
            return Config(path.read_bytes().decode("utf-8-sig"), name, _run_name(path.stem))
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{name}: cannot be read as a text file ({error}).") from error
    folder = resources.files("hornbook") / "configs"
    plain = name.removesuffix(".yaml")
    shipped = folder / f"{plain}.yaml"
    if re.fullmatch(r"[A-Za-z0-9_]+", plain) and shipped.is_file():
        return Config(shipped.read_text(encoding="utf-8"), f"{plain}.yaml", plain)
    if path.is_dir():
        raise UsageError(f"{name}: this is a folder. Name a recipe file, for instance {path / 'recipe.yaml'}.")
    near = nearest_file(path, "*.y*ml") or did_you_mean(FilePath(plain).name, shipped_recipes())
    other = near if near.startswith("Did") else "'hornbook list recipes' shows the shipped ones."
    hint = what_it_is(name) or other
    raise UsageError(f"{name}: there is no such file, and no shipped recipe of that name. {hint}")


def _run_name(stem: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", stem).strip("_.-")[:80] or "recipe"


def load_recipe(
    config: str | FilePath | Mapping[str, Any],
    overrides: Sequence[str] = (),
    *,
    for_training: bool = True,
    of_run: bool = False,
    trust: bool = False,
) -> Recipe:
    """Return a checked recipe.

    Args:
        config: A file, the name of a shipped recipe, YAML text with line breaks, or a mapping.
        overrides: ``key.path=value`` and ``~key``, as on the command line.
        for_training: Whether the earlier model of `reuse` or `shrink`, and the clients of trackers, have to be there; a
            trained model does not need them.
        of_run: Whether this is the recipe that a run left: a key that it lacks means what was done before there was one,
            and `trust` in it means nothing, because a folder cannot vouch for itself.
        trust: What `reuse.trust` of a run's recipe is instead: whether the caller knows where the earlier model comes from.

    Raises:
        RecipeError: With every problem, in line order.
        UsageError: If there is no such recipe.

    Examples:
        >>> recipe = hornbook.load_recipe("he_elu_bn", ["activation=selu"])
    """
    checked = check_recipe(config, overrides, for_training=for_training, of_run=of_run, trust=trust)
    if checked.recipe is None:
        raise RecipeError(checked.problems, origin=checked.config.origin)
    return checked.recipe


def check_recipe(
    config: str | FilePath | Mapping[str, Any],
    overrides: Sequence[str] = (),
    *,
    for_training: bool = True,
    of_run: bool = False,
    trust: bool = False,
    look: Look | None = None,
) -> Checked:
    """Return everything that is wrong with a recipe, all at once, and the recipe where nothing is.

    Args:
        config: This and all but `look` are as for `load_recipe`.
        look: Looks at the data that a recipe names; omitted: what the recipe says of it.
    """
    if isinstance(config, Mapping):
        source = Config("", "recipe", "recipe")
        document = document_of(config)
    else:
        is_text = isinstance(config, str) and "\n" in config
        source = Config(str(config), "recipe", "recipe") if is_text else read_config(config)
        document = parse(source.text, origin=source.origin)
    complete(document)
    apply_overrides(document, overrides, defaults=_default_components())
    complete(document)  # where an override names the earlier run
    name_targets(document)
    if of_run and isinstance(document.tree, dict):
        as_before(document.tree)
        _trust_now(document.tree, trust=trust)
    problems = list(document.problems)
    recipe: Recipe | None = None
    if document.tree is not None and not isinstance(document.tree, dict):
        problems.append(
            Problem((), f"a recipe is a mapping of keys, found {type(document.tree).__name__}.", code="yaml")
        )
    elif isinstance(document.tree, dict) and document.tree:
        see = None if look is None else lambda recipe: look(recipe.from_document(document))
        recipe, found = _validate(document.tree, source.name, unread=() if for_training else ONLY_TO_TRAIN, look=see)
        problems += found
    elif not problems:
        problems.append(Problem((), "the recipe is empty.", "'hornbook new' writes one to start from.", code="yaml"))
    placed = locate(problems, document)
    if recipe is not None and any(problem.severity == "error" for problem in placed):
        recipe = None
    if recipe is not None:
        recipe = recipe.from_document(document)
    return Checked(recipe, tuple(placed), source, tuple(overrides))


def _trust_now(tree: dict[Any, Any], *, trust: bool) -> None:
    """Let the caller, not the folder, say whether the code of the earlier model may be run."""
    for section in (tree.get("reuse"), tree.get("shrink")):
        if isinstance(section, dict):
            section.pop("trust", None)
            if trust:
                section["trust"] = True


def _default_components() -> dict[str, str]:
    """Return {section: name} of the components that a recipe has where it names none."""
    defaults = {name: field.default for name, field in Recipe.model_fields.items()}
    return {name: default.name for name, default in defaults.items() if isinstance(default, Component)}


def _validate(
    tree: dict[Any, Any], name: str, *, unread: tuple[str, ...] = (), look: Look | None = None
) -> tuple[Recipe | None, list[Problem]]:
    """Return the recipe and its problems; rules run over the sections that are valid by themselves and not `unread`."""
    named = {"name": name, **tree}
    try:
        recipe = Recipe.model_validate(named)
        return recipe, _problems(recipe, unread, look)
    except ValidationError as error:
        problems = problems_of(error, named, Recipe)
        rest, broken = _valid_part(named, [problem.path for problem in problems if problem.path])
        try:
            partial = Recipe.model_validate({**PLACEHOLDERS, **rest})
        except ValidationError:
            return None, problems
        missing = broken | (set(PLACEHOLDERS) - set(rest))
        return None, problems + _problems(partial, missing, look if not missing & {"data", "task", "seed"} else None)


def _problems(recipe: Recipe, without: Collection[str], look: Look | None) -> list[Problem]:
    """Return what the rules find, and before it what a look at the data does, each thing once."""
    facts, seen = look(recipe) if look is not None else (Facts.of(recipe), [])
    said = {(problem.path, problem.message) for problem in seen}
    found = check_rules(recipe, facts, without=without)
    problems = [*seen, *(problem for problem in found if (problem.path, problem.message) not in said)]
    if not without and not any(problem.severity == "error" for problem in problems):
        problems += space_problems(recipe)
    return problems


def _valid_part(tree: dict[Any, Any], wrong: Sequence[Path]) -> tuple[dict[Any, Any], set[Any]]:
    """Return the sections that are valid by themselves, of a sweep's space the entries, and the sections left out."""
    broken: set[Any] = {path[0] for path in wrong}
    rest = {key: value for key, value in tree.items() if key not in broken}
    in_sweep = [path for path in wrong if path[0] == "sweep"]
    if in_sweep and all(path[:2] == SPACE and len(path) > len(SPACE) for path in in_sweep):
        gone = {path[2] for path in in_sweep}
        space = {key: entry for key, entry in tree["sweep"]["space"].items() if key not in gone}
        while waiting := [key for key, entry in space.items() if gone & set(_conditions(entry))]:
            gone |= set(waiting)
            space = {key: entry for key, entry in space.items() if key not in gone}
        if space:
            return rest | {"sweep": tree["sweep"] | {"space": space}}, broken - {"sweep"}
    return rest, broken


def _conditions(entry: Any) -> Iterable[Any]:
    when = entry.get("when") if isinstance(entry, Mapping) else None
    return when if isinstance(when, Mapping) else ()


def locate(problems: Iterable[Problem], document: Document) -> list[Problem]:
    """Return the problems with line and column, in line order; a path without a place gets its parent's."""
    placed = []
    for problem in problems:
        if problem.line or problem.origin:
            placed.append(problem)
            continue
        by_key = problem.code == "unknown-key"
        place, path = None, problem.path
        while place is None:
            place = document.places.get(path)
            if place is None and not path:
                break
            by_key = by_key and place is not None
            path = path[:-1]
        if place is None:
            placed.append(problem)
        else:
            line, column = place.key if by_key or _is_absent(problem.path, document) else place.value
            placed.append(problem.at(line=line, column=column, origin=place.origin))
    return sorted(placed, key=lambda problem: (problem.line == 0, problem.line, problem.column))


def refuse_errors(recipe: Recipe, problems: Sequence[Problem]) -> None:
    """Refuse a checked recipe for problems that came up later, where one of them is an error.

    Raises:
        RecipeError: With all of them, placed in the recipe's text.
    """
    if any(problem.severity == "error" for problem in problems):
        document = recipe.document
        placed = locate(problems, document) if document is not None else problems
        raise RecipeError(placed, origin=document.origin if document is not None else "recipe")


def _is_absent(path: Path, document: Document) -> bool:
    return path not in document.places
