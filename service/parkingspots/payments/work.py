"""What the minute job does about money, and the API's own process at once where it has made it necessary."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from time import monotonic

from parkingspots.payments import checking, events, letters, looking, payouts, refunds
from parkingspots.payments.till import Till

MOST_AT_ONCE = 500
"""Of each kind in a run: each takes Stripe some tenths of a second."""

Step = Callable[[Till, datetime], Awaitable[bool]]


async def _decide_refund(till: Till, now: datetime) -> bool:
    async with till.database.transaction() as session:
        return await refunds.decide_due(session, now)


# What is decided comes before what is done about it.
STEPS: Mapping[str, Step] = {
    "handle_events": events.handle_next,
    "reconcile_payments": looking.look_at_next,
    "decide_refunds": _decide_refund,
    "carry_out_refunds": refunds.carry_out_next,
    "carry_out_payouts": payouts.carry_out_next,
    "tell_renters": letters.tell_next,
}
JOBS: Mapping[str, Step] = {**STEPS, "check_ledger": checking.compare_daily}
"""With what only the minute job does."""


async def drained(step: Step, till: Till, now: datetime, stopping: Callable[[], bool] = lambda: False) -> int:
    """Do a step until nothing is due; how often. Time goes on meanwhile, or a lease would be over when it is taken."""
    count, began = 0, monotonic()
    while count < MOST_AT_ONCE and not stopping():
        if not await step(till, now + timedelta(seconds=monotonic() - began)):
            break
        count += 1
    return count


async def run(till: Till, now: datetime) -> None:
    """All steps, one after the other. Runs side by side pass over what another is at."""
    began = monotonic()
    for step in STEPS.values():
        await drained(step, till, now + timedelta(seconds=monotonic() - began))
