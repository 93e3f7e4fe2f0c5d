"""Money that two pods have taken and their minute job has, in three currencies, at a rate that is known."""

from collections.abc import Iterable
from time import monotonic

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

TAKEN = "parkingspots_payments_taken_minor_units"
TAKEN_BY_THE_JOB = "parkingspots_job_payments_taken_minor_units"
A_SECOND = {"EUR": 100, "JPY": 100, "KWD": 100}
"""Minor units: cents, whole yen, thousandths of a dinar."""


class Mint:
    """The job's part is told by both pods, as it stands in the database."""

    PODS = ("api-1", "api-2")

    def __init__(self) -> None:
        self._since = monotonic()

    def registry(self, pod: str) -> CollectorRegistry:
        assert pod in self.PODS
        registry = CollectorRegistry()
        registry.register(_Till(monotonic() - self._since))
        return registry


class _Till(Collector):
    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def collect(self) -> Iterable[Metric]:
        for name in (TAKEN, TAKEN_BY_THE_JOB):
            family = CounterMetricFamily(name, "Money.", labels=["currency"])
            for currency, amount in A_SECOND.items():
                family.add_metric([currency], amount * self._seconds)
            yield family
        yield GaugeMetricFamily("parkingspots_build_info", "1.", value=1)
