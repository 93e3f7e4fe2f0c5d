"""Counts that are held back, as a metric's own lock costs a request more: written down once a second."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from prometheus_client import REGISTRY, Counter, Histogram
from prometheus_client.core import Metric
from prometheus_client.registry import Collector


class Held(Protocol):
    """Something that holds counts back."""

    def write_down(self) -> None:
        """Add what is held to the metric. Neither this nor counting may be left in the middle: they do not wait."""
        ...


_held: list[Held] = []


def hold(counts: Held) -> None:
    """Have them written down with all others."""
    _held.append(counts)


def write_down() -> None:
    """Add everything that is held back to its metric."""
    for each in _held:
        each.write_down()


class _First(Collector):
    """Asked before the metrics behind it: they are registered later."""

    def collect(self) -> Iterable[Metric]:
        write_down()
        return ()


REGISTRY.register(_First())


class Tally:
    """Increments of a counter."""

    __slots__ = ("_counter", "count")

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self.count = 0
        hold(self)

    def write_down(self) -> None:
        count, self.count = self.count, 0
        if count:
            self._counter.inc(count)


class Amounts(Histogram):
    """A histogram that takes many observations at once."""

    def observe_many(self, by_bucket: Sequence[int], total: float) -> None:
        """As many in each bucket, and their sum."""
        self._sum.inc(total)
        for bucket, count in zip(self._buckets, by_bucket, strict=True):
            if count:
                bucket.inc(count)
