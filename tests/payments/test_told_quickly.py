"""Stripe has its answer at once, whatever has to be done about what it told."""

import json
from statistics import median
from time import perf_counter
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from paying import an_event, signed
from payments.conftest import WEBHOOK, WEBHOOK_SECRET
from payments.standin import StandIn
from product import Api, Person, until

MANY = 40
KIND = "payment_intent.processing"
HANDLED = text("SELECT count(*) FROM stripe_events WHERE handled_at IS NOT NULL AND kind = :kind")


@pytest.fixture
async def intent_id(process: Api, rena: Person, courtyard: str) -> str:
    booking = await process.book(rena, courtyard, 1, 3)
    intent = await process.post("/payments/create-payment-intent", rena, booking_id=booking["id"])
    return str(intent["payment_intent_id"])


async def told(process: Api, intent_id: str) -> float:
    """Seconds that the answer to an event took."""
    body = json.dumps(an_event(KIND, intent_id, process.clock.now()))
    began = perf_counter()
    answer = await process.client.post(WEBHOOK, content=body, headers=signed(body, WEBHOOK_SECRET))
    taken = perf_counter() - began
    assert answer.status_code == 200
    return taken


async def test_stripe_does_not_wait_for_the_call_of_stripes_that_its_event_leads_to(
    process: Api, stripe: StandIn, session: AsyncSession, intent_id: str
) -> None:
    async def are_handled(count: int) -> bool:
        return bool(await session.scalar(HANDLED, {"kind": KIND}) == count)

    quick: list[Any] = [await told(process, intent_id) for _ in range(MANY)]
    await until(lambda: are_handled(MANY))

    stripe.is_slow = True
    before = len(stripe.asked)
    began = perf_counter()
    slow = [await told(process, intent_id)]

    async def is_asked() -> bool:
        return len(stripe.asked) > before

    await until(is_asked)
    slow += [await told(process, intent_id) for _ in range(MANY - 1)]
    assert await are_handled(MANY)  # the first of them still waits for Stripe
    waited = perf_counter() - began
    stripe.be_well()
    assert median(slow) < 3 * median(quick)
    assert max(slow) < waited / 2
    await until(lambda: are_handled(2 * MANY))
