"""What the minute job does, in order: each step moves a bounded batch on, and says what it has before it."""

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.accounts import service as accounts
from parkingspots.bookings import due
from parkingspots.kit import changes, job_runs
from parkingspots.kit import idempotency_keys as keys
from parkingspots.kit.attempts import attempted
from parkingspots.kit.database import Database, retried
from parkingspots.kit.job_runs import Due
from parkingspots.kit.statements import Statement
from parkingspots.payments import events, work
from parkingspots.payments.rules import Attempt
from parkingspots.payments.till import Till

BATCH = 200
"""Rows a transaction: some tens of milliseconds, so that nobody waits for the job's locks."""


@dataclass(frozen=True)
class Bench:
    """What the job works with; without a till, no money is handled."""

    database: Database
    till: Till | None = None
    is_own_process: bool = True
    """Which nobody asks what it counted; False inside of an API process, which tells of that itself."""


@dataclass(frozen=True)
class Moved:
    """What became of a batch."""

    claimed: int
    failed: int = 0
    waiting: int = 0
    """For something else: neither done nor failed."""
    until: datetime | None = None
    """Up to which moment it was looked for what is due; the next batch need not look there again."""


@dataclass(frozen=True)
class Step:
    """`act` claims a batch, due since a moment if one is given, does it, commits, and says how many it was.

    One that was not full is the last.
    """

    name: str
    about: str
    act: Callable[[Bench, datetime | None], Coroutine[Any, Any, Moved]]
    due: Callable[[AsyncSession], Awaitable[Due]]
    is_of_money: bool = False
    budget: float = 30.0
    """Seconds after which it begins no further batch; the next run goes on."""

    def batch(self) -> int:
        return 1 if self.is_of_money else BATCH


def _of_bookings(
    name: str,
    about: str,
    statement: Statement,
    to_do: Callable[[AsyncSession], Awaitable[Due]],
) -> Step:
    async def batch(bench: Bench, since: datetime | None) -> Moved:
        claimed, until = await attempted(due.move)(bench.database.raw, statement, BATCH, since)
        return Moved(claimed, until=until)

    return Step(name, about, batch, to_do)


def _of_rows(
    name: str,
    about: str,
    act: Callable[[AsyncSession, int], Awaitable[int]],
    due: Callable[[AsyncSession], Awaitable[Due]],
) -> Step:
    async def batch(bench: Bench, _since: datetime | None) -> Moved:
        async with bench.database.transaction(durable=False) as session:  # nobody was told, and the next run redoes it
            return Moved(await retried(act)(session, BATCH))

    return Step(name, about, batch, due)


def _of_money(name: str, about: str) -> Step:
    async def batch(bench: Bench, _since: datetime | None) -> Moved:
        assert bench.till is not None  # noqa: S101 - see `steps`
        attempt = await work.JOBS[name](bench.till, await _now(bench.database))
        return Moved(
            claimed=int(attempt is not Attempt.NONE),
            failed=int(attempt is Attempt.FAILED),
            waiting=int(attempt is Attempt.WAITS),
        )

    return Step(name, about, batch, work.DUE[name], is_of_money=True)


# Lapsed holds first: they keep others from booking. Past bookings before due ones, which then need no start. Of money,
# what is decided before what is done about it. What is deleted comes last.
STEPS = (
    _of_bookings("cancel_lapsed", "cancel holds that were not paid in time", due.CANCEL, due.to_cancel),
    _of_bookings("complete_past", "complete past bookings, and count them", due.COMPLETE, due.to_complete),
    _of_bookings("start_due", "start bookings whose start has come", due.START, due.to_start),
    _of_money("handle_events", "look up what Stripe has told of"),
    _of_money("reconcile_payments", "ask for payments that nobody has told of, and decide payouts"),
    _of_money("decide_refunds", "decide what cancelled bookings give back"),
    _of_money("carry_out_refunds", "give back what was decided"),
    _of_money("carry_out_payouts", "pay owners"),
    _of_money("tell_renters", "write to those who paid too late"),
    _of_money("check_ledger", "compare the ledger with Stripe, once a day"),
    _of_rows("purge_idempotency_keys", "delete answers kept for repeats", keys.purge, keys.to_purge),
    _of_rows("purge_sessions_and_tokens", "delete sessions and links long over", accounts.purge, accounts.to_purge),
    _of_rows("purge_changes", "delete changes that every cache has heard of", changes.purge, changes.to_purge),
    _of_rows("purge_events", "delete events handled long ago", events.purge, events.to_purge),
    _of_rows("purge_job_runs", "delete what is kept about old runs", job_runs.purge, job_runs.to_purge),
)


def steps(bench: Bench, only: Sequence[str] = ()) -> list[Step]:
    """Those that can be done; of these the named ones, where not all are meant."""
    can_be_done = [step for step in STEPS if bench.till is not None or not step.is_of_money]
    return [step for step in can_be_done if not only or step.name in only]


async def _now(database: Database) -> datetime:
    async with database.reader() as session:
        now: datetime = (await session.execute(select(func.now()))).scalar_one()
    return now
