"""What clients were answered, and what they were not."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from statistics import quantiles
from time import monotonic
from uuid import UUID

Away = Sequence[tuple[float, float]]
"""Times, from and until, by the monotonic clock."""
CUT, REFUSED, LATE = "cut", "refused", "late"
"""The connection broke before the whole answer was there; there was none; no answer came in time."""
UNAVAILABLE = "503"
"""With Retry-After."""


@dataclass(frozen=True)
class Answered:
    at: float
    """When the whole answer was there, by the monotonic clock."""
    kind: str
    status: int
    seconds: float


@dataclass(frozen=True)
class Failure:
    """A request without an answer, or with one of 5xx."""

    began: float
    at: float
    kind: str
    how: str
    """`cut`, `refused` and `late`, or the status, with `without Retry-After` where it should have one."""
    port: int
    """The client's end of the connection; 0 where there was none."""
    said: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.how} after {self.at - self.began:.2f} s{self.said and f': {self.said[:120]}'}"


@dataclass(frozen=True)
class Taken:
    """A slot that somebody was told to have."""

    spot: UUID
    start: datetime


@dataclass(frozen=True)
class Stale:
    """An answer that showed what was no longer true when the bound was over."""

    began: float
    """When it was asked for."""
    says: str


@dataclass
class Told:
    """Filled in while the traffic flows."""

    began: float = field(default_factory=monotonic)
    ended: float = 0.0
    answered: list[Answered] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    booked: dict[str, Taken] = field(default_factory=dict)
    """By the id of the booking: what was acknowledged."""
    cancelled: set[str] = field(default_factory=set)
    completed: set[str] = field(default_factory=set)
    reviewed: set[str] = field(default_factory=set)
    made: set[str] = field(default_factory=set)
    """By the id of the booking: what the scenario itself has put there."""
    unsettled: list[str] = field(default_factory=list)
    """Writes that were sent again and again, and got no answer at all."""
    wrong: list[str] = field(default_factory=list)
    """Answers that should not have been given."""
    stale: list[Stale] = field(default_factory=list)

    @property
    def sent(self) -> int:
        return len(self.answered) + sum(failure.how in {CUT, REFUSED, LATE} for failure in self.failures)

    def failed(self, *how: str) -> list[Failure]:
        return [failure for failure in self.failures if failure.how in how]

    def figures(self) -> str:
        """For an outcome."""
        failed = Counter(failure.how for failure in self.failures)
        how = ", ".join(f"{count} {name}" for name, count in sorted(failed.items()))
        rate = self.sent / max(self.ended - self.began, 0.001)
        middle, late = percentiles(each.seconds for each in self.answered)
        failures = f"{len(self.failures)} failed ({how})" if self.failures else "none failed"
        return (
            f"{self.sent:,} requests at {rate:.0f} a second, {failures}; p50 {middle:.0f} ms, p99 {late:.0f} ms; "
            f"{len(self.booked):,} bookings acknowledged"
        )


def percentiles(seconds: Iterable[float]) -> tuple[float, float]:
    """The 50th and the 99th, in milliseconds."""
    waits = [1_000 * wait for wait in seconds]
    if len(waits) < 2:
        return (waits[0], waits[0]) if waits else (0.0, 0.0)
    found = quantiles(waits, n=100)
    return found[49], found[98]


def outside(failures: Iterable[Failure], away: Away, after: float = 0.0) -> list[Failure]:
    """Those that had ended before one of the times began, or began `after` seconds or more past its end."""
    return [
        each for each in failures if not any(each.at >= since and each.began <= until + after for since, until in away)
    ]
