"""A stand-in for an OpenTelemetry collector: takes OTLP over HTTP, and shows the spans that it was sent.

It decodes with OpenTelemetry's own protobuf messages; what a real one would do with them afterwards is not seen.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from parkingspots.dev.ports import HOST

KINDS = {Span.SPAN_KIND_INTERNAL: "internal", Span.SPAN_KIND_SERVER: "server", Span.SPAN_KIND_CLIENT: "client"}


@dataclass(frozen=True)
class Told:
    """A span as it came."""

    name: str
    kind: str
    trace: str
    id: str
    parent: str
    attributes: Mapping[str, Any]
    service: Mapping[str, Any]
    failed: bool
    lasted: range
    """Nanoseconds since the epoch."""


@dataclass
class Collector:
    url: str
    bodies: list[bytes] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    status: int = 200
    """What it answers."""

    @property
    def environment(self) -> dict[str, str]:
        """How a process is told to send its traces there."""
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.url}

    def spans(self) -> list[Told]:
        return [told for body in self.bodies for told in _read(body)]

    def named(self, name: str) -> Told:
        """The only span of that name."""
        (found,) = [span for span in self.spans() if span.name == name]
        return found

    def below(self, parent: Told) -> list[str]:
        """The names of the spans that `parent` is the parent of, in the order in which they began."""
        children = [span for span in self.spans() if span.parent == parent.id]
        return [span.name for span in sorted(children, key=lambda span: span.lasted.start)]


@contextmanager
def collector() -> Iterator[Collector]:
    """One that listens while the block lasts."""

    class Takes(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            there.paths.append(self.path)
            there.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(there.status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Not into the tests' output."""

    server = ThreadingHTTPServer((HOST, 0), Takes)
    there = Collector(f"http://{HOST}:{server.server_port}")
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield there
    finally:
        server.shutdown()
        server.server_close()


def _read(body: bytes) -> Iterator[Told]:
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        service = _values(resource.resource.attributes)
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield Told(
                    span.name,
                    KINDS[span.kind],
                    span.trace_id.hex(),
                    span.span_id.hex(),
                    span.parent_span_id.hex(),
                    _values(span.attributes),
                    service,
                    span.status.code == Status.STATUS_CODE_ERROR,
                    range(span.start_time_unix_nano, span.end_time_unix_nano),
                )


def _values(pairs: Any) -> dict[str, Any]:
    return {pair.key: _value(pair) for pair in pairs}


def _value(pair: KeyValue) -> Any:
    return getattr(pair.value, pair.value.WhichOneof("value") or "string_value")
