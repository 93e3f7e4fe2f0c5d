"""What Prometheus is told."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from parkingspots_operator.reconcile import Result

BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._reconciles = Counter(
            "parkingspots_operator_reconciles", "Looks at a Release, by what came of them.", ["result"],
            registry=self.registry,
        )  # fmt: skip
        for result in Result:
            self._reconciles.labels(result.value)
        self._seconds = Histogram(
            "parkingspots_operator_reconcile_seconds", "How long a look at a Release took.",
            buckets=BUCKETS, registry=self.registry,
        )  # fmt: skip
        self._failures = Counter(
            "parkingspots_operator_failures", "Looks that failed: the API server was away, or the operator is wrong.",
            ["result"], registry=self.registry,
        )  # fmt: skip
        for result in (Result.UNAVAILABLE, Result.FAILED):
            self._failures.labels(result.value)
        self._phase = Gauge(
            "parkingspots_operator_release_phase", "1 for the phase that a Release is in.", ["release", "phase"],
            registry=self.registry,
        )  # fmt: skip
        self._phases: dict[str, str] = {}

    def reconciled(self, result: Result, seconds: float) -> None:
        self._reconciles.labels(result.value).inc()
        self._seconds.observe(seconds)

    def failed(self, result: Result) -> None:
        self._failures.labels(result.value).inc()

    def in_phase(self, release: str, phase: str) -> None:
        before = self._phases.get(release)
        if before not in {None, phase}:
            self._phase.remove(release, before)
        self._phases[release] = phase
        self._phase.labels(release, phase).set(1)

    def only(self, releases: set[str]) -> None:
        """Forget those that are gone."""
        for name in self._phases.keys() - releases:
            self._phase.remove(name, self._phases.pop(name))
