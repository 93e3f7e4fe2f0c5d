"""A page of /metrics, and what the monitor reads on it."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from prometheus_client.parser import text_string_to_metric_families

OURS = "parkingspots_"
REQUESTS = "parkingspots_http_requests_total"
DURATION = "parkingspots_http_request_duration_seconds_bucket"
IN_FLIGHT = "parkingspots_http_requests_in_flight"
READS = "parkingspots_reads_total"
TRANSITIONS = "parkingspots_bookings_transitions_total"
CONFLICTS = "parkingspots_bookings_conflicts_total"
LAG = "parkingspots_event_loop_lag_seconds_bucket"
CPU = "process_cpu_seconds_total"
MEMORY = "process_resident_memory_bytes"
STARTED = "process_start_time_seconds"
BUILD = "parkingspots_build_info"
DATABASE_UP = "parkingspots_database_up"
CACHE_UP = "parkingspots_cache_up"
POOL_SIZE = "parkingspots_database_pool_size"
POOL_IN_USE = "parkingspots_database_pool_in_use"
POOL_WAITING = "parkingspots_database_pool_waiting"
JOB_AGE = "parkingspots_job_last_success_age_seconds"

COUNTS = frozenset({REQUESTS, DURATION, READS, TRANSITIONS, CONFLICTS, LAG, CPU})
"""Counters, and the buckets of histograms, which are counters too."""
GAUGES = frozenset(
    {IN_FLIGHT, MEMORY, STARTED, BUILD, DATABASE_UP, CACHE_UP, POOL_SIZE, POOL_IN_USE, POOL_WAITING, JOB_AGE}
)
READ = COUNTS | GAUGES
UNREADABLE = (ValueError, LookupError, ArithmeticError)
"""What the parser stumbles with: over a label without a name, or over a number that no float can hold."""
FAMILIES = frozenset(name.removesuffix("_bucket").removesuffix("_total") for name in READ)


class Series(NamedTuple):
    """What one figure is of."""

    name: str
    labels: tuple[tuple[str, str], ...] = ()

    def label(self, name: str) -> str:
        """A label's value; empty where it has none, as for Prometheus."""
        return next((value for key, value in self.labels if key == name), "")


@dataclass(frozen=True)
class Page:
    """What was read; what is NaN is what nobody knows, and left out."""

    counts: Mapping[Series, float]
    gauges: Mapping[Series, float]
    declared: frozenset[str]
    """The names of which the page speaks, even where nothing has been counted yet."""


class NoPage(ValueError):  # noqa: N818 - what a row of the screen says
    """The text is no page of ParkingSpots."""


def read(text: str) -> Page:
    """What `text`, in Prometheus' format, says; raises NoPage, or one of UNREADABLE where it is in no such format."""
    counts: dict[Series, float] = {}
    gauges: dict[Series, float] = {}
    declared = set[str]()
    for family in text_string_to_metric_families("\n".join(_of_interest(text))):
        declared |= {family.name, f"{family.name}_total", f"{family.name}_bucket"} & READ
        for sample in family.samples:
            kept = counts if sample.name in COUNTS else gauges if sample.name in GAUGES else None
            if kept is not None and math.isfinite(sample.value):
                kept[Series(sample.name, tuple(sorted(sample.labels.items())))] = sample.value
                float(sample.labels.get("le", 0))
    if not any(name.startswith(OURS) for name in declared):  # every program has figures of its process
        raise NoPage("there are no figures of ParkingSpots")
    return Page(counts, gauges, frozenset(declared))


def _of_interest(text: str) -> Iterator[str]:
    """The lines that matter: most are of histograms that are not shown, and reading a line takes its time."""
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            words = line.split()
            if len(words) > 2 and words[2].removesuffix("_total") in FAMILIES:  # noqa: PLR2004 - # TYPE name
                yield line
        elif line.partition("{")[0].partition(" ")[0] in READ:
            yield line
