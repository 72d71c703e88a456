"""The addresses of a service, and what is sent back."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from importlib.metadata import version
from typing import Any, NoReturn

import orjson
from fastapi_offline import FastAPIOffline
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from hornbook.errors import HornbookError
from hornbook.serving import open_inference
from hornbook.serving.answers import answers
from hornbook.serving.batching import BusyError, LateError
from hornbook.serving.errors import RequestError
from hornbook.serving.guard import Guard
from hornbook.serving.inputs import Fitted, body_of, of_rows
from hornbook.serving.metrics import CONTENT_TYPE
from hornbook.serving.openapi import document
from hornbook.serving.page import page
from hornbook.serving.pictures import MOST_PICTURES, of_pictures
from hornbook.serving.service import Served, Service

__all__ = ["make_app"]

LARGE = 2**16
"""Bytes, or numbers, from which on they are read and written beside the loop that answers others."""
MOST_FIELDS = 1000
"""Values of a form, which are those of a row."""
JSON = "application/json"
HEADER_LENGTH = "Inference-Header-Content-Length"
POLICY = (
    "default-src 'none'; connect-src 'self'; img-src blob: data:; script-src 'unsafe-inline'; style-src 'unsafe-inline'"
)


def make_app(service: Service, *, token: str | None = None) -> Guard:
    """Return the ASGI application of a service; with `token`, what a request has to show."""
    pages = FastAPIOffline(title="Hornbook", redoc_url=None, openapi_url="/openapi.json")
    pages.openapi = partial(_document, service, has_token=token is not None)
    addresses = _Addresses(service)
    for path, answer, method in (
        ("/v2/models/{name}", addresses.model, "GET"),
        ("/v2/models/{name}/versions/{version}", addresses.model, "GET"),
        ("/v2/models/{name}/ready", addresses.model_ready, "GET"),
        ("/v2/models/{name}/versions/{version}/ready", addresses.model_ready, "GET"),
        ("/v2", addresses.server, "GET"),
        ("/v2/health/live", addresses.live, "GET"),
        ("/v2/health/ready", addresses.ready, "GET"),
        ("/metrics", addresses.metrics, "GET"),
        ("/", addresses.page, "GET"),
    ):
        pages.router.routes.append(_Noted(path, answer, methods=[method]))
    often = [  # FastAPI's own layers take as long as the rest of an answer
        _Noted("/predict/{name}", addresses.predict, methods=["POST"]),
        _Noted("/v2/models/{name}/infer", addresses.infer, methods=["POST"]),
        _Noted("/v2/models/{name}/versions/{version}/infer", addresses.infer, methods=["POST"]),
    ]
    pages.router.routes.extend(often)  # which say there that another method is expected
    app = Starlette(routes=[*often, Mount("/", pages)])
    for kind in (RequestError, HornbookError, BusyError, LateError, HTTPException, Exception):
        app.add_exception_handler(kind, _say)
        pages.add_exception_handler(kind, _say)
    return Guard(app, service.metrics, token=token, most=service.limits.in_flight)


def _document(service: Service, *, has_token: bool) -> dict[str, Any]:
    return document(service.models, version=version("hornbook"), has_token=has_token)


class _Noted(Route):
    """A route that can be found in a request's scope, so that requests are counted by it."""

    def matches(self, scope: Any) -> Any:
        match, child = super().matches(scope)
        if child:
            child["route"] = self
        return match, child


class _Addresses:
    """What each address answers."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def _served(self, request: Request) -> Served:
        return self._service.of_name(request.path_params["name"], request.path_params.get("version"))

    async def predict(self, request: Request) -> Response:
        """Answer rows by column name, raw inputs, or uploaded pictures."""
        served = self._served(request)
        kind = _content_type(request)
        model, limits = served.model, self._service.limits
        if kind == "multipart/form-data" and model.info.pictures_beside:
            row = await _row(request, await _body(request, limits.body, limits.deadline_s))
            x, notes = await asyncio.to_thread(of_rows, [row], model.info, most=limits.rows)
        elif kind == "multipart/form-data":
            files = await _files(request, await _body(request, limits.body, limits.deadline_s))
            x, notes = await asyncio.to_thread(of_pictures, files, model.facts, model.info)
        elif kind == JSON:
            body = await _body(request, limits.body, limits.deadline_s)

            def read() -> Fitted:
                return body_of(open_inference.parsed(body), model.info, most=limits.rows, plain=model.plain)

            is_slow = len(body) > LARGE or bool(model.info.pictures_beside)
            x, notes = await asyncio.to_thread(read) if is_slow else read()
        else:
            raise _other_type(kind, f"{JSON}, or multipart/form-data for pictures")
        scores = await self._service.predict(served, x)

        def write() -> bytes:
            facts = model.facts
            answer = {"model": facts.name, "version": facts.version, "predictions": answers(scores, facts, model.info)}
            if notes:
                answer["notes"] = notes
            text: bytes = orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)
            return text

        return Response(await asyncio.to_thread(write) if scores.size > LARGE else write(), media_type=JSON)

    async def infer(self, request: Request) -> Response:
        """Answer a request of the open inference protocol."""
        served = self._served(request)
        length = request.headers.get(HEADER_LENGTH)
        kind = _content_type(request)
        if kind not in {JSON, ""} and not (
            length is not None and kind == "application/octet-stream"
        ):  # Triton's says none
            raise _other_type(kind, JSON)
        limits, model = self._service.limits, served.model
        body = await _body(request, limits.body, limits.deadline_s)
        read = partial(open_inference.read, body, length, model.facts, model.info, most=limits.rows)
        is_slow = len(body) > LARGE or bool(model.info.pictures_beside)
        asked = await asyncio.to_thread(read) if is_slow else read()
        scores = await self._service.predict(served, asked.inputs[0])
        answer, header = open_inference.answer(asked, scores, model.facts)
        if header is None:
            return Response(answer, media_type=JSON)
        return Response(answer, media_type="application/octet-stream", headers={HEADER_LENGTH: str(header)})

    async def model(self, request: Request) -> Response:
        """Say what goes into a model and comes out."""
        model = self._served(request).model
        return _json(open_inference.metadata(model.facts, model.info))

    async def model_ready(self, request: Request) -> Response:
        """Say whether a model answers."""
        return self._readiness({"name": self._served(request).model.facts.name})

    async def server(self, request: Request) -> Response:
        """Say what this is."""
        return _json({"name": "hornbook", "version": version("hornbook"), "extensions": ["binary_tensor_data"]})

    async def live(self, request: Request) -> Response:
        """Say that the process lives."""
        return _json({"live": True})

    async def ready(self, request: Request) -> Response:
        """Say whether requests are answered."""
        return self._readiness({})

    def _readiness(self, what: dict[str, Any]) -> Response:
        is_ready = self._service.is_ready
        return _json({**what, "ready": is_ready}, 200 if is_ready else 503)

    async def metrics(self, request: Request) -> Response:
        """Give Prometheus what was counted."""
        return Response(self._service.metrics.text(), media_type=CONTENT_TYPE)

    async def page(self, request: Request) -> Response:
        """Show the form of a model."""
        models = self._service.models
        name = request.query_params.get("model", models[0].facts.name)
        text = page(self._service.of_name(name).model, [model.facts.name for model in models])
        return Response(text, media_type="text/html", headers={"Content-Security-Policy": POLICY})


def _json(tree: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(tree), status, media_type=JSON)


def _content_type(request: Request) -> str:
    kind: str = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind


def _other_type(found: str, expected: str) -> RequestError:
    return RequestError(415, f"content type '{found[:100]}': expected {expected}.")


async def _body(request: Request, most: int, deadline_s: float) -> bytes:
    """Return the body of a request.

    Raises:
        RequestError: If it is too large, compressed, or does not come in time.
    """
    headers = request.headers
    if headers.get("content-encoding", "identity") != "identity":
        raise RequestError(415, "compressed bodies are not read. Send it as it is.")
    announced = headers.get("content-length", "0")
    if len(announced) > 15 or (announced.isdigit() and int(announced) > most):
        _too_large(most)
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(deadline_s):
            while True:
                message = await request.receive()
                if message["type"] == "http.disconnect":
                    raise RequestError(400, "the body ended too early.")
                part = message.get("body", b"")
                size += len(part)
                if size > most:
                    _too_large(most)
                parts.append(part)
                if not message.get("more_body", False):
                    return parts[0] if len(parts) == 1 else b"".join(parts)
    except TimeoutError:
        raise RequestError(408, f"the body did not come within {deadline_s:g} seconds.") from None


def _too_large(most: int) -> NoReturn:
    raise RequestError(413, f"the body has more than {most:,} bytes. Send it in parts.")


async def _files(request: Request, body: bytes) -> list[tuple[str, bytes]]:
    """Return the uploaded files by name."""
    files = [value for _, value in await _form(request, body, most_fields=0) if not isinstance(value, str)]
    if not files:
        raise RequestError(400, "the upload holds no file. Send pictures as files: curl -F files=@picture.png.")
    return files


async def _row(request: Request, body: bytes) -> dict[str, Any]:
    """Return a row by column name: the bytes of pictures, texts of everything else.

    Raises:
        RequestError: If a column is there twice.
    """
    row: dict[str, Any] = {}
    for name, value in await _form(request, body, most_fields=MOST_FIELDS):
        if name in row:
            raise RequestError(400, f"column '{name}' is there twice. A form is one row; send several as JSON.")
        row[name] = value if isinstance(value, str) else value[1]
    return row


async def _form(request: Request, body: bytes, *, most_fields: int) -> list[tuple[str, str | tuple[str, bytes]]]:
    """Return the fields of a form: texts, and files with their names."""

    async def stream() -> AsyncIterator[bytes]:
        yield body

    try:
        parser = MultiPartParser(request.headers, stream(), max_files=MOST_PICTURES, max_fields=most_fields)
        form = await parser.parse()
    except (MultiPartException, HTTPException, KeyError, ValueError, LookupError) as error:
        what = getattr(error, "message", None) or getattr(error, "detail", None) or "its parts cannot be told apart"
        raise RequestError(400, f"the upload cannot be read: {what}.") from None
    fields: list[tuple[str, str | tuple[str, bytes]]] = []
    for name, value in form.multi_items():
        fields.append((name, value if isinstance(value, str) else (value.filename or "picture", await value.read())))
    await form.close()
    return fields


async def _say(request: Request, error: Exception) -> Response:
    """Return what went wrong, as every error is answered."""
    headers = {}
    if isinstance(error, RequestError):
        status, message = error.status, str(error)
        if status in {408, 413}:
            headers["Connection"] = "close"  # the rest of the body is not read
    elif isinstance(error, HornbookError):
        status, message = 400, str(error)
    elif isinstance(error, HTTPException):
        status, message = error.status_code, str(error.detail)
        if status == 404:
            message = "there is nothing at this address. All addresses: /docs."
        headers |= error.headers or {}
    elif isinstance(error, BusyError):
        status, message, headers = 503, "too many rows wait already. Try again.", {"Retry-After": "1"}
    elif isinstance(error, LateError):
        status, message = 504, "the model did not come to this request before its deadline. Try again."
    else:
        status, message = 500, "something went wrong here; the log of the service says what."
    body = orjson.dumps({"error": message.encode("utf-8", "replace").decode()})
    return Response(body, status, media_type=JSON, headers=headers)
