"""What becomes of the minute job and of money: it does not run, events cannot be handled, the ledger is altered."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from drills.drill import Drill, Promise, where
from drills.hurried import TOLD_LATE
from drills.sight import Rows, Shown
from drills.stage import NAMESPACE, Stage
from monitoring.runbooks import pages
from product import until

HANDLED_WITHIN = 5.0
"""Seconds for an event that has come; a moment, on any machine."""
COMPARED_WITHIN = 5.0
"""Seconds for the day's few payments."""
LOOKED_AT_EVERY = 60.0
"""Seconds between two looks of a pod at the last comparison."""
A_RUN, A_DAY = 60.0, 86_400.0
"""Seconds between two runs of the job, and between two comparisons."""
EVENTS, EVENTS_AFTERWARDS = 15, 90
"""Of the first the minute job takes some before a pod does; of all together less than a fifth has failed."""
CANNOT_BE_NOTED = """
    CREATE FUNCTION drill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        RAISE EXCEPTION 'an index is broken' USING ERRCODE = 'XX002';
    END $$
"""
BEFORE_AN_ACCOUNT = "CREATE TRIGGER drill BEFORE UPDATE ON connected_accounts FOR EACH ROW EXECUTE FUNCTION drill()"
TRIED_AGAIN = "UPDATE stripe_events SET act_at = now() WHERE act_at IS NOT NULL"
WAITS = "SELECT EXISTS (SELECT FROM stripe_events WHERE act_at IS NOT NULL)"
ANOTHER_DAY = "DELETE FROM ledger_checks"
WITHOUT_TRIGGER = "ALTER TABLE ledger_entries DISABLE TRIGGER append_only"
WITH_TRIGGER = "ALTER TABLE ledger_entries ENABLE TRIGGER append_only"
ALTERED = "UPDATE ledger_entries SET amount = amount {by:+} WHERE account = 'stripe' AND cause LIKE 'charge:%'"


@asynccontextmanager
async def job_stopped(stage: Stage) -> AsyncIterator[None]:
    await stage.job.stop()
    yield
    stage.job.start()


@asynccontextmanager
async def accounts_cannot_be_noted(stage: Stage) -> AsyncIterator[None]:
    """Stripe tells of an owner's account, and what that says cannot be written down."""
    (account, *_) = stage.stripe.books.accounts
    await stage.execute(CANNOT_BE_NOTED, BEFORE_AN_ACCOUNT)
    for _ in range(EVENTS):
        await stage.stripe.activate(account)
    yield
    await stage.execute("DROP FUNCTION drill CASCADE", TRIED_AGAIN)
    for _ in range(EVENTS_AFTERWARDS):
        await stage.stripe.activate(account)

    async def are_handled() -> bool:
        async with stage.connection() as connection:
            return not await connection.fetchval(WAITS)

    await until(are_handled)


@asynccontextmanager
async def ledger_altered(stage: Stage) -> AsyncIterator[None]:
    """By somebody who has switched the trigger off; the day's comparison comes next."""
    await stage.execute(WITHOUT_TRIGGER, ALTERED.format(by=1), WITH_TRIGGER, ANOTHER_DAY)
    yield
    anew = pages()["ParkingSpotsLedgerDiffers"].blocks("sql")[-1]
    await stage.execute(WITHOUT_TRIGGER, ALTERED.format(by=-1), WITH_TRIGGER, anew)


DRILLS = (
    Drill(
        "job",
        "the minute job does not run any more",
        "ParkingSpotsMinuteJobIsLate",
        {"severity": "critical"},
        Promise(of_rule=600, of_product=TOLD_LATE["job"]),
        Shown("lifecycle", "Bookings and money: last success"),
        Rows({"step": "start_due"}, above=0),
        where(job_stopped),
        frozenset({"ParkingSpotsFreshnessBurns"}),
    ),
    Drill(
        "webhook",
        "Stripe's events come and cannot be handled: what they tell of accounts cannot be written down",
        "ParkingSpotsWebhookEventsFail",
        {"severity": "warning"},
        Promise(of_rule=30, of_product=HANDLED_WITHIN),
        Shown("lifecycle", "Events by outcome", Rows({"outcome": "failed"}, above=0)),
        Rows({"outcome": "failed"}, above=0),
        where(accounts_cannot_be_noted),
        frozenset({"ParkingSpotsJobStepFails", "ParkingSpotsWebhookAgeBurns", "ParkingSpotsWebhookEventsWait"}),
    ),
    Drill(
        "ledger",
        "somebody has altered the ledger, past its trigger",
        "ParkingSpotsLedgerDiffers",
        {"severity": "critical"},
        Promise(before=A_DAY, of_rule=A_RUN, of_product=LOOKED_AT_EVERY + COMPARED_WITHIN),
        Shown("business", "Differences in the books"),
        Rows({"namespace": NAMESPACE}, above=0),
        where(ledger_altered),
    ),
)
