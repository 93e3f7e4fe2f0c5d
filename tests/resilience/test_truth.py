"""The check of truth finds what contradicts it."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.kit.database import Database
from product import Api, Person
from resilience import truth
from resilience.told import Stale, Taken, Told

COUNTED = "UPDATE spot_stats SET total_bookings = 7"
AGAIN = """
    INSERT INTO bookings SELECT (jsonb_populate_record(bookings, jsonb_build_object('id', uuidv7()))).* FROM bookings
"""
WITHOUT_THE_BACKSTOP = "ALTER TABLE bookings DROP CONSTRAINT ex_bookings_slot"


@pytest.fixture
async def told(api: Api, spot: str, renter: Person) -> Told:
    """Of two bookings, one of them cancelled."""
    told = Told()
    for start in (24, 26):
        booking = await api.book(renter, spot, start, start + 1)
        told.booked[booking["id"]] = Taken(UUID(spot), datetime.fromisoformat(api.at(start)))
    _, second = told.booked
    await api.post(f"/bookings/{second}/cancel", renter)
    told.cancelled.add(second)
    return told


async def test_what_clients_were_told_is_what_is_there(database: Database, told: Told) -> None:
    assert await truth.flaws(database, told) == []


async def test_a_booking_that_was_acknowledged_and_is_not_there_is_told(database: Database, told: Told) -> None:
    told.booked[str(lost := uuid4())] = Taken(uuid4(), datetime.now(UTC))
    assert await truth.flaws(database, told) == [f"the booking {lost} was acknowledged and is not there"]


async def test_a_booking_of_another_slot_and_one_that_nobody_has_cancelled_are_told(
    database: Database, told: Told
) -> None:
    first, second = told.booked
    told.booked[first] = replace(told.booked[first], spot=uuid4())
    told.cancelled.clear()
    assert await truth.flaws(database, told) == [
        f"the booking {first} is of another slot than was acknowledged",
        f"the booking {second} is cancelled, which nobody was told",
    ]


async def test_a_booking_of_which_nobody_was_told_is_told_unless_somebody_never_got_an_answer(
    database: Database, told: Told
) -> None:
    first, _ = told.booked
    del told.booked[first]
    assert await truth.flaws(database, told) == ["1 bookings are there of which nobody was told"]
    told.unsettled.append("book")
    assert await truth.flaws(database, told) == ["it was never answered: book"]


async def test_a_counter_that_is_wrong_is_told(database: Database, session: AsyncSession, told: Told) -> None:
    await session.execute(text(COUNTED))
    assert await truth.flaws(database, told) == ["1 spots with a wrong number of bookings"]


async def test_a_slot_with_two_holders_is_told(database: Database, told: Told) -> None:
    async with database.transaction() as session:
        await session.execute(text(WITHOUT_THE_BACKSTOP))
        await session.execute(text(AGAIN))
        found = await truth.of_rules(session), await truth.of_bookings(session, told)
        await session.rollback()
    rules, (unheard, of_slot) = found
    assert rules == ["1 slots with two holders"]
    assert unheard == "2 bookings are there of which nobody was told"
    assert of_slot.startswith("2 bookings of ")


def test_what_was_stale_while_the_database_was_away_is_excused_and_nothing_else() -> None:
    told = Told(stale=[Stale(began, f"at {began:g}") for began in (10.0, 20.5, 30.0)])
    assert truth.of_reads(told, [(20.0, 21.0)]) == ["stale: at 10", "stale: at 30"]
