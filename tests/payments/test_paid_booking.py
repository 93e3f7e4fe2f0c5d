"""A booking from the first click to the owner's money, against processes that run as in real life."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.settings import Settings
from payments.cardholder import Cardholder
from payments.ledgers import balances
from payments.product_at_stripe import ledger_differences, run_job
from payments.standin import StandIn
from payments.time_goes_by import everything_is_due, the_booking_is_over
from product import Api, Person, until

WRONG = """
    INSERT INTO ledger_entries (cause, account, amount, currency, payment_id, owner_id)
    SELECT 'payout:never made', account, part, currency, payments.id, owner_id
    FROM payments, (VALUES ('stripe', -5), ('owner', 5)) AS sides (account, part)
"""
"""An entry that nothing is behind."""


async def test_a_booking_is_paid_confirmed_by_stripes_word_completed_and_paid_out(
    process: Api,
    paid_settings: Settings,
    stripe: StandIn,
    card: Cardholder,
    session: AsyncSession,
    account: str,
    olga: Person,
    rena: Person,
    courtyard: str,
) -> None:
    booking = await process.book(rena, courtyard, 1, 3)
    assert (booking["status"], booking["payment_status"]) == ("pending", "pending")
    intent = await process.post("/payments/create-payment-intent", rena, booking_id=booking["id"])
    await card.pay(intent)

    async def is_confirmed() -> bool:
        """Nobody but localstripe has told."""
        return bool((await process.get(f"/bookings/{booking['id']}", rena))["status"] == "confirmed")

    await until(is_confirmed)
    assert await balances(session) == {"owner": -700, "platform": -70, "stripe": 770}

    await the_booking_is_over(session, booking["id"])
    await run_job(paid_settings)
    assert (await process.get(f"/bookings/{booking['id']}", rena))["status"] == "completed"
    assert (await process.get(f"/parking-spots/{courtyard}"))["total_bookings"] == 1
    assert stripe.books.sent_to(account) == []  # the payout has its delay

    await everything_is_due(session)
    await run_job(paid_settings)
    (payout,) = await process.get("/payments/owner/payouts", olga)
    assert (payout["status"], payout["amount"], payout["waits_for"]) == ("paid", 700, None)
    assert stripe.books.sent_to(account) == [700]
    assert await balances(session) == {"owner": 0, "platform": -70, "stripe": 70}
    summary = await process.get("/payments/owner/summary", olga)
    assert (summary["total_earnings"], summary["completed_payouts"], summary["pending_payouts"]) == (700, 700, 0)
    assert await ledger_differences(paid_settings) == []


async def test_what_stripe_has_told_nobody_is_heard_of_by_the_comparison_and_what_is_wrong_is_found(
    process: Api,
    paid_settings: Settings,
    stripe: StandIn,
    card: Cardholder,
    session: AsyncSession,
    rena: Person,
    courtyard: str,
) -> None:
    booking = await process.book(rena, courtyard, 1, 3)
    intent = await process.post("/payments/create-payment-intent", rena, booking_id=booking["id"])
    await card.pay(intent)
    await process.post(f"/payments/confirm-payment?payment_intent_id={intent['payment_intent_id']}", rena)
    await card.give_back(intent, 200)  # past us, and nobody tells
    assert await ledger_differences(paid_settings) == []
    assert await session.scalar(text("SELECT refunded_amount FROM payments")) == 200
    await session.execute(text(WRONG))
    (difference,) = await ledger_differences(paid_settings)
    payment_id = await session.scalar(text("SELECT id FROM payments"))
    assert difference == f"money paid out of {payment_id}: the ledger says 5, expected was 0"
    assert await stripe.given_back(intent["payment_intent_id"]) == [200]


async def test_what_the_bank_takes_back_is_borne_by_owner_and_platform(
    process: Api,
    stripe: StandIn,
    card: Cardholder,
    session: AsyncSession,
    account: str,
    rena: Person,
    courtyard: str,
) -> None:
    assert account
    booking = await process.book(rena, courtyard, 1, 3)
    intent = await process.post("/payments/create-payment-intent", rena, booking_id=booking["id"])
    await card.pay(intent)
    await process.post(f"/payments/confirm-payment?payment_intent_id={intent['payment_intent_id']}", rena)

    async def shows() -> str:
        return str((await process.get("/payments/my-payments", rena))[0]["dispute_status"])

    async def is_open() -> bool:
        return await shows() == "open"

    async def is_lost() -> bool:
        return await shows() == "lost"

    dispute = await stripe.dispute(intent["payment_intent_id"])
    await until(is_open)
    assert await balances(session) == {"disputed": 770, "owner": -700, "platform": -70, "stripe": 0}
    await stripe.decide(dispute, "lost")
    await until(is_lost)
    assert await balances(session) == {"disputed": 0, "owner": 0, "platform": 0, "stripe": 0}
