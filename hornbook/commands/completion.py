"""What the Tab key offers where an argument is one of ours: recipes, runs, keys and their values. No TensorFlow.

A shell asks by starting the command; see typer's `completion`. Whatever is wrong offers nothing, and says nothing.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer
from typer import _completion_shared

from hornbook.errors import HornbookError
from hornbook.recipes.describe import catalog
from hornbook.recipes.describe.schema import spec_schema
from hornbook.recipes.language.spec import KINDS
from hornbook.recipes.language.spec import catalog as catalog_of
from hornbook.recipes.language.text import parse
from hornbook.recipes.load import read_config, shipped_recipes
from hornbook.recipes.recipe import Recipe
from hornbook.runs.directory import find_run

__all__ = ["complete_kind", "complete_name", "complete_override", "complete_recipe", "complete_run", "mend_zsh"]

Schema = Mapping[str, Any]
RUNS = Path("runs")
KIND = "kind"
"""Marks a part of the schema where a component stands."""
FIRST_TAB = """\
if (( $+compstate )); then
  %(complete_func)s "$@"
fi
"""
"""The end of the lines for zsh. It reads the file at a shell's first Tab, and takes the file itself for the function."""


def mend_zsh() -> None:
    """Let zsh complete at the first Tab of a shell too; typer's own lines wait for the second."""
    scripts = getattr(_completion_shared, "_completion_scripts", {})
    if FIRST_TAB not in scripts.get("zsh", FIRST_TAB):
        scripts["zsh"] += FIRST_TAB


def complete_recipe(incomplete: str) -> list[str]:
    """Return recipe files, of the folder that has been typed so far, and the shipped recipes."""
    folder = incomplete[: incomplete.rfind("/") + 1]
    files = [f"{folder}{path.name}" for path in sorted(Path(folder).glob("*.y*ml"))]
    return _beginning(incomplete, [*files, *(f"{name}.yaml" for name in shipped_recipes())])


def complete_run(incomplete: str) -> list[str]:
    """Return the names of recipes with runs, and of ablations; behind ``runs/NAME/`` the runs of one."""
    if not incomplete.startswith(f"{RUNS}/"):
        return _beginning(incomplete, sorted(path.name for path in RUNS.glob("*") if path.is_dir()))
    name = incomplete.removeprefix(f"{RUNS}/").partition("/")[0]
    inside = [str(path) for path in sorted((RUNS / name).glob("*"), reverse=True) if path.is_dir()]
    return _beginning(incomplete, [*(str(path) for path in sorted(RUNS.glob("*/latest"))), *inside])


def complete_kind(incomplete: str) -> list[str]:
    """Return what `hornbook list` and `hornbook show` know kinds of."""
    return _beginning(incomplete, list(catalog.PLURALS.values()))


def complete_name(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the names of the kind in front."""
    try:
        return _beginning(incomplete, [name for name, _ in catalog.list_lines(ctx.params.get("kind"))])
    except HornbookError:
        return []


def complete_override(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return keys of a recipe, and behind a key's ``=`` what it may be.

    Bash takes ``key=value`` for three words, so that the key may be among those in front.
    """
    tree, schema = _values_of(ctx), spec_schema(Recipe)  # that of all components takes half a second
    key = _waiting(ctx.params.get("overrides") or ())
    written, equals, _ = incomplete.partition("=")
    if equals:
        return [f"{written}={value}" for value in _values(written, tree, schema)]
    if key:
        return _values(key, tree, schema)
    found = [key for key in _keys(incomplete, tree, schema) if key.startswith(incomplete)]
    if len(found) == 1 and found[0].endswith("."):
        found = _keys(found[0], tree, schema)
    if len(found) == 1 and found[0].endswith("="):
        found = [found[0] + value for value in _values(found[0][:-1], tree, schema)] or found
    return found


def _waiting(words: Sequence[str]) -> str:
    """Return the key of the last override where its value is still to come, as bash splits words; else an empty text."""
    overrides = list[str]()
    for word in words:
        if overrides and (word == "=" or overrides[-1].endswith("=")):
            overrides[-1] += word
        else:
            overrides.append(word)
    last = overrides[-1] if overrides else "~"
    is_waiting = last.endswith("=") or not ("=" in last or last.startswith("~"))
    return last.removesuffix("=") if is_waiting else ""


def _beginning(incomplete: str, names: list[str]) -> list[str]:
    return [name for name in dict.fromkeys(names) if name.startswith(incomplete)]


def _values_of(ctx: typer.Context) -> Any:
    """Return what the recipe or run in front says, as far as it can be read."""
    config, run = ctx.params.get("config"), ctx.params.get("run")
    try:
        if config and config != "-":
            return parse(read_config(config).text, origin=config).tree
        return parse(find_run(run).recipe_text, origin=run).tree if run else {}
    except HornbookError:
        return {}


def _keys(incomplete: str, tree: Any, schema: Schema) -> list[str]:
    """Return the keys beside the one that is being typed, with ``=`` where it takes a value, ``.`` where it has keys."""
    above, _, _ = incomplete.rpartition(".")
    found = []
    for key, below in _properties(above, tree, schema).items():
        leaves = [*_leaves(below, schema)]
        path = f"{above}.{key}" if above else key
        if any("properties" not in leaf and leaf.get("type") != "null" for leaf in leaves):
            found.append(f"{path}=")
        if any("properties" in leaf or KIND in leaf for leaf in leaves):
            found.append(f"{path}.")
    return found


def _values(key: str, tree: Any, schema: Schema) -> list[str]:
    """Return what a key may be: names and truths; of anything else its default."""
    above, _, last = key.rpartition(".")
    item = _properties(above, tree, schema).get(last)
    if item is None:
        return []
    leaves = [*_leaves(item, schema)]
    found = [str(value) for leaf in leaves for value in [*leaf.get("enum", ()), leaf.get("const")] if value is not None]
    found += ["true", "false"] if any(leaf.get("type") == "boolean" for leaf in leaves) else []
    default = next((leaf["default"] for leaf in (item, *leaves) if "default" in leaf), None)
    return found or ([] if default is None or isinstance(default, list | dict) else [json.dumps(default).strip('"')])


def _properties(path: str, tree: Any, schema: Schema) -> dict[str, Any]:
    """Return {key: its schema} of the mapping at a path; of a component those of the one that the recipe names."""
    leaves, value = [schema], tree
    for part in filter(None, path.split(".")):
        items = [leaf["properties"][part] for leaf in leaves if part in leaf.get("properties", {})]
        default = next((item["default"] for item in items if "default" in item), None)
        value = value.get(part, default) if isinstance(value, Mapping) else default
        name = value.get("name") if isinstance(value, Mapping) else value
        found = [leaf for item in items for leaf in _leaves(item, schema)]
        leaves = [own for leaf in found for own in (_components(leaf[KIND], name, schema) if KIND in leaf else [leaf])]
    return {key: below for leaf in leaves for key, below in leaf.get("properties", {}).items()}


def _components(kind: str, name: Any, schema: Schema) -> Sequence[Schema]:
    """Return the schema of a component by its name, of all of a kind where the name is none; their parts join the whole."""
    known = catalog_of(kind)
    found = [spec_schema(cls) for cls in ([known[name]] if name in known else known.values())]
    for own in found:
        schema["$defs"].update(own["$defs"])
    return found


def _leaves(item: Schema, schema: Schema) -> Iterator[Schema]:
    """Yield the alternatives that a part of the schema consists of, references followed, a component by its kind."""
    below = [*item.get("anyOf", ()), *item.get("oneOf", ())]
    target = item.get("$ref", "").rpartition("/")[2]
    if target in KINDS:
        is_whole = {
            name: not any(field.is_required() for field in cls.model_fields.values())
            for name, cls in catalog_of(target).items()
        }
        yield {KIND: target, "enum": [name for name, is_enough in is_whole.items() if is_enough]}
    elif target:
        below.append(schema["$defs"][target])
    for part in below:
        yield from _leaves(part, schema)
    if not below and not target:
        yield item
