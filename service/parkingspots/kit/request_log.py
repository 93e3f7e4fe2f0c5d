"""One line a request in the log: every one that failed or was slow, and some of the others."""

import random

import structlog

from parkingspots.settings import Environment, Settings

SERVER_ERROR = 500
A_FEW = 0.001
log = structlog.get_logger("parkingspots.requests")


class RequestLog:
    """Tells of requests as the settings say; never a path, a query, a header or an address that a client sent."""

    def __init__(self, settings: Settings) -> None:
        in_development = settings.environment is Environment.DEVELOPMENT
        share = settings.request_log_share
        self._share = share if share is not None else 1.0 if in_development else A_FEW
        self._slow = settings.request_log_slow_seconds

    def tell(self, request_id: str | None, method: str, route: str, status: int, size: int, seconds: float) -> None:
        """Write the line, where the request is worth one; `size` in bytes. What was at hand may have no id."""
        failed, slow = status >= SERVER_ERROR, seconds >= self._slow
        if not failed and not slow and random.random() >= self._share:  # noqa: S311 - no secret
            return
        write = log.warning if failed or slow else log.info
        write(
            "request",
            **({"request_id": request_id} if request_id is not None else {}),
            method=method,
            route=route,
            status=status,
            milliseconds=round(seconds * 1_000, 1),
            bytes=size,
        )
