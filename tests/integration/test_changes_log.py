"""Each write logs what it changes of the answers that anybody may get, and nothing else."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from conftest import Record
from interleaving import meanwhile
from minute_job import moved
from parkingspots.dev.postgres import PostgresServer
from parkingspots.kit import changes, migrating
from parkingspots.kit.database import Database
from parkingspots.seed.service import seed
from parkingspots.settings import Settings
from product import SPOT, Api, Person

SOMEWHERE_ELSE: dict[str, Any] = {"latitude": 40.6401, "longitude": 22.9444}
MOVE = f"UPDATE spots SET latitude = {SOMEWHERE_ELSE['latitude']}, longitude = {SOMEWHERE_ELSE['longitude']}"
CANCEL = "UPDATE bookings SET status = 'cancelled'"
COUNT_EACH = text("UPDATE spot_stats SET total_bookings = total_bookings + 1")
MANY_SPOTS = text("""
    WITH added AS (
        INSERT INTO spots (owner_id, title, spot_type, vehicle_size, address, city, prefecture, zip_code, latitude,
            longitude, hourly_rate, currency, country, time_zone)
        SELECT owner_id, title, spot_type, vehicle_size, address, city, prefecture, zip_code, latitude, longitude,
            hourly_rate, currency, country, time_zone
        FROM spots, generate_series(1, :number) RETURNING id
    )
    INSERT INTO spot_stats (spot_id) SELECT id FROM added
""")
Logged = Counter[str]


class Log:
    """What was written to the log since it was last looked at."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._seen = 0

    async def kinds(self) -> Logged:
        return Counter(row["kind"] for row in await self.rows())

    async def rows(self) -> list[dict[str, Any]]:
        query = text("SELECT * FROM changes WHERE id > :seen ORDER BY id")
        rows = [dict(row) for row in (await self._session.execute(query, {"seen": self._seen})).mappings()]
        self._seen = max([self._seen, *(row["id"] for row in rows)])
        return rows


@pytest.fixture
async def log(session: AsyncSession, spot: str, renter: Person) -> Log:  # noqa: ARG001 - they are there before
    log = Log(session)
    await log.rows()
    return log


def only(**kinds: int) -> Logged:
    return Counter(kinds)


async def test_a_new_spot_is_a_change_of_lists_around_it(api: Api, owner: Person, log: Log) -> None:
    spot = await api.list_spot(owner)
    (row,) = await log.rows()
    assert (row["kind"], str(row["subject_id"])) == ("listing", spot)
    assert (row["latitude"], row["longitude"]) == (SPOT["latitude"], SPOT["longitude"])
    assert row["born"] == datetime.fromisoformat((await api.get(f"/parking-spots/{spot}"))["created_at"])


@pytest.mark.parametrize(
    "change", [{"hourly_rate": 999}, {"is_available": False}, {"operating_hours": {}}, {"access_instructions": "Ring."}]
)
async def test_a_changed_spot_is_one_change_of_lists(
    api: Api, owner: Person, spot: str, log: Log, change: dict[str, Any]
) -> None:
    await api.put(f"/parking-spots/{spot}", owner, **change)
    assert await log.kinds() == only(listing=1)


async def test_a_spot_that_moves_changes_the_lists_of_both_places(api: Api, owner: Person, spot: str, log: Log) -> None:
    await api.put(f"/parking-spots/{spot}", owner, **SOMEWHERE_ELSE)
    places = {(row["latitude"], row["longitude"]) for row in await log.rows()}
    assert places == {(SPOT["latitude"], SPOT["longitude"]), tuple(SOMEWHERE_ELSE.values())}


async def test_a_deleted_spot_is_a_change_of_lists(api: Api, owner: Person, spot: str, log: Log) -> None:
    await api.delete(f"/parking-spots/{spot}", owner)
    assert "listing" in await log.kinds()


async def test_a_slot_changes_when_a_spot_is_open(api: Api, owner: Person, spot: str, log: Log) -> None:
    slots = f"/parking-spots/{spot}/availability"
    slot = await api.post(slots, owner, expect=201, day_of_week=0, start_time="08:00", end_time="09:00")
    assert await log.kinds() == only(opening=1)
    await api.delete(f"{slots}/{slot['id']}", owner)
    assert await log.kinds() == only(opening=1)


async def test_a_booking_takes_and_frees_its_time(api: Api, renter: Person, spot: str, log: Log) -> None:
    booking = await api.book(renter, spot, 1, 3)
    (taken,) = await log.rows()
    await api.post(f"/bookings/{booking['id']}/cancel", renter)
    (freed,) = await log.rows()
    for row in (taken, freed):
        assert (row["kind"], str(row["subject_id"])) == ("booking", spot)
        assert [row["starts"], row["ends"]] == [api.clock.now() + timedelta(hours=hours) for hours in (1, 3)]
        assert (row["latitude"], row["longitude"]) == (SPOT["latitude"], SPOT["longitude"])


async def test_a_booking_that_is_refused_logs_nothing(api: Api, renter: Person, spot: str, log: Log) -> None:
    await api.book(renter, spot, 1, 3)
    await log.rows()
    await api.book(renter, spot, 2, 4, expect=409)
    assert await log.kinds() == only()


async def test_a_booking_that_is_confirmed_or_started_holds_its_time_as_before(
    api: Api, owner: Person, log: Log, record: Record, database: Database
) -> None:
    booking = await record("pending", 1, 3)
    started = await record("confirmed", -1, 1, now=datetime.now(UTC))
    await log.rows()
    await api.put(f"/bookings/{booking}/status", owner, status="confirmed")
    assert (await moved(database))["start_due"] == 1
    assert started
    assert await log.kinds() == only()


async def test_the_job_that_completes_a_booking_frees_its_time_and_counts_it(
    database: Database, record: Record, log: Log
) -> None:
    await record("confirmed", -5, -1.9, now=datetime.now(UTC))
    await log.rows()
    await moved(database)
    assert await log.kinds() == only(booking=1, page=1)


async def test_that_a_booking_of_long_ago_is_completed_is_no_news_but_its_count_is(
    database: Database, record: Record, log: Log
) -> None:
    await record("confirmed", -5, -2.1, now=datetime.now(UTC))
    await log.rows()
    await moved(database)
    assert await log.kinds() == only(page=1)


async def test_spots_that_are_counted_in_one_statement_are_one_change(
    api: Api, owner: Person, session: AsyncSession, log: Log
) -> None:
    spots = {await api.list_spot(owner) for _ in range(3)}
    await log.rows()
    await session.execute(COUNT_EACH)
    (row,) = await log.rows()
    assert (row["kind"], row["subject_id"]) == ("everything", None)
    assert spots < {str(spot) for spot in row["subjects"]}


async def test_the_job_that_completes_bookings_of_several_spots_tells_of_one_change(
    api: Api, owner: Person, spot: str, database: Database, session: AsyncSession, record: Record, log: Log
) -> None:
    other = await api.list_spot(owner)
    await record("confirmed", -9, -8, now=datetime.now(UTC))
    await session.execute(text("UPDATE bookings SET spot_id = :other"), {"other": other})
    await record("confirmed", -5, -4, now=datetime.now(UTC))
    await log.rows()
    await moved(database)
    (row,) = await log.rows()
    assert {str(each) for each in row["subjects"]} == {spot, other}


async def test_of_very_many_spots_no_change_names_all(session: AsyncSession, log: Log) -> None:
    await session.execute(MANY_SPOTS, {"number": 999})
    await log.rows()
    await session.execute(COUNT_EACH)
    named = [row["subjects"] for row in await log.rows()]
    assert [len(each) for each in named] == [500, 500]
    assert len({*named[0], *named[1]}) == 1_000


async def test_spots_that_are_counted_and_rated_in_one_statement_are_told_apart(
    api: Api, owner: Person, session: AsyncSession, log: Log, spot: str
) -> None:
    await api.list_spot(owner)
    await log.rows()
    rate = "UPDATE spot_stats SET total_bookings = total_bookings + 1, total_reviews = (spot_id = :rated)::int"
    await session.execute(text(rate), {"rated": spot})
    rows = {row["kind"]: str(row["subject_id"]) for row in await log.rows()}
    assert rows.keys() == {"listing", "page"}
    assert rows["listing"] == spot != rows["page"]


async def test_a_count_that_stays_as_it_is_is_no_change(session: AsyncSession, log: Log) -> None:
    await session.execute(text("UPDATE spot_stats SET total_bookings = total_bookings"))
    assert await log.kinds() == only()


async def test_a_review_is_a_change_of_reviews_and_of_the_rating(
    api: Api, owner: Person, renter: Person, log: Log, record: Record
) -> None:
    booking = await record("completed", -3, -1)
    await log.rows()
    review = await api.post("/reviews/", renter, expect=201, booking_id=booking, overall_rating=4)
    assert await log.kinds() == only(reviews=1, listing=1)
    path = f"/reviews/{review['id']}"
    await api.post(f"{path}/response", owner, response="Thank you.")
    assert set(await log.kinds()) == {"reviews"}
    await api.post(f"{path}/helpful", owner)
    assert set(await log.kinds()) == {"reviews"}
    await api.put(path, renter, overall_rating=2)
    assert set(await log.kinds()) == {"reviews", "listing"}
    await api.delete(path, renter)
    assert set(await log.kinds()) == {"reviews", "listing"}


async def test_a_review_that_staff_removes_is_one_of_reviews_and_of_the_rating(
    api: Api, admin: Person, renter: Person, log: Log, record: Record
) -> None:
    booking = await record("completed", -3, -1)
    review = await api.post("/reviews/", renter, expect=201, booking_id=booking, overall_rating=4)
    await log.rows()
    await api.delete(f"/reviews/{review['id']}", admin)
    assert set(await log.kinds()) == {"reviews", "listing"}


@pytest.mark.parametrize("change", [{"full_name": "Another Name"}, {"profile_image": "https://example.com/me.jpg"}])
async def test_what_everybody_sees_of_a_user_is_a_change(
    api: Api, renter: Person, log: Log, change: dict[str, Any]
) -> None:
    await api.put("/users/me", renter, **change)
    (row,) = await log.rows()
    assert (row["kind"], str(row["subject_id"])) == ("user", renter.id)


async def test_what_nobody_sees_of_a_user_is_none(api: Api, renter: Person, log: Log) -> None:
    await api.put("/users/me", renter, phone_number="+302101234567")
    await api.sign_in(renter.id, renter.email)
    await api.person("somebody")
    assert await log.kinds() == only()


async def test_a_spot_off_the_market_and_back_is_a_change_of_lists(
    api: Api, admin: Person, spot: str, log: Log
) -> None:
    for act in ("disable", "enable"):
        await api.post(f"/admin/spots/{spot}/{act}", admin, reason="We look into it.")
        assert await log.kinds() == only(listing=1)


async def test_an_owner_off_the_market_takes_their_spots_along(
    api: Api, admin: Person, owner: Person, log: Log
) -> None:
    await api.list_spot(owner, **SOMEWHERE_ELSE)
    await log.rows()
    for act in ("disable", "enable"):
        await api.post(f"/admin/users/{owner.id}/{act}", admin, reason="We look into it.")
        assert len({row["subject_id"] for row in await log.rows()}) == 2


async def test_demo_data_is_one_change_of_everything(postgres_server: PostgresServer) -> None:
    url = await asyncio.to_thread(postgres_server.create_database, "seeded-and-logged")
    settings = Settings(_env_file=None, database_url=url)
    await migrating.upgrade(settings)
    await seed(settings, spots=20, bookings=50, seed=1, now=datetime.now(UTC), progress=lambda *_: None)
    database = Database(settings)
    async with database.reader() as session:
        assert await Log(session).kinds() == only(everything=1)
    await database.aclose()
    await asyncio.to_thread(postgres_server.drop_database, "seeded-and-logged")


async def test_old_changes_are_purged_and_young_ones_are_not(
    database: Database, session: AsyncSession, spot: str
) -> None:
    await session.execute(
        text(
            "INSERT INTO changes (kind, at) SELECT 'everything', now() - old FROM unnest(cast(:old AS interval[])) old"
        ),
        {"old": [timedelta(hours=3), timedelta(hours=2, minutes=1), timedelta(hours=1, minutes=59)]},
    )
    async with database.transaction() as cleaning:
        assert await changes.purge(cleaning, 1) == 1
        assert await changes.purge(cleaning, 10) == 1
    kept = (await session.scalars(text("SELECT kind FROM changes"))).all()
    assert spot
    assert sorted(set(kept)) == ["everything", "listing"]


async def test_a_spot_moves_when_a_booking_that_is_being_cancelled_is_logged_at_its_old_place(
    api: Api, owner: Person, database: Database, session: AsyncSession, spot: str, record: Record, log: Log
) -> None:
    await record("confirmed", 1, 3)
    await log.rows()
    moving = api.put(f"/parking-spots/{spot}", owner, **SOMEWHERE_ELSE)
    async with meanwhile(database, session, CANCEL, moving) as moved:
        await moved
    old, new = (SPOT["latitude"], SPOT["longitude"]), tuple(SOMEWHERE_ELSE.values())
    logged = [(row["kind"], (row["latitude"], row["longitude"])) for row in await log.rows()]
    assert (logged[0], sorted(logged[1:])) == (("booking", old), sorted([("listing", old), ("listing", new)]))


async def test_a_kept_search_at_the_new_place_hears_of_a_cancellation_that_waited_for_the_move(
    keeping_api: Api, database: Database, session: AsyncSession, spot: str, record: Record
) -> None:
    """Logged at the old place it would never be heard of there."""
    await record("confirmed", 1, 3)
    asked = SOMEWHERE_ELSE | {"start_time": keeping_api.at(1), "end_time": keeping_api.at(3)}
    async with database.transaction() as cancelling:
        async with meanwhile(database, session, MOVE, cancelling.execute(text(CANCEL))) as cancelled:
            await cancelled
        assert await keeping_api.get("/parking-spots/", **asked) == []
    await keeping_api.app.state.follower.catch_up()
    assert [found["id"] for found in await keeping_api.get("/parking-spots/", **asked)] == [spot]
