"""What the product tells Prometheus, by its own registries."""

from collections.abc import Iterable
from functools import cache
from types import SimpleNamespace

from prometheus_client import REGISTRY, Metric
from sqlalchemy import Row

import parkingspots.app  # noqa: F401 - imports whatever counts
from parkingspots.kit import job_counts
from parkingspots.kit.job_counts import DONE, JOBS, OURS
from parkingspots.kit.job_runs import Figures
from parkingspots_operator.metrics import Metrics

SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}


def _shown(families: Iterable[Metric]) -> dict[str, set[str]]:
    """The names of each family's series."""
    return {
        family.name: {f"{family.name}{suffix}" for suffix in SUFFIXES.get(family.type, ("",))}
        for family in families
        if family.name.startswith((OURS, "process_"))
    }


def of_a_run() -> Iterable[Metric]:
    """What is told of a minute job that has run."""
    figures = Figures()
    run: Row[tuple[int, ...]] = SimpleNamespace(  # type: ignore[assignment]
        step="start_due", failed=0, backlog=0, oldest_due_age=0.0, duration=0.0, success_age=0.0
    )
    figures._rows = (run,)
    figures._counts = (SimpleNamespace(counter=DONE, labels={"step": "start_due"}, value=0.0),)
    return figures.collect()


@cache
def families() -> dict[str, set[str]]:
    """Every family of the API's and the operator's, with the names of its series; the job's own counters apart."""
    operator = _shown(Metrics().registry.collect())
    return _shown(REGISTRY.collect()) | _shown(of_a_run()) | operator


@cache
def kept_by_the_job() -> set[str]:
    """The counters that the minute job keeps in the database, under names of its own, once they are not zero."""
    counters = (family for counter in job_counts._kept for family in counter.collect())
    return {f"{JOBS}{family.name.removeprefix(OURS)}_total" for family in counters}
