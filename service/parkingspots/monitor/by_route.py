"""Requests by route."""

from collections.abc import Sequence
from dataclasses import dataclass

from parkingspots.monitor.figures import counted, is_error, share
from parkingspots.monitor.quantiles import quantile
from parkingspots.monitor.samples import DURATION, REQUESTS, Series
from parkingspots.monitor.sight import Sight


@dataclass(frozen=True)
class RouteFigures:
    """Of one method and route; the names are the keys of --json."""

    method: str
    route: str
    requests_per_second: float
    latency_p50_seconds: float | None
    latency_p99_seconds: float | None
    error_share: float | None


class _Sums:
    def __init__(self) -> None:
        self.all = self.errors = 0.0
        self.buckets: dict[float, float] = {}


def by_route(sight: Sight) -> Sequence[RouteFigures]:
    """Every route that was ever asked for, the busiest first."""
    found: dict[tuple[str, str], _Sums] = {}
    for series, rate in (sight.rates or {}).items():
        if series.name in {REQUESTS, DURATION} and counted(series):
            _add(found.setdefault((series.label("route"), series.label("method")), _Sums()), series, rate)
    routes = [
        RouteFigures(
            method,
            route,
            sums.all,
            quantile(0.5, sums.buckets),
            quantile(0.99, sums.buckets),
            share(sums.errors, sums.all),
        )
        for (route, method), sums in sorted(found.items())
    ]
    return sorted(routes, key=lambda each: -each.requests_per_second)


def _add(sums: _Sums, series: Series, rate: float) -> None:
    if series.name == DURATION:
        bound = float(series.label("le"))
        sums.buckets[bound] = sums.buckets.get(bound, 0.0) + rate
        return
    sums.all += rate
    if is_error(series):
        sums.errors += rate
