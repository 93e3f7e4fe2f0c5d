"""Whoever is killed while money moves, at whichever call of Stripe's: nothing is lost, and nothing is done twice.

A process dies before Stripe hears of a thing, or when Stripe has done it and nobody else knows. Then time goes by, more
than Stripe remembers an idempotency key for, and the minute job runs once, in a process of its own.
"""

import signal
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from e2e.test_journey import served
from parkingspots.dev import processes
from parkingspots.settings import Settings
from payments.cardholder import Cardholder
from payments.conftest import WEBHOOK, WEBHOOK_SECRET
from payments.ledgers import balances
from payments.product_at_stripe import asked_at, paying, run, run_job
from payments.standin import StandIn
from payments.time_goes_by import everything_is_due, the_booking_is_over, the_hold_has_lapsed
from product import Api, Person, until

CREATE, ACCOUNT = "/payments/create-payment-intent", "/payments/connect/create-account"
FOUND = text("SELECT differences FROM ledger_checks")
LEFT_OPEN = text("""
    SELECT (SELECT count(*) FROM refunds WHERE act_at IS NOT NULL)
        + (SELECT count(*) FROM payouts WHERE act_at IS NOT NULL)
        + (SELECT count(*) FROM payments WHERE status = 'pending')
        + (SELECT count(*) FROM stripe_events WHERE handled_at IS NULL)
        + (SELECT count(*) FROM refunds_due)
""")
Dying = Callable[[str], AbstractAsyncContextManager[tuple[Api, subprocess.Popen[bytes]]]]

pytestmark = pytest.mark.parametrize("moment", ["before", "after"])


@pytest.fixture
def dying(paid_settings: Settings, tmp_path: Path) -> Dying:
    """Starts a process that serves until it dies."""

    @asynccontextmanager
    async def starting(dies: str) -> AsyncIterator[tuple[Api, subprocess.Popen[bytes]]]:
        program = ("uvicorn", "--factory", "payments.dying:application")
        environment = paying(paid_settings) | {"DIES": dies}
        with served(paid_settings, tmp_path / "dying.log", program=program, **environment) as (url, process):
            async with asked_at(url) as api:
                yield api, process
                await until_dead(process)

    return starting


async def until_dead(process: subprocess.Popen[bytes]) -> None:
    async def is_dead() -> bool:
        return processes.ended(process)

    await until(is_dead)
    assert process.returncode == -signal.SIGKILL


@pytest.fixture
def job_that_dies(paid_settings: Settings) -> Callable[[str], Any]:
    async def running(dies: str) -> None:
        status, written = await run(paid_settings, "payments.dying", "run", DIES=dies)
        assert status == -signal.SIGKILL, written

    return running


@pytest.fixture
def mended(paid_settings: Settings, session: AsyncSession, stripe: StandIn) -> Callable[[], Any]:
    """Lets the minute job run a day later. Then nothing is left to do, and the ledger says what Stripe says."""

    async def mending() -> None:
        stripe.forget_keys()
        await everything_is_due(session)
        await run_job(paid_settings)
        assert await session.scalar(LEFT_OPEN) == 0
        assert await session.scalar(FOUND) == 0

    return mending


@pytest.fixture
async def booking(process: Api, rena: Person, courtyard: str) -> Any:
    return await process.book(rena, courtyard, 1, 3)


@pytest.fixture
async def intent(process: Api, rena: Person, booking: Any) -> Any:
    return await process.post(CREATE, rena, booking_id=booking["id"])


@pytest.fixture
async def paid(process: Api, card: Cardholder, rena: Person, intent: Any) -> str:
    """The id of the intent by which the booking was paid and is confirmed."""
    await card.pay(intent)
    await process.post(path_to_confirm(intent), rena)
    return str(intent["payment_intent_id"])


@pytest.fixture
async def paid_out(account: str, paid_settings: Settings, session: AsyncSession, booking: Any, paid: str) -> str:
    """The same, of a booking that is over and was paid out to its owner."""
    assert account
    await the_booking_is_over(session, booking["id"])
    for _ in ("complete", "pay out"):
        await everything_is_due(session)
        await run_job(paid_settings)
    assert await balances(session) == {"owner": 0, "platform": -70, "stripe": 70}
    return paid


def path_to_confirm(intent: Any) -> str:
    return f"/payments/confirm-payment?payment_intent_id={intent['payment_intent_id']}"


async def ask_in_vain(api: Api, path: str, who: Person, **body: Any) -> None:
    with pytest.raises(httpx.TransportError):
        await api.post(path, who, **body)


async def status(api: Api, booking: Any, who: Person) -> tuple[str, str]:
    found = await api.get(f"/bookings/{booking['id']}", who)
    return found["status"], found["payment_status"]


PAID = {"owner": -700, "platform": -70, "stripe": 770}
NOTHING = {"owner": 0, "platform": 0, "stripe": 0}


async def test_at_the_making_of_an_intent(
    process: Api,
    dying: Dying,
    mended: Callable[[], Any],
    stripe: StandIn,
    card: Cardholder,
    session: AsyncSession,
    rena: Person,
    booking: Any,
    moment: str,
) -> None:
    async with dying(f"{moment} create_intent") as (api, _):
        await ask_in_vain(api, CREATE, rena, booking_id=booking["id"])
    await card.pay(await process.post(CREATE, rena, booking_id=booking["id"]))
    await mended()
    assert await status(process, booking, rena) == ("confirmed", "completed")
    (intent,) = await stripe.intents_of(booking["id"])
    assert intent["status"] == "succeeded"
    assert await balances(session) == PAID


async def test_at_the_look_at_a_payment_that_its_renter_confirms(
    process: Api,
    dying: Dying,
    mended: Callable[[], Any],
    card: Cardholder,
    session: AsyncSession,
    rena: Person,
    booking: Any,
    intent: Any,
    moment: str,
) -> None:
    await card.pay(intent)
    async with dying(f"{moment} intent") as (api, _):
        await ask_in_vain(api, path_to_confirm(intent), rena)
    assert await status(process, booking, rena) == ("pending", "pending")
    await mended()
    assert await status(process, booking, rena) == ("confirmed", "completed")
    assert await balances(session) == PAID


async def test_at_the_look_at_a_payment_of_which_stripe_tells(
    process: Api,
    dying: Dying,
    mended: Callable[[], Any],
    stripe: StandIn,
    card: Cardholder,
    session: AsyncSession,
    rena: Person,
    booking: Any,
    intent: Any,
    moment: str,
) -> None:
    async with dying(f"{moment} intent") as (api, _):
        await stripe.tell(f"{api.client.base_url}{WEBHOOK}", WEBHOOK_SECRET)
        await card.pay(intent)
    await mended()
    assert await status(process, booking, rena) == ("confirmed", "completed")
    assert await balances(session) == PAID


async def test_of_the_job_at_its_look_at_a_payment_of_which_nobody_tells(
    process: Api,
    job_that_dies: Callable[[str], Any],
    mended: Callable[[], Any],
    card: Cardholder,
    session: AsyncSession,
    rena: Person,
    booking: Any,
    intent: Any,
    moment: str,
) -> None:
    await card.pay(intent)
    await everything_is_due(session)
    await job_that_dies(f"{moment} intent")
    await mended()
    assert await status(process, booking, rena) == ("confirmed", "completed")
    assert await balances(session) == PAID


async def test_of_the_job_at_the_end_of_an_intent_that_nobody_paid(
    process: Api,
    job_that_dies: Callable[[str], Any],
    mended: Callable[[], Any],
    stripe: StandIn,
    session: AsyncSession,
    rena: Person,
    booking: Any,
    intent: Any,
    moment: str,
) -> None:
    await the_hold_has_lapsed(session, booking["id"])
    await everything_is_due(session)
    await job_that_dies(f"{moment} cancel_intent")
    await mended()
    assert await status(process, booking, rena) == ("cancelled", "failed")
    assert (await stripe.intent(intent["payment_intent_id"]))["status"] == "canceled"
    assert await balances(session) == {}


async def test_at_a_refund(
    process: Api,
    dying: Dying,
    mended: Callable[[], Any],
    stripe: StandIn,
    session: AsyncSession,
    rena: Person,
    booking: Any,
    paid: str,
    moment: str,
) -> None:
    async with dying(f"{moment} refund") as (api, _):
        with suppress(httpx.TransportError):  # it may have answered first
            await api.post(f"/bookings/{booking['id']}/cancel", rena)
    await mended()
    assert await status(process, booking, rena) == ("cancelled", "refunded")
    assert await stripe.given_back(paid) == [770]
    assert await balances(session) == NOTHING


async def test_at_a_refund_and_again_at_the_look_for_what_became_of_it(
    process: Api,
    dying: Dying,
    job_that_dies: Callable[[str], Any],
    mended: Callable[[], Any],
    stripe: StandIn,
    session: AsyncSession,
    olga: Person,
    rena: Person,
    booking: Any,
    paid: str,
    moment: str,
) -> None:
    (payment,) = await process.get("/payments/my-payments", rena)
    async with dying(f"{moment} refund") as (api, _):
        await ask_in_vain(api, "/payments/refund", olga, payment_id=payment["id"], amount=110)
    await everything_is_due(session)
    await job_that_dies(f"{moment} refunds_of")
    await mended()
    assert await status(process, booking, rena) == ("confirmed", "partially_refunded")
    assert await stripe.given_back(paid) == [110]
    assert await balances(session) == {"owner": -600, "platform": -60, "stripe": 660}


async def test_at_the_opening_of_an_account(
    process: Api, dying: Dying, stripe: StandIn, olga: Person, moment: str
) -> None:
    wish: dict[str, Any] = {"country": "GR", "business_type": "individual"}
    before = len(stripe.books.accounts)
    async with dying(f"{moment} create_account") as (api, _):
        await ask_in_vain(api, ACCOUNT, olga, **wish)
    opened = await process.post(ACCOUNT, olga, **wish)
    assert len(stripe.books.accounts) == before + 1
    assert stripe.books.account(opened["account_id"])["metadata"] == {"owner_id": olga.id}


async def test_of_the_job_at_a_payout(
    process: Api,
    account: str,
    paid_settings: Settings,
    job_that_dies: Callable[[str], Any],
    mended: Callable[[], Any],
    stripe: StandIn,
    session: AsyncSession,
    olga: Person,
    booking: Any,
    paid: str,
    moment: str,
) -> None:
    assert paid
    await the_booking_is_over(session, booking["id"])
    await run_job(paid_settings)
    await everything_is_due(session)
    await job_that_dies(f"{moment} transfer")
    await mended()
    (payout,) = await process.get("/payments/owner/payouts", olga)
    assert (payout["status"], payout["amount"]) == ("paid", 700)
    assert stripe.books.sent_to(account) == [700]
    assert await balances(session) == {"owner": 0, "platform": -70, "stripe": 70}


async def test_at_a_payout_that_has_waited_for_the_owners_account(
    process: Api,
    paid_settings: Settings,
    dying: Dying,
    mended: Callable[[], Any],
    stripe: StandIn,
    session: AsyncSession,
    olga: Person,
    booking: Any,
    paid: str,
    moment: str,
) -> None:
    assert paid
    await the_booking_is_over(session, booking["id"])
    opened = await process.post(ACCOUNT, olga, country="GR", business_type="individual")
    for _ in ("complete", "find that nothing can be paid out"):
        await everything_is_due(session)
        await run_job(paid_settings)
    (payout,) = await process.get("/payments/owner/payouts", olga)
    assert (payout["status"], payout["waits_for"]) == (
        "pending",
        "The owner has no account yet that takes payouts.",
    )
    async with dying(f"{moment} transfer") as (api, _):
        await stripe.tell(f"{api.client.base_url}{WEBHOOK}", WEBHOOK_SECRET)
        await stripe.activate(opened["account_id"])
    await mended()
    assert stripe.books.sent_to(opened["account_id"]) == [700]
    assert await balances(session) == {"owner": 0, "platform": -70, "stripe": 70}


async def test_of_the_job_when_it_takes_back_what_was_paid_out(
    process: Api,
    account: str,
    job_that_dies: Callable[[str], Any],
    mended: Callable[[], Any],
    stripe: StandIn,
    session: AsyncSession,
    olga: Person,
    rena: Person,
    booking: Any,
    paid_out: str,
    moment: str,
) -> None:
    (payment,) = await process.get("/payments/my-payments", rena)
    await process.post("/payments/refund", olga, payment_id=payment["id"])
    await everything_is_due(session)
    await job_that_dies(f"{moment} reverse")
    await mended()
    assert await status(process, booking, rena) == ("refunded", "refunded")
    assert await stripe.given_back(paid_out) == [770]
    assert stripe.books.sent_to(account) == [0]
    assert [each["amount"] for each in stripe.books.reversals_from(account)] == [700]
    assert await balances(session) == NOTHING
