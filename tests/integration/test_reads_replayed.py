"""An answer repeated for an Idempotency-Key may tell of another process's write: whoever reads after it sees that."""

from asyncio import CancelledError, Event, create_task
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.kit import follower as following
from parkingspots.settings import Settings
from product import SPOT, Api, Clock, Person, running, until

LIST = "/parking-spots/"
KEY = {"Idempotency-Key": "7a02-once"}
A_LONG_TIME = 3_600.0


@pytest.fixture
async def other_process(
    keeping: Settings, keeping_api: Api, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Api]:
    """It shares the database and Valkey with the first; both look at the log when they have to, never by themselves."""
    async with running(keeping, clock) as api:
        await until(api.is_keeping)
        monkeypatch.setattr(following, "PAUSE", A_LONG_TIME)
        monkeypatch.setattr(following, "TRUSTED_FOR", A_LONG_TIME)
        for each in (keeping_api, api):
            await each.app.state.follower.catch_up()
        yield api


async def send(api: Api, who: Person, path: str, body: Any) -> httpx.Response:
    answer = await api.client.post(f"/api/v1{path}", json=body, headers=who.headers | KEY)
    assert answer.status_code == 201
    return answer


async def is_replayed(api: Api, who: Person, path: str, body: Any) -> bool:
    return "idempotency-replayed" in (await send(api, who, path, body)).headers


async def test_a_spot_that_another_process_created_is_listed_by_the_one_that_repeats_its_answer(
    keeping_api: Api, other_process: Api, owner: Person
) -> None:
    assert await other_process.get(LIST) == []
    await send(keeping_api, owner, "/parking-spots/", SPOT)
    assert await other_process.get(LIST) == [], "it has not heard of it yet"
    assert await is_replayed(other_process, owner, "/parking-spots/", SPOT)
    assert len(await other_process.get(LIST)) == 1


async def test_a_booking_whose_process_hung_before_it_answered_is_seen_where_the_answer_is_repeated(
    keeping_api: Api,
    other_process: Api,
    renter: Person,
    spot: str,
    session: AsyncSession,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wish = {"parking_spot_id": spot, "start_time": keeping_api.at(1), "end_time": keeping_api.at(2)}
    asked: dict[str, Any] = {"start_time": wish["start_time"], "end_time": wish["end_time"]}
    assert [found["id"] for found in await other_process.get(LIST, **asked)] == [spot]

    monkeypatch.setattr(keeping_api.app.state.follower, "catch_up", Event().wait)
    unanswered = create_task(send(keeping_api, renter, "/bookings/", wish))

    async def is_booked() -> bool:
        return bool(await session.scalar(text("SELECT count(*) FROM bookings")))

    await until(is_booked)
    assert await is_replayed(other_process, renter, "/bookings/", wish)
    assert await other_process.get(LIST, **asked) == []
    assert not unanswered.done()
    unanswered.cancel()
    with suppress(CancelledError):
        await unanswered
