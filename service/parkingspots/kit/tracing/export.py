"""Where spans go: by OTLP over HTTP to a collector, from a thread. A collector that is away disturbs nobody."""

import asyncio
import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Thread

import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    ConsoleSpanExporter,
    SimpleSpanProcessor,
    SpanExporter,
    SpanExportResult,
)
from opentelemetry.util.re import parse_env_headers

from parkingspots import __version__
from parkingspots.kit.tracing import wishes
from parkingspots.kit.tracing.spans import Spans
from parkingspots.kit.tracing.wishes import CONSOLE, HEADERS, OTLP

SCHEMA = "https://opentelemetry.io/schemas/1.44.0"
TALKATIVE = "opentelemetry.exporter.otlp.proto.http.trace_exporter", "opentelemetry.sdk._shared_internal"
"""Loggers with a line for each attempt, and for each span that finds the queue full."""
UNNAMED = "unknown_service"
LEAVE_TAKING = 2.0
"""Seconds for what has not been delivered at the end."""
SILENCE = 600.0
"""Seconds between two complaints: a collector that comes and goes fills no log."""
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Begun:
    spans: Spans
    provider: TracerProvider

    async def end(self) -> None:
        """Deliver what is left, if that can be done soon. The thread holds up no process that wants to end."""
        loop, ended = asyncio.get_running_loop(), asyncio.Event()

        def shut_down() -> None:
            self.provider.shutdown()
            with suppress(RuntimeError):  # nobody waits any more
                loop.call_soon_threadsafe(ended.set)

        Thread(target=shut_down, daemon=True).start()
        with suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_TAKING):
                await ended.wait()


def begin(exporters: Sequence[str], service: str) -> Begun:
    """Raises whatever OpenTelemetry does where it cannot use a variable, and ValueError."""
    provider = TracerProvider(resource=_resource(service), shutdown_on_exit=False)
    for name in exporters:
        provider.add_span_processor(PROCESSORS[name]())
    return Begun(Spans(provider.get_tracer("parkingspots", __version__, SCHEMA)), provider)


def _resource(service: str) -> Resource:
    """What OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME say, and in their absence what we know."""
    found = Resource.create()
    name = str(found.attributes.get(SERVICE_NAME, UNNAMED))
    own: Mapping[str, str] = {SERVICE_NAME: service if name.startswith(UNNAMED) else name}
    return Resource({SERVICE_VERSION: __version__}).merge(found).merge(Resource(own))


def _to_a_collector() -> SpanProcessor:
    _require_headers()
    return BatchSpanProcessor(Told(OTLPSpanExporter()))


def _require_headers() -> None:
    """Raises ValueError where they cannot be read, or sent: others would log them as they are, and secrets they are."""
    name = next((name for name in HEADERS if os.environ.get(name)), HEADERS[0])
    complaint, reader = _Complaint(), logging.getLogger(parse_env_headers.__module__)
    reader.addFilter(complaint)
    try:
        headers = parse_env_headers(os.environ.get(name, ""), liberal=True)
    finally:
        reader.removeFilter(complaint)
    if complaint.first is not None:
        raise ValueError(f"{name} cannot be read: write name=value, with a comma between two and quotes as %22.")
    if any("\n" in value or "\r" in value for value in headers.values()):
        raise ValueError(f"{name} has a value of several lines, which no header can have.")


def _to_the_terminal() -> SpanProcessor:
    return SimpleSpanProcessor(ConsoleSpanExporter())


PROCESSORS: Mapping[str, Callable[[], SpanProcessor]] = {OTLP: _to_a_collector, CONSOLE: _to_the_terminal}


class Told(SpanExporter):
    """Says in one line that spans are lost, and in one that they are not any more."""

    def __init__(self, exporter: SpanExporter, clock: Callable[[], float] = time.monotonic) -> None:
        self._exporter = exporter
        self._clock = clock
        self._complaint = _Complaint()
        self._silent_until = -1.0
        self._is_down = False
        for name in TALKATIVE:
            logging.getLogger(name).addFilter(self._complaint)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self._complaint.first = None
        result = self._exporter.export(spans)
        if result is SpanExportResult.SUCCESS:
            self._delivered()
        else:
            self._lost(self._complaint.first)
        return result

    def _lost(self, why: str | None) -> None:
        if not self._is_down and self._clock() >= self._silent_until:
            self._is_down, self._silent_until = True, self._clock() + SILENCE
            said = None if why is None else wishes.without_secrets(why, os.environ)
            log.warning("traces cannot be delivered: they are lost until they can, and requests go on", error=said)

    def _delivered(self) -> None:
        if self._is_down:
            self._is_down = False
            log.info("traces are delivered again")

    def shutdown(self) -> None:
        self._exporter.shutdown()
        for name in TALKATIVE:
            logging.getLogger(name).removeFilter(self._complaint)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)


class _Complaint(logging.Filter):
    """Keeps the first that is said about a batch, and lets nothing through."""

    first: str | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        self.first = self.first or record.getMessage()
        return False
