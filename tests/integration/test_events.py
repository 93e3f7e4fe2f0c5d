"""What Stripe tells: kept once, handled whenever and in whichever order it comes."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.testing import capture_logs

from conftest import SetClock
from counted import counted
from memory_gateway import MemoryGateway
from minute_job import moved
from parkingspots.kit.database import Database
from parkingspots.payments.gateway import AwayError, Intent
from parkingspots.payments.rules import DisputeStatus
from paying import an_event, begun, booked, rest, send, tell, work_through
from product import Api, Person


async def stored(session: AsyncSession) -> list[str]:
    return [*(await session.scalars(text("SELECT id FROM stripe_events ORDER BY id"))).all()]


async def test_an_event_that_comes_again_is_kept_once_and_handled_once(
    paid_api: Api, money: MemoryGateway, session: AsyncSession, renter: Person, spot: str
) -> None:
    intent_id = await begun(paid_api, renter, (await paid_api.book(renter, spot, 1, 3))["id"])
    money.pay(intent_id)
    event = an_event("payment_intent.succeeded", intent_id, paid_api.clock.now())
    with counted(received=1, repeated=2, handled=1), counted("confirmations", webhook=1):
        for _ in range(3):
            await send(paid_api, event)
        await rest(paid_api)
    (booking,) = await paid_api.get("/bookings/", renter)
    assert booking["status"] == "confirmed"
    assert await stored(session) == [event["id"]]


@pytest.mark.parametrize(
    ("kind", "subject"), [("invoice.paid", {"id": "in_1"}), ("balance.available", {}), ("new.thing", {"id": None})]
)
async def test_what_is_of_no_interest_is_acknowledged_and_left(
    paid_api: Api, session: AsyncSession, kind: str, subject: dict[str, Any]
) -> None:
    event = an_event(kind, "", paid_api.clock.now()) | {"data": {"object": subject}}
    assert await send(paid_api, event) == {"status": "received"}
    assert await session.scalar(text("SELECT handled_at IS NOT NULL AND act_at IS NULL FROM stripe_events"))


@pytest.mark.parametrize("kind", ["payment_intent.succeeded", "charge.dispute.created", "refund.created"])
async def test_what_is_not_ours_is_handled_by_leaving_it(
    paid_api: Api, money: MemoryGateway, session: AsyncSession, kind: str
) -> None:
    """Others may use the same account at Stripe."""
    intent = await money.create_intent(None, 500, "EUR", "of somebody else")  # type: ignore[arg-type]
    money.pay(intent.id)
    subjects = {"charge": money.dispute_charge(intent.id), "refund": money.give_back_in_its_pages(intent.id, 5)}
    await tell(paid_api, kind, subjects.get(kind.split(".", maxsplit=1)[0], intent.id))
    assert await session.scalar(text("SELECT handled_at IS NOT NULL AND failure IS NULL FROM stripe_events"))


async def test_events_may_come_in_any_order(paid_api: Api, money: MemoryGateway, renter: Person, spot: str) -> None:
    intent_id = await begun(paid_api, renter, (await paid_api.book(renter, spot, 1, 3))["id"])
    money.pay(intent_id)
    refund_id = money.give_back_in_its_pages(intent_id, 70)
    await tell(paid_api, "refund.created", refund_id)
    await tell(paid_api, "payment_intent.succeeded", intent_id)
    await tell(paid_api, "payment_intent.payment_failed", intent_id)
    await tell(paid_api, "payment_intent.created", intent_id)
    (payment,) = await paid_api.get("/payments/my-payments", renter)
    assert (payment["status"], payment["refunded_amount"]) == ("partially_refunded", 70)


async def test_a_dispute_may_be_lost_before_anybody_knows_of_the_payment(
    paid_api: Api, money: MemoryGateway, session: AsyncSession, renter: Person, spot: str
) -> None:
    intent_id = await begun(paid_api, renter, (await paid_api.book(renter, spot, 1, 3))["id"])
    money.pay(intent_id)
    dispute_id = money.dispute_charge(intent_id, DisputeStatus.LOST)
    await tell(paid_api, "charge.dispute.closed", dispute_id)
    await tell(paid_api, "payment_intent.succeeded", intent_id)
    sums = await session.execute(text("SELECT account, sum(amount) FROM ledger_entries GROUP BY account"))
    assert {amount for _, amount in sums} == {0}
    assert await session.scalar(text("SELECT count(DISTINCT cause) FROM ledger_entries")) == 3


async def test_an_event_that_fails_is_tried_later_and_later_and_after_ten_times_left_for_somebody_to_see(
    paid_api: Api, money: MemoryGateway, session: AsyncSession, clock: SetClock
) -> None:
    money.is_away = True
    pauses: list[int] = []
    with capture_logs() as logs, counted(failed=9, parked=1):
        await tell(paid_api, "charge.dispute.created", "dp_1")
        for _ in range(10):
            act_at = await session.scalar(text("SELECT act_at FROM stripe_events"))
            if act_at is None:
                break
            pauses.append(round((act_at - clock.now()).total_seconds()))
            clock.moment = act_at
            await work_through(paid_api)
    assert pauses == [15 * 2**attempt for attempt in range(1, 10)]
    row = (await session.execute(text("SELECT * FROM stripe_events"))).one()
    assert (row.attempts, row.failure, row.handled_at) == (10, "ConnectError", None)
    assert row.parked_at >= clock.now()
    (said,) = (each for each in logs if each["event"] == "an event is parked")
    assert (said["log_level"], said["kind"], said["error"]) == ("error", "charge.dispute.created", "ConnectError")


async def test_an_event_that_fails_for_now_is_handled_when_the_gateway_is_back(
    paid_api: Api, money: MemoryGateway, session: AsyncSession, clock: SetClock, renter: Person, spot: str
) -> None:
    intent_id = await begun(paid_api, renter, (await paid_api.book(renter, spot, 1, 3))["id"])
    money.pay(intent_id)
    money.is_away = True
    await tell(paid_api, "payment_intent.succeeded", intent_id)
    assert (await paid_api.get("/bookings/", renter))[0]["status"] == "pending"
    money.is_away = False
    clock.pass_by(minutes=1)
    await work_through(paid_api)
    assert (await paid_api.get("/bookings/", renter))[0]["status"] == "confirmed"
    assert await session.scalar(text("SELECT failure FROM stripe_events")) is None


async def test_what_cannot_be_handled_at_all_does_not_keep_the_next_from_being_handled(
    paid_api: Api, money: MemoryGateway, session: AsyncSession, renter: Person, spot: str
) -> None:
    intent_id = await begun(paid_api, renter, (await paid_api.book(renter, spot, 1, 3))["id"])
    money.pay(intent_id)
    with capture_logs() as logs:
        await send(paid_api, an_event("refund.created", "re_unknown", paid_api.clock.now()))  # a KeyError
        await tell(paid_api, "payment_intent.succeeded", intent_id)
    assert "an event could not be handled" in {each["event"] for each in logs}
    assert (await paid_api.get("/bookings/", renter))[0]["status"] == "confirmed"
    failures = (await session.scalars(text("SELECT failure FROM stripe_events ORDER BY kind"))).all()
    assert failures == [None, "KeyError"]


async def test_old_events_are_forgotten_unless_somebody_has_to_see_them(
    paid_api: Api, database: Database, session: AsyncSession
) -> None:
    del paid_api
    await session.execute(
        text("""INSERT INTO stripe_events (id, kind, created, received_at, handled_at, parked_at)
            SELECT id, 'x', received, received, CASE WHEN id = 'parked' THEN NULL ELSE received END,
                CASE WHEN id = 'parked' THEN received END
            FROM (VALUES ('old', now() - interval '31 days'), ('new', now() - interval '29 days'),
                ('parked', now() - interval '31 days')) AS event (id, received)""")
    )
    assert (await moved(database))["purge_events"] == 1
    assert await stored(session) == ["new", "parked"]


async def test_a_booking_is_confirmed_once_though_all_tell_of_its_payment_at_once(
    paid_api: Api, money: MemoryGateway, session: AsyncSession, renter: Person, spot: str
) -> None:
    intent_id = await begun(paid_api, renter, (await paid_api.book(renter, spot, 1, 3))["id"])
    money.pay(intent_id)
    confirm = f"/payments/confirm-payment?payment_intent_id={intent_id}"
    events = [an_event("payment_intent.succeeded", intent_id, paid_api.clock.now()) for _ in range(3)]
    await asyncio.gather(
        *(paid_api.post(confirm, renter) for _ in range(3)),
        *(send(paid_api, event) for event in events),
        *(work_through(paid_api) for _ in range(2)),
    )
    await rest(paid_api)
    assert (await paid_api.get("/bookings/", renter))[0]["status"] == "confirmed"
    assert await session.scalar(text("SELECT count(*) FROM ledger_entries")) == 3
    assert await booked(paid_api, money, renter, spot, 5, 6)


async def test_what_somebody_else_has_handled_meanwhile_stays_handled(
    paid_api: Api,
    money: MemoryGateway,
    session: AsyncSession,
    clock: SetClock,
    monkeypatch: pytest.MonkeyPatch,
    renter: Person,
    spot: str,
) -> None:
    intent_id = await begun(paid_api, renter, (await paid_api.book(renter, spot, 1, 3))["id"])
    money.pay(intent_id)
    look = money.intent

    async def takes_too_long(_: str) -> Intent:
        monkeypatch.setattr(money, "intent", look)
        clock.pass_by(minutes=3)
        await work_through(paid_api)
        raise AwayError("ReadTimeout")

    monkeypatch.setattr(money, "intent", takes_too_long)
    await tell(paid_api, "payment_intent.succeeded", intent_id)
    assert await session.scalar(text("SELECT act_at IS NULL AND failure IS NULL FROM stripe_events"))
