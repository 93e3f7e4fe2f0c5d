"""Every request: counted by its route, named by an id, and told in a line of the log where it is worth one."""

import re
from bisect import bisect_left
from collections.abc import Iterator
from functools import cache
from itertools import count
from secrets import token_hex
from time import perf_counter

from prometheus_client import Counter, Gauge
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from parkingspots.kit.buckets import DURATIONS, SIZES
from parkingspots.kit.hardening import is_secure, protected
from parkingspots.kit.request_log import RequestLog
from parkingspots.kit.tally import Amounts, hold

REQUESTS = Counter(
    "parkingspots_http_requests",
    "Requests by the route's template, or unmatched where none was found or asked for; 499: the client went away.",
    ("method", "route", "status"),
)
DURATION = Amounts(
    "parkingspots_http_request_duration_seconds",
    "From a request's arrival in the application until its answer was handed to the server.",
    ("method", "route"),
    buckets=DURATIONS,
)
SIZE = Amounts("parkingspots_http_response_size_bytes", "Bytes of bodies as they were sent.", ("route",), buckets=SIZES)
IN_FLIGHT = Gauge(
    "parkingspots_http_requests_in_flight",
    "Requests that are being worked on; those answered at once, from what is kept, are not seen.",
    multiprocess_mode="livesum",
)

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
UNMATCHED, OTHER = "unmatched", "other"
GONE = 499
"""Where there was nobody left to answer; nginx's number for it."""
HEADER = b"x-request-id"
AN_ID = re.compile(rb"[A-Za-z0-9._:+/=-]{1,64}")
ROUTE, REQUEST_ID = "route", "request_id"
QUIET = "quiet"
"""In the scope of a request that is counted and told of in no line of the log."""


def _ids() -> Iterator[str]:
    """Ids that no other process gives."""
    process = token_hex(6)
    return (f"{process}-{number:x}" for number in count(1))


_own_ids = _ids()


def an_id(value: bytes | None) -> str | None:
    """What a client or a proxy sent, where it looks like an id."""
    return value.decode() if value is not None and AN_ID.fullmatch(value) else None


def request_id(scope: Scope) -> str:
    """The id that the request was given, or a new one."""
    given = next((value for name, value in scope["headers"] if name == HEADER), None)
    return an_id(given) or next(_own_ids)


class Figures:
    """What is counted of a method and a route, held back for a second: looking it up and its locks cost more."""

    def __init__(self, method: str, route: str) -> None:
        self._labels = method, route
        self._duration, self._size = DURATION.labels(method, route), SIZE.labels(route)
        self._answers: dict[int, int] = {}
        self._start()
        hold(self)

    def _start(self) -> None:
        self._durations, self._seconds = [0] * (len(DURATIONS) + 1), 0.0
        self._sizes, self._bytes = [0] * (len(SIZES) + 1), 0

    def count(self, status: int, size: int, seconds: float) -> None:
        """Count an answer; `size` in bytes."""
        self._answers[status] = self._answers.get(status, 0) + 1
        self._durations[bisect_left(DURATIONS, seconds)] += 1
        self._seconds += seconds
        self._sizes[bisect_left(SIZES, size)] += 1
        self._bytes += size

    def write_down(self) -> None:
        """Add what is held to the metrics."""
        if not self._answers:
            return
        for status, number in self._answers.items():
            REQUESTS.labels(*self._labels, str(status)).inc(number)
        self._duration.observe_many(self._durations, self._seconds)
        self._size.observe_many(self._sizes, self._bytes)
        self._answers.clear()
        self._start()


@cache
def figures(method: str, route: str) -> Figures:
    """Those of one pair, of which there are as many as the application has routes."""
    return Figures(method, route)


class Measured:
    """Stands outside of the application that it measures."""

    def __init__(self, app: ASGIApp, log: RequestLog) -> None:
        self.app = app
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, answer = perf_counter(), _Answer(send, request_id(scope), secure=is_secure(scope))
        IN_FLIGHT.inc()
        try:
            with bound_contextvars(request_id=answer.request_id):
                await self.app(scope, receive, answer.send)
        finally:
            IN_FLIGHT.dec()
            seconds = perf_counter() - began
            method = scope["method"] if scope["method"] in METHODS else OTHER
            route = template(scope)
            figures(method, route).count(answer.status, answer.size, seconds)
            if not scope.get(QUIET):
                self._log.tell(answer.request_id, method, route, answer.status, answer.size, seconds)


class _Answer:
    """An answer on its way out, with the request's id and what a browser is told."""

    __slots__ = ("_secure", "_send", "request_id", "size", "status")

    def __init__(self, send: Send, request_id: str, *, secure: bool) -> None:
        self._send, self._secure = send, secure
        self.request_id = request_id
        self.status, self.size = GONE, 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [*protected(message["headers"], secure=self._secure), (HEADER, self.request_id.encode())]
            message = {**message, "headers": headers}
        else:
            self.size += len(message.get("body", b""))
        await self._send(message)


def template(scope: Scope) -> str:
    """The path of the route that took the request, as it was declared; never what the client wrote."""
    route = scope.get(ROUTE)
    if isinstance(route, str):
        return route
    whole = scope.get("fastapi", {}).get("effective_route_context")  # the route itself knows no prefix
    return str(getattr(whole, "path", None) or getattr(route, "path", UNMATCHED))
