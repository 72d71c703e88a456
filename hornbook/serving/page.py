"""The form of a model, for a person to try it: fields of a table, pictures, or numbers as text."""

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from hornbook.data.facts import DataInfo, Feature
from hornbook.data.tables.dialect import Dialect
from hornbook.display.page import render
from hornbook.serving import examples
from hornbook.serving.facts import Facts
from hornbook.serving.models import Model

__all__ = ["page"]

MOST_CHOICES = 500
"""Categories of a column from which on they are typed, not chosen."""


def page(model: Model, names: Sequence[str]) -> str:
    """Return the form of a model.

    Args:
        model: What it tries.
        names: All models that there are, to go to.
    """
    facts, info = model.facts, model.info
    return render(
        "hornbook.serving/page.html.jinja",
        name=facts.name,
        version=facts.version,
        about=info.describe(),
        runtime=facts.runtime,
        models=[(name, quote(name, safe="")) for name in names],
        address=f"predict/{quote(facts.name, safe='')}",
        kind="rows" if info.features is not None else "pictures" if info.kind == "image" else "numbers",
        fields=_fields(facts, info),
        example=json.dumps(examples.body(facts, info)),
        size=" × ".join("any" if size is None else str(size) for size in info.input_shape),
    )


def _fields(facts: Facts, info: DataInfo) -> list[dict[str, Any]]:
    dialect = Dialect.of_run(info.extra)
    row = examples.row(facts, info)
    fields = [_field(each, row[each.name], bool(dialect.signs.get(each.name))) for each in info.columns()]
    fields += [{"name": name, "kind": "text", "choices": [], "value": row[name]} for name in info.texts_beside]
    return [*fields, *({"name": name, "kind": "picture", "choices": [], "value": ""} for name in info.pictures_beside)]


def _field(feature: Feature, value: Any, has_sign: bool) -> dict[str, Any]:
    kind = "text" if has_sign or feature.type == "date" else "number"
    choices: list[str] = []
    if feature.type == "category":
        kind = "choice" if len(feature.categories) <= MOST_CHOICES else "text"
        choices = list(feature.categories) if kind == "choice" else []
    return {"name": feature.name, "kind": kind, "choices": choices, "value": str(value)}
