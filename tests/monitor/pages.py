"""Pages of /metrics, as a process of the product would show them."""

from collections.abc import Iterable, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

SEARCH = "/api/v1/parking-spots/search"
BOOK = "/api/v1/bookings/"
Route = tuple[str, str]
GET: Route = ("GET", SEARCH)
POST: Route = ("POST", BOOK)


class Process(Collector):
    """What one process has counted so far; tests write into it."""

    def __init__(self, started: float | None = 1_000.0) -> None:
        self.started = started
        self.requests: dict[tuple[str, str, str], float] = {}
        self.durations: dict[Route, Mapping[float, float]] = {}
        """By upper bound, not added up; infinity for the rest."""
        self.gauges: dict[tuple[str, str, str], float] = {}
        """By name, label and value; an empty label is none."""
        self.reads: dict[str, float] = {}
        self.bookings: dict[str, float] = {}

    def ask(self, route: Route = GET, status: int = 200, times: float = 1) -> None:
        key = (*route, str(status))
        self.requests[key] = self.requests.get(key, 0) + times

    def page(self) -> str:
        registry = CollectorRegistry()
        registry.register(self)
        return generate_latest(registry).decode()

    def collect(self) -> Iterable[Metric]:
        yield _counter("parkingspots_http_requests", ("method", "route", "status"), self.requests)
        yield _counter("parkingspots_reads", ("outcome",), {(name,): count for name, count in self.reads.items()})
        made = {(name,): count for name, count in self.bookings.items()}
        yield _counter("parkingspots_bookings_transitions", ("to",), made)
        yield self._histogram()
        if self.started is not None:
            yield GaugeMetricFamily("process_start_time_seconds", "About.", self.started)
        for (name, label, value), figure in self.gauges.items():
            family = GaugeMetricFamily(name, "About.", labels=[label] if label else [])
            family.add_metric([value] if label else [], figure)
            yield family

    def _histogram(self) -> Metric:
        family = HistogramMetricFamily(
            "parkingspots_http_request_duration_seconds", "About.", labels=["method", "route"]
        )
        for route, buckets in self.durations.items():
            total, added = 0.0, []
            for bound in sorted(buckets):
                total += buckets[bound]
                added.append(("+Inf" if bound == float("inf") else str(bound), total))
            family.add_metric(route, added, 0.0)
        return family


def _counter(name: str, labels: tuple[str, ...], counts: Mapping[Any, float]) -> Metric:
    family = CounterMetricFamily(name, "About.", labels=labels)
    for values, count in counts.items():
        family.add_metric(values, count)
    return family
