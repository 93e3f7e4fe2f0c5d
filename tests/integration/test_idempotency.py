"""A creating request that is sent again with its Idempotency-Key is answered again, and done once."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from minute_job import moved
from parkingspots.kit.database import Database
from product import SPOT, Api, Person, until

KEY = {"Idempotency-Key": "6f1c-once"}
REPLAYED = "idempotency-replayed"


def wish(api: Api, spot: str, start: float = 1, end: float = 2) -> dict[str, Any]:
    return {"parking_spot_id": spot, "start_time": api.at(start), "end_time": api.at(end)}


async def send(api: Api, who: Person, path: str, body: Any, **headers: str) -> httpx.Response:
    return await api.client.post(f"/api/v1{path}", json=body, headers=who.headers | KEY | headers)


async def test_a_booking_sent_twice_is_made_once_and_answered_alike(api: Api, renter: Person, spot: str) -> None:
    first, again = [await send(api, renter, "/bookings/", wish(api, spot)) for _ in range(2)]
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["content-type"] == first.headers["content-type"]
    assert (first.headers.get(REPLAYED), again.headers.get(REPLAYED)) == (None, "true")
    assert len(await api.get("/bookings/", renter)) == 1


async def test_spots_and_slots_are_created_once_too(api: Api, owner: Person) -> None:
    spots = [await send(api, owner, "/parking-spots/", SPOT) for _ in range(2)]
    assert spots[0].json() == spots[1].json()
    assert len(await api.get("/parking-spots/my-spots", owner)) == 1

    path = f"/parking-spots/{spots[0].json()['id']}/availability"
    slot = {"day_of_week": 0, "start_time": "08:00", "end_time": "20:00"}
    slots = [await send(api, owner, path, slot) for _ in range(2)]
    assert slots[0].json() == slots[1].json()
    assert len(await api.get(path)) == 1


@pytest.mark.parametrize("path", ["/parking-spots", "/parking-spots/"])
async def test_the_slash_at_the_end_makes_no_other_route(api: Api, owner: Person, path: str) -> None:
    await send(api, owner, "/parking-spots/", SPOT)
    assert REPLAYED in (await send(api, owner, path, SPOT)).headers


async def test_an_id_written_in_another_way_makes_no_other_route(api: Api, owner: Person, spot: str) -> None:
    slot = {"day_of_week": 0, "start_time": "08:00", "end_time": "20:00"}
    for written in (spot, spot.upper(), spot.replace("-", ""), f"urn:uuid:{spot}"):
        assert (await send(api, owner, f"/parking-spots/{written}/availability", slot)).status_code == 201
    assert len(await api.get(f"/parking-spots/{spot}/availability")) == 1


async def test_bodies_are_compared_as_json_not_as_text(api: Api, owner: Person) -> None:
    headers = owner.headers | KEY | {"Content-Type": "application/json"}
    first = json.dumps(SPOT | {"latitude": 37.0})
    other = json.dumps(dict(reversed((SPOT | {"latitude": 37}).items())), indent=3)
    answers = [
        await api.client.post("/api/v1/parking-spots/", content=body, headers=headers) for body in (first, other)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()


async def test_the_same_key_with_another_body_is_refused(api: Api, renter: Person, spot: str) -> None:
    await send(api, renter, "/bookings/", wish(api, spot))
    refusal = await send(api, renter, "/bookings/", wish(api, spot, 5, 6))
    assert refusal.status_code == 422
    assert "new key" in refusal.json()["detail"]
    assert len(await api.get("/bookings/", renter)) == 1


async def test_a_key_is_its_users_own(api: Api, renter: Person, other_renter: Person, spot: str) -> None:
    assert (await send(api, renter, "/bookings/", wish(api, spot))).status_code == 201
    assert (await send(api, other_renter, "/bookings/", wish(api, spot, 5, 6))).status_code == 201


async def test_a_key_is_of_one_route_with_its_parameters(api: Api, owner: Person, spot: str) -> None:
    other = await api.list_spot(owner)
    slot = {"day_of_week": 0, "start_time": "08:00", "end_time": "20:00"}
    for each in (spot, other):
        answer = await send(api, owner, f"/parking-spots/{each}/availability", slot)
        assert answer.json()["parking_spot_id"] == each
    assert (await send(api, owner, "/parking-spots/", SPOT)).status_code == 201


async def test_a_refused_request_may_be_sent_again_mended_or_not(
    api: Api, renter: Person, other_renter: Person, spot: str
) -> None:
    booking = await api.book(other_renter, spot, 1, 2)
    for _ in range(2):
        assert (await send(api, renter, "/bookings/", wish(api, spot))).status_code == 409
    assert (await send(api, renter, "/bookings/", wish(api, spot, 9, 8))).status_code == 422
    await api.post(f"/bookings/{booking['id']}/cancel", other_renter)
    assert (await send(api, renter, "/bookings/", wish(api, spot))).status_code == 201


async def test_the_answer_is_kept_for_24_hours(api: Api, owner: Person) -> None:
    await send(api, owner, "/parking-spots/", SPOT)
    api.clock.pass_by(hours=23, minutes=59)
    fresh = await api.sign_in(owner.id, owner.email)
    assert REPLAYED in (await send(api, fresh, "/parking-spots/", SPOT)).headers
    api.clock.pass_by(minutes=1)
    answer = await send(api, fresh, "/parking-spots/", SPOT | {"title": "Another spot"})
    assert (answer.status_code, REPLAYED in answer.headers) == (201, False)
    assert REPLAYED in (await send(api, fresh, "/parking-spots/", SPOT | {"title": "Another spot"})).headers
    assert len(await api.get("/parking-spots/my-spots", fresh)) == 2


@pytest.mark.parametrize("key", ["", "two words", "x" * 256, "ключ"])
async def test_a_key_that_is_none_is_refused(api: Api, owner: Person, key: str) -> None:
    headers = httpx.Headers(owner.headers | {"Idempotency-Key": key}, encoding="utf-8")
    answer = await api.client.post("/api/v1/parking-spots/", json=SPOT, headers=headers)
    assert answer.status_code == 422
    assert [error["parameter"] for error in answer.json()["errors"]] == ["Idempotency-Key"]


async def test_two_keys_are_refused(api: Api, owner: Person) -> None:
    headers = [*owner.headers.items(), ("Idempotency-Key", "one"), ("Idempotency-Key", "two")]
    answer = await api.client.post("/api/v1/parking-spots/", json=SPOT, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"parameter": "Idempotency-Key", "detail": "must be sent once"}]
    assert await api.get("/parking-spots/my-spots", owner) == []


async def test_without_a_user_the_key_is_ignored(api: Api) -> None:
    account = {"email": "new@example.com", "password": "correct horse", "full_name": "New"}
    first, again = [await api.client.post("/api/v1/auth/register", json=account, headers=KEY) for _ in range(2)]
    assert (first.status_code, again.status_code) == (201, 409)
    assert (await api.client.post("/api/v1/bookings/", json={}, headers=KEY)).status_code == 401


@pytest.fixture
async def held_spot(database: Database, spot: str) -> AsyncIterator[str]:
    """A spot whose row somebody has locked: whoever books it waits."""
    async with database.transaction() as other:
        await other.execute(text("SELECT FROM spots WHERE id = :id FOR UPDATE"), {"id": spot})
        yield spot


async def test_a_repeat_while_the_first_is_still_running_is_told_so(
    api: Api, session: AsyncSession, renter: Person, held_spot: str
) -> None:
    async def waits() -> bool:
        return bool(await session.scalar(text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")))

    running = asyncio.create_task(send(api, renter, "/bookings/", wish(api, held_spot)))
    await until(waits)
    repeat = await send(api, renter, "/bookings/", wish(api, held_spot))
    assert (repeat.status_code, repeat.headers["retry-after"]) == (409, "1")
    assert "still" in repeat.json()["detail"]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_of_many_repeats_at_once_one_is_carried_out(api: Api, renter: Person, spot: str) -> None:
    for number in range(10):
        body = wish(api, spot, number + 1, number + 2)
        key = {"Idempotency-Key": f"round-{number}"}
        answers = await asyncio.gather(*(send(api, renter, "/bookings/", body, **key) for _ in range(5)))
        made = [answer.json()["id"] for answer in answers if answer.status_code == 201]
        assert {answer.status_code for answer in answers} <= {201, 409}
        assert len(set(made)) == 1
    assert len(await api.get("/bookings/", renter)) == 10


async def test_a_deadlock_is_survived_with_the_key_still_claimed(
    api: Api, session: AsyncSession, renter: Person, spot: str
) -> None:
    await session.execute(text("CREATE SEQUENCE deadlocks"))
    await session.execute(
        text("""
        CREATE FUNCTION deadlock_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF nextval('deadlocks') = 1 THEN RAISE EXCEPTION 'deadlock' USING ERRCODE = '40P01'; END IF;
            RETURN NEW;
        END $$""")
    )
    await session.execute(
        text("CREATE TRIGGER deadlocks BEFORE INSERT ON bookings FOR EACH ROW EXECUTE FUNCTION deadlock_once()")
    )
    try:
        first, again = [await send(api, renter, "/bookings/", wish(api, spot)) for _ in range(2)]
    finally:
        await session.execute(text("DROP TRIGGER deadlocks ON bookings"))
        await session.execute(text("DROP FUNCTION deadlock_once()"))
        await session.execute(text("DROP SEQUENCE deadlocks"))
    assert (first.status_code, again.json()) == (201, first.json())


async def test_a_deleted_account_leaves_no_kept_answer(api: Api, session: AsyncSession, owner: Person) -> None:
    await send(api, owner, "/parking-spots/", SPOT)
    await api.delete("/users/me", owner)
    assert await session.scalar(text("SELECT count(*) FROM idempotency_keys")) == 0


async def test_the_minute_job_forgets_answers_that_are_a_day_old(
    api: Api, database: Database, session: AsyncSession, owner: Person
) -> None:
    for key in ("old", "new"):
        await send(api, owner, "/parking-spots/", SPOT, **{"Idempotency-Key": key})
    age = "UPDATE idempotency_keys SET created_at = now() - make_interval(hours => :hours) WHERE key = :key"
    await session.execute(text(age), {"key": "old", "hours": 24})
    await session.execute(text(age), {"key": "new", "hours": 23})
    done = await moved(database)
    assert done["purge_idempotency_keys"] == 1
    assert await session.scalar(text("SELECT key FROM idempotency_keys")) == "new"
