"""Giving money back: as much as the policy says, or as owner or staff decide; until Stripe has done it."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from conftest import SetClock
from counted import counted
from memory_gateway import MemoryGateway
from paying import begun, booked, payment_of, rest, tell, work_through
from product import Api, Person

REFUND = "/payments/refund"


@pytest.fixture
async def booking(paid_api: Api, money: MemoryGateway, renter: Person, spot: str) -> Any:
    """Paid with 7.70, of which 7.00 are the owner's."""
    return await booked(paid_api, money, renter, spot)


@pytest.fixture
async def payment(paid_api: Api, renter: Person, booking: Any) -> Any:
    return await payment_of(paid_api, renter, booking)


async def cancel(api: Api, who: Person, booking: Any) -> Any:
    answer = await api.post(f"/bookings/{booking['id']}/cancel", who)
    await rest(api)
    return answer


async def refund(api: Api, who: Person, payment: Any, *, expect: int = 200, **wish: Any) -> Any:
    return await api.post(REFUND, who, expect=expect, payment_id=payment["id"], **wish)


@pytest.mark.parametrize(
    ("policy", "hours", "back"),
    [("flexible", 1, 770), ("moderate", 25, 770), ("moderate", 23, 385), ("strict", 169, 770), ("strict", 47, 0)],
)
async def test_a_renter_who_cancels_gets_back_what_the_policy_says(
    paid_api: Api, money: MemoryGateway, renter: Person, owner: Person, policy: str, hours: float, back: int
) -> None:
    spot = await paid_api.list_spot(owner, cancellation_policy=policy)
    booking = await booked(paid_api, money, renter, spot, hours, hours + 2)
    assert (await cancel(paid_api, renter, booking))["refund_amount"] == back
    payment = await payment_of(paid_api, renter, booking)
    assert (payment["refunded_amount"], money.given(payment["payment_intent_id"])) == (back, back)
    assert payment["status"] == {0: "completed", 385: "partially_refunded", 770: "refunded"}[back]
    after = await paid_api.get(f"/bookings/{booking['id']}", renter)
    assert (after["status"], after["payment_status"]) == ("cancelled", payment["status"])
    assert after["receipt"]["refunded_amount"] == back


async def test_the_policy_is_the_one_under_which_the_spot_was_booked(
    paid_api: Api, money: MemoryGateway, renter: Person, owner: Person
) -> None:
    spot = await paid_api.list_spot(owner, cancellation_policy="moderate")
    booking = await booked(paid_api, money, renter, spot, 2, 4)
    await paid_api.put(f"/parking-spots/{spot}", owner, cancellation_policy="strict")
    assert (await paid_api.get(f"/bookings/{booking['id']}", renter))["cancellation_policy"] == "moderate"
    assert (await cancel(paid_api, renter, booking))["refund_amount"] == 385


@pytest.mark.parametrize("who", ["owner", "admin"])
async def test_whoever_else_cancels_gives_everything_back(
    paid_api: Api, money: MemoryGateway, renter: Person, owner: Person, admin: Person, who: str
) -> None:
    spot = await paid_api.list_spot(owner, cancellation_policy="strict")
    booking = await booked(paid_api, money, renter, spot)
    await cancel(paid_api, {"owner": owner, "admin": admin}[who], booking)
    assert (await payment_of(paid_api, renter, booking))["refunded_amount"] == 770


async def test_what_staff_give_back_in_parts_adds_up_and_never_to_more_than_was_paid(
    paid_api: Api, money: MemoryGateway, renter: Person, admin: Person, booking: Any, payment: Any
) -> None:
    with counted("refunds", made=3), counted("refunded_minor_units", EUR=770):
        first = await refund(paid_api, admin, payment, amount=300, reason="The gate was locked")
        assert {**first, "id": 0, "refunded_at": 0} == {
            "id": 0,
            "original_amount": 770,
            "refund_amount": 300,
            "status": "succeeded",
            "reason": "The gate was locked",
            "refunded_at": 0,
        }
        await refund(paid_api, admin, payment, amount=69)
        await refund(paid_api, admin, payment, amount=402, expect=409)
        await cancel(paid_api, renter, booking)
    assert [each["refund_amount"] for each in (await payment_of(paid_api, renter, booking))["refunds"]] == [
        300,
        69,
        401,
    ]
    assert money.given(payment["payment_intent_id"]) == 770
    await refund(paid_api, admin, payment, amount=1, expect=409)
    await refund(paid_api, admin, payment, expect=409)


async def test_what_the_owner_bears_of_the_parts_adds_up_too(
    paid_api: Api, admin: Person, renter: Person, booking: Any, payment: Any, session: AsyncSession
) -> None:
    for amount in (1, 1, 1, 3, 7, 250):
        await refund(paid_api, admin, payment, amount=amount)
    await cancel(paid_api, renter, booking)
    assert await session.scalar(text("SELECT sum(owner_amount) FROM refunds")) == 700
    sums = await session.execute(text("SELECT account, sum(amount) FROM ledger_entries GROUP BY account"))
    assert {amount for _, amount in sums} == {0}


async def test_a_booking_that_stands_stays_paid(paid_api: Api, admin: Person, owner: Person, payment: Any) -> None:
    for who, wish in ((admin, {}), (owner, {"amount": 770}), (owner, {"amount": 771})):
        answer = await refund(paid_api, who, payment, expect=409, **wish)
        assert "stands" in answer["detail"]
    await refund(paid_api, owner, payment, amount=769)
    await refund(paid_api, owner, payment, amount=1, expect=409)


async def test_a_completed_booking_is_refunded_when_everything_was_given_back(
    paid_api: Api, clock: SetClock, renter: Person, owner: Person, booking: Any, payment: Any
) -> None:
    clock.pass_by(hours=1)
    renter, owner = [await paid_api.sign_in(each.id, each.email) for each in (renter, owner)]
    await paid_api.post(f"/bookings/{booking['id']}/check-out", renter)
    await refund(paid_api, owner, payment, amount=70)
    assert (await paid_api.get(f"/bookings/{booking['id']}", renter))["status"] == "completed"
    assert (await refund(paid_api, owner, payment))["refund_amount"] == 700
    after = await paid_api.get(f"/bookings/{booking['id']}", renter)
    assert (after["status"], after["payment_status"]) == ("refunded", "refunded")


async def test_a_renter_gives_nothing_back_and_sees_what_the_cancellation_did(
    paid_api: Api, money: MemoryGateway, renter: Person, owner: Person
) -> None:
    spot = await paid_api.list_spot(owner, cancellation_policy="moderate")
    booking = await booked(paid_api, money, renter, spot)
    payment = await payment_of(paid_api, renter, booking)
    await refund(paid_api, renter, payment, expect=403)
    await cancel(paid_api, renter, booking)
    seen = await refund(paid_api, renter, payment, amount=770)
    assert (seen["refund_amount"], seen["status"]) == (385, "succeeded")
    assert money.given(payment["payment_intent_id"]) == 385


async def test_nobody_else_learns_of_a_payment(
    paid_api: Api, other_renter: Person, other_owner: Person, payment: Any
) -> None:
    for stranger in (other_renter, other_owner):
        await refund(paid_api, stranger, payment, expect=404)
        assert await paid_api.get("/payments/my-payments", stranger) == []
    await refund(paid_api, other_owner, {"id": "0198c0de-7a10-7000-8000-000000000007"}, expect=404)


async def test_a_refund_that_is_sent_again_is_made_once(
    paid_api: Api, money: MemoryGateway, admin: Person, payment: Any, session: AsyncSession
) -> None:
    key = {"Idempotency-Key": "once"}
    wish = {"payment_id": payment["id"], "amount": 100}
    answers = [await paid_api.request("POST", REFUND, admin, json=wish, headers=key) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    await session.execute(text("DELETE FROM idempotency_keys"))  # as after a day
    assert (await paid_api.request("POST", REFUND, admin, json=wish, headers=key)).json() == answers[0].json()
    assert money.given(payment["payment_intent_id"]) == 100
    await session.execute(text("DELETE FROM idempotency_keys"))
    other = await paid_api.request("POST", REFUND, admin, json=wish | {"amount": 50}, headers=key, expect=422)
    assert other.json()["title"] == "Idempotency-Key reused"
    await refund(paid_api, admin, payment, amount=100)
    assert money.given(payment["payment_intent_id"]) == 200


async def test_what_staff_give_back_is_in_the_audit_log(
    paid_api: Api, admin: Person, payment: Any, session: AsyncSession
) -> None:
    await refund(paid_api, admin, payment, amount=100, reason="The gate was locked")
    row = (await session.execute(text("SELECT * FROM audit_log WHERE action = 'refund'"))).one()
    assert (str(row.actor_id), str(row.subject_id), row.reason) == (admin.id, payment["id"], "The gate was locked")


async def test_who_pays_too_late_gets_everything_back_and_a_letter(
    paid_api: Api, money: MemoryGateway, clock: SetClock, renter: Person, other_renter: Person, spot: str
) -> None:
    late = await paid_api.book(renter, spot, 1, 3)
    intent_id = await begun(paid_api, renter, late["id"])
    clock.pass_by(minutes=11)
    await paid_api.book(other_renter, spot, 1, 3)
    money.pay(intent_id)
    with counted("late", in_all=1), counted("taken_minor_units", EUR=770):
        await tell(paid_api, "payment_intent.succeeded", intent_id)
        await tell(paid_api, "payment_intent.succeeded", intent_id)
    payment = await payment_of(paid_api, renter, late)
    assert (payment["status"], payment["refunded_amount"]) == ("refunded", 770)
    assert (await paid_api.get(f"/bookings/{late['id']}", renter))["status"] == "cancelled"
    (letter,) = paid_api.outbox.letters
    assert (letter.to, letter.subject) == (renter.email, "Your payment came too late")
    assert "7.70 EUR" in letter.text


async def test_the_letter_about_a_late_payment_is_sent_until_it_is(
    paid_api: Api,
    money: MemoryGateway,
    clock: SetClock,
    monkeypatch: pytest.MonkeyPatch,
    renter: Person,
    spot: str,
) -> None:
    intent_id = await begun(paid_api, renter, (await paid_api.book(renter, spot, 1, 3))["id"])
    clock.pass_by(minutes=11)
    money.pay(intent_id)

    async def lost(*_: object) -> bool:
        return False

    with monkeypatch.context() as patched:
        patched.setattr(type(paid_api.outbox), "send", lost)
        await tell(paid_api, "payment_intent.succeeded", intent_id)
    for hours in (0.02, 1):
        clock.pass_by(hours=hours)
        await work_through(paid_api)
    assert len(paid_api.outbox.letters) == 1


async def test_where_only_multiples_can_be_moved_half_is_one_and_other_amounts_are_refused(
    paid_api: Api, money: MemoryGateway, renter: Person, owner: Person, admin: Person
) -> None:
    details = {"currency": "KWD", "hourly_rate": 390, "cancellation_policy": "moderate"}
    spot = await paid_api.list_spot(owner, **details)
    booking = await booked(paid_api, money, renter, spot, 2, 3)
    payment = await payment_of(paid_api, renter, booking)
    assert payment["amount"] == 430
    answer = await refund(paid_api, admin, payment, amount=15, expect=422)
    assert answer["errors"] == [
        {"pointer": "/amount", "detail": "must be a multiple of 10: less than that of KWD cannot be moved"}
    ]
    assert (await paid_api.post(f"/bookings/{booking['id']}/cancel", renter))["refund_amount"] == 220


async def test_a_hold_that_has_lapsed_is_not_confirmed_though_nobody_took_the_slot(
    paid_api: Api, money: MemoryGateway, clock: SetClock, renter: Person, spot: str
) -> None:
    booking = await paid_api.book(renter, spot, 1, 3)
    intent_id = await begun(paid_api, renter, booking["id"])
    money.pay(intent_id)
    clock.pass_by(minutes=10)
    answer = await paid_api.post(f"/payments/confirm-payment?payment_intent_id={intent_id}", renter, expect=409)
    assert answer["title"] == "Paid too late"
    await work_through(paid_api)
    assert money.given(intent_id) == 770
