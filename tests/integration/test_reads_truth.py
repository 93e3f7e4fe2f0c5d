"""Whoever reads after a write was answered reads what was written, whatever happens in between."""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import asyncpg
import pytest
from prometheus_client import REGISTRY
from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.dev.postgres import PostgresServer
from parkingspots.dev.valkey import ValkeyServer
from parkingspots.kit import follower as following
from parkingspots.kit import migrating
from parkingspots.kit.database import Database
from parkingspots.kit.follower import TRUSTED_FOR, Follower
from parkingspots.settings import Settings
from parkingspots.spots import repository
from product import Api, Clock, Person, running, until

LIST, SEARCH = "/parking-spots/", "/parking-spots/search"
NEW_PRICE = "UPDATE spots SET hourly_rate = 999"


async def price(api: Api, **asked: Any) -> int:
    """What the first spot of the list costs, to all who ask one after the other: each of them on a shorter way."""
    cents = [await first_price(api, **asked) for _ in range(3)]
    assert len(set(cents)) == 1
    return cents[0]


async def first_price(api: Api, **asked: Any) -> int:
    cents: int = (await api.get(LIST, **asked))[0]["hourly_rate"]
    return cents


def count(outcome: str, route: str = "list_spots") -> float:
    return REGISTRY.get_sample_value("parkingspots_reads_total", {"route": route, "outcome": outcome}) or 0.0


@pytest.fixture
async def other_process(keeping: Settings, keeping_api: Api, clock: Clock) -> AsyncIterator[Api]:
    """As good as one: it shares the database and Valkey, nothing else."""
    del keeping_api
    async with running(keeping, clock) as api:
        await until(api.is_keeping)
        yield api


async def test_every_write_is_seen_at_once(keeping_api: Api, owner: Person, renter: Person, spot: str) -> None:
    page = f"/parking-spots/{spot}"

    async def seen() -> tuple[Any, ...]:
        answers = [
            await keeping_api.client.get(f"/api/v1{path}") for path in (page, LIST, SEARCH, f"{page}/availability")
        ]
        reviews = [await keeping_api.client.get(f"/api/v1/reviews/spot/{spot}{rest}") for rest in ("", "/summary")]
        return tuple(answer.content for answer in (*answers, *reviews))

    shown = [await seen()]
    write = keeping_api.put
    await write(page, owner, hourly_rate=999)
    shown.append(await seen())
    slot = await keeping_api.post(
        f"{page}/availability", owner, expect=201, day_of_week=0, start_time="00:00", end_time="00:00"
    )
    shown.append(await seen())
    await keeping_api.delete(f"{page}/availability/{slot['id']}", owner)
    shown.append(await seen())
    booking = await keeping_api.book(renter, spot, 0.02, 1)
    shown.append(await seen())
    await keeping_api.post(f"/bookings/{booking['id']}/cancel", renter)
    shown.append(await seen())
    booking = await keeping_api.book(renter, spot, 0.02, 1)
    keeping_api.clock.pass_by(minutes=10)
    await keeping_api.post(f"/bookings/{booking['id']}/check-out", renter)
    shown.append(await seen())
    review = await keeping_api.post("/reviews/", renter, expect=201, booking_id=booking["id"], overall_rating=4)
    shown.append(await seen())
    await keeping_api.post(f"/reviews/{review['id']}/helpful", owner)
    shown.append(await seen())
    await keeping_api.put("/users/me", renter, full_name="Somebody Else")
    shown.append(await seen())
    await write(page, owner, is_available=False)
    shown.append(await seen())
    await keeping_api.delete(page, owner)
    shown.append(await seen())
    for before, after in pairwise(shown):
        assert before != after
    await keeping_api.get(page, expect=404)
    assert await keeping_api.get(LIST) == []


async def test_a_loader_that_read_before_the_write_and_stores_after_it_is_not_believed(
    keeping_api: Api, owner: Person, spot: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_read, may_store = asyncio.Event(), asyncio.Event()
    search = repository.search

    async def slow_search(*asked: Any) -> Any:
        found = await search(*asked)
        has_read.set()
        await may_store.wait()
        return found

    monkeypatch.setattr(repository, "search", slow_search)
    early = asyncio.create_task(first_price(keeping_api))
    await asyncio.wait_for(has_read.wait(), 5)
    await keeping_api.put(f"/parking-spots/{spot}", owner, hourly_rate=999)
    late = asyncio.create_task(price(keeping_api))
    may_store.set()
    assert await early == 350
    assert await late == 999
    assert await price(keeping_api) == 999


async def test_a_write_that_commits_after_later_ones_is_seen(
    keeping_api: Api, other_owner: Person, spot: str, database: Database
) -> None:
    other_spot = await keeping_api.list_spot(other_owner)
    async with database.transaction() as slow:
        await slow.execute(text(f"{NEW_PRICE} WHERE id = :id"), {"id": spot})
        await keeping_api.put(f"/parking-spots/{other_spot}", other_owner, hourly_rate=700)
        before = {each["id"]: each["hourly_rate"] for each in await keeping_api.get(LIST)}
    await keeping_api.put(f"/parking-spots/{other_spot}", other_owner, title="Something else")
    after = {each["id"]: each["hourly_rate"] for each in await keeping_api.get(LIST)}
    assert before == {spot: 350, other_spot: 700}
    assert after == {spot: 999, other_spot: 700}


@pytest.mark.usefixtures("spot")
async def test_a_write_whose_writer_died_before_it_answered_is_seen_by_every_process(
    keeping_api: Api, other_process: Api, session: AsyncSession
) -> None:
    both = keeping_api, other_process
    assert [await price(api) for api in both] == [350, 350]
    await session.execute(text(NEW_PRICE))  # committed, and nobody is told

    async def is_seen() -> bool:
        return [await price(api) for api in both] == [999, 999]

    await until(is_seen)


async def test_another_process_sees_a_write_after_its_next_look(
    keeping_api: Api, other_process: Api, owner: Person, spot: str
) -> None:
    assert await price(other_process) == 350
    await keeping_api.put(f"/parking-spots/{spot}", owner, hourly_rate=999)
    await other_process.app.state.follower.catch_up()
    assert await price(other_process) == 999


@pytest.mark.usefixtures("spot")
async def test_an_answer_is_trusted_for_a_second_after_the_last_look(
    keeping_api: Api, session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower: Follower = keeping_api.app.state.follower

    async def no_look(*_: Any) -> None:
        await asyncio.Event().wait()

    assert await price(keeping_api) == 350
    monkeypatch.setattr(follower, "_wait", no_look)
    await follower.catch_up()  # the last look
    heard = follower._heard_at
    await session.execute(text(NEW_PRICE))
    monkeypatch.setattr(following, "TRUSTED_FOR", TRUSTED_FOR)  # as it is outside tests
    monkeypatch.setattr(follower, "_clock", lambda: heard + TRUSTED_FOR - 0.01)
    assert await price(keeping_api) == 350
    monkeypatch.setattr(follower, "_clock", lambda: heard + TRUSTED_FOR)
    assert await price(keeping_api) == 999


@pytest.mark.usefixtures("spot")
async def test_a_process_that_is_cut_off_from_the_log_asks_the_database(
    keeping_api: Api, session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await price(keeping_api) == 350

    async def refused(*_: Any, **__: Any) -> None:
        raise OSError("cut off")

    with monkeypatch.context() as cut:
        cut.setattr(asyncpg, "connect", refused)
        await session.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name = 'parkingspots-changes'"
            )
        )

        async def is_cut_off() -> bool:
            return not await keeping_api.is_keeping()

        await until(is_cut_off)
        await session.execute(text(NEW_PRICE))
        assert await price(keeping_api) == 999
        await session.execute(text("UPDATE spots SET hourly_rate = 888"))
        assert await price(keeping_api) == 888
        await asyncio.wait_for(keeping_api.app.state.follower.catch_up(), timeout=1)
    await until(keeping_api.is_keeping)
    assert await price(keeping_api) == 888


async def test_what_valkey_holds_from_before_a_restart_is_good_only_where_nothing_has_changed(
    keeping: Settings, api: Api, owner: Person, clock: Clock, valkey_server: ValkeyServer
) -> None:
    near = await api.list_spot(owner)
    far = await api.list_spot(owner, latitude=40.6401, longitude=22.9444)
    places = [{"latitude": 37.9755, "longitude": 23.7348}, {"latitude": 40.6401, "longitude": 22.9444}]
    async with Redis.from_url(valkey_server.url) as valkey, running(keeping, clock) as before:
        await valkey.flushdb()
        await until(before.is_keeping)
        assert [await price(before, **place) for place in places * 2] == [350] * 4  # what is asked for twice is shared

        async def are_there() -> bool:
            return int(await valkey.dbsize()) == len(places)

        await until(are_there)
    await api.put(f"/parking-spots/{near}", owner, hourly_rate=999)  # by a process that keeps nothing
    async with running(keeping, clock) as after:
        await until(after.is_keeping)
        shared = count("shared")
        assert [await price(after, **place) for place in places] == [999, 350]
        assert count("shared") == shared + 1
    assert far


@pytest.mark.usefixtures("spot")
async def test_what_valkey_holds_of_another_database_is_none_of_ours(
    keeping: Settings, keeping_api: Api, postgres_server: PostgresServer, clock: Clock
) -> None:
    assert await price(keeping_api) == 350
    url = postgres_server.create_database("restored")
    elsewhere = keeping.model_copy(update={"database_url": type(keeping.database_url)(url)})
    await migrating.upgrade(elsewhere)
    try:
        async with running(elsewhere, clock) as restored:
            await until(restored.is_keeping)
            assert await restored.get(LIST) == []
    finally:
        postgres_server.drop_database("restored")


async def test_a_booking_leaves_alone_what_it_does_not_change(
    keeping_api: Api, owner: Person, renter: Person, spot: str
) -> None:
    await keeping_api.list_spot(owner, latitude=40.6401, longitude=22.9444)
    here: dict[str, Any] = {"latitude": 37.9755, "longitude": 23.7348}
    there: dict[str, Any] = {"latitude": 40.6401, "longitude": 22.9444}
    then: dict[str, Any] = {"start_time": keeping_api.at(2), "end_time": keeping_api.at(3)}
    later: dict[str, Any] = {"start_time": keeping_api.at(5), "end_time": keeping_api.at(6)}
    kept = [here, there, {**here, **later}, {**there, **then}]
    for asked in (*kept, {**here, **then}):
        await keeping_api.get(LIST, **asked)
    await keeping_api.book(renter, spot, 2, 3)
    hits, misses = count("hit"), count("miss")
    for asked in kept:
        await keeping_api.get(LIST, **asked)
    assert (count("hit"), count("miss")) == (hits + len(kept), misses)
    assert await keeping_api.get(LIST, **here, **then) == []
    assert count("miss") == misses + 1
