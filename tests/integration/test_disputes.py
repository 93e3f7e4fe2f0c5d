"""Disputes: the bank takes the money back, the payout waits, and in the end one side has it."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from conftest import SetClock
from memory_gateway import MemoryGateway
from minutes import let_time_pass
from parkingspots.payments.rules import DisputeStatus
from paying import booked, opened_account, payment_of, tell, work_through
from product import Api, Person

DUE = 3 + 24
"""Hours until the owner is paid: the booking's end and the usual delay."""


@pytest.fixture
async def payment(paid_api: Api, money: MemoryGateway, renter: Person, owner: Person, spot: str) -> Any:
    """Of 7.70, for a booking of three hours from now, of an owner whose account takes payouts."""
    await opened_account(paid_api, money, owner)
    return await payment_of(paid_api, renter, await booked(paid_api, money, renter, spot))


async def dispute(api: Api, money: MemoryGateway, payment: Any, state: DisputeStatus = DisputeStatus.OPEN) -> None:
    dispute_id = money.dispute_charge(payment["payment_intent_id"], state)
    await tell(api, "charge.dispute.created" if state is DisputeStatus.OPEN else "charge.dispute.closed", dispute_id)


async def seen(api: Api, renter: Person) -> Any:
    (payment,) = await api.get("/payments/my-payments", await api.sign_in(renter.id, renter.email))
    return payment


async def books(session: AsyncSession) -> dict[str, int]:
    """What stands on each account, but for those with nothing."""
    sums = await session.execute(text("SELECT account, sum(amount) FROM ledger_entries GROUP BY account"))
    return {account: int(amount) for account, amount in sums if amount}


async def test_a_dispute_is_shown_and_its_money_is_set_aside(
    paid_api: Api, money: MemoryGateway, session: AsyncSession, renter: Person, payment: Any
) -> None:
    for _ in range(2):
        await dispute(paid_api, money, payment)
    assert (await seen(paid_api, renter))["dispute_status"] == "open"
    assert await books(session) == {"disputed": 770, "owner": -700, "platform": -70}


async def test_nothing_is_paid_out_while_the_bank_has_not_decided_and_all_at_once_when_the_dispute_is_won(
    paid_api: Api, money: MemoryGateway, session: AsyncSession, clock: SetClock, renter: Person, payment: Any
) -> None:
    await dispute(paid_api, money, payment)
    for _ in range(3):
        await let_time_pass(paid_api, session, clock, DUE)
    assert money.transfers == {}
    await dispute(paid_api, money, payment, DisputeStatus.WON)
    clock.pass_by(minutes=20)
    await work_through(paid_api)
    assert money.paid_out() == 700
    assert (await seen(paid_api, renter))["dispute_status"] == "won"
    assert await books(session) == {"stripe": 70, "platform": -70}


async def test_a_payout_that_waited_for_a_dispute_is_made_at_once_when_that_is_won(
    paid_api: Api, money: MemoryGateway, session: AsyncSession, clock: SetClock, payment: Any
) -> None:
    money.is_away = True
    await let_time_pass(paid_api, session, clock, DUE)
    money.is_away = False
    await dispute(paid_api, money, payment)
    clock.pass_by(minutes=5)
    await work_through(paid_api)
    assert await session.scalar(text("SELECT failure FROM payouts")) == "The payment is disputed."
    await dispute(paid_api, money, payment, DisputeStatus.WON)
    assert money.paid_out() == 700


async def test_a_dispute_that_is_won_early_does_not_hasten_the_payout(
    paid_api: Api, money: MemoryGateway, session: AsyncSession, clock: SetClock, payment: Any
) -> None:
    await dispute(paid_api, money, payment)
    await dispute(paid_api, money, payment, DisputeStatus.WON)
    await let_time_pass(paid_api, session, clock, 26.99)
    assert money.transfers == {}
    await let_time_pass(paid_api, session, clock, 0.01)
    assert money.paid_out() == 700


async def test_a_dispute_that_is_lost_counts_as_a_refund(
    paid_api: Api, money: MemoryGateway, session: AsyncSession, clock: SetClock, renter: Person, payment: Any
) -> None:
    await dispute(paid_api, money, payment)
    await dispute(paid_api, money, payment, DisputeStatus.LOST)
    after = await seen(paid_api, renter)
    assert (after["status"], after["refunded_amount"], after["dispute_status"]) == ("refunded", 770, "lost")
    assert [each["reason"] for each in after["refunds"]] == ["The bank gave it back after a dispute."]
    assert await books(session) == {}
    await let_time_pass(paid_api, session, clock, DUE)
    assert money.transfers == {}


async def test_a_booking_that_stood_when_the_bank_took_its_money_is_refunded_after_its_end(
    paid_api: Api, money: MemoryGateway, session: AsyncSession, clock: SetClock, payment: Any
) -> None:
    await dispute(paid_api, money, payment, DisputeStatus.LOST)
    booking = text("SELECT status FROM bookings")
    assert await session.scalar(booking) == "confirmed"
    await let_time_pass(paid_api, session, clock, DUE)
    assert await session.scalar(booking) == "refunded"


async def test_a_dispute_that_is_lost_takes_a_payout_back(
    paid_api: Api, money: MemoryGateway, session: AsyncSession, clock: SetClock, payment: Any
) -> None:
    await let_time_pass(paid_api, session, clock, DUE)
    assert money.paid_out() == 700
    await dispute(paid_api, money, payment, DisputeStatus.LOST)
    assert money.paid_out() == 0
    assert await books(session) == {}


async def test_what_was_given_back_before_is_borne_once(
    paid_api: Api, money: MemoryGateway, session: AsyncSession, clock: SetClock, admin: Person, payment: Any
) -> None:
    await paid_api.post("/payments/refund", admin, payment_id=payment["id"], amount=385)
    await dispute(paid_api, money, payment, DisputeStatus.LOST)
    await let_time_pass(paid_api, session, clock, DUE)
    assert await books(session) == {}
    assert money.transfers == {}


async def test_what_was_to_be_given_back_is_not_tried_any_more_when_the_bank_has_done_it(
    paid_api: Api, money: MemoryGateway, session: AsyncSession, clock: SetClock, renter: Person, payment: Any
) -> None:
    await dispute(paid_api, money, payment)
    await paid_api.post(f"/bookings/{payment['booking_id']}/cancel", renter)
    await paid_api.app.state.errand.done()
    (refund,) = (await seen(paid_api, renter))["refunds"]
    assert refund["status"] == "pending"
    await dispute(paid_api, money, payment, DisputeStatus.LOST)
    await let_time_pass(paid_api, session, clock, DUE)
    after = await seen(paid_api, renter)
    assert [(each["refund_amount"], each["status"]) for each in after["refunds"]] == [(770, "succeeded")]
    assert (after["status"], after["refunded_amount"]) == ("refunded", 770)
    assert await books(session) == {}
    assert await session.scalar(text("SELECT count(act_at) FROM refunds")) == 0


async def test_what_the_bank_has_decided_stays_decided(
    paid_api: Api, money: MemoryGateway, session: AsyncSession, renter: Person, payment: Any
) -> None:
    await dispute(paid_api, money, payment, DisputeStatus.LOST)
    for state in DisputeStatus:
        await dispute(paid_api, money, payment, state)
    assert (await seen(paid_api, renter))["dispute_status"] == "lost"
    assert await books(session) == {}


async def test_of_an_inquiry_the_bank_has_taken_nothing_but_the_payout_waits(
    paid_api: Api, money: MemoryGateway, session: AsyncSession, clock: SetClock, renter: Person, payment: Any
) -> None:
    await dispute(paid_api, money, payment, DisputeStatus.INQUIRY)
    assert (await seen(paid_api, renter))["dispute_status"] == "inquiry"
    assert await books(session) == {"stripe": 770, "owner": -700, "platform": -70}
    await let_time_pass(paid_api, session, clock, DUE)
    assert money.transfers == {}
    await dispute(paid_api, money, payment, DisputeStatus.CLOSED)
    clock.pass_by(minutes=20)
    await work_through(paid_api)
    assert money.paid_out() == 700
    assert await books(session) == {"stripe": 70, "platform": -70}


@pytest.mark.parametrize("end", [DisputeStatus.WON, DisputeStatus.CLOSED])
async def test_an_inquiry_that_becomes_a_dispute_ends_as_one(
    paid_api: Api, money: MemoryGateway, session: AsyncSession, payment: Any, end: DisputeStatus
) -> None:
    await dispute(paid_api, money, payment, DisputeStatus.INQUIRY)
    await dispute(paid_api, money, payment, DisputeStatus.OPEN)
    assert (await books(session))["disputed"] == 770
    await dispute(paid_api, money, payment, end)
    assert await books(session) == {"stripe": 770, "owner": -700, "platform": -70}


async def test_each_of_several_disputes_goes_its_own_way(
    paid_api: Api, money: MemoryGateway, session: AsyncSession, clock: SetClock, renter: Person, payment: Any
) -> None:
    intent_id = payment["payment_intent_id"]
    first, second = (
        money.dispute_charge(intent_id, amount=each, which=name) for name, each in (("a", 300), ("b", 470))
    )
    for dispute_id in (first, second, first):
        await tell(paid_api, "charge.dispute.created", dispute_id)
    assert (await books(session))["disputed"] == 770
    money.dispute_charge(intent_id, DisputeStatus.LOST, which="a")
    await tell(paid_api, "charge.dispute.closed", first)
    await tell(paid_api, "charge.dispute.updated", second)
    assert (await seen(paid_api, renter))["dispute_status"] == "open"
    await let_time_pass(paid_api, session, clock, DUE)
    assert money.transfers == {}
    money.dispute_charge(intent_id, DisputeStatus.WON, which="b")
    await tell(paid_api, "charge.dispute.closed", second)
    await let_time_pass(paid_api, session, clock, 1)
    after = await seen(paid_api, renter)
    assert (after["dispute_status"], after["refunded_amount"]) == ("lost", 300)
    assert money.paid_out() == 427
    assert sum((await books(session)).values()) == 0
    assert "disputed" not in await books(session)


@pytest.mark.parametrize("disputed", [300, 770])
async def test_what_the_bank_leaves_of_a_refund_is_still_made(
    paid_api: Api,
    money: MemoryGateway,
    session: AsyncSession,
    clock: SetClock,
    renter: Person,
    admin: Person,
    payment: Any,
    disputed: int,
) -> None:
    money.refuses_refunds = True
    await paid_api.post("/payments/refund", admin, payment_id=payment["id"], amount=600)
    dispute_id = money.dispute_charge(payment["payment_intent_id"], DisputeStatus.LOST, disputed)
    await tell(paid_api, "charge.dispute.closed", dispute_id)
    money.refuses_refunds = False
    await let_time_pass(paid_api, session, clock, DUE)
    assert (await seen(paid_api, renter))["refunded_amount"] == 770
    assert money.given(payment["payment_intent_id"]) == 770 - disputed
    assert money.transfers == {}
    assert await books(session) == {}


async def test_a_refund_that_failed_before_the_bank_gave_all_back_stays_away(
    paid_api: Api, money: MemoryGateway, session: AsyncSession, clock: SetClock, admin: Person, payment: Any
) -> None:
    await paid_api.post("/payments/refund", admin, payment_id=payment["id"], amount=600)
    (failed,) = money.refunds
    money.fail_refund(failed)
    await tell(paid_api, "refund.failed", failed)
    await dispute(paid_api, money, payment, DisputeStatus.LOST)
    await tell(paid_api, "refund.failed", failed)
    await let_time_pass(paid_api, session, clock, DUE)
    assert money.given(payment["payment_intent_id"]) == 0
    assert await books(session) == {}


async def test_what_a_refund_took_from_a_payout_is_not_taken_again_when_the_bank_makes_it(
    paid_api: Api, money: MemoryGateway, session: AsyncSession, clock: SetClock, admin: Person, payment: Any
) -> None:
    await let_time_pass(paid_api, session, clock, DUE)
    money.refuses_refunds = True
    admin = await paid_api.sign_in(admin.id, admin.email)
    await paid_api.post("/payments/refund", admin, payment_id=payment["id"], amount=385)
    dispute_id = money.dispute_charge(payment["payment_intent_id"], DisputeStatus.LOST, 500)
    await tell(paid_api, "charge.dispute.closed", dispute_id)
    money.refuses_refunds = False
    await let_time_pass(paid_api, session, clock, 7)
    assert money.given(payment["payment_intent_id"]) == 270
    assert money.paid_out() == 0
    assert await books(session) == {}
