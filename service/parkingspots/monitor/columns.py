"""What a row of the pods' table says, column by column."""

from collections.abc import Callable
from dataclasses import dataclass

from parkingspots.monitor import words
from parkingspots.monitor.figures import Figures

LATE = 180
"""Seconds after which the minute job is late."""


def job_is_late(figures: Figures) -> bool:
    return (figures.job_age_seconds or 0) > LATE


@dataclass(frozen=True)
class Column:
    title: str
    about: str
    text: Callable[[Figures], str]
    value: Callable[[Figures], float | str | None]
    """What rows are sorted by."""
    is_bad: Callable[[Figures], bool] = lambda _: False
    """Whether somebody should look."""


COLUMNS = (
    Column(
        "req/s",
        "requests a second",
        lambda it: words.number(it.requests_per_second),
        lambda it: it.requests_per_second,
    ),
    Column(
        "p50",
        "half of the requests took at most so long",
        lambda it: words.seconds(it.latency_p50_seconds),
        lambda it: it.latency_p50_seconds,
    ),
    Column(
        "p95", "95 % of them did", lambda it: words.seconds(it.latency_p95_seconds), lambda it: it.latency_p95_seconds
    ),
    Column(
        "p99", "99 % of them did", lambda it: words.seconds(it.latency_p99_seconds), lambda it: it.latency_p99_seconds
    ),
    Column(
        "errors",
        "the share of answers 5xx",
        lambda it: words.share(it.error_share),
        lambda it: it.error_share,
        lambda it: bool(it.error_share),
    ),
    Column(
        "busy",
        "requests that are being worked on",
        lambda it: words.number(it.requests_in_flight),
        lambda it: it.requests_in_flight,
    ),
    Column(
        "cache",
        "the share of public reads answered from what is kept",
        lambda it: words.share(it.cache_hit_share),
        lambda it: it.cache_hit_share,
    ),
    Column(
        "pool",
        "database connections at work, of those there may be",
        lambda it: words.of(it.pool_in_use, it.pool_size),
        lambda it: it.pool_in_use,
    ),
    Column(
        "wait",
        "requests that wait for a database connection",
        lambda it: words.number(it.pool_waiting),
        lambda it: it.pool_waiting,
        lambda it: bool(it.pool_waiting),
    ),
    Column(
        "lag",
        "how late the event loop is, 99 % of the time at most",
        lambda it: words.seconds(it.event_loop_lag_p99_seconds),
        lambda it: it.event_loop_lag_p99_seconds,
    ),
    Column("memory", "resident memory", lambda it: words.size(it.memory_bytes), lambda it: it.memory_bytes),
    Column("cpu", "cores at work", lambda it: words.number(it.cpu_cores), lambda it: it.cpu_cores),
    Column(
        "booked",
        "bookings confirmed in the last minute",
        lambda it: words.number(it.bookings_per_minute),
        lambda it: it.bookings_per_minute,
    ),
    Column(
        "taken",
        "bookings refused in the last minute, as the slot was taken",
        lambda it: words.number(it.conflicts_per_minute),
        lambda it: it.conflicts_per_minute,
    ),
    Column(
        "job",
        "since when a step of the minute job has not succeeded",
        lambda it: words.age(it.job_age_seconds),
        lambda it: it.job_age_seconds,
        job_is_late,
    ),
    Column("version", "of ParkingSpots", lambda it: it.version or words.NOBODY_KNOWS, lambda it: it.version),
)
