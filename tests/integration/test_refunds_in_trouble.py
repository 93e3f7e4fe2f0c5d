"""Refunds that Stripe does not make at once, makes and takes back, or makes without being asked here."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from conftest import SetClock
from counted import counted
from memory_gateway import MemoryGateway
from minutes import let_time_pass
from paying import booked, opened_account, payment_of, tell, work_through
from product import Api, Person


@pytest.fixture
async def payment(paid_api: Api, money: MemoryGateway, renter: Person, spot: str) -> Any:
    """Of 7.70, of which 7.00 are the owner's."""
    return await payment_of(paid_api, renter, await booked(paid_api, money, renter, spot))


async def refund(api: Api, who: Person, payment: Any, amount: int) -> Any:
    return await api.post("/payments/refund", who, payment_id=payment["id"], amount=amount)


async def shown(api: Api, renter: Person) -> list[tuple[int, str]]:
    """The refunds of the renter's only payment, as the renter sees them."""
    (payment,) = await api.get("/payments/my-payments", renter)
    return [(each["refund_amount"], each["status"]) for each in payment["refunds"]]


async def ledger_of(session: AsyncSession) -> dict[str, int]:
    sums = await session.execute(text("SELECT account, sum(amount) FROM ledger_entries GROUP BY account"))
    return {account: int(amount) for account, amount in sums}


async def test_a_refund_that_is_refused_stays_to_be_seen_and_is_tried_until_it_is_made(
    paid_api: Api, money: MemoryGateway, clock: SetClock, renter: Person, admin: Person, payment: Any
) -> None:
    money.refuses_refunds = True
    with counted("refunds", refused=3, made=1):
        assert (await refund(paid_api, admin, payment, 100))["status"] == "pending"
        for _ in range(2):
            clock.pass_by(minutes=5)
            await work_through(paid_api)
        assert await shown(paid_api, renter) == [(100, "pending")]
        money.refuses_refunds = False
        clock.pass_by(minutes=5)
        await work_through(paid_api)
        await work_through(paid_api)
    assert await shown(paid_api, renter) == [(100, "succeeded")]
    assert money.given(payment["payment_intent_id"]) == 100


async def test_a_refund_that_was_refused_counts_against_the_next(
    paid_api: Api, money: MemoryGateway, admin: Person, payment: Any
) -> None:
    money.refuses_refunds = True
    await refund(paid_api, admin, payment, 700)
    wish = {"payment_id": payment["id"], "amount": 100}
    await paid_api.post("/payments/refund", admin, expect=409, **wish)


@pytest.mark.parametrize("is_heard", [True, False])
async def test_a_refund_is_made_once_though_the_gateway_was_away(
    paid_api: Api, money: MemoryGateway, clock: SetClock, renter: Person, admin: Person, payment: Any, is_heard: bool
) -> None:
    money.is_away, money.loses_answers = is_heard, not is_heard
    assert (await refund(paid_api, admin, payment, 100))["status"] == "pending"
    money.is_away = money.loses_answers = False
    money.forget_keys()
    clock.pass_by(minutes=1)
    await work_through(paid_api)
    assert await shown(paid_api, renter) == [(100, "succeeded")]
    assert money.given(payment["payment_intent_id"]) == 100


async def test_a_refund_that_fails_at_the_bank_is_made_again(
    paid_api: Api,
    money: MemoryGateway,
    clock: SetClock,
    session: AsyncSession,
    renter: Person,
    admin: Person,
    payment: Any,
) -> None:
    await refund(paid_api, admin, payment, 100)
    (failed,) = money.refunds
    money.fail_refund(failed)
    with counted("refunds", failed=1, made=1):
        await tell(paid_api, "refund.failed", failed)
        await tell(paid_api, "refund.failed", failed)
        assert await shown(paid_api, renter) == [(100, "pending")]
        assert (await payment_of(paid_api, renter, {"id": payment["booking_id"]}))["status"] == "completed"
        assert await ledger_of(session) == {"stripe": 770, "owner": -700, "platform": -70}
        clock.pass_by(minutes=5)
        await work_through(paid_api)
        await tell(paid_api, "charge.refund.updated", failed)  # comes late
    assert await shown(paid_api, renter) == [(100, "succeeded")]
    assert money.given(payment["payment_intent_id"]) == 100
    assert await ledger_of(session) == {"stripe": 670, "owner": -609, "platform": -61}


async def test_a_refund_that_was_made_in_stripes_own_pages_is_taken_over(
    paid_api: Api, money: MemoryGateway, session: AsyncSession, renter: Person, payment: Any
) -> None:
    made = money.give_back_in_its_pages(payment["payment_intent_id"], 100)
    for kind in ("refund.created", "charge.refund.updated", "refund.updated"):
        await tell(paid_api, kind, made)
    (seen,) = await paid_api.get("/payments/my-payments", renter)
    assert (seen["refunded_amount"], seen["status"]) == (100, "partially_refunded")
    assert [(each["reason"], each["status"]) for each in seen["refunds"]] == [("Made at Stripe.", "succeeded")]
    assert await ledger_of(session) == {"stripe": 670, "owner": -609, "platform": -61}


async def test_what_could_not_be_made_and_was_made_by_hand_is_not_made_again(
    paid_api: Api, money: MemoryGateway, clock: SetClock, renter: Person, payment: Any
) -> None:
    money.refuses_refunds = True
    await paid_api.post(f"/bookings/{payment['booking_id']}/cancel", renter)
    await paid_api.app.state.errand.done()
    await tell(paid_api, "refund.created", money.give_back_in_its_pages(payment["payment_intent_id"], 770))
    assert await shown(paid_api, renter) == [(770, "succeeded")]
    money.refuses_refunds = False
    clock.pass_by(hours=7)
    await work_through(paid_api)
    assert money.given(payment["payment_intent_id"]) == 770


async def test_a_part_that_could_not_be_made_and_was_made_by_hand_is_not_made_again(
    paid_api: Api, money: MemoryGateway, clock: SetClock, renter: Person, admin: Person, payment: Any
) -> None:
    money.refuses_refunds = True
    await refund(paid_api, admin, payment, 100)
    money.refuses_refunds = False
    await tell(paid_api, "refund.created", money.give_back_in_its_pages(payment["payment_intent_id"], 100))
    assert await shown(paid_api, renter) == [(100, "succeeded")]
    clock.pass_by(hours=7)
    await work_through(paid_api)
    assert money.given(payment["payment_intent_id"]) == 100


async def test_less_made_by_hand_than_could_not_be_made_leaves_the_rest_to_be_made(
    paid_api: Api,
    money: MemoryGateway,
    session: AsyncSession,
    clock: SetClock,
    renter: Person,
    admin: Person,
    payment: Any,
) -> None:
    money.refuses_refunds = True
    await refund(paid_api, admin, payment, 700)
    await tell(paid_api, "refund.created", money.give_back_in_its_pages(payment["payment_intent_id"], 100))
    money.refuses_refunds = False
    clock.pass_by(minutes=5)
    await work_through(paid_api)
    assert sorted(await shown(paid_api, renter)) == [(100, "succeeded"), (670, "succeeded")]
    assert money.given(payment["payment_intent_id"]) == 770
    assert await ledger_of(session) == {"stripe": 0, "owner": 0, "platform": 0}


async def test_more_made_by_hand_than_could_not_be_made_is_all_that_went_back(
    paid_api: Api,
    money: MemoryGateway,
    session: AsyncSession,
    clock: SetClock,
    renter: Person,
    admin: Person,
    payment: Any,
) -> None:
    money.refuses_refunds = True
    await refund(paid_api, admin, payment, 385)
    await tell(paid_api, "refund.created", money.give_back_in_its_pages(payment["payment_intent_id"], 770))
    money.refuses_refunds = False
    clock.pass_by(minutes=5)
    await work_through(paid_api)
    assert await shown(paid_api, renter) == [(770, "succeeded")]
    assert money.given(payment["payment_intent_id"]) == 770
    assert await ledger_of(session) == {"stripe": 0, "owner": 0, "platform": 0}


async def test_a_refund_that_stripe_failed_at_is_made_once(
    paid_api: Api, money: MemoryGateway, clock: SetClock, renter: Person, admin: Person, payment: Any
) -> None:
    money.fails = True
    await refund(paid_api, admin, payment, 100)
    money.fails = False
    clock.pass_by(minutes=1)
    await work_through(paid_api)
    assert await shown(paid_api, renter) == [(100, "succeeded")]
    assert money.given(payment["payment_intent_id"]) == 100


async def test_our_own_refund_that_stripe_tells_of_first_counts_once(
    paid_api: Api, money: MemoryGateway, clock: SetClock, renter: Person, admin: Person, payment: Any
) -> None:
    money.loses_answers = True
    await refund(paid_api, admin, payment, 100)
    money.loses_answers = False
    (made,) = money.refunds
    await tell(paid_api, "refund.created", made)
    assert await shown(paid_api, renter) == [(100, "succeeded")]
    clock.pass_by(hours=7)
    await work_through(paid_api)
    assert money.given(payment["payment_intent_id"]) == 100


async def test_a_refund_that_fails_while_its_part_of_the_payout_comes_back_is_made_again(
    paid_api: Api,
    money: MemoryGateway,
    clock: SetClock,
    session: AsyncSession,
    monkeypatch: pytest.MonkeyPatch,
    owner: Person,
    payment: Any,
) -> None:
    await opened_account(paid_api, money, owner)
    await let_time_pass(paid_api, session, clock, 3 + 24)
    await refund(paid_api, await paid_api.sign_in(owner.id, owner.email), payment, 770)
    (made,), reverse = money.refunds, money.reverse

    async def meanwhile(*asked: Any) -> str:
        monkeypatch.setattr(money, "reverse", reverse)
        money.fail_refund(made)
        await tell(paid_api, "refund.failed", made)
        return await reverse(*asked)

    monkeypatch.setattr(money, "reverse", meanwhile)
    await work_through(paid_api)
    await let_time_pass(paid_api, session, clock, 1)
    assert (money.given(payment["payment_intent_id"]), money.paid_out()) == (770, 0)
