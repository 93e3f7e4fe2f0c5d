"""What Prometheus is told of, as tests look at it."""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import REGISTRY

LABELS = {"confirmations": "road", "events": "outcome", "refunds": "outcome"}
"""Of what is counted by payments; amounts go by currency."""


@contextmanager
def counted(name: str = "events", **by: int) -> Iterator[None]:
    """What is counted of payments grows by so much meanwhile, label by label."""
    before = {value: _count(name, value) for value in by}
    yield
    grown = {value: _count(name, value) - before[value] for value in by}
    assert grown == by, f"{name}: {grown}"


def _count(name: str, value: str) -> float:
    labels = {} if value == "in_all" else {LABELS.get(name, "currency"): value}
    return REGISTRY.get_sample_value(f"parkingspots_payments_{name}_total", labels) or 0.0
