"""docs/metrics.md: every figure that the product tells Prometheus.

PYTHONPATH=tests python -m monitoring.metrics_page
"""

from collections.abc import Iterable, Iterator

from prometheus_client import REGISTRY, CollectorRegistry, Metric
from prometheus_client.metrics import MetricWrapperBase

from monitoring.exported import of_a_run
from parkingspots.kit.job_counts import OURS
from parkingspots_operator.metrics import Metrics

HEAD = """# Metrics
All that `/metrics` tells beside what prometheus-client says of every process (`process_…`, `python_…`), made from the
code by `make metrics-page`. In the cluster it has a port of its own, which no Ingress leads to.
[dashboards.md](dashboards.md) shows them, [slo.md](slo.md) says what is promised, and [runbooks/](runbooks/README.md)
what to do when an alert fires.

- Histograms have `_bucket`, `_sum` and `_count`. Times are seconds, sizes bytes, amounts minor units of a currency.
- `parkingspots_job_…` are read from the database: every API process tells the same, so take the maximum over pods and
  never the sum. The job's process ends before it could be asked; what it counts of bookings, letters and payments
  has the name that it has elsewhere, behind `parkingspots_job_`.
- `route` of requests is the path as it was declared, or `unmatched` where none was found or asked for, as when a
  limit refuses.
"""


def page() -> str:
    """The whole page, in Markdown."""
    of_api = sorted((*_declared(REGISTRY), *_of_the_job()))
    return "\n".join(
        (HEAD, *_table("The API", of_api), "", *_table("The operator", sorted(_declared(Metrics().registry))), "")
    )


Line = tuple[str, str, str, str]


def _declared(registry: CollectorRegistry) -> Iterator[Line]:
    for collector in registry._collector_to_names:
        if isinstance(collector, MetricWrapperBase) and collector._name.startswith(OURS):
            yield collector._name, str(collector._type), ", ".join(collector._labelnames), collector._documentation


def _of_the_job() -> Iterable[Line]:
    return [(family.name, family.type, _labels(family), family.documentation) for family in of_a_run()]


def _labels(family: Metric) -> str:
    return ", ".join(name for name in family.samples[0].labels if name != "le")


def _table(title: str, lines: Iterable[Line]) -> Iterator[str]:
    yield from (f"## {title}", "| metric | kind | labels | |", "| --- | --- | --- | --- |")
    for name, kind, labels, about in lines:
        shown = f"{name}_total" if kind == "counter" else name
        yield f"| `{shown}` | {kind} | {labels} | {about} |"


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201 - that is what it is for
