"""Statements as spans, whichever way they go: those that asyncpg is given, and those that SQLAlchemy prepares."""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg
from opentelemetry.trace import Span
from sqlalchemy import Engine, event
from sqlalchemy.engine import URL

from parkingspots.kit import tracing
from parkingspots.kit.tracing.spans import mark
from parkingspots.kit.tracing.summaries import summary

if TYPE_CHECKING:
    Connection: TypeAlias = asyncpg.Connection[Any]
else:
    Connection = asyncpg.Connection
ATTRIBUTE = "_parkingspots_span"
"""Of SQLAlchemy's context of a statement."""


def _about(url: URL) -> Mapping[str, str | int]:
    known = {"db.namespace": url.database, "server.address": url.host, "server.port": url.port}
    return {"db.system.name": "postgresql", **{name: value for name, value in known.items() if value}}


def _of(query: str, about: Mapping[str, str | int]) -> tuple[str, Mapping[str, str | int]]:
    """A span's name and attributes."""
    said = summary(query)
    return said, {**about, "db.operation.name": said.partition(" ")[0], "db.query.summary": said}


def connection_class(url: URL) -> type[Connection]:
    """Connections of which each statement is a span, and each bound of a transaction."""
    about = _about(url)

    def traced(query: str) -> AbstractContextManager[None]:
        return tracing.call(*_of(query, about))

    class Traced(Connection):
        async def execute(self, query: str, *args: Any, timeout: float | None = None) -> str:
            with traced(query):
                return await super().execute(query, *args, timeout=timeout)

        async def executemany(self, command: str, args: Iterable[Any], *, timeout: float | None = None) -> None:
            with traced(command):
                await super().executemany(command, args, timeout=timeout)

        async def fetch(self, query: str, *args: Any, **how: Any) -> Any:
            with traced(query):
                return await super().fetch(query, *args, **how)

        async def fetchval(self, query: str, *args: Any, **how: Any) -> Any:
            with traced(query):
                return await super().fetchval(query, *args, **how)

        async def fetchrow(self, query: str, *args: Any, **how: Any) -> Any:
            with traced(query):
                return await super().fetchrow(query, *args, **how)

    return Traced


def watch(engine: Engine) -> None:
    """SQLAlchemy prepares its statements, which its connection does not tell of."""
    about = _about(engine.url)

    @event.listens_for(engine, "before_cursor_execute")
    def begin(_c: Any, _cursor: Any, statement: str, _p: Any, context: Any, is_many: bool) -> None:
        spans = tracing.current()
        if spans is not None and not is_many:  # those of many are told of by the connection
            setattr(context, ATTRIBUTE, spans.begin(*_of(statement, about)))

    @event.listens_for(engine, "after_cursor_execute")
    def end(_c: Any, _cursor: Any, _s: Any, _p: Any, context: Any, _many: bool) -> None:
        _end(context, None)

    @event.listens_for(engine, "handle_error")
    def fail(failure: Any) -> None:
        _end(failure.execution_context, failure.original_exception)


def _end(context: Any, error: BaseException | None) -> None:
    span: Span | None = getattr(context, ATTRIBUTE, None)
    if span is None:
        return
    setattr(context, ATTRIBUTE, None)
    if error is not None:
        mark(span, error)
    span.end()
