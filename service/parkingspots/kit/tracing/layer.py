"""Requests as spans. Stands in front of everything that may answer one."""

from collections.abc import Callable

from opentelemetry.trace import Span, StatusCode
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from parkingspots.kit import tracing
from parkingspots.kit.limits import PROBES
from parkingspots.kit.requests import METHODS, UNMATCHED, template
from parkingspots.kit.tracing.spans import OF_TRACES

SERVER_ERROR = 500
OTHER = "_OTHER"
HIDDEN = "[hidden]"
FIELDS = {name.encode(): name for name in OF_TRACES}


class Traced:
    """`answered_at_once` gives the route's template where a request did not get as far as its route."""

    def __init__(self, app: ASGIApp, answered_at_once: Callable[[Scope], str | None]) -> None:
        self.app = app
        self._answered_at_once = answered_at_once

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        spans = tracing.current()
        if spans is None or scope["type"] != "http" or scope["path"].rstrip("/") in PROBES:
            await self.app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in METHODS else OTHER
        status = 0

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        headers = {FIELDS[name]: value.decode("latin-1") for name, value in scope["headers"] if name in FIELDS}
        with spans.request(_name(method), _attributes(method, scope), headers) as span:
            try:
                await self.app(scope, receive, noting)
            finally:
                if span.is_recording():
                    self._conclude(span, method, scope, status)

    def _conclude(self, span: Span, method: str, scope: Scope, status: int) -> None:
        route: str | None = template(scope)
        if route == UNMATCHED:
            route = self._answered_at_once(scope) if method == "GET" else None
        if route is not None:
            span.set_attribute("http.route", route)
            span.update_name(f"{_name(method)} {route}")
        if status:
            span.set_attribute("http.response.status_code", status)
        if status >= SERVER_ERROR:
            span.set_attribute("error.type", str(status))
            span.set_status(StatusCode.ERROR)


def _name(method: str) -> str:
    return "HTTP" if method == OTHER else method


def _attributes(method: str, scope: Scope) -> dict[str, str | int]:
    """Neither query nor header nor the client's address: who asks, and for which place, is nobody else's business."""
    return {
        "http.request.method": method,
        "url.scheme": scope.get("scheme", "http"),
        "url.path": HIDDEN if "@" in scope["path"] else scope["path"],
        "network.protocol.version": scope.get("http_version", "1.1"),
    }
