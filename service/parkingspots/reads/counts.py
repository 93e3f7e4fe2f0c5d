"""What is counted of public reads, for Prometheus."""

from functools import cache

from prometheus_client import Counter, Gauge

from parkingspots.kit.tally import Tally

ANSWERS = Counter(
    "parkingspots_reads",
    "Public reads by how they were answered: hit (this process had the answer), shared (Valkey had it), miss (loaded),"
    " coalesced (loaded for somebody else), stale (PostgreSQL was away or slow, or no turn came), own (this"
    " visitor's) or failed (not 200).",
    ("route", "outcome"),
)
REFRESHED = Counter("parkingspots_reads_refreshed", "Answers loaded again shortly before their time.", ("route",))
KEPT = Gauge("parkingspots_reads_kept_bytes", "Bytes that this process keeps, about.", multiprocess_mode="livesum")
UNREADABLE = Counter("parkingspots_reads_unreadable", "Values in Valkey that were no answers of ours.")
VALKEY_ERRORS = Counter("parkingspots_reads_valkey_errors", "Exchanges with Valkey that failed.", ("of",))
BREAKER = Gauge(
    "parkingspots_reads_breaker_open", "1 while Valkey is left alone.", ("of",), multiprocess_mode="livemax"
)


@cache
def hits(route: str) -> Tally:
    """Those that were at hand."""
    return Tally(ANSWERS.labels(route, "hit"))


@cache
def answers(route: str, outcome: str) -> Counter:
    """The counter of one outcome; looked up once, as `labels` costs more than counting."""
    return ANSWERS.labels(route, outcome)
