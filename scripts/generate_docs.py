"""Writes docs/reference.md, errors.md and commands.md from catalog, rules and commands; they cannot drift: `make docs`."""

import contextlib
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import jinja2
import typer
from error_samples import CLASS_COUNTS, MEANINGS, SAMPLES, TRAIN_SIZE

from hornbook.cli import PURPOSES, app
from hornbook.errors import Problem, format_problems
from hornbook.recipes import Recipe, catalog, check_recipe
from hornbook.recipes.describe.catalog import Description, Option, list_lines, options_of, sections, show
from hornbook.recipes.describe.docstrings import body, one_line, source, without_source
from hornbook.recipes.describe.schema import json_schema
from hornbook.recipes.facts import Facts
from hornbook.recipes.language.spec import Component, noun
from hornbook.recipes.language.text import parse
from hornbook.recipes.load import locate
from hornbook.recipes.rules.check import RULES, check_rules

DOCS = Path(__file__).parents[1] / "docs"
MAPPING = re.compile(r"mapping of \w+(?:, \w+)*")
TITLES = {
    "data": "Data",
    "model": "Backbones",
    "embedding": "Embeddings",
    "initializer": "Initializers",
    "activation": "Activations",
    "normalization": "Normalization",
    "optimizer": "Optimizers",
    "schedule": "Schedules",
    "loss": "Losses",
    "metric": "Metrics",
    "pretraining": "Pretraining",
    "tuner": "Tuners",
    "tracker": "Trackers",
}
TEXTS = {
    "data": "Where the examples come from. Your own files are `table` (CSV, Parquet) and `npz`; Python passes arrays.",
    "model": "The six ingredients go into every hidden layer of the backbone.",
    "activation": "Of hidden layers (`activation`) and of the last one (`head.activation`).",
    "loss": "What training minimizes: `head.loss`. Omitted, it follows from the task.",
}


@dataclass(frozen=True)
class Kind:
    """One kind of component with all its components; `key` is the key of a recipe where it stands."""

    key: str
    title: str
    anchor: str
    noun: str
    text: str
    shared: Sequence[Option]
    components: Sequence[Description]


def main() -> None:
    """Write all pages."""
    DOCS.mkdir(exist_ok=True)
    for name, text in pages().items():
        (DOCS / name).write_text(text, encoding="utf-8")
        print(f"wrote {DOCS / name}")


def pages() -> dict[str, str]:
    """Return {file name: text} of the generated pages, made in an empty folder: what is said of runs names those at hand."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        return {"reference.md": reference(), "errors.md": errors(), "commands.md": commands()}


def reference() -> str:
    """Return the page of every key and component."""
    schema = json_schema()
    return _template("reference.md.jinja").render(
        keys=options_of(schema),
        sections=[_section(path, definition, schema["$defs"]) for _, path, definition in sections()],
        kinds=[_kind(kind, title) for kind, title in TITLES.items()],
        layers=list_lines("layers"),
        table=partial(_table, anchors={path: path.replace(".", "") for _, path, _ in sections()}),
    )


def errors() -> str:
    """Return the page of every code a problem can have."""
    meanings = MEANINGS | {
        rule.code: one_line((rule.check.__doc__ or "").split("\n\n")[0]) for rule in RULES if rule.code != "data"
    }
    without = set(meanings) - set(SAMPLES)
    if without:
        raise ValueError(f"add samples to scripts/error_samples.py for: {', '.join(sorted(without))}")
    entries = []
    for code, meaning in meanings.items():
        found = [_problems(code, text, overrides) for text, overrides in SAMPLES[code]]
        severities = sorted({problem.severity for problems in found for problem in problems})
        samples = [
            {"yaml": _shown(text, overrides), "output": format_problems(problems, origin="recipe.yaml")}
            for (text, overrides), problems in zip(SAMPLES[code], found, strict=True)
        ]
        entries.append(
            {"code": code, "meaning": meaning, "severity": " or ".join(severities) or "error", "samples": samples}
        )
    return _template("errors.md.jinja").render(entries=entries)


def commands() -> str:
    """Return the page of every command with its options, by purpose as `hornbook --help` has them."""
    group: Any = typer.main.get_command(app)
    context = typer.Context(group, info_name="hornbook", **group.context_settings)
    purposes = {
        purpose: [entry for name in names for entry in _commands(group.commands[name], name, context)]
        for purpose, names in PURPOSES.items()
    }
    return _template("commands.md.jinja").render(purposes=purposes)


def _commands(command: Any, name: str, parent: Any) -> list[dict[str, Any]]:
    """Return what is said of a command, or of those below it."""
    context = typer.Context(command, parent=parent, info_name=name, **command.context_settings)
    if hasattr(command, "commands"):
        return [entry for key, below in command.commands.items() for entry in _commands(below, key, context)]
    parameters = command.get_params(context)
    examples = (command.epilog or "").partition("Examples:\n")[2]
    return [
        {
            "name": context.command_path,
            "anchor": context.command_path.replace(" ", "-"),
            "text": command.help or "",
            "usage": " ".join([context.command_path, "[OPTIONS]", *filter(None, map(_usage, parameters))]),
            "options": [(_spelled(one), record[1]) for one in parameters if (record := one.get_help_record(context))],
            "examples": "\n".join(f"$ {line.strip()}" for line in examples.splitlines()),
        }
    ]


def _usage(parameter: Any) -> str:
    """Return an argument as a usage line shows it; nothing for an option."""
    if parameter.param_type_name != "argument":
        return ""
    name = _spelled(parameter) if parameter.required else f"[{_spelled(parameter)}]"
    return name if parameter.nargs == 1 or name.endswith("…") else f"{name}..."


def _spelled(parameter: Any) -> str:
    """Return how an option or argument is written; its type has another name in each version of typer."""
    if parameter.param_type_name == "argument":
        return str(parameter.metavar or parameter.name.upper())
    names = ", ".join(sorted([*parameter.opts, *parameter.secondary_opts], key=len))
    return names if parameter.is_flag else f"{names} {parameter.metavar or 'VALUE'}"


def _problems(code: str, text: str, overrides: list[str]) -> list[Problem]:
    with patch("hornbook.recipes.rules.installed.is_installed", return_value=False):  # whatever is installed here
        problems = list(check_recipe(text, overrides, look=lambda recipe: (Facts.named(recipe), [])).problems)
    if not problems:
        recipe = Recipe.model_validate(parse(text, origin="recipe.yaml").tree)
        facts = Facts(task="multiclass", kind="image", train_size=TRAIN_SIZE, class_counts=CLASS_COUNTS)
        problems = locate(check_rules(recipe, facts), parse(text, origin="recipe.yaml"))
    if code not in {problem.code for problem in problems}:
        raise ValueError(f"the sample of '{code}' brings up {[problem.code for problem in problems]}")
    return [problem for problem in problems if problem.code == code]


def _shown(text: str, overrides: list[str]) -> str:
    command = f"# hornbook check --config recipe.yaml {' '.join(overrides)}\n" if overrides else ""
    return command + text.replace("\t", "→").rstrip()


def _kind(kind: str, title: str) -> Kind:
    components = [show(kind, name) for name in catalog(kind)]
    base = next(cls for cls in next(iter(catalog(kind).values())).__mro__ if Component in cls.__bases__)
    if kind == "normalization":  # the first one is 'none', which has none of the shared keys
        base = catalog(kind)["batch_normalization"].__bases__[0]
    shared = max((component.shared for component in components), key=len)
    text = TEXTS.get(kind) or body(base).removeprefix(f"Base of every {noun(kind)}.").strip()
    text = text or f"`hornbook list {kind}` lists them in a terminal."
    return Kind(kind, title, title.lower(), noun(kind), text, shared, components)


def _section(path: str, definition: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    text = definition["description"]
    return {
        "path": path,
        "anchor": path.replace(".", ""),
        "text": without_source(text),
        "source": source(text),
        "options": options_of(definition, definitions),
    }


def _template(name: str) -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["cell"] = _cell
    return environment.get_template(name)


def _table(options: Sequence[Option], above: str, anchors: Mapping[str, str]) -> str:
    """Return a table of keys; those that have keys of their own, and a section of this page, lead there.

    Args:
        options: The keys.
        above: The key above them; empty for those of a recipe.
        anchors: {key from the top: anchor of its section}.
    """
    lines = ["| key | takes | default | |", "|---|---|---|---|"]
    for option in options:
        default = f"`{option.default}`" if option.default not in {"", "required"} else option.default
        takes, anchor = _cell(option.type), anchors.get(f"{above}.{option.name}".removeprefix("."))
        takes = takes if anchor is None else MAPPING.sub(f"[mapping](#{anchor})", takes)
        lines.append(f"| `{option.name}` | {takes} | {_cell(default)} | {_cell(option.help)} |")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    main()
