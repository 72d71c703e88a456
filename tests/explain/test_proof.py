"""The proof that `explain` says what a key became, over all shipped recipes.

Each key of each resolved recipe is changed, and what explain reads from the built objects has to change with it; a key of
the same place below the same component is changed in one recipe. Then keys are disconnected: the builder gets the old
value, and explain, were it to look at the recipe, would not notice.
"""

import os
import pathlib
from fnmatch import fnmatch

import pytest
from other_values import changed

from hornbook import load_recipe
from hornbook.data import Shelf
from hornbook.errors import HornbookError, Path, format_path
from hornbook.explain.became import became
from hornbook.explain.explanation import NAMES
from hornbook.explain.objects import Objects
from hornbook.recipes import shipped_recipes
from hornbook.recipes.language.keys import put
from hornbook.recipes.origins import leaves
from hornbook.recipes.recipe import Recipe
from hornbook.trainer import prepare as preparing
from hornbook.trainer import session as sessions
from hornbook.trainer.train import train

NOT_HERE = {"rnn_imdb", "fashion_b_best", "fashion_b_on_a", "reused_application", "picture_folder"}
"""Recipes that need data, runs or weights that are not here."""
FASHION = pathlib.Path(os.environ.get("HORNBOOK_DATA", "")) / "fashion-mnist"
HAS_FASHION = pytest.mark.skipif(not FASHION.exists(), reason="no fashion-mnist in HORNBOOK_DATA")
SOME = ["he_elu_bn", "rnn_waves", "sweep_grid"]
"""Those that are looked at with each change: a network, a recurrent one, a sweep."""
FIXED = {
    "head.units": "as many as the labels need, or the data is refused",
    "head.activation.name": "the loss asks for it",
    "head.loss.name": "the head's activation asks for it",
    "heads.*.units": "as many as the labels need, or the data is refused",
    "heads.*.activation.name": "the loss asks for it",
    "heads.*.target": "another column has another task, with which the resolved head does not fit",
    "heads.*.metrics.*.name": "early stopping watches it",
    "heads.*.task": "the resolved loss and units do not fit another",
    "data.name": "other data has another task or shape, with which the resolved head does not fit",
    "data.arms": "as many classes, with which the resolved head does not fit",
    "data.horizon": "as many targets, with which the resolved head does not fit",
    "data.relabel.*": "as many classes, with which the resolved head does not fit",
    "model.name": "the layers of a network, which another kind does not read from its data",
    "model.frozen_embedding": "no shipped recipe has a file of embeddings",
    "model.front_scale": "the optimizer has a factor for what it learns",
    "activation.name": "the optimizer has a factor for what it learns",
    "model.layers.*.name": "another layer takes other keys",
    "model.layers.*.as": "what `from` calls it",
    "model.layers.*.filters": "what is added needs the same shape",
    "model.layers.*.padding": "what is added needs the same shape",
    "normalization.*": "groups divide the channels of hidden layers, not those of inputs and outputs",
    "sweep.space.*": "the other keys of the space wait for it, or it holds a zero, which has no logarithm",
}
"""Keys that take no other value in some shipped recipe, and why."""
TOGETHER = ("initializer", "normalization", "regularization", "optimizer", "schedule", "activation", "sweep")
"""Sections of which a key each is changed in one recipe, to build fewer of them; what one became, no other does."""
ALONE = {"activation.name", "optimizer.learning_rate", "optimizer.accumulation", "normalization.name"}
SHELF = Shelf()
"""Data that was read once."""
BUILDER = ("model", "head", "initializer", "activation", "normalization", "regularization", "optimizer")


def resolved(name: str) -> Recipe:
    """Return a shipped recipe with every default filled in, and its sweep."""
    recipe = load_recipe(name)
    tree = Objects(recipe, shelf=SHELF).prepared.recipe.to_dict()
    if recipe.sweep is not None:
        tree["sweep"] = recipe.to_dict()["sweep"]
    return Recipe.model_validate(tree)


def signature(tree: dict, path: Path) -> tuple[Path, str]:
    """Return a key's place and the component it belongs to."""
    names, here = [""], tree[path[0]]
    for part in path[1:]:
        names += [here["name"]] if isinstance(here, dict) and "name" in here else []
        here = here[part]
    return path, str(names[-1])


def unexplained(recipe: Recipe, paths: list[Path]) -> tuple[list[Path], list[Path]]:
    """Change keys one by one; returns those whose explanation stays the same, and those that take no other value."""
    tree, before, same, fixed = recipe.to_dict(), Objects(recipe, shelf=SHELF), [], []
    for batch in batches(paths):
        failed = list(batch)
        if len(batch) > 1:
            failed = same_after(tree, before, batch, [next(changed(tree, path), None) for path in batch])
        for path in failed:
            for other in changed(tree, path):
                left = same_after(tree, before, [path], [other])
                if left is not None and not left:
                    break
                if left:
                    same.append(path)
                    break
            else:
                fixed.append(path)
    return same, fixed


def same_after(tree: dict, before: Objects, paths: list[Path], others: list[Recipe | None]) -> list[Path] | None:
    """Return the keys whose explanation stays the same where all are changed; of one key that cannot be, None."""
    whole = Recipe.model_validate(tree).to_dict()
    try:
        for path, other in zip(paths, others, strict=True):
            section = path[:1]
            put(whole, section, other.to_dict()[path[0]])
        after = Objects(others[0] if len(paths) == 1 else Recipe.model_validate(whole), shelf=SHELF)
        return [path for path in paths if became(path, after) == became(path, before)]
    except (HornbookError, ValueError, AttributeError):
        return paths if len(paths) > 1 else None


def batches(paths: list[Path]) -> list[list[Path]]:
    """Return the keys in groups that can be changed at once."""
    columns = {section: [] for section in TOGETHER}
    alone = []
    for path in paths:
        is_alone = path[0] not in columns or format_path(path) in ALONE
        (alone if is_alone else columns[path[0]]).append(path)
    longest = max(len(column) for column in columns.values())
    rows = [[column[row] for column in columns.values() if row < len(column)] for row in range(longest)]
    return [*rows, *([path] for path in alone)]


@pytest.mark.parametrize("names", [
    pytest.param(SOME, id="some"),
    pytest.param(sorted({*shipped_recipes()} - NOT_HERE), id="all", marks=[pytest.mark.whole, HAS_FASHION]),
])  # fmt: skip
def test_changing_any_key_of_any_shipped_recipe_changes_what_it_became(names):
    seen, same, fixed = set(), [], {}
    for name in names:
        recipe = resolved(name)
        tree = recipe.to_dict()
        marks = {path: signature(tree, path) for path, _ in leaves(tree) if path[0] not in NAMES}
        paths = [path for path, mark in marks.items() if mark not in seen]
        left, unchanged = unexplained(recipe, paths)
        same += [(name, format_path(path)) for path in left]
        fixed |= {marks[path]: name for path in unchanged}
        seen |= {marks[path] for path in paths} - {marks[path] for path in unchanged}
    assert same == []
    left = {format_path(mark[0]) for mark in fixed if mark not in seen}
    assert {key for key in left if not any(fnmatch(key, pattern) for pattern in FIXED)} == set()


@pytest.mark.whole
@HAS_FASHION
def test_changing_any_key_of_reuse_changes_what_it_became(earlier_run):
    recipe = load_recipe("fashion_b_on_a", [f"reuse.from={earlier_run}"])
    thaws = {"reuse.unfreeze": [{"after": 4, "layers": "hidden_2", "learning_rate_factor": 0.5}]}
    learns = {"reuse.unfreeze": None, "reuse.freeze": False}
    same, fixed = [], []
    for values in (thaws, learns):
        tree = Objects(recipe.replaced(values), shelf=SHELF).prepared.recipe.to_dict()
        paths = [path for path, _ in leaves(tree) if path[0] == "reuse"]
        left, unchanged = unexplained(Recipe.model_validate(tree), paths)
        same, fixed = [*same, *left], [*fixed, {format_path(path) for path in unchanged}]
    no_effect = {"reuse.trust", "reuse.batch_normalization"}  # no code to run, no such layers to keep
    assert {format_path(path) for path in same} == no_effect
    assert fixed[0] & fixed[1] <= {"reuse.from"}


@pytest.mark.whole
def test_changing_any_key_of_shrink_changes_what_it_became(tmp_path):
    digits = {"name": "digits", "limit": 96, "split": {"validation": 32, "test": 0}}
    network = {"model": {"name": "mlp", "units": [8]}, "normalization": "batch_normalization"}
    short = {"epochs": 1, "engine": "graph"}
    run = train(load_recipe({"data": digits, "training": short, **network}), runs=tmp_path, shelf=SHELF).run
    prune = {"share": 0.5, "until": 2}
    sections = (
        {"prune": prune, "precision": "int8", "calibration": 40},
        {"prune": {"threshold": 0.5, "schedule": "once"}},
    )
    same, fixed = [], []
    for section in sections:
        recipe = load_recipe({"shrink": {"from": str(run), **section}, "training": {"epochs": 4, "engine": "graph"}})
        tree = Objects(recipe, shelf=SHELF).prepared.recipe.to_dict()
        paths = [path for path, _ in leaves(tree) if path[0] == "shrink"]
        left, unchanged = unexplained(Recipe.model_validate(tree), paths)
        same, fixed = [*same, *left], [*fixed, {format_path(path) for path in unchanged}]
    assert {format_path(path) for path in same} == {"shrink.trust"}  # no code to run
    assert fixed[0] & fixed[1] <= {"shrink.from"}


def disconnect(monkeypatch, module, function: str, section: str, value: object) -> None:
    """Let a function that takes a recipe get one in which a section is what it was."""
    connected = getattr(module, function)
    monkeypatch.setattr(
        module, function, lambda recipe, *rest, **named: connected(recipe.replaced({section: value}), *rest, **named)
    )


@pytest.fixture(scope="module")
def earlier_run(tmp_path_factory):
    """A run of the recipe that another one begins with."""
    recipe = load_recipe("fashion_model_a", ["data.limit=64", "training.epochs=1", "training.engine=graph"])
    return train(recipe, runs=tmp_path_factory.mktemp("earlier"), shelf=SHELF).run


@pytest.fixture(scope="module")
def digits() -> tuple[Recipe, Objects]:
    recipe = resolved("he_elu_bn")
    return recipe, Objects(recipe, shelf=SHELF)


@pytest.mark.parametrize("section", [*BUILDER, "schedule", "training.early_stopping"])
def test_a_key_that_is_disconnected_is_noticed(section, digits, monkeypatch):
    recipe, before = digits
    tree, (first, *rest) = recipe.to_dict(), section.split(".")
    elsewhere = {("head", "units"), ("optimizer", "learning_rate"), ("optimizer", "accumulation")}  # not the builder's
    paths = [path for path, _ in leaves(tree) if path[: 1 + len(rest)] == (first, *rest) and path not in elsewhere]
    module, function = preparing, "build_model"
    if section == "schedule":
        function = "rate_table"
    if rest:
        module, function = sessions, "make_stopper"
        paths = [path for path in paths if path[-1] in ("patience", "min_delta", "start_from_epoch")]
    others = {path: other for path in paths if (other := first_that_changes(tree, path, before)) is not None}
    assert others
    disconnect(monkeypatch, module, function, first, tree[first])
    for path, other in others.items():
        assert became(path, Objects(other, shelf=SHELF)) == became(path, before), path


def first_that_changes(tree: dict, path: Path, before: Objects) -> Recipe | None:
    """Return a recipe that differs in a key, and in what the key became; None where it takes no other value."""
    for other in changed(tree, path):
        after = Objects(other, shelf=SHELF)
        try:
            if became(path, after) != became(path, before):
                return other
        except HornbookError:
            continue
    return None
