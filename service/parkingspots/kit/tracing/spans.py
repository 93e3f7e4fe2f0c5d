"""Spans by OpenTelemetry's stable conventions. They hold no query, no address of a client, no value of a statement."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import context, propagate, trace
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer

Attributes = Mapping[str, str | int]
OF_TRACES = frozenset(name.lower() for name in propagate.get_global_textmap().fields) - {"baggage"}
"""Headers by which a trace goes on. What a client has put into its baggage goes nowhere."""


class Spans:
    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    @contextmanager
    def request(self, name: str, attributes: Attributes, headers: Mapping[str, str]) -> Iterator[Span]:
        """Of a server: part of the trace that the headers name, where they do."""
        before = propagate.extract(headers) if headers else context.Context()
        span = self._tracer.start_span(name, before, SpanKind.SERVER, attributes)
        with _inside(span):
            yield span

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        with _inside(self._tracer.start_span(name)):
            yield

    @contextmanager
    def call(self, name: str, attributes: Attributes) -> Iterator[None]:
        """Of a client, within something that is traced."""
        if not trace.get_current_span().is_recording():
            yield
            return
        with _inside(self._tracer.start_span(name, kind=SpanKind.CLIENT, attributes=attributes)):
            yield

    def begin(self, name: str, attributes: Attributes) -> Span | None:
        """The same for those who hear of the end elsewhere."""
        if not trace.get_current_span().is_recording():
            return None
        return self._tracer.start_span(name, kind=SpanKind.CLIENT, attributes=attributes)

    def trace_id(self) -> str | None:
        found = trace.get_current_span().get_span_context()
        return trace.format_trace_id(found.trace_id) if found.is_valid else None

    def ids(self) -> Mapping[str, str]:
        found = trace.get_current_span().get_span_context()
        if not found.is_valid:
            return {}
        return {"trace_id": trace.format_trace_id(found.trace_id), "span_id": trace.format_span_id(found.span_id)}

    def note(self, attributes: Attributes) -> None:
        trace.get_current_span().set_attributes(attributes)

    def failed(self, error: BaseException) -> None:
        mark(trace.get_current_span(), error)

    def carried(self) -> Mapping[str, str]:
        headers: dict[str, str] = {}
        propagate.inject(headers)
        return headers


@contextmanager
def _inside(span: Span) -> Iterator[None]:
    """The current one until the block ends, and it with that."""
    with trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        try:
            yield
        except Exception as error:
            mark(span, error)
            raise


def mark(span: Span, error: BaseException) -> None:
    """By its kind: what an error says may hold what a client has sent."""
    code = getattr(error, "sqlstate", None)
    if code is not None:
        span.set_attribute("db.response.status_code", code)
    span.set_attribute("error.type", code or type(error).__qualname__)
    span.set_status(StatusCode.ERROR)
