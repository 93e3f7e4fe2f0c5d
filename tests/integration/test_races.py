"""Two who decide at the same moment: one of them does, and nothing counts twice."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from interleaving import meanwhile
from minute_job import moved
from parkingspots.kit.database import Database
from product import Api, Person

Record = Callable[..., Awaitable[str]]
ROUNDS = 10


async def status(api: Api, who: Person, booking: str, step: str) -> int:
    answer = await api.client.post(f"/api/v1/bookings/{booking}/{step}", headers=who.headers)
    return answer.status_code


async def test_of_a_check_out_a_cancellation_and_the_job_one_wins(
    api: Api, database: Database, session: AsyncSession, record: Record, spot: str, renter: Person, admin: Person
) -> None:
    completed = 0
    for number in range(ROUNDS):
        booking = await record("confirmed", -number - 2, -number - 1, now=datetime.now(UTC))
        left, again, cancelled, done = await asyncio.gather(
            status(api, renter, booking, "check-out"),
            status(api, renter, booking, "check-out"),
            status(api, admin, booking, "cancel"),
            moved(database),
        )
        assert {left, again, cancelled} <= {200, 409}
        assert [left, again, cancelled].count(200) + done["complete_past"] == 1
        now = await session.scalar(text("SELECT status FROM bookings WHERE id = :id"), {"id": booking})
        assert now == ("cancelled" if cancelled == 200 else "completed")
        completed += now == "completed"
        assert (await api.get(f"/parking-spots/{spot}"))["total_bookings"] == completed


async def test_of_two_check_ins_one_is_the_arrival(api: Api, spot: str, renter: Person, admin: Person) -> None:
    for number in range(ROUNDS):
        booking = (await api.book(renter, spot, 0, 1 + number))["id"]
        answers = await asyncio.gather(*(status(api, who, booking, "check-in") for who in (renter, admin, renter)))
        assert sorted(answers) == [200, 409, 409]
        await api.post(f"/bookings/{booking}/cancel", renter)


async def test_of_two_cancellations_one_is_told_that_it_was_cancelled_already(
    api: Api, spot: str, renter: Person, owner: Person
) -> None:
    for _ in range(ROUNDS):
        booking = (await api.book(renter, spot, 1, 2))["id"]
        answers = await asyncio.gather(*(status(api, who, booking, "cancel") for who in (renter, owner)))
        assert sorted(answers) == [200, 409]


async def test_check_outs_of_many_bookings_of_a_spot_all_count(
    api: Api, record: Record, spot: str, renter: Person
) -> None:
    bookings = [await record("confirmed", -hour - 1, -hour) for hour in range(12)]
    answers = await asyncio.gather(*(status(api, renter, booking, "check-out") for booking in bookings))
    assert answers == [200] * 12
    assert (await api.get(f"/parking-spots/{spot}"))["total_bookings"] == 12


@pytest.mark.parametrize(("change", "expect"), [("is_active = false", 404), ("is_available = false", 409)])
async def test_a_booking_waits_for_a_change_of_the_spot_and_heeds_it(
    api: Api, database: Database, session: AsyncSession, spot: str, renter: Person, change: str, expect: int
) -> None:
    request = api.book(renter, spot, 1, 3, expect=expect)
    async with meanwhile(database, session, f"UPDATE spots SET {change} WHERE id = '{spot}'", request) as answer:
        await answer
    assert await session.scalar(text("SELECT count(*) FROM bookings")) == 0


async def test_a_booking_waits_for_a_change_of_the_renters_account_and_heeds_it(
    api: Api, database: Database, session: AsyncSession, spot: str, renter: Person
) -> None:
    request = api.book(renter, spot, 1, 3, expect=401)
    change = f"UPDATE users SET is_active = false WHERE id = '{renter.id}'"
    async with meanwhile(database, session, change, request) as answer:
        await answer
    assert await session.scalar(text("SELECT count(*) FROM bookings")) == 0


async def test_who_comes_after_a_booking_is_refused_without_waiting_for_the_spot(
    api: Api, database: Database, spot: str, renter: Person, other_renter: Person
) -> None:
    await api.book(other_renter, spot, 1, 3)
    async with database.transaction() as other:
        await other.execute(text(f"SELECT FROM spots WHERE id = '{spot}' FOR UPDATE"))
        assert (await api.book(renter, spot, 2, 4, expect=409))["title"] == "Slot taken"


async def test_what_slips_past_the_lock_is_stopped_by_the_constraint_with_the_same_answer(
    api: Api, database: Database, session: AsyncSession, spot: str, renter: Person, other_renter: Person
) -> None:
    booked = (await api.book(other_renter, spot, 5, 7))["id"]
    change = f"UPDATE bookings SET start_time = '{api.at(1)}', end_time = '{api.at(3)}' WHERE id = '{booked}'"
    request = api.book(renter, spot, 2, 4, expect=409)
    async with meanwhile(database, session, change, request) as answer:
        assert (await answer)["detail"] == "Time slot is already booked"


async def test_a_spot_is_deleted_or_booked_but_not_both(
    api: Api, session: AsyncSession, owner: Person, renter: Person, other_renter: Person
) -> None:
    for number in range(ROUNDS):
        spot = await api.list_spot(owner, title=f"Spot number {number}")
        wish = {"parking_spot_id": spot, "start_time": api.at(1), "end_time": api.at(3)}
        post, delete = api.client.post, api.client.delete
        one, deleted, other = await asyncio.gather(
            post("/api/v1/bookings/", json=wish, headers=renter.headers),
            delete(f"/api/v1/parking-spots/{spot}", headers=owner.headers),
            post("/api/v1/bookings/", json=wish, headers=other_renter.headers),
        )
        answers = (deleted.status_code, sorted([one.status_code, other.status_code]))
        assert answers in [(200, [404, 404]), (409, [201, 409])]
        live = await session.scalar(text("SELECT count(*) FROM bookings WHERE spot_id = :id"), {"id": spot})
        assert live == (0 if deleted.status_code == 200 else 1)


async def test_a_spot_that_is_withdrawn_from_the_market_takes_no_booking_afterwards(
    api: Api, owner: Person, renter: Person, other_renter: Person
) -> None:
    for number in range(ROUNDS):
        spot = await api.list_spot(owner, title=f"Spot number {number}")
        wish = {"parking_spot_id": spot, "start_time": api.at(1), "end_time": api.at(3)}
        booked, withdrawn = await asyncio.gather(
            api.client.post("/api/v1/bookings/", json=wish, headers=renter.headers),
            api.client.put(f"/api/v1/parking-spots/{spot}", json={"is_available": False}, headers=owner.headers),
        )
        assert withdrawn.status_code == 200
        assert booked.status_code in {201, 409}
        await api.book(other_renter, spot, 5, 6, expect=409)
