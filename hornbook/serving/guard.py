"""What every request passes first: who may ask, how many at once, and the counting of answers."""

import base64
import binascii
import hmac
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import orjson

from hornbook.serving.metrics import Metrics

__all__ = ["Guard"]

LOOPBACK = ("127.0.0.1", "localhost", "::1")
OPEN = ("/v2/health/live", "/v2/health/ready")
"""What asks for no token: whether the service lives says nothing about it."""
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Guard:
    """An ASGI application in front of another.

    Args:
        app: What answers.
        metrics: Where answers are counted.
        token: What a request has to show; None for none.
        most: Requests that are answered at the same time.
    """

    def __init__(self, app: App, metrics: Metrics, *, token: str | None, most: int) -> None:
        self._app, self._metrics, self._most = app, metrics, most
        self._token = token.encode() if token is not None else None
        self._in_flight = 0
        self._counters: dict[tuple[str, int], Any] = {}
        self._timers: dict[str, Any] = {}
        metrics.in_flight.set_function(lambda: self._in_flight)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500

        async def counting(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        self._in_flight += 1
        try:
            refusal = self._refusal(scope)
            if refusal is None:
                await self._app(scope, receive, counting)
            else:
                await _refuse(counting, *refusal)
        finally:
            self._in_flight -= 1
            self._count(scope, status, time.perf_counter() - started)

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        route = scope.get("route")
        endpoint = getattr(route, "path", None) or "other"
        key = endpoint, status
        if key not in self._counters:
            self._counters[key] = self._metrics.requests.labels(endpoint, status)
            self._timers[endpoint] = self._metrics.seconds.labels(endpoint)
        self._counters[key].inc()
        self._timers[endpoint].observe(seconds)

    def _refusal(self, scope: Scope) -> tuple[int, str, list[tuple[bytes, bytes]]] | None:
        """Return status, message and headers for a request that may not ask, or too many at once."""
        path = scope["path"]
        if path in OPEN:
            return None
        if self._in_flight > self._most:
            return 503, f"{self._most:,} requests are being answered. Try again.", [(b"retry-after", b"1")]
        headers = scope["headers"]
        if self._token is None:
            host = next((value for name, value in headers if name == b"host"), b"")
            if _name_of(host) not in LOOPBACK:  # a page of somebody else's, whose name was made to lead here
                shown = host.decode("latin-1")[:100]
                return 403, f"host '{shown}': without a token only {', '.join(LOOPBACK)} are answered.", []
            return None
        shown = next((value for name, value in headers if name == b"authorization"), b"")
        if not hmac.compare_digest(_token_of(shown), self._token):
            message = "a token is needed: Authorization: Bearer TOKEN, or as the password in a browser."
            challenges = [(b"www-authenticate", each) for each in (b'Basic realm="Hornbook"', b"Bearer")]
            return 401, message, challenges
        return None


def _name_of(host: bytes) -> str:
    text = host.decode("latin-1").lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0]


def _token_of(authorization: bytes) -> bytes:
    """Return the token that a header shows: as a bearer, or as the password of anybody."""
    scheme, _, value = authorization.partition(b" ")
    if scheme.lower() == b"bearer":
        return value.strip()
    if scheme.lower() == b"basic":
        try:
            return base64.b64decode(value.strip(), validate=True).partition(b":")[2]
        except binascii.Error:
            return b""
    return b""


async def _refuse(send: Send, status: int, message: str, headers: list[tuple[bytes, bytes]]) -> None:
    body = orjson.dumps({"error": message})
    kinds = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send(
        {"type": "http.response.start", "status": status, "headers": [*kinds, *headers, (b"connection", b"close")]}
    )
    await send({"type": "http.response.body", "body": body})
