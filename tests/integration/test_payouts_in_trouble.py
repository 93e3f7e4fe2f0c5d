"""Payouts that Stripe refuses, loses the answer of, or fails at, and what refunds do to them meanwhile."""

from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from conftest import SetClock
from memory_gateway import MemoryGateway
from minutes import let_time_pass
from parkingspots.payments.gateway import AwayError, RefusedError
from paying import work_through
from paying_out import ACCOUNT, DUE, owners_account, payment_for_three_hours, payouts, refund
from product import Api, Person

account = pytest.fixture(owners_account)
payment = pytest.fixture(payment_for_three_hours)


@pytest.mark.parametrize("is_heard", [True, False])
async def test_a_payout_and_its_reversal_are_made_once_though_the_gateway_was_away(
    paid_api: Api,
    money: MemoryGateway,
    session: AsyncSession,
    clock: SetClock,
    owner: Person,
    account: str,
    payment: Any,
    is_heard: bool,
) -> None:
    del account
    money.is_away, money.loses_answers = is_heard, not is_heard
    await let_time_pass(paid_api, session, clock, DUE)
    assert (await payouts(paid_api, owner))[0]["status"] == "pending"
    money.is_away = money.loses_answers = False
    money.forget_keys()
    clock.pass_by(hours=7)
    await work_through(paid_api)
    assert money.paid_out() == 700
    await refund(paid_api, owner, payment, 77)
    money.is_away, money.loses_answers = is_heard, not is_heard
    await work_through(paid_api)
    money.is_away = money.loses_answers = False
    money.forget_keys()
    for _ in range(2):
        clock.pass_by(hours=7)
        await work_through(paid_api)
    assert money.paid_out() == 630
    assert len(money.transfers) == 1


async def test_a_payout_that_stripe_refused_is_lessened_by_what_went_back_meanwhile(
    paid_api: Api,
    money: MemoryGateway,
    session: AsyncSession,
    clock: SetClock,
    owner: Person,
    account: str,
    payment: Any,
) -> None:
    del account
    money.refuses_transfers = True
    await let_time_pass(paid_api, session, clock, DUE)
    await refund(paid_api, owner, payment, 385)
    money.refuses_transfers = False
    await let_time_pass(paid_api, session, clock, 1)
    assert money.paid_out() == 350
    assert [each.reversals for each in money.transfers.values()] == [[]]


async def test_of_a_payout_that_stripe_refused_nothing_goes_out_once_all_of_it_went_back(
    paid_api: Api,
    money: MemoryGateway,
    session: AsyncSession,
    clock: SetClock,
    owner: Person,
    account: str,
    payment: Any,
) -> None:
    del account
    money.refuses_transfers = True
    await let_time_pass(paid_api, session, clock, DUE)
    await refund(paid_api, owner, payment, 770)
    money.refuses_transfers = False
    await let_time_pass(paid_api, session, clock, 7)
    assert money.transfers == {}
    assert [each["status"] for each in await payouts(paid_api, owner)] == ["cancelled"]


@pytest.mark.parametrize("is_made", [True, False])
async def test_of_a_payout_in_doubt_what_went_back_meanwhile_comes_back_or_is_not_paid(
    paid_api: Api,
    money: MemoryGateway,
    session: AsyncSession,
    clock: SetClock,
    monkeypatch: pytest.MonkeyPatch,
    owner: Person,
    account: str,
    payment: Any,
    is_made: bool,
) -> None:
    del account

    async def lost(*_: Any) -> str:
        raise AwayError("ReadTimeout")

    with monkeypatch.context() as patched:
        if is_made:
            patched.setattr(money, "loses_answers", True)
        else:
            patched.setattr(money, "transfer", lost)
        await let_time_pass(paid_api, session, clock, DUE)
    await refund(paid_api, owner, payment, 385)
    money.refuses_transfers = not is_made
    await let_time_pass(paid_api, session, clock, 1)
    money.refuses_transfers = False
    await let_time_pass(paid_api, session, clock, 7)
    assert money.paid_out() == 350
    assert [len(each.reversals) for each in money.transfers.values()] == [int(is_made)]


async def test_a_payout_is_made_though_nobody_has_told_that_the_account_is_open(
    paid_api: Api, money: MemoryGateway, session: AsyncSession, clock: SetClock, owner: Person, payment: Any
) -> None:
    del payment
    asked = await paid_api.post("/payments/connect/create-account", owner, **ACCOUNT)
    await let_time_pass(paid_api, session, clock, DUE)
    assert money.transfers == {}
    money.take_payouts(asked["account_id"])
    await let_time_pass(paid_api, session, clock, 6.01)
    assert money.paid_out() == 700


async def test_what_another_call_is_refused_leaves_a_payout_in_doubt(
    paid_api: Api,
    money: MemoryGateway,
    session: AsyncSession,
    clock: SetClock,
    monkeypatch: pytest.MonkeyPatch,
    account: str,
    payment: Any,
) -> None:
    """The transfer was made, and nobody has heard of it."""
    del account, payment

    async def refused(*_: Any) -> str:
        raise RefusedError("No such account.")

    money.loses_answers = True
    await let_time_pass(paid_api, session, clock, DUE)
    money.loses_answers = False
    with monkeypatch.context() as patched:
        patched.setattr(money, "find_transfer", refused)
        await let_time_pass(paid_api, session, clock, 1)
    money.forget_keys()
    await let_time_pass(paid_api, session, clock, 7)
    assert [each.amount for each in money.transfers.values()] == [700]


async def test_a_payout_that_stripe_failed_at_is_made_once(
    paid_api: Api, money: MemoryGateway, session: AsyncSession, clock: SetClock, account: str, payment: Any
) -> None:
    del account, payment
    money.fails = True
    await let_time_pass(paid_api, session, clock, DUE)
    money.fails = False
    await let_time_pass(paid_api, session, clock, 1)
    assert [each.amount for each in money.transfers.values()] == [700]


async def test_what_stripe_says_of_the_platforms_own_troubles_is_not_for_owners(
    paid_api: Api,
    money: MemoryGateway,
    session: AsyncSession,
    clock: SetClock,
    owner: Person,
    account: str,
    payment: Any,
) -> None:
    del account, payment
    money.refuses_transfers = True
    await let_time_pass(paid_api, session, clock, DUE)
    (waiting,) = await payouts(paid_api, owner)
    assert waiting["waits_for"] == "The payment provider has not made it yet. It is tried again by itself."
