"""Saying when a spot is open or closed."""

from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from product import Api, Person

WEEKLY: dict[str, Any] = {"day_of_week": 0, "start_time": "08:00", "end_time": "20:00", "is_available": True}
DATED: dict[str, Any] = {
    "specific_date": "2040-02-29",
    "start_time": "00:00",
    "end_time": "00:00",
    "is_available": False,
}
IMPOSSIBLE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("", {"specific_date": "2040-02-29"}),
    ("", {"day_of_week": None}),
    ("/day_of_week", {"day_of_week": 7}),
    ("/day_of_week", {"day_of_week": -1}),
    ("/day_of_week", {"day_of_week": "monday"}),
    ("/specific_date", {"specific_date": "2040-02-30"}),
    ("/specific_date", {"specific_date": "29.02.2040"}),
    ("/specific_date", {"specific_date": "2040-02-29T00:00:00Z"}),
    ("/specific_date", {"specific_date": 20400229}),
    ("/start_time", {"start_time": "8:00"}),
    ("/start_time", {"start_time": "08:60"}),
    ("/start_time", {"start_time": "24:00"}),
    ("/start_time", {"start_time": "08:00:30"}),
    ("/start_time", {"start_time": "08:00+02:00"}),
    ("/start_time", {"start_time": 800}),
    ("/start_time", {"start_time": None}),
    ("/end_time", {"end_time": "24:00"}),
    ("/end_time", {"end_time": "08:00"}),
    ("/end_time", {"end_time": "07:59"}),
    ("/end_time", {"end_time": ""}),
    ("/is_available", {"is_available": "perhaps"}),
)


def path(spot: str, slot: str = "") -> str:
    return f"/parking-spots/{spot}/availability" + (f"/{slot}" if slot else "")


async def test_a_slot_reads_as_it_was_sent(api: Api, owner: Person, spot: str) -> None:
    weekly = await api.post(path(spot), owner, expect=201, **WEEKLY)
    assert weekly == WEEKLY | {"id": weekly["id"], "parking_spot_id": spot, "specific_date": None}
    dated = await api.post(path(spot), owner, expect=201, **DATED)
    assert dated == DATED | {"id": dated["id"], "parking_spot_id": spot, "day_of_week": None}
    assert await api.get(path(spot)) == [weekly, dated]


async def test_a_slot_is_open_unless_it_says_otherwise(api: Api, owner: Person, spot: str) -> None:
    slot = await api.post(path(spot), owner, expect=201, day_of_week=6, start_time="08:00", end_time="08:01")
    assert slot["is_available"] is True


async def test_whole_seconds_are_taken_where_they_are_zero(api: Api, owner: Person, spot: str) -> None:
    slot = await api.post(path(spot), owner, expect=201, **WEEKLY | {"start_time": "00:00:00", "end_time": "23:59:00"})
    assert (slot["start_time"], slot["end_time"]) == ("00:00", "23:59")


async def test_what_a_slot_cannot_be_is_refused_with_its_field(api: Api, owner: Person, spot: str) -> None:
    for pointer, change in IMPOSSIBLE:
        answer = await api.post(path(spot), owner, expect=422, **WEEKLY | change)
        assert [error["pointer"] for error in answer["errors"]] == [pointer], change
    assert await api.get(path(spot)) == []


async def test_slots_are_listed_weekly_ones_first_then_dated_ones_by_time(api: Api, owner: Person, spot: str) -> None:
    hours = {"start_time": "12:00", "end_time": "13:00"}
    early = {"start_time": "06:00", "end_time": "07:00"}
    sent: list[dict[str, Any]] = [
        {"specific_date": "2040-03-01", **hours},
        {"specific_date": "2040-02-01", **hours},
        {"specific_date": "2040-02-01", **early},
        {"day_of_week": 6, **early},
        {"day_of_week": 0, **hours},
        {"day_of_week": 0, **early},
    ]
    for slot in sent:
        await api.post(path(spot), owner, expect=201, **slot)
    listed = await api.get(path(spot))
    assert [slot | wanted for slot, wanted in zip(listed, reversed(sent), strict=True)] == listed


async def test_a_deleted_slot_is_gone_and_the_others_stay(api: Api, owner: Person, spot: str) -> None:
    first, second = [await api.post(path(spot), owner, expect=201, **each) for each in (WEEKLY, DATED)]
    assert "deleted" in (await api.delete(path(spot, first["id"]), owner))["message"]
    assert await api.get(path(spot)) == [second]
    await api.delete(path(spot, first["id"]), owner, expect=404)


async def test_only_the_owner_adds_and_deletes_slots(api: Api, owner: Person, other_owner: Person, spot: str) -> None:
    slot = await api.post(path(spot), owner, expect=201, **WEEKLY)
    await api.post(path(spot), other_owner, expect=404, **WEEKLY)
    await api.delete(path(spot, slot["id"]), other_owner, expect=404)
    await api.post(path(spot), expect=401, **WEEKLY)
    await api.delete(path(spot, slot["id"]), expect=401)
    assert await api.get(path(spot)) == [slot]


async def test_a_slot_belongs_to_the_spot_of_its_path(api: Api, owner: Person, other_owner: Person, spot: str) -> None:
    """Not to the one that a body names; nor does my own spot's path reach another's slot."""
    theirs = await api.list_spot(other_owner)
    slot = await api.post(path(spot), owner, expect=201, **WEEKLY | {"parking_spot_id": theirs, "spot_id": theirs})
    assert slot["parking_spot_id"] == spot
    assert await api.get(path(theirs)) == []
    await api.delete(path(theirs, slot["id"]), other_owner, expect=404)
    assert await api.get(path(spot)) == [slot]


async def test_slots_of_a_spot_that_is_not_there_are_not_found(api: Api, owner: Person) -> None:
    nobodys = str(uuid4())
    await api.get(path(nobodys), expect=404)
    await api.post(path(nobodys), owner, expect=404, **WEEKLY)
    await api.delete(path(nobodys, nobodys), owner, expect=404)
    await api.get(path("7"), expect=422)
    await api.delete(path(nobodys, "7"), owner, expect=422)


async def test_a_spot_has_at_most_100_slots(api: Api, owner: Person, spot: str, session: AsyncSession) -> None:
    await session.execute(
        text(
            "INSERT INTO availability_slots (spot_id, day_of_week, start_minute, end_minute, is_available)"
            " SELECT :spot, 0, minute, minute + 1, true FROM generate_series(1, 99) AS minute"
        ),
        {"spot": UUID(spot)},
    )
    last = await api.post(path(spot), owner, expect=201, **WEEKLY)
    await api.post(path(spot), owner, expect=409, **WEEKLY)
    await api.delete(path(spot, last["id"]), owner)
    await api.post(path(spot), owner, expect=201, **DATED)
