"""What stands in front of the application: whose request it is, who may read the answer, and what is kept."""

from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from parkingspots.kit import tracing
from parkingspots.kit.addresses import both_ways
from parkingspots.kit.origins import OtherOrigins
from parkingspots.kit.request_log import RequestLog
from parkingspots.kit.requests import Measured
from parkingspots.reads.shortcut import Shortcut
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
    outermost: Any = Shortcut(Measured(app, log), app.state, app.state.targets, log)  # uvicorn has types of its own
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
