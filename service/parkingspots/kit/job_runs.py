"""What the minute job did, step by step: its table, what is due of a step, and the figures for Prometheus."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any
from uuid import UUID

from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import (
    ColumnElement,
    Identity,
    Index,
    SQLColumnExpression,
    desc,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from parkingspots.kit import job_counts
from parkingspots.kit.database import Database
from parkingspots.kit.purging import delete_batch
from parkingspots.kit.tables import Base

KEPT = timedelta(days=7)
NONE = text("0")


class JobRun(Base):
    """A step of a run. One that has no end is at work, or was killed."""

    __tablename__ = "job_runs"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    run_id: Mapped[UUID]
    step: Mapped[str]
    started_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    ended_at: Mapped[datetime | None]
    claimed: Mapped[int] = mapped_column(server_default=NONE)
    done: Mapped[int] = mapped_column(server_default=NONE)
    failed: Mapped[int] = mapped_column(server_default=NONE)
    error: Mapped[str | None]
    """The class of what went wrong."""
    backlog: Mapped[int | None]
    """What is due and was left, where that is known."""
    oldest_due: Mapped[datetime | None]

    __table_args__ = (
        Index("ix_job_runs_step", "step", desc("started_at")),
        Index("ix_job_runs_started_at", "started_at"),
    )


@dataclass(frozen=True)
class Due:
    """What a step has before it: how many, and since when the first of them has been due, where that can be said."""

    count: int
    oldest: datetime | None = None


async def due(session: AsyncSession, since: SQLColumnExpression[Any], *which: ColumnElement[bool]) -> Due:
    """Those rows that are due, by an index of `since`."""
    count, oldest = (await session.execute(select(func.count(), func.min(since)).where(*which))).one()
    return Due(count, oldest)


@dataclass(frozen=True)
class Outcome:
    """What a step did in a run."""

    claimed: int = 0
    done: int = 0
    failed: int = 0
    error: str | None = None
    left: Due | None = None


async def begin(session: AsyncSession, run_id: UUID, step: str) -> int:
    """Note that a step begins; the row's id."""
    begun = insert(JobRun).values(run_id=run_id, step=step).returning(JobRun.id)
    return int((await session.execute(begun)).scalar_one())


async def end(session: AsyncSession, row_id: int, outcome: Outcome) -> None:
    """Note what came of it."""
    left = outcome.left
    said = {
        "ended_at": func.clock_timestamp(),
        "claimed": outcome.claimed,
        "done": outcome.done,
        "failed": outcome.failed,
        "error": outcome.error,
        "backlog": left and left.count,
        "oldest_due": left and left.oldest,
    }
    await session.execute(update(JobRun).where(JobRun.id == row_id).values(said))


def _is_old() -> ColumnElement[bool]:
    return JobRun.started_at < func.now() - KEPT


async def purge(session: AsyncSession, batch: int) -> int:
    """Delete up to `batch` rows that have been kept long enough; how many."""
    return await delete_batch(session, [JobRun.id], JobRun.started_at, _is_old(), limit=batch)


async def to_purge(session: AsyncSession) -> Due:
    return await due(session, JobRun.started_at + KEPT, _is_old())


LATEST = text("""
    WITH RECURSIVE steps (step) AS (
        (SELECT step FROM job_runs ORDER BY step LIMIT 1)
        UNION ALL
        SELECT (SELECT step FROM job_runs WHERE job_runs.step > steps.step ORDER BY step LIMIT 1)
        FROM steps WHERE step IS NOT NULL
    )
    SELECT step, latest.failed, latest.backlog,
        extract(epoch FROM now() - latest.oldest_due)::float8 AS oldest_due_age,
        extract(epoch FROM latest.ended_at - latest.started_at)::float8 AS duration,
        extract(epoch FROM now() - success.ended_at)::float8 AS success_age
    FROM steps
    LEFT JOIN LATERAL (
        SELECT failed, backlog, oldest_due, started_at, ended_at FROM job_runs
        WHERE job_runs.step = steps.step AND ended_at IS NOT NULL ORDER BY started_at DESC LIMIT 1
    ) AS latest ON true
    LEFT JOIN LATERAL (
        SELECT ended_at FROM job_runs
        WHERE job_runs.step = steps.step AND ended_at IS NOT NULL AND failed = 0 ORDER BY started_at DESC LIMIT 1
    ) AS success ON true
    WHERE step IS NOT NULL
""")
"""Of each step the last run and the last that succeeded: a few look-ups in an index, however many rows there are."""


class Figures(Collector):
    """How old the job's last success is, and what it left. What is not known is absent, and never an error."""

    FRESH = 15.0  # seconds for which an answer of the database is good
    PATIENCE = 3.0  # seconds

    def __init__(self) -> None:
        self._rows: Sequence[Any] = ()
        self._counts: Sequence[Any] = ()
        self._at = float("-inf")
        self._asking = asyncio.Lock()

    async def refresh(self, database: Database) -> None:
        """Look, unless that was done just now."""
        async with self._asking:
            if monotonic() - self._at < self.FRESH:
                return
            try:
                async with asyncio.timeout(self.PATIENCE), database.reader() as session:
                    self._rows = (await session.execute(LATEST)).all()
                    self._counts = (await session.execute(job_counts.EVERY)).all()
            except (SQLAlchemyError, OSError):  # a TimeoutError is an OSError
                self._rows = self._counts = ()
            self._at = monotonic()

    def forget(self) -> None:
        """Look anew next time."""
        self._rows, self._counts, self._at = (), (), float("-inf")

    def collect(self) -> Iterable[Metric]:
        """For the registry; ages go on since the last look."""
        yield from job_counts.families(self._counts)
        gone = max(0.0, monotonic() - self._at)
        for name, about, column, more in (
            ("last_success_age_seconds", "Since the last run of a step that failed nowhere.", "success_age", gone),
            (
                "oldest_due_age_seconds",
                "Since the first of what the last run left is due.",
                "oldest_due_age",
                gone,
            ),
            ("duration_seconds", "How long the last run of a step took.", "duration", 0),
            ("backlog", "What was due after the last run of a step.", "backlog", 0),
            ("failed", "Batches that failed in the last run of a step.", "failed", 0),
        ):
            family = GaugeMetricFamily(f"parkingspots_job_{name}", about, labels=["step"])
            for row in self._rows:
                if (value := getattr(row, column)) is not None:
                    family.add_metric([row.step], value + more)
            if family.samples:
                yield family


FIGURES = Figures()
REGISTRY.register(FIGURES)
