"""What the minute job does about money, and the API's own process at once where it has made it necessary."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from time import monotonic

import structlog

from parkingspots.payments import checking, events, giving_back, letters, looking, payouts, refunds
from parkingspots.payments.till import Till

LONGEST = 30.0
"""Seconds of a step in a run, so that none keeps the others waiting; Stripe takes some tenths of one each time."""

log = structlog.get_logger(__name__)

Step = Callable[[Till, datetime], Awaitable[bool]]


async def _decide_refund(till: Till, now: datetime) -> bool:
    async with till.database.transaction() as session:
        return await refunds.decide_due(session, now)


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


async def drained(step: Step, till: Till, now: datetime, stopping: Callable[[], bool] = lambda: False) -> int:
    """Do a step until nothing is due; how often. Time goes on meanwhile, or a lease would be over when it is taken."""
    count, began, gone = 0, monotonic(), 0.0
    while gone < LONGEST and not stopping() and await step(till, now + timedelta(seconds=gone)):
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
