"""The figures that the monitor shows, out of what is seen."""

from collections.abc import Mapping
from dataclasses import dataclass

from parkingspots.monitor.quantiles import quantile
from parkingspots.monitor.samples import (
    BUILD,
    CACHE_UP,
    CONFLICTS,
    CPU,
    DATABASE_UP,
    DURATION,
    IN_FLIGHT,
    JOB_AGE,
    LAG,
    MEMORY,
    POOL_IN_USE,
    POOL_SIZE,
    POOL_WAITING,
    READS,
    REQUESTS,
    TRANSITIONS,
    Series,
)
from parkingspots.monitor.sight import Sight

Filter = Mapping[str, str]
SECONDS = 60
HITS = ("hit", "shared")
"""Reads that cost PostgreSQL nothing."""
OWN_ROUTE = "/metrics"
"""What the monitor asks for; it does not measure itself."""


@dataclass(frozen=True)
class Figures:
    """None is what nobody knows: a metric that is absent, a share of nothing. The names are the keys of --json."""

    version: str | None = None
    requests_per_second: float | None = None
    latency_p50_seconds: float | None = None
    latency_p95_seconds: float | None = None
    latency_p99_seconds: float | None = None
    error_share: float | None = None
    requests_in_flight: float | None = None
    cache_hit_share: float | None = None
    pool_in_use: float | None = None
    pool_size: float | None = None
    pool_waiting: float | None = None
    event_loop_lag_p99_seconds: float | None = None
    memory_bytes: float | None = None
    cpu_cores: float | None = None
    bookings_per_minute: float | None = None
    conflicts_per_minute: float | None = None
    database_up: bool | None = None
    cache_up: bool | None = None
    job_age_seconds: float | None = None
    job_worst_step: str | None = None


UNKNOWN = Figures()


def figures(sight: Sight) -> Figures:
    """What `sight` amounts to."""
    latency = buckets(sight, DURATION)
    age, step = _worst_step(sight)
    return Figures(
        version=", ".join(sorted({series.label("version") for series in sight.gauges_of(BUILD)})) or None,
        requests_per_second=_rate(sight, REQUESTS),
        latency_p50_seconds=quantile(0.5, latency),
        latency_p95_seconds=quantile(0.95, latency),
        latency_p99_seconds=quantile(0.99, latency),
        error_share=share(*_errors(sight)),
        requests_in_flight=_sum(sight, IN_FLIGHT),
        cache_hit_share=share(*_hits(sight)),
        pool_in_use=_sum(sight, POOL_IN_USE),
        pool_size=_sum(sight, POOL_SIZE),
        pool_waiting=_sum(sight, POOL_WAITING),
        event_loop_lag_p99_seconds=quantile(0.99, buckets(sight, LAG)),
        memory_bytes=_sum(sight, MEMORY),
        cpu_cores=_rate(sight, CPU),
        bookings_per_minute=_a_minute(sight, TRANSITIONS, to="confirmed"),
        conflicts_per_minute=_a_minute(sight, CONFLICTS),
        database_up=_is_up(sight, DATABASE_UP),
        cache_up=_is_up(sight, CACHE_UP),
        job_age_seconds=age,
        job_worst_step=step,
    )


def share(part: float, whole: float) -> float | None:
    """A part between 0 and 1; None of nothing."""
    return part / whole if whole > 0 else None


def counted(series: Series) -> bool:
    """Whether a series is of what others than Prometheus and the monitor asked."""
    return series.label("route") != OWN_ROUTE


def is_error(series: Series) -> bool:
    """Whether requests of a status were failed by the service."""
    return series.label("status").startswith("5")


def buckets(sight: Sight, name: str) -> Mapping[float, float]:
    """A histogram of the last seconds, all its series together."""
    found: dict[float, float] = {}
    for series, rate in (sight.rates or {}).items():
        if series.name == name and counted(series):
            bound = float(series.label("le"))
            found[bound] = found.get(bound, 0.0) + rate
    return found


def _rate(sight: Sight, name: str) -> float | None:
    if sight.rates is None or name not in sight.declared:
        return None
    return sum(rate for series, rate in sight.rates.items() if series.name == name and counted(series))


def _a_minute(sight: Sight, name: str, **labels: str) -> float | None:
    if sight.slow_rates is None or name not in sight.declared:
        return None
    found = ((series, rate) for series, rate in sight.slow_rates.items() if series.name == name)
    return SECONDS * sum(rate for series, rate in found if labels.items() <= set(series.labels))


def _errors(sight: Sight) -> tuple[float, float]:
    """Requests a second that failed, and all."""
    rates = [(series, rate) for series, rate in (sight.rates or {}).items() if series.name == REQUESTS]
    asked = [(series, rate) for series, rate in rates if counted(series)]
    return sum(rate for series, rate in asked if is_error(series)), sum(rate for _, rate in asked)


def _hits(sight: Sight) -> tuple[float, float]:
    """Public reads a second that were answered from what is kept, and all."""
    reads = [(series, rate) for series, rate in (sight.rates or {}).items() if series.name == READS]
    return sum(rate for series, rate in reads if series.label("outcome") in HITS), sum(rate for _, rate in reads)


def _sum(sight: Sight, name: str) -> float | None:
    values = sight.gauges_of(name).values()
    return sum(values) if values else None


def _is_up(sight: Sight, name: str) -> bool | None:
    values = sight.gauges_of(name).values()
    return min(values) > 0 if values else None


def _worst_step(sight: Sight) -> tuple[float | None, str | None]:
    """Since when a step of the minute job has not succeeded, of the step that has waited longest."""
    ages = {series.label("step"): age for series, age in sight.gauges_of(JOB_AGE).items()}
    if not ages:
        return None, None
    step = max(ages, key=lambda step: ages[step])
    return ages[step], step
