"""No list changes without a change in the log that touches its footprint, FOOTPRINT_CASES writes long.

A small town, its neighbours and the corners of the globe; a dozen lists are asked for and kept as a process keeps them.
After each write every one of them is asked for again: where its bytes are others, what the log says must have told.
"""

import os
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.kit import paging
from parkingspots.kit.changes import LOOK, Snapshot, change_of
from parkingspots.kit.database import Database
from parkingspots.kit.footprints import Change, Listed
from parkingspots.kit.knowledge import Knowledge
from parkingspots.spots import search, service
from parkingspots.spots.footprints import footprint
from parkingspots.spots.items import items
from parkingspots.spots.models import Spot
from parkingspots.spots.queries import ListQuery, SearchQuery
from parkingspots.spots.rules import SpotType, VehicleSize
from product import SPOT, Person

CASES = int(os.environ.get("FOOTPRINT_CASES", "150"))
KEPT = 12
NOON = datetime(2040, 1, 2, 12, tzinfo=UTC)
LONGEST = timedelta(days=30)
TOWN, FAR = (37.9755, 23.7348), (40.6401, 22.9444)
CORNERS = ((0.02, 179.99), (0.02, -179.99), (89.95, 10.0), (-89.99, 0.0), (0.0, 0.0))
STEP = 0.0037
"""Degrees between two streets, some 400 metres: many spots lie due north or east of a place that is asked for."""
STREETS = range(-6, 7)
RADII = (0.3, 0.5, 1, 2, 5, 10, 40, 500)
NEIGHBOURHOOD = 100
"""Kilometres; FAR is three times as far."""
WORDS = ("yard", "Garage", "center", "nothing")
Fields = dict[str, Any]


@dataclass
class Kept:
    """A list as a process keeps it."""

    query: ListQuery
    bytes: bytes
    cursor: str | None
    last: UUID | None
    """The spot with which it ends, shown or not."""
    footprint: Listed
    snapshot: Snapshot
    heard: int


@dataclass
class Tally:
    """Of lists that a write left as they were, and of those that it changed."""

    changed: int = 0
    touched: int = 0
    spared: int = 0


class Town:
    """Its lists and its log, as the product reads them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.knowledge = Knowledge(span=3_600)
        self.knowledge.start(0)
        self.last: Sequence[Change] = ()

    async def ask(self, query: ListQuery) -> Kept:
        """The answer of the route, before it is a response."""
        asked = query.asked(LONGEST, NOON)
        snapshot, heard = self.knowledge.snapshot, self.knowledge.version
        async with self._database.raw() as connection:
            found = await service.search(connection, asked.wishes, asked.place, asked.window, asked.page)
        rows, cursor = paging.cut(asked.page, found, search.key)
        last = found[-1]["id"] if found else None
        return Kept(query, items(rows), cursor, last, footprint(asked, found), snapshot, heard)

    async def look(self) -> None:
        """Hear of what was written."""
        async with self._database.raw() as connection:
            rows = await connection.fetch(LOOK, self.knowledge.snapshot.text)
        self.last = [change_of(row) for row in rows if row["xid"] is not None]
        self.knowledge.learn(Snapshot.of(rows[0]["snapshot"]), self.last, rows[0]["now"])

    def stands(self, kept: Kept) -> bool:
        return self.knowledge.stands(kept.footprint, kept.snapshot.shows, kept.heard)


async def test_a_list_that_a_write_changes_was_touched_by_it(town: Town, writes: "Writes", seed: int) -> None:
    source, tally = random.Random(seed), Tally()
    kept = [await town.ask(random_query(source)) for _ in range(KEPT)]
    for _ in range(CASES):
        writes.likely = [each.last for each in kept if each.last is not None]
        written = await writes.one(source)
        await town.look()
        for number, before in enumerate(kept):
            after = await town.ask(before.query)
            is_other = (after.bytes, after.cursor) != (before.bytes, before.cursor)
            stands = town.stands(before)
            assert not (is_other and stands), f"{written}: {before.query!r} {before.footprint} {town.last}"
            assert stands or not is_far(before.query, town.last), f"{written}: {before.query!r} is too far away"
            tally.changed += is_other
            tally.touched += not is_other and not stands
            tally.spared += not is_other and stands
            if not stands:
                kept[number] = after
        kept[source.randrange(KEPT)] = await town.ask(next_page(source, source.choice(kept)))
    assert tally.changed > CASES / 3, "the writes should be seen"
    assert tally.spared > 1.5 * tally.touched, "most lists should outlive what does not change them"


@pytest.fixture
def seed() -> int:
    return int(os.environ.get("FOOTPRINT_SEED", "20400102"))


@pytest.fixture
async def town(database: Database, writes: "Writes") -> Town:  # noqa: ARG001 - its spots are listed
    town = Town(database)
    await town.look()
    return town


@pytest.fixture
async def writes(owner: Person, renter: Person, session: AsyncSession, seed: int) -> "Writes":
    source = random.Random(seed)
    writes = Writes(session, owner, renter)
    for _ in range(45):
        await writes.list_spot(source, created_at=NOON - timedelta(days=365 * 20 + source.randrange(12)))
    return writes


class Writes:
    """What the product's writes do to its tables."""

    def __init__(self, session: AsyncSession, owner: Person, renter: Person) -> None:
        self._session = session
        self._owner, self._renter = UUID(owner.id), UUID(renter.id)
        self.likely: Sequence[UUID] = ()
        """Spots that are written to more often than others."""

    async def one(self, source: random.Random) -> str:
        """One of them, and what it is called."""
        kinds: dict[Callable[[random.Random], Awaitable[None]], int] = {
            self.list_spot: 2,
            self.change: 4,
            self.take_off_or_put_on: 5,
            self.move: 5,
            self.open_or_close: 3,
            self.forget_slots: 1,
            self.set_hours: 1,
            self.book: 5,
            self.cancel: 3,
            self.rate: 2,
            self.complete: 1,
            self.disable_two: 1,
        }
        (write,) = source.choices(list(kinds), list(kinds.values()))
        await write(source)
        return write.__name__

    async def list_spot(self, source: random.Random, **fields: Any) -> None:
        spot = await self._session.scalar(insert(Spot).values(self._spot(source) | fields).returning(Spot.id))
        await self._do("INSERT INTO spot_stats (spot_id) VALUES (:spot)", spot=spot)

    def _spot(self, source: random.Random) -> Fields:
        latitude, longitude = random_point(source)
        return SPOT | {
            "owner_id": self._owner,
            "country": "Greece",
            "currency": "EUR",
            "time_zone": "UTC",
            "title": source.choice(("Yard near the sea", "Garage of the center")),
            "spot_type": source.choice(list(SpotType)),
            "vehicle_size": source.choice(list(VehicleSize)),
            "hourly_rate": source.randint(1, 6),
            "latitude": latitude,
            "longitude": longitude,
            "has_ev_charging": source.random() < 0.5,
            "is_covered": source.random() < 0.5,
        }

    async def change(self, source: random.Random) -> None:
        change = source.choice(
            ("hourly_rate = :rate", "title = :title", "is_covered = NOT is_covered", "spot_type = 'lot'")
        )
        await self._to_a_spot(source, change, rate=source.randint(1, 6), title=source.choice(("Yard", "Center")))

    async def take_off_or_put_on(self, source: random.Random) -> None:
        await self._to_a_spot(source, source.choice(("is_available = NOT is_available", "is_active = NOT is_active")))

    async def move(self, source: random.Random) -> None:
        latitude, longitude = random_point(source)
        await self._to_a_spot(source, "latitude = :latitude, longitude = :longitude", **vars_of(latitude, longitude))

    async def set_hours(self, source: random.Random) -> None:
        hours = source.choice(("NULL", """'{"monday": {"open": "11:00", "close": "18:00"}}'"""))
        await self._to_a_spot(source, f"operating_hours = {hours}")

    async def disable_two(self, source: random.Random) -> None:
        """In one statement, as where an owner is disabled; and back."""
        for change in ("false", "true"):
            await self._do(
                f"UPDATE spots SET is_active = {change} WHERE id IN (:one, :other)",
                one=await self._any(source),
                other=await self._any(source),
            )
            if source.random() < 0.5:
                return

    async def open_or_close(self, source: random.Random) -> None:
        await self._do(
            "INSERT INTO availability_slots (spot_id, day_of_week, start_minute, end_minute, is_available)"
            " VALUES (:spot, 0, :start, 1440, :opens)",
            spot=await self._any(source),
            start=60 * source.randint(10, 20),
            opens=source.random() < 0.5,
        )

    async def forget_slots(self, source: random.Random) -> None:
        await self._do("DELETE FROM availability_slots WHERE spot_id = :spot", spot=await self._any(source))

    async def book(self, source: random.Random) -> None:
        start, end = random_window(source)
        await self._do(
            "INSERT INTO bookings (spot_id, user_id, owner_id, start_time, end_time, status, payment_status,"
            " total_amount, service_fee, owner_payout, currency)"
            " VALUES (:spot, :renter, :owner, :start, :end, :status, 'completed', 110, 10, 100, 'EUR')"
            " ON CONFLICT DO NOTHING",
            spot=await self._any(source),
            renter=self._renter,
            owner=self._owner,
            start=start,
            end=end,
            status=source.choice(("confirmed", "confirmed", "in_progress", "cancelled")),
        )

    async def cancel(self, source: random.Random) -> None:
        await self._to_a_booking(source, "cancelled")

    async def complete(self, source: random.Random) -> None:
        await self._to_a_booking(source, "completed")

    async def rate(self, source: random.Random) -> None:
        await self._do(
            "UPDATE spot_stats SET total_reviews = total_reviews + 1, average_rating = :stars WHERE spot_id = :spot",
            spot=await self._any(source),
            stars=source.randint(1, 5),
        )

    async def _to_a_booking(self, source: random.Random, status: str) -> None:
        live = "SELECT id FROM bookings WHERE status IN ('pending', 'confirmed', 'in_progress') ORDER BY id"
        bookings = (await self._session.scalars(text(live))).all()
        if bookings:
            change = "UPDATE bookings SET status = :status WHERE id = :booking"
            await self._do(change, booking=source.choice(bookings), status=status)

    async def _to_a_spot(self, source: random.Random, change: str, **values: Any) -> None:
        await self._do(f"UPDATE spots SET {change} WHERE id = :spot", spot=await self._any(source), **values)

    async def _any(self, source: random.Random) -> UUID:
        if self.likely and source.random() < 0.4:
            return source.choice(self.likely)
        spots = (await self._session.scalars(text("SELECT id FROM spots ORDER BY created_at, id"))).all()
        return UUID(str(source.choice(spots)))

    async def _do(self, statement: str, **values: Any) -> None:
        used = {name: value for name, value in values.items() if f":{name}" in statement}
        await self._session.execute(text(statement), used)


def vars_of(latitude: float, longitude: float) -> dict[str, float]:
    return {"latitude": latitude, "longitude": longitude}


def random_point(source: random.Random) -> tuple[float, float]:
    """Three times of four in the town, else far away or where maps end."""
    kind = source.random()
    if kind < 0.75:
        return on_the_streets(source, TOWN)
    return on_the_streets(source, FAR) if kind < 0.85 else source.choice(CORNERS)


def on_the_streets(source: random.Random, middle: tuple[float, float]) -> tuple[float, float]:
    return middle[0] + STEP * source.choice(STREETS), middle[1] + STEP * source.choice(STREETS)


def random_window(source: random.Random) -> tuple[datetime, datetime]:
    start = NOON + timedelta(hours=source.randrange(6))
    return start, start + timedelta(hours=source.randint(1, 3))


def random_query(source: random.Random) -> ListQuery:
    """Of either list, as it comes out of the parameters."""
    fields: Fields = {"page_size": source.randint(1, 5), "page": source.choice((1, 1, 1, 2, 3))}
    if source.random() < 0.75:
        fields |= vars_of(*random_point(source)) | {"radius_km": source.choice(RADII)}
    if source.random() < 0.5:
        start, end = random_window(source)
        fields |= {"start_time": start.isoformat(), "end_time": end.isoformat()}
    wishes = {
        "q": source.choice(WORDS),
        "vehicle_size": source.choice(list(VehicleSize)),
        "max_hourly_rate": source.randint(1, 6),
        "is_covered": source.random() < 0.5,
    }
    fields |= {name: value for name, value in wishes.items() if source.random() < 0.12}
    return source.choice((ListQuery, SearchQuery)).model_validate(fields)


def next_page(source: random.Random, kept: Kept) -> ListQuery:
    """The page behind a kept one, or something else altogether."""
    if kept.cursor is None or source.random() < 0.4:
        return random_query(source)
    return kept.query.model_copy(update={"cursor": kept.cursor, "page": 1})


def is_far(query: ListQuery, changes: Sequence[Change]) -> bool:
    """Whether the query asks for a part of the town, and all that changed lies in another one."""
    in_town = query.latitude is not None and abs(query.latitude - TOWN[0]) < 1
    return (
        in_town and query.radius_km < NEIGHBOURHOOD and all(abs((each.latitude or 0) - TOWN[0]) > 2 for each in changes)
    )
