"""One run of the job: each step in bounded batches, each batch a transaction of its own."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import structlog
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.accounts import service as accounts
from parkingspots.bookings import service as bookings
from parkingspots.kit import changes, idempotency
from parkingspots.kit.database import Database, described, retried
from parkingspots.payments import events
from parkingspots.payments import work as payments
from parkingspots.payments.till import Till

BATCH = 500
"""Bookings a transaction: some tens of milliseconds, so that nobody waits for the job's locks."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Step:
    """A use case that moves up to so many bookings on, or deletes so many rows, and says how many."""

    name: str
    act: Callable[[AsyncSession, int], Awaitable[int]]


# Lapsed holds first: they keep others from booking. Past bookings before due ones, which then need no start.
STEPS = (
    Step("cancel_lapsed", bookings.cancel_lapsed),
    Step("complete_past", bookings.complete_past),
    Step("start_due", bookings.start_due),
    Step("purge_idempotency_keys", idempotency.purge),
    Step("purge_sessions_and_tokens", accounts.purge),
    Step("purge_changes", changes.purge),
    Step("purge_events", events.purge),
)


async def run(
    database: Database, stopping: Callable[[], bool] = lambda: False, till: Till | None = None
) -> dict[str, int]:
    """How many rows each step moved or deleted. A step that fails is logged and does not keep the others from running.

    Raises the first failure at the end. `stopping` is asked between batches. Without a `till`, no money is handled.
    """
    moved: dict[str, int] = {}
    failures: list[Exception] = []
    for name, drain in _drains(database, stopping, till):
        try:
            moved[name] = await drain()
        except (SQLAlchemyError, OSError) as error:
            log.warning("step failed", step=name, error=described(error))
            failures.append(error)
        except Exception as error:
            log.exception("step failed", step=name)
            failures.append(error)
    if failures:
        raise failures[0]
    return moved


def _drains(
    database: Database, stopping: Callable[[], bool], till: Till | None
) -> Iterator[tuple[str, Callable[[], Awaitable[int]]]]:
    for step in STEPS:
        yield step.name, partial(_drain, database, step, stopping)
    if till is not None:
        for name, act in payments.JOBS.items():
            yield name, partial(_drain_till, database, till, act, stopping)


async def _drain_till(database: Database, till: Till, act: payments.Step, stopping: Callable[[], bool]) -> int:
    async with database.reader() as session:
        now: datetime = (await session.execute(select(func.now()))).scalar_one()
    return await payments.drained(act, till, now, stopping)


async def _drain(database: Database, step: Step, stopping: Callable[[], bool]) -> int:
    """Batch after batch until one was not full. Runs side by side pass over what another has locked."""
    total, moved = 0, BATCH
    while moved == BATCH and not stopping():
        async with database.transaction() as session:
            moved = await retried(step.act)(session, BATCH)
        total += moved
    return total
