"""What is counted of the database as a process sees it, for Prometheus."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from prometheus_client import Counter, Gauge, Histogram

from parkingspots.kit.buckets import DURATIONS
from parkingspots.kit.known import from_zero

SESSION, DRIVER = "session", "driver"
"""The two pools: SQLAlchemy's, and the driver's own."""

UP = Gauge(
    "parkingspots_database_up", "1 while the database answers, asked again and again.", multiprocess_mode="livemin"
)
SIZE = Gauge(
    "parkingspots_database_pool_size", "Connections that a pool may have.", ("pool",), multiprocess_mode="livesum"
)
IN_USE = Gauge(
    "parkingspots_database_pool_in_use", "Connections that are at work.", ("pool",), multiprocess_mode="livesum"
)
WAITING = Gauge(
    "parkingspots_database_pool_waiting", "Requests that wait for a connection.", ("pool",), multiprocess_mode="livesum"
)
WAIT = Histogram(
    "parkingspots_database_pool_wait_seconds",
    "Until a connection was there: one that was free, or one that was made.",
    ("pool",),
    buckets=DURATIONS,
)
TIMEOUTS = Counter("parkingspots_database_pool_timeouts", "Requests that gave up waiting for a connection.", ("pool",))
STATEMENT = Histogram(
    "parkingspots_database_statement_duration_seconds",
    "What a function of a repository took: its statements, and the way there and back.",
    ("function",),
    buckets=DURATIONS,
)
ERRORS = Counter(
    "parkingspots_database_errors",
    "Requests that failed for the database: unreachable, contention (locks), timeout, busy (no connection was free) or"
    " unexpected.",
    ("kind",),
)
from_zero(ERRORS, ("unreachable", "contention", "timeout", "busy", "unexpected"))
from_zero(TIMEOUTS, (SESSION, DRIVER))


@contextmanager
def waiting(pool: str, *gave_up: type[Exception]) -> Iterator[None]:
    """Around the wait for a connection, which ends with one of `gave_up` where it takes too long."""
    began = perf_counter()
    with WAITING.labels(pool).track_inprogress():
        try:
            yield
        except gave_up:
            TIMEOUTS.labels(pool).inc()
            raise
    WAIT.labels(pool).observe(perf_counter() - began)
