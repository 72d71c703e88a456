"""The OpenAPI document: a path for each model, with an example that it answers."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from hornbook.data.facts import DataInfo
from hornbook.serving import examples
from hornbook.serving.models import Model

__all__ = ["document"]

ERROR = {"$ref": "#/components/schemas/Error"}
STATUS = {
    400: "The inputs do not fit the model; the message says where.", 404: "There is no such model.",
    413: "Too large, or too many rows.", 415: "Another content type is expected.", 503: "Too busy, try again.",
    504: "The deadline has passed.",
}  # fmt: skip

KINDS = {
    "number": ["number", "string", "null"], "category": ["string", "boolean", "number", "null"],
    "date": ["string", "null"],
}  # fmt: skip
"""What JSON may hold for a column of a type."""


def document(models: Iterable[Model], *, version: str, has_token: bool) -> dict[str, Any]:
    """Return the document.

    Args:
        models: What answers now.
        version: Of Hornbook.
        has_token: Whether requests need a token.
    """
    paths: dict[str, Any] = {}
    for model in models:
        paths |= _of_model(model)
    tag = "service"
    paths |= {
        "/v2": {"get": _get("What the service is", tag)},
        "/v2/health/live": {"get": _get("Whether it lives", tag)},
        "/v2/health/ready": {"get": _get("Whether it answers", tag)},
        "/metrics": {
            "get": {**_get("What it counts, for Prometheus", tag), "responses": {"200": {"description": "Text"}}}
        },
    }
    schemas = {"Error": {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}}
    whole: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "Hornbook", "version": version},
        "paths": paths,
        "components": {"schemas": schemas},
    }
    if has_token:
        whole["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        whole["security"] = [{"token": []}]
    return whole


def _of_model(model: Model) -> dict[str, Any]:
    facts, info = model.facts, model.info
    name, address = facts.name, f"/v2/models/{quote(facts.name, safe='')}"
    bodies: dict[str, Any] = {
        "application/json": {"schema": _schema(info), "example": examples.body(facts, info)},
    }
    if info.kind == "image":
        files = {"type": "array", "items": {"type": "string", "format": "binary"}}
        bodies["multipart/form-data"] = {"schema": {"type": "object", "properties": {"files": files}}}
    if info.pictures_beside:
        written = (*(each.name for each in info.columns()), *info.texts_beside)
        row: dict[str, Any] = {name: {"type": "string"} for name in written}
        row |= {name: {"type": "string", "format": "binary"} for name in info.pictures_beside}
        bodies["multipart/form-data"] = {"schema": {"type": "object", "required": [*row], "properties": row}}
    predict = {
        "summary": f"Predict with {name}",
        "description": f"{info.describe()}.",
        "operationId": f"predict_{name}",
        "tags": [name],
        "requestBody": {"required": True, "content": bodies},
        "responses": _responses({"model": name, "version": facts.version, "predictions": [_answer(model)]}),
    }
    infer = {
        "summary": f"Predict with {name}, by the open inference protocol",
        "operationId": f"infer_{name}",
        "tags": [name],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": {"type": "object"}, "example": examples.infer_body(facts, info)}
            },
        },
        "responses": _responses(None),
    }
    return {
        f"/predict/{quote(name, safe='')}": {"post": predict},
        f"{address}/infer": {"post": infer},
        address: {"get": _get(f"Inputs and outputs of {name}", name)},
        f"{address}/ready": {"get": _get(f"Whether {name} answers", name)},
    }


def _answer(model: Model) -> dict[str, Any]:
    facts, info = model.facts, model.info
    if info.task == "regression":
        return {"values": dict.fromkeys(facts.targets, 0.5)}
    names = list(info.class_names or map(str, range(info.num_classes)))
    what = "probabilities" if facts.has_probabilities else "scores"
    shown = names[1:] if info.task == "binary" and not facts.has_probabilities else names
    numbers = dict.fromkeys(shown, round(1 / len(names), 3))
    return {"labels": names[:1], what: numbers} if info.task == "multilabel" else {"label": names[0], what: numbers}


def _schema(info: DataInfo) -> dict[str, Any]:
    if info.features is None:
        schema: dict[str, Any] = {"type": "number"}
        for size in (*reversed(info.input_shape), None):
            limits = {} if size is None else {"minItems": size, "maxItems": size}
            schema = {"type": "array", "items": schema, **limits}
        return {"type": "object", "required": ["inputs"], "properties": {"inputs": schema}}
    properties: dict[str, Any] = {}
    for each in info.columns():
        properties[each.name] = {"type": KINDS[each.type]}
    for name in info.texts_beside:
        properties[name] = {"type": ["string", "null"]}
    for name in info.pictures_beside:
        properties[name] = {"type": "string", "contentEncoding": "base64", "contentMediaType": "image/*"}
    row = {"type": "object", "required": [*properties], "properties": properties}
    rows = {"type": "array", "minItems": 1, "items": row}
    return {"type": "object", "required": ["rows"], "properties": {"rows": rows}}


def _get(summary: str, tag: str) -> dict[str, Any]:
    return {"summary": summary, "tags": [tag], "responses": _responses(None, {404: STATUS[404]})}


def _responses(example: Any, errors: dict[int, str] | None = None) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": {"type": "object"}}
    if example is not None:
        content["example"] = example
    found: dict[str, Any] = {"200": {"description": "The answer", "content": {"application/json": content}}}
    for status, what in (errors or STATUS).items():
        found[str(status)] = {"description": what, "content": {"application/json": {"schema": ERROR}}}
    return found
