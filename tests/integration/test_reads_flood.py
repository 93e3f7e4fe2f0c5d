"""More changes than a look takes in: everything that is kept counts as changed, and nothing false is told for it."""

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.kit.changes import MOST_AT_ONCE, MOST_SUBJECTS_AT_ONCE
from parkingspots.kit.database import Database
from parkingspots.settings import Settings
from product import Api, Clock, Person, running, until

LIST = "/parking-spots/"
OF_NO_SPOT = """INSERT INTO changes (kind, subject_id)
    SELECT 'user', gen_random_uuid() FROM generate_series(1, :number)"""
OF_MANY = """INSERT INTO changes (kind, subjects)
    SELECT 'everything', array_agg(gen_random_uuid()) FROM generate_series(1, :number)"""
NEW_PRICE = "UPDATE spots SET hourly_rate = 999"

pytestmark = pytest.mark.usefixtures("spot")


def count(outcome: str) -> float:
    return REGISTRY.get_sample_value("parkingspots_reads_total", {"route": "list_spots", "outcome": outcome}) or 0.0


async def price(api: Api) -> int:
    cents: int = (await api.get(LIST))[0]["hourly_rate"]
    return cents


async def flood(session: AsyncSession, number: int) -> None:
    """So many changes that touch no list."""
    await session.execute(text(OF_NO_SPOT), {"number": number})


async def flood_and_change_the_price(database: Database) -> None:
    """The one change that matters comes last: whoever takes in the first ones alone misses it."""
    async with database.transaction() as session:
        await flood(session, MOST_AT_ONCE + 1)
        await session.execute(text(NEW_PRICE))


@pytest.mark.parametrize(("number", "outcome"), [(MOST_AT_ONCE, "hit"), (MOST_AT_ONCE + 1, "miss")])
async def test_as_many_as_a_look_takes_in_leave_alone_what_they_do_not_touch_and_one_more_does_not(
    keeping_api: Api, session: AsyncSession, number: int, outcome: str
) -> None:
    await keeping_api.app.state.follower.catch_up()  # the spot is no part of the flood
    await price(keeping_api)
    await flood(session, number)
    await keeping_api.app.state.follower.catch_up()
    await until(keeping_api.is_keeping)  # so large a look may take a busy machine too long
    before = count(outcome)
    assert await price(keeping_api) == 350
    assert count(outcome) == before + 1


async def test_a_count_of_two_spots_is_seen_on_the_page_of_each_and_leaves_lists_alone(
    keeping_api: Api, owner: Person, session: AsyncSession, spot: str
) -> None:
    pages = [f"{LIST}{each}" for each in (spot, await keeping_api.list_spot(owner))]
    assert [(await keeping_api.get(page))["total_bookings"] for page in pages] == [0, 0]
    await price(keeping_api)
    before = count("hit")
    await session.execute(text("UPDATE spot_stats SET total_bookings = 7"))
    await keeping_api.app.state.follower.catch_up()
    assert [(await keeping_api.get(page))["total_bookings"] for page in pages] == [7, 7]
    await price(keeping_api)
    assert count("hit") == before + 1


@pytest.mark.parametrize(("number", "outcome"), [(MOST_SUBJECTS_AT_ONCE, "hit"), (MOST_SUBJECTS_AT_ONCE + 1, "miss")])
async def test_so_many_spots_in_one_change_are_taken_in_and_no_more(
    keeping_api: Api, session: AsyncSession, number: int, outcome: str
) -> None:
    await keeping_api.app.state.follower.catch_up()
    await price(keeping_api)
    await session.execute(text(OF_MANY), {"number": number})
    await keeping_api.app.state.follower.catch_up()
    await until(keeping_api.is_keeping)
    before = count(outcome)
    assert await price(keeping_api) == 350
    assert count(outcome) == before + 1


async def test_a_change_that_a_look_had_no_room_for_is_seen(keeping_api: Api, database: Database) -> None:
    assert await price(keeping_api) == 350
    await flood_and_change_the_price(database)
    await keeping_api.app.state.follower.catch_up()
    assert await price(keeping_api) == 999


async def test_after_a_flood_answers_are_kept_again(keeping_api: Api, session: AsyncSession) -> None:
    await flood(session, MOST_AT_ONCE + 1)
    await keeping_api.app.state.follower.catch_up()
    before = count("hit")

    async def is_kept_again() -> bool:
        assert await price(keeping_api) == 350
        return count("hit") > before

    await until(is_kept_again)


async def test_a_change_that_the_first_look_of_a_process_had_no_room_for_is_seen(
    keeping: Settings, keeping_api: Api, database: Database, clock: Clock
) -> None:
    for _ in range(2):  # what is asked for twice is shared
        assert await price(keeping_api) == 350

    async def is_shared() -> bool:
        return bool(await keeping_api.app.state.cache.client.dbsize())

    await until(is_shared)
    await flood_and_change_the_price(database)
    shared = count("shared")
    async with running(keeping, clock) as fresh:
        await until(fresh.is_keeping)
        assert await price(fresh) == 999
    assert count("shared") == shared
