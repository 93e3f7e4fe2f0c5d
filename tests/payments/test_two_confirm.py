"""Two processes hear of one payment at once: it confirms its booking once."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from e2e.test_journey import served
from parkingspots.settings import Settings
from payments.cardholder import Cardholder
from payments.ledgers import balances
from payments.product_at_stripe import asked_at, paying
from product import Api, Person

ROUNDS = 200
AT_ONCE = 8
"""Renters who are at their forms while the next pay; more would only wait for each other."""
CHARGES = text("SELECT count(DISTINCT cause) AS causes, count(*) AS entries FROM ledger_entries")
CONFIRMED = text("SELECT count(*) FROM bookings WHERE status = 'confirmed' AND payment_status = 'completed'")
COUNTED = re.compile(r"^parkingspots_payments_confirmations_total\{.*\} ([\d.]+)$", re.MULTILINE)


@pytest.fixture(scope="module")
def other_url(paid_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    log = tmp_path_factory.mktemp("other") / "server.log"
    with served(paid_settings, log, **paying(paid_settings)) as (url, _):
        yield url


@pytest.fixture
async def both(process: Api, other_url: str) -> AsyncIterator[tuple[Api, Api]]:
    async with AsyncExitStack() as stack:
        yield process, await stack.enter_async_context(asked_at(other_url))


@pytest.fixture
async def intents(process: Api, card: Cardholder, rena: Person, courtyard: str) -> list[str]:
    """Of as many bookings as there are rounds, all paid; nobody has told."""
    taking_turns = asyncio.Semaphore(AT_ONCE)

    async def pay(number: int) -> str:
        async with taking_turns:
            booking = await process.book(rena, courtyard, 1 + number / 2, 1.5 + number / 2)
            intent = await process.post("/payments/create-payment-intent", rena, booking_id=booking["id"])
            await card.pay(intent)
            return str(intent["payment_intent_id"])

    return await asyncio.gather(*(pay(number) for number in range(ROUNDS)))


async def confirmations(api: Api) -> int:
    """How many a process has counted since it began."""
    said = (await api.client.get("/metrics")).text
    return sum(int(float(count)) for count in COUNTED.findall(said))


async def confirm(api: Api, who: Person, intent_id: str) -> Any:
    return await api.post(f"/payments/confirm-payment?payment_intent_id={intent_id}", who)


async def test_a_payment_that_both_confirm_at_once_confirms_its_booking_once(
    both: tuple[Api, Api], intents: list[str], session: AsyncSession, rena: Person
) -> None:
    before = [await confirmations(api) for api in both]
    for intent_id in intents:
        answers = await asyncio.gather(*(confirm(api, rena, intent_id) for api in both))
        assert [answer["status"] for answer in answers] == ["succeeded", "succeeded"]
    counted = [await confirmations(api) - earlier for api, earlier in zip(both, before, strict=True)]
    assert sum(counted) == ROUNDS
    assert min(counted) > 0  # each of them has come first at times
    assert await session.scalar(CONFIRMED) == ROUNDS
    written = (await session.execute(CHARGES)).one()
    assert (written.causes, written.entries) == (ROUNDS, 3 * ROUNDS)
    each = {"owner": -175, "platform": -18, "stripe": 193}
    assert await balances(session) == {name: ROUNDS * amount for name, amount in each.items()}
