"""What stands in front of the application: whose request it is, who may read the answer, and what is kept."""

from functools import partial
from typing import Any

from fastapi import FastAPI
from starlette.datastructures import State
from starlette.types import ASGIApp, Scope
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from parkingspots.kit import tracing
from parkingspots.kit.addresses import both_ways
from parkingspots.kit.origins import OtherOrigins
from parkingspots.kit.request_log import RequestLog
from parkingspots.kit.requests import Measured
from parkingspots.kit.turns import READING, Valve
from parkingspots.reads.reads import Reads
from parkingspots.reads.shortcut import Shortcut
from parkingspots.reads.targets import Targets
from parkingspots.settings import Settings

METHODS = ("GET", "POST", "PUT", "DELETE")
SENT = ("Authorization", "Content-Type", "Idempotency-Key", "If-None-Match", "If-Match", "X-Request-ID", "traceparent")
TOLD = (
    "Link",
    "X-Total-Count",
    "ETag",
    "Retry-After",
    "RateLimit",
    "RateLimit-Policy",
    "Idempotency-Replayed",
    "X-Request-ID",
)


def front(app: FastAPI) -> ASGIApp:
    """What servers run."""
    settings: Settings = app.state.settings
    log = RequestLog(settings)
    inner = Measured(Valve(app, app.state.lines.of, partial(_costs_little, app.state)), log)
    outermost: Any = Shortcut(inner, app.state, app.state.targets, log)  # uvicorn has types of its own
    if tracing.is_asked_for():
        from parkingspots.kit.tracing.layer import Traced

        outermost = Traced(outermost, app.state.targets.template_of)
    if settings.trusted_proxies:
        outermost = ProxyHeadersMiddleware(outermost, trusted_hosts=both_ways(settings.trusted_proxies))
    if settings.cors_origins:
        outermost = OtherOrigins(
            outermost,
            allow_origins=settings.cors_origins,
            allow_methods=METHODS,
            allow_headers=SENT,
            expose_headers=TOLD,
        )
    served: ASGIApp = outermost
    return served


def _costs_little(state: State, scope: Scope) -> bool:
    """Whether it is a read whose answer is kept, or on its way: at most it is loaded once for all who ask."""
    reads: Reads | None = state.reads
    if reads is None or scope["method"] not in READING:
        return False
    targets: Targets = state.targets
    target = targets.known(scope) if scope["query_string"] else targets.of(scope)  # to read a query takes longer
    return target is not None and reads.knows(target)
