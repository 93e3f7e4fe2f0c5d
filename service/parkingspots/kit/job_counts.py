"""What the minute job has counted, kept in a table: its process ends before Prometheus would ask it."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import prometheus_client
from prometheus_client.core import CounterMetricFamily
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from parkingspots.kit.tables import Base

OURS, JOBS = "parkingspots_", "parkingspots_job_"
"""How the name of a counter begins, and how that of the same one begins where the job has counted."""
DONE = f"{JOBS}done"

Key: TypeAlias = tuple[str, tuple[tuple[str, str], ...]]
"""A counter's name and its labels."""
Counts: TypeAlias = Mapping[Key, float]


_told: dict[Key, float] = {}
"""What of this process's counts is in the table."""
_kept: list[prometheus_client.Counter] = []


class JobCount(Base):
    """A counter of the job's, as `parkingspots_job_…` names it, and how far it has come."""

    __tablename__ = "job_counts"

    counter: Mapped[str] = mapped_column(primary_key=True)
    labels: Mapped[dict[str, str]] = mapped_column(JSONB, primary_key=True)
    value: Mapped[float]


EVERY = select(JobCount.counter, JobCount.labels, JobCount.value).order_by(JobCount.counter, JobCount.labels)


def done(step: str, rows: int) -> Counts:
    """That a step has moved so many rows, be it none: it is known from then on."""
    return {(DONE, (("step", step),)): rows}


def keep(*counters: prometheus_client.Counter) -> None:
    """Say that the job moves these, too."""
    _kept.extend(counters)


def counted() -> Counts:
    """What this process has counted so far, each counter under the name that it has as the job's."""
    found: dict[Key, float] = {}
    for family in (family for counter in _kept for family in counter.collect()):
        name = JOBS + family.name.removeprefix(OURS)
        totals = (sample for sample in family.samples if sample.name.endswith("_total"))
        found.update({(name, tuple(sorted(each.labels.items()))): each.value for each in totals})
    return found


def news() -> Counts:
    """What was counted since `told`; at first that there are these counters, so that their first event is seen."""
    return {key: value - _told.get(key, 0.0) for key, value in counted().items() if value != _told.get(key)}


def told(counts: Counts) -> None:
    """Say that the news are in the table for good."""
    for key, value in counts.items():
        _told[key] = _told.get(key, 0.0) + value


async def add(session: AsyncSession, counts: Counts) -> None:
    """Add them to what is kept; rows are locked in one order, until the transaction ends."""
    rows = [
        {"counter": name, "labels": dict(labels), "value": value} for (name, labels), value in sorted(counts.items())
    ]
    if not rows:
        return
    new = insert(JobCount).values(rows)
    total = JobCount.value + new.excluded.value
    await session.execute(new.on_conflict_do_update(index_elements=["counter", "labels"], set_={"value": total}))


def families(rows: Iterable[Any]) -> Iterable[CounterMetricFamily]:
    """The kept counts, for Prometheus."""
    found: dict[str, CounterMetricFamily] = {}
    for row in rows:
        names = sorted(row.labels)
        about = "Rows that a step has moved." if row.counter == DONE else "As the one without job_, by the minute job."
        family = found.setdefault(row.counter, CounterMetricFamily(row.counter, about, labels=names))
        family.add_metric([row.labels[name] for name in names], row.value)
    return found.values()
