"""Labels that are told of before anything was counted under them, so that the first event is seen as a rise."""

from collections.abc import Iterable

from prometheus_client import Counter


def from_zero(counter: Counter, values: Iterable[str]) -> None:
    """Begin at 0 for each value of the counter's only label."""
    for value in values:
        counter.labels(value)
