"""Traces for OpenTelemetry, where the standard OTEL_ variables ask for them. Until then nothing of it is even imported.

What the rest of the product calls stands here; each function does nothing while nothing is traced. Only what happens
within a request or a step of the minute job becomes a span: what a process does by itself would be one trace a second.
"""

import os
from collections.abc import AsyncIterator, Mapping, MutableMapping
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import structlog

from parkingspots.kit.tracing import wishes

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.engine import URL

    from parkingspots.kit.tracing.spans import Spans

NOTHING: AbstractContextManager[None] = nullcontext()
log = structlog.get_logger(__name__)


class _Process:
    """Of which there is one, so its spans go one way."""

    spans: "Spans | None" = None


def current() -> "Spans | None":
    """What makes spans, while something is traced."""
    return _Process.spans


def is_asked_for() -> bool:
    """Whether the environment asks for traces that can be had."""
    return bool(wishes.asked(os.environ).exporters)


@asynccontextmanager
async def traced(service: str) -> AsyncIterator[None]:
    """Trace while the block lasts, under the name `service` where OTEL_SERVICE_NAME gives no other.

    What cannot be had is one line in the log: nobody's work fails for want of a trace.
    """
    wish = wishes.asked(os.environ)
    if wish.objection is not None:
        complaint = f"Nothing is traced: {wish.objection}"
        log.warning(complaint)
    if not wish.exporters:
        yield
        return
    wishes.leave_out_unknown_propagators()
    try:
        from parkingspots.kit.tracing import export

        begun = export.begin(wish.exporters, service)
    except Exception as error:  # noqa: BLE001 - the kit's own reading of its variables raises what it likes
        said = wishes.without_secrets(str(error), os.environ)
        log.warning("Nothing is traced: an OTEL_ variable cannot be used.", error=said)
        yield
        return
    before, _Process.spans = _Process.spans, begun.spans
    try:
        yield
    finally:
        _Process.spans = before
        await begun.end()


def trace_id() -> str | None:
    """Of the request or the step that this code works for."""
    return None if _Process.spans is None else _Process.spans.trace_id()


def named(_logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A processor of log lines: says which trace the line belongs to."""
    if _Process.spans is not None:
        line.update(_Process.spans.ids())
    return line


def step(name: str) -> AbstractContextManager[None]:
    """Around a step of the minute job: a trace of its own."""
    return NOTHING if _Process.spans is None else _Process.spans.step(name)


def call(name: str, attributes: Mapping[str, str | int]) -> AbstractContextManager[None]:
    """Around a call of another server."""
    return NOTHING if _Process.spans is None else _Process.spans.call(name, attributes)


def note(**attributes: str | int) -> None:
    """Say more of the span that this code is in; `__` stands for the dot of a name."""
    if _Process.spans is not None:
        _Process.spans.note({name.replace("__", "."): value for name, value in attributes.items()})


def failed(error: Exception | None) -> None:
    """Mark the span that this code is in, where there is an error that nobody raises."""
    if _Process.spans is not None and error is not None:
        _Process.spans.failed(error)


def carried() -> Mapping[str, str]:
    """Headers that tell another server which trace its request belongs to."""
    return {} if _Process.spans is None else _Process.spans.carried()


def connecting(url: "URL") -> dict[str, Any]:
    """What asyncpg is to be told for its connections to be traced."""
    if _Process.spans is None:
        return {}
    from parkingspots.kit.tracing import sql

    return {"connection_class": sql.connection_class(url)}


def watch(engine: "Engine") -> None:
    """Trace the statements that go by SQLAlchemy."""
    if _Process.spans is not None:
        from parkingspots.kit.tracing import sql

        sql.watch(engine)
