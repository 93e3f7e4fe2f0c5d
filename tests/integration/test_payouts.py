"""Paying owners: once a booking is over and its delay too, what is theirs, to the account they have."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from conftest import SetClock
from counted import counted
from memory_gateway import MemoryGateway
from minutes import let_time_pass
from parkingspots.payments import looking
from parkingspots.payments.gateway import ConnectedAccount
from paying import booked, rest, tell, work_through
from paying_out import ACCOUNT, DUE, owners_account, payment_for_three_hours, payouts, refund
from product import Api, Person

account = pytest.fixture(owners_account)
payment = pytest.fixture(payment_for_three_hours)


async def test_the_owner_is_paid_a_day_after_the_end(
    paid_api: Api,
    money: MemoryGateway,
    session: AsyncSession,
    clock: SetClock,
    owner: Person,
    account: str,
    payment: Any,
) -> None:
    with counted("paid_out_minor_units", EUR=700):
        await let_time_pass(paid_api, session, clock, DUE - 0.01)
        assert await payouts(paid_api, owner) == []
        clock.pass_by(hours=0.01)
        await work_through(paid_api)
        await work_through(paid_api)
    (payout,) = await payouts(paid_api, owner)
    assert payout["processed_at"].startswith("2040-01-03T13:00:0")
    assert {**payout, "id": 0, "processed_at": 0, "created_at": 0} == {
        "id": 0,
        "owner_id": owner.id,
        "booking_id": payment["booking_id"],
        "amount": 700,
        "reversed_amount": 0,
        "currency": "EUR",
        "status": "paid",
        "waits_for": None,
        "processed_at": 0,
        "created_at": 0,
    }
    (transfer,) = money.transfers.values()
    assert (transfer.account_id, transfer.amount) == (account, 700)


async def test_nothing_is_paid_out_while_the_booking_is_not_over(
    paid_api: Api, session: AsyncSession, clock: SetClock, owner: Person, account: str, payment: Any
) -> None:
    del account, payment
    clock.pass_by(hours=DUE)
    await work_through(paid_api)
    assert await payouts(paid_api, owner) == []
    await let_time_pass(paid_api, session, clock, 0.3)
    assert [each["status"] for each in await payouts(paid_api, owner)] == ["paid"]


async def test_a_payout_waits_for_the_owners_account_and_is_made_when_it_is_there(
    paid_api: Api, money: MemoryGateway, session: AsyncSession, clock: SetClock, owner: Person, payment: Any
) -> None:
    del payment
    await let_time_pass(paid_api, session, clock, DUE)
    (waiting,) = await payouts(paid_api, owner)
    assert (waiting["status"], waiting["amount"], waiting["processed_at"]) == ("pending", 700, None)
    assert "no account" in waiting["waits_for"]
    owner = await paid_api.sign_in(owner.id, owner.email)
    account_id = (await paid_api.post("/payments/connect/create-account", owner, **ACCOUNT))["account_id"]
    await tell(paid_api, "account.updated", account_id)  # which asks for more before it takes any
    assert (await payouts(paid_api, owner))[0]["status"] == "pending"
    money.take_payouts(account_id)
    await tell(paid_api, "account.updated", account_id)
    assert (await payouts(paid_api, owner))[0]["status"] == "paid"


async def test_an_account_that_takes_no_payouts_any_more_gets_none(
    paid_api: Api,
    money: MemoryGateway,
    session: AsyncSession,
    clock: SetClock,
    owner: Person,
    account: str,
    payment: Any,
) -> None:
    del payment
    money.accounts[account] = ConnectedAccount(account, takes_payouts=False)
    await tell(paid_api, "account.updated", account)
    await let_time_pass(paid_api, session, clock, DUE)
    assert (await payouts(paid_api, owner))[0]["status"] == "pending"
    assert money.transfers == {}


async def test_the_owner_gets_what_a_partial_refund_has_left(
    paid_api: Api,
    money: MemoryGateway,
    session: AsyncSession,
    clock: SetClock,
    renter: Person,
    owner: Person,
    account: str,
) -> None:
    del account
    spot = await paid_api.list_spot(owner, cancellation_policy="moderate")
    booking = await booked(paid_api, money, renter, spot)
    assert (await paid_api.post(f"/bookings/{booking['id']}/cancel", renter))["refund_amount"] == 385
    await rest(paid_api)
    await let_time_pass(paid_api, session, clock, DUE - 0.01)
    assert await payouts(paid_api, owner) == []
    clock.pass_by(hours=0.01)
    await work_through(paid_api)
    assert [each["amount"] for each in await payouts(paid_api, owner)] == [350]
    assert (money.paid_out(), money.given(booking["payment_intent_id"])) == (350, 385)


async def test_what_was_given_back_whole_is_not_paid_out(
    paid_api: Api, session: AsyncSession, clock: SetClock, owner: Person, account: str, payment: Any
) -> None:
    del account
    await paid_api.post(f"/bookings/{payment['booking_id']}/cancel", owner)
    await rest(paid_api)
    await let_time_pass(paid_api, session, clock, DUE)
    assert await payouts(paid_api, owner) == []


async def test_nothing_is_paid_out_before_it_is_decided_what_a_cancellation_gives_back(
    paid_api: Api, clock: SetClock, owner: Person, admin: Person, account: str, payment: Any
) -> None:
    del account
    paid_api.app.state.errand = None  # the process ends before it has decided
    clock.pass_by(hours=DUE)
    admin = await paid_api.sign_in(admin.id, admin.email)
    await paid_api.post(f"/bookings/{payment['booking_id']}/cancel", admin)
    assert await looking.look_at_next(paid_api.app.state.till, clock.now())
    assert await payouts(paid_api, owner) == []
    clock.pass_by(minutes=20)
    await work_through(paid_api)
    assert await payouts(paid_api, owner) == []


async def test_a_refund_lessens_a_payout_that_waits(
    paid_api: Api, money: MemoryGateway, session: AsyncSession, clock: SetClock, owner: Person, payment: Any
) -> None:
    await let_time_pass(paid_api, session, clock, DUE)
    await refund(paid_api, owner, payment, 77)
    assert [(each["amount"], each["status"]) for each in await payouts(paid_api, owner)] == [(630, "pending")]
    await refund(paid_api, owner, payment, 693)
    assert [(each["amount"], each["status"]) for each in await payouts(paid_api, owner)] == [(0, "cancelled")]
    assert money.transfers == {}


async def test_a_refund_takes_its_part_of_a_payout_back(
    paid_api: Api,
    money: MemoryGateway,
    session: AsyncSession,
    clock: SetClock,
    owner: Person,
    account: str,
    payment: Any,
) -> None:
    del account
    await let_time_pass(paid_api, session, clock, DUE)
    await refund(paid_api, owner, payment, 77)
    await work_through(paid_api)
    (payout,) = await payouts(paid_api, owner)
    assert (payout["status"], payout["reversed_amount"], money.paid_out()) == ("paid", 70, 630)
    await refund(paid_api, owner, payment, 693)
    await work_through(paid_api)
    (payout,) = await payouts(paid_api, owner)
    assert (payout["status"], payout["reversed_amount"], money.paid_out()) == ("reversed", 700, 0)


@pytest.mark.parametrize("is_paid_out", [True, False])
async def test_the_owner_bears_a_refund_once_though_it_fails_at_the_bank_and_is_made_again(
    paid_api: Api,
    money: MemoryGateway,
    session: AsyncSession,
    clock: SetClock,
    owner: Person,
    account: str,
    payment: Any,
    is_paid_out: bool,
) -> None:
    del account
    if is_paid_out:
        await let_time_pass(paid_api, session, clock, DUE)
    await refund(paid_api, owner, payment, 77)
    await let_time_pass(paid_api, session, clock, DUE)
    (made,) = money.refunds
    money.fail_refund(made)
    await tell(paid_api, "refund.failed", made)
    for _ in range(3):
        clock.pass_by(hours=7)
        await work_through(paid_api)
    assert (money.paid_out(), money.given(payment["payment_intent_id"])) == (630, 77)
    assert await session.scalar(text("SELECT sum(amount) FROM ledger_entries WHERE account = 'owner'")) == 0
