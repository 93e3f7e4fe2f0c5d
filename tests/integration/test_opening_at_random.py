"""The database and a slow model of the same rules agree on when spots are open, OPENING_CASES times."""

import os
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncSession

from opening_model import WEEKDAYS, Hours, Opening, Slot, instant, is_open
from parkingspots.spots.models import AvailabilitySlot, Spot
from product import SPOT, Api, Person

CASES = int(os.environ.get("OPENING_CASES", "2000"))
BATCH = 500
ZONES = {
    "Europe/Athens": range(2026, 2046),
    "America/New_York": range(2026, 2046),
    "Australia/Lord_Howe": range(2026, 2046),  # clocks change by half an hour
    "Asia/Beirut": range(2026, 2046),  # midnight is skipped, the hour before it repeated
    "Africa/Cairo": range(2026, 2046),
    "America/Havana": range(2026, 2046),  # the hour after midnight is repeated
    "Pacific/Apia": range(2010, 2013),  # 30 December 2011 was skipped
    "America/St_Johns": range(2008, 2011),  # a minute after midnight it was the evening before
    "Asia/Kathmandu": range(2026, 2046),
    "UTC": range(2026, 2046),
}
MINUTES = (0, 1, 15, 30, 60, 90, 120, 150, 180, 210, 420, 480, 720, 1080, 1320, 1350, 1380, 1410, 1439)
"""Of the local day: many where clocks change."""
DURATIONS = (1, 15, 30, 45, 60, 61, 90, 120, 180, 240, 480, 720, 1380, 1440, 1500, 2880, 4320, 10080, 20160)


@dataclass(frozen=True)
class Case:
    opening: Opening
    start: datetime
    end: datetime


async def test_the_database_and_the_model_agree_on_when_spots_are_open(
    owner: Person, session: AsyncSession, seed: int
) -> None:
    source = random.Random(seed)
    answers: list[bool] = []
    for first in range(0, CASES, BATCH):
        cases = [random_case(source) for _ in range(min(BATCH, CASES - first))]
        spots = await listed(session, owner, [case.opening for case in cases])
        said = await asked(session, spots, cases)
        for case, answer in zip(cases, said, strict=True):
            assert answer is is_open(case.opening, case.start, case.end), f"the database says {answer}: {case}"
        answers += said
    assert 0.2 < sum(answers) / len(answers) < 0.8, "the cases should be of both kinds"


async def test_booking_and_search_agree_with_the_model(
    api: Api, owner: Person, renter: Person, session: AsyncSession, seed: int
) -> None:
    source = random.Random(seed + 1)
    cases = [case for case in (random_case(source) for _ in range(1000)) if may_be_booked(case, api.clock.now())][:30]
    assert len(cases) == 30
    for spot, case in zip(await listed(session, owner, [case.opening for case in cases]), cases, strict=True):
        expected = is_open(case.opening, case.start, case.end)
        window: dict[str, Any] = {"start_time": case.start.isoformat(), "end_time": case.end.isoformat()}
        found = await api.get("/parking-spots/", page_size=200, **window)
        assert (str(spot) in {item["id"] for item in found}) is expected, case
        answer = await api.post(
            "/bookings/", renter, expect=201 if expected else 409, parking_spot_id=str(spot), **window
        )
        assert expected or "not open" in answer["detail"]


async def test_the_answer_is_the_same_in_every_time_zone_of_a_connection(owner: Person, session: AsyncSession) -> None:
    """Cairo's midnight of 27 April 2040 is skipped: counting days in the connection's zone would lose one."""
    always = Opening("UTC", {day: {"open": "00:00", "close": "00:00"} for day in WEEKDAYS}, whole_week())
    case = Case(always, instant(date(2040, 4, 26), 0, "UTC"), instant(date(2040, 5, 1), 720, "UTC"))
    spots = await listed(session, owner, [always])
    try:
        for zone in ("UTC", "Africa/Cairo", "Pacific/Kiritimati"):
            await session.execute(text(f"SET TIME ZONE '{zone}'"))
            assert await asked(session, spots, [case]) == [True]
    finally:
        await session.execute(text("SET TIME ZONE 'UTC'"))


async def test_an_evening_that_comes_twice_belongs_to_the_day_that_has_begun(
    owner: Person, session: AsyncSession
) -> None:
    """In St. John's of 2009, a minute after midnight the clocks were put back to 23:01 of the day before."""
    first_evening_ends = datetime(2009, 11, 1, 2, 31, tzinfo=UTC)
    always = Opening("America/St_Johns", {day: {"open": "00:00", "close": "00:00"} for day in WEEKDAYS}, whole_week())
    case = Case(always, first_evening_ends + timedelta(minutes=5), first_evening_ends + timedelta(minutes=45))
    assert await asked(session, await listed(session, owner, [always]), [case]) == [True]
    assert is_open(always, case.start, case.end)


@pytest.fixture
def seed() -> int:
    return int(os.environ.get("OPENING_SEED", "20400102"))


def may_be_booked(case: Case, now: datetime) -> bool:
    return now <= case.start < now + timedelta(days=365) and case.end - case.start >= timedelta(minutes=15)


def random_case(source: random.Random) -> Case:
    zone = source.choice(list(ZONES))
    day = random_day(source, zone)
    opening = Opening(zone, random_hours(source), random_slots(source, day))
    start = instant(day + timedelta(days=source.randint(-1, 1)), random_minute(source), zone)
    start += timedelta(minutes=source.choice((0, 0, 0, 30, 60)))  # also into the second of two equal hours
    return Case(opening, start, start + timedelta(minutes=source.choice(DURATIONS)))


def random_day(source: random.Random, zone: str) -> date:
    """Two times of three one on which the clocks change, where they do."""
    year = source.choice(ZONES[zone])
    if source.random() < 2 / 3 and (days := changes(zone, year)):
        return source.choice(days)
    return date(year, 1, 1) + timedelta(days=source.randrange(365))


@cache
def changes(zone: str, year: int) -> Sequence[date]:
    """The dates of the year between whose noon and the next, in UTC, the clocks change."""
    days = [date(year, 1, 2) + timedelta(days=number) for number in range(363)]
    return [day for day in days if offset(day, zone) != offset(day + timedelta(days=1), zone)]


def offset(day: date, zone: str) -> timedelta | None:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC).astimezone(ZoneInfo(zone)).utcoffset()


def random_minute(source: random.Random) -> int:
    return source.choice(MINUTES) if source.random() < 0.7 else source.randrange(1440)


def random_hours(source: random.Random) -> Hours | None:
    if source.random() < 0.5:
        return None
    return {day: random_entry(source) for day in WEEKDAYS if source.random() < 0.9}


def random_entry(source: random.Random) -> dict[str, str] | None:
    kind = source.random()
    if kind < 0.1:
        return None
    opens, closes = random_minute(source), random_minute(source)
    if kind < 0.5:
        closes = opens
    return {"open": clock(opens), "close": clock(closes)}


def random_slots(source: random.Random, day: date) -> list[Slot]:
    if source.random() < 0.4:
        return []
    weekly = [random_slot(source, source.randrange(7)) for _ in range(source.choice((0, 0, 1, 3)))]
    if source.random() < 0.5:
        weekly += whole_week()
    dated = [
        random_slot(source, day + timedelta(days=source.randint(-2, 2))) for _ in range(source.choice((0, 0, 1, 3)))
    ]
    return weekly + dated


def whole_week() -> list[Slot]:
    return [Slot(weekday, 0, 1440, is_available=True) for weekday in range(7)]


def random_slot(source: random.Random, day: int | date) -> Slot:
    start, end = sorted((random_minute(source), random_minute(source)))
    return Slot(day, start, end if start < end else 1440, source.random() < 0.5)


def clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


async def listed(session: AsyncSession, owner: Person, openings: Sequence[Opening]) -> Sequence[UUID]:
    """The ids of spots that open so."""
    common = SPOT | {"owner_id": UUID(owner.id), "country": "Greece", "currency": "EUR"}
    rows = [common | {"time_zone": opening.zone, "operating_hours": opening.hours} for opening in openings]
    spots = (await session.scalars(insert(Spot).returning(Spot.id, sort_by_parameter_order=True), rows)).all()
    await session.execute(text("INSERT INTO spot_stats (spot_id) SELECT unnest(cast(:ids AS uuid[]))"), {"ids": spots})
    slots = [
        {
            "spot_id": spot,
            "day_of_week": slot.day if isinstance(slot.day, int) else None,
            "specific_date": None if isinstance(slot.day, int) else slot.day,
            "start_minute": slot.start,
            "end_minute": slot.end,
            "is_available": slot.is_available,
        }
        for spot, opening in zip(spots, openings, strict=True)
        for slot in opening.slots
    ]
    await session.execute(insert(AvailabilitySlot), slots)
    return spots


async def asked(session: AsyncSession, spots: Sequence[UUID], cases: Sequence[Case]) -> list[bool]:
    """The database's answers, in the order of the cases."""
    said = await session.execute(
        text(
            "SELECT open_throughout(spots.id, operating_hours, time_zone, starts, ends)"
            " FROM unnest(cast(:ids AS uuid[]), cast(:starts AS timestamptz[]), cast(:ends AS timestamptz[]))"
            " WITH ORDINALITY AS asked (id, starts, ends, number) JOIN spots ON spots.id = asked.id ORDER BY number"
        ),
        {"ids": spots, "starts": [case.start for case in cases], "ends": [case.end for case in cases]},
    )
    return list(said.scalars())
