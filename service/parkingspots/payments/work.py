"""What the minute job does about money, and the API's own process at once where it has made it necessary."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from time import monotonic

import structlog
from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from parkingspots.bookings import settling as bookings
from parkingspots.kit import job_runs
from parkingspots.kit.job_runs import Due
from parkingspots.payments import checking, events, giving_back, letters, looking, payouts, refunds
from parkingspots.payments.models import Event, Payment, Payout, Refund
from parkingspots.payments.rules import Attempt
from parkingspots.payments.till import Till

LONGEST = 30.0
"""Seconds of a step in a run, so that none keeps the others waiting; Stripe takes some tenths of one each time."""

log = structlog.get_logger(__name__)

Step = Callable[[Till, datetime], Awaitable[Attempt]]


async def _decide_refund(till: Till, now: datetime) -> Attempt:
    async with till.database.transaction() as session:
        return Attempt(await refunds.decide_due(session, now))


# What is decided comes before what is done about it.
STEPS: Mapping[str, Step] = {
    "handle_events": events.handle_next,
    "reconcile_payments": looking.look_at_next,
    "decide_refunds": _decide_refund,
    "carry_out_refunds": giving_back.carry_out_next,
    "carry_out_payouts": payouts.carry_out_next,
    "tell_renters": letters.tell_next,
}
JOBS: Mapping[str, Step] = {**STEPS, "check_ledger": checking.compare_daily}
"""With what only the minute job does."""


def _by(column: InstrumentedAttribute[datetime | None]) -> Callable[[AsyncSession], Awaitable[Due]]:
    return lambda session: job_runs.due(session, column, column <= func.now())


DUE: Mapping[str, Callable[[AsyncSession], Awaitable[Due]]] = {
    "handle_events": _by(Event.act_at),
    "reconcile_payments": _by(Payment.look_at),
    "decide_refunds": bookings.refunds_due,
    "carry_out_refunds": _by(Refund.act_at),
    "carry_out_payouts": _by(Payout.act_at),
    "tell_renters": _by(Refund.tell_at),
    "check_ledger": checking.due,
}
"""What each has before it, by the database's clock."""


async def drained(step: Step, till: Till, now: datetime) -> int:
    """Do a step until nothing is due; how often. Time goes on meanwhile, or a lease would be over when it is taken."""
    count, began, gone = 0, monotonic(), 0.0
    while gone < LONGEST and await step(till, now + timedelta(seconds=gone)):
        count, gone = count + 1, monotonic() - began
    return count


async def run(till: Till, now: datetime) -> None:
    """All steps, one after the other, whatever becomes of one. Runs side by side pass over what another is at."""
    began = monotonic()
    for name, step in STEPS.items():
        try:
            await drained(step, till, now + timedelta(seconds=monotonic() - began))
        except Exception:
            log.exception("a step failed; the minute job makes up for it", step=name)
