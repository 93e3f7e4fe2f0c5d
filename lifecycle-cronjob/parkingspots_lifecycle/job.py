"""One run of the job: each step in bounded batches, each batch a transaction of its own."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.accounts import service as accounts
from parkingspots.bookings import service as bookings
from parkingspots.kit import changes, idempotency
from parkingspots.kit.database import Database, described, retried

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
)


async def run(database: Database, stopping: Callable[[], bool] = lambda: False) -> dict[str, int]:
    """How many rows each step moved or deleted. A step that fails is logged and does not keep the others from running.

    Raises the first failure at the end. `stopping` is asked between batches.
    """
    moved: dict[str, int] = {}
    failures: list[Exception] = []
    for step in STEPS:
        try:
            moved[step.name] = await _drain(database, step, stopping)
        except (SQLAlchemyError, OSError) as error:
            log.warning("step failed", step=step.name, error=described(error))
            failures.append(error)
    if failures:
        raise failures[0]
    return moved


async def _drain(database: Database, step: Step, stopping: Callable[[], bool]) -> int:
    """Batch after batch until one was not full. Runs side by side pass over what another has locked."""
    total, moved = 0, BATCH
    while moved == BATCH and not stopping():
        async with database.transaction() as session:
            moved = await retried(step.act)(session, BATCH)
        total += moved
    return total
