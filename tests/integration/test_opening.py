"""When a spot is open: each sentence of the rule, asked of search and of booking."""

from datetime import datetime
from time import perf_counter
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from product import Api, Person

ATHENS = ZoneInfo("Europe/Athens")
WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONDAY, TUESDAY, WEDNESDAY, SUNDAY = "2040-01-09", "2040-01-10", "2040-01-11", "2040-01-15"
CLOCKS_GO_FORWARD, CLOCKS_GO_BACK = "2040-03-25", "2040-10-28"  # Sundays; 03:00 becomes 04:00, 04:00 becomes 03:00


class Opens(Protocol):
    async def __call__(self, spot: str, start: str, end: str, *, fold: int = 0) -> bool: ...


@pytest.fixture
def opens(api: Api, renter: Person) -> Opens:
    """Whether a spot is open from one local time to another: booking and search must say the same."""

    async def ask(spot: str, start: str, end: str, *, fold: int = 0) -> bool:
        times = [datetime.fromisoformat(local).replace(tzinfo=ATHENS) for local in (start, end)]
        window: dict[str, Any] = {
            "start_time": times[0].replace(fold=fold).isoformat(),
            "end_time": times[1].replace(fold=fold).isoformat(),
        }
        found = spot in {item["id"] for item in await api.get("/parking-spots/", **window)}
        if found:
            booking = await api.post("/bookings/", renter, expect=201, parking_spot_id=spot, **window)
            await api.post(f"/bookings/{booking['id']}/cancel", renter)
        else:
            answer = await api.post("/bookings/", renter, expect=409, parking_spot_id=spot, **window)
            assert "not open" in answer["detail"]
        return found

    return ask


async def add_slot(
    api: Api, owner: Person, spot: str, day: int | str, start: str, end: str, *, free: bool = True
) -> None:
    name = "day_of_week" if isinstance(day, int) else "specific_date"
    slot = {name: day, "start_time": start, "end_time": end, "is_available": free}
    await api.post(f"/parking-spots/{spot}/availability", owner, expect=201, **slot)


def hours(opens: str, closes: str, *days: str) -> dict[str, dict[str, str]]:
    return {day: {"open": opens, "close": closes} for day in days or WEEK}


async def test_with_neither_slots_nor_hours_a_spot_is_always_open(spot: str, opens: Opens) -> None:
    assert await opens(spot, f"{MONDAY}T03:00", f"{SUNDAY}T04:15")


async def test_operating_hours_open_a_spot_from_the_open_to_the_close(api: Api, owner: Person, opens: Opens) -> None:
    spot = await api.list_spot(owner, operating_hours=hours("08:00", "20:00"))
    assert await opens(spot, f"{MONDAY}T08:00", f"{MONDAY}T20:00")
    assert not await opens(spot, f"{MONDAY}T07:59", f"{MONDAY}T20:00")
    assert not await opens(spot, f"{MONDAY}T08:00", f"{MONDAY}T20:01")


@pytest.mark.parametrize("tuesday", [{}, {"tuesday": None}], ids=["missing", "null"])
async def test_a_day_that_is_missing_or_null_is_closed(
    api: Api, owner: Person, opens: Opens, tuesday: dict[str, None]
) -> None:
    spot = await api.list_spot(owner, operating_hours=hours("08:00", "20:00", "monday", "wednesday") | tuesday)
    assert await opens(spot, f"{WEDNESDAY}T12:00", f"{WEDNESDAY}T13:00")
    assert not await opens(spot, f"{TUESDAY}T12:00", f"{TUESDAY}T13:00")


async def test_hours_without_any_day_never_open(api: Api, owner: Person, opens: Opens) -> None:
    spot = await api.list_spot(owner, operating_hours={})
    assert not await opens(spot, f"{MONDAY}T12:00", f"{MONDAY}T13:00")


async def test_a_close_before_the_open_lies_on_the_next_day(api: Api, owner: Person, opens: Opens) -> None:
    spot = await api.list_spot(owner, operating_hours=hours("22:00", "06:00", "monday"))
    assert await opens(spot, f"{MONDAY}T22:00", f"{TUESDAY}T06:00")
    assert await opens(spot, f"{TUESDAY}T05:00", f"{TUESDAY}T06:00")
    assert not await opens(spot, f"{MONDAY}T05:00", f"{MONDAY}T06:00")
    assert not await opens(spot, f"{TUESDAY}T05:00", f"{TUESDAY}T06:01")
    assert not await opens(spot, f"{TUESDAY}T22:00", f"{TUESDAY}T23:00")


@pytest.mark.parametrize("both", ["00:00", "09:30"])
async def test_equal_times_mean_the_whole_local_day(api: Api, owner: Person, opens: Opens, both: str) -> None:
    spot = await api.list_spot(owner, operating_hours=hours(both, both, "monday"))
    assert await opens(spot, f"{MONDAY}T00:00", f"{TUESDAY}T00:00")
    assert not await opens(spot, f"{MONDAY}T23:00", f"{TUESDAY}T00:01")
    assert not await opens(spot, "2040-01-08T23:59", f"{MONDAY}T01:00")


async def test_hours_that_touch_at_midnight_join(api: Api, owner: Person, opens: Opens) -> None:
    spot = await api.list_spot(
        owner, operating_hours=hours("10:00", "00:00", "monday") | hours("00:00", "08:00", "tuesday")
    )
    assert await opens(spot, f"{MONDAY}T10:00", f"{TUESDAY}T08:00")


async def test_weekly_slots_are_the_only_open_times_where_a_spot_has_any(
    api: Api, owner: Person, spot: str, opens: Opens
) -> None:
    await add_slot(api, owner, spot, 0, "09:00", "17:00")
    assert await opens(spot, f"{MONDAY}T09:00", f"{MONDAY}T17:00")
    assert not await opens(spot, f"{MONDAY}T08:59", f"{MONDAY}T17:00")
    assert not await opens(spot, f"{MONDAY}T09:00", f"{MONDAY}T17:01")
    assert not await opens(spot, f"{TUESDAY}T09:00", f"{TUESDAY}T17:00")


async def test_weekly_slots_that_touch_or_overlap_join(api: Api, owner: Person, spot: str, opens: Opens) -> None:
    for start, end in (("09:00", "12:00"), ("12:00", "15:00"), ("14:00", "18:00"), ("18:01", "19:00")):
        await add_slot(api, owner, spot, 0, start, end)
    assert await opens(spot, f"{MONDAY}T09:00", f"{MONDAY}T18:00")
    assert not await opens(spot, f"{MONDAY}T17:00", f"{MONDAY}T18:30")


async def test_an_end_of_midnight_is_the_days_end(api: Api, owner: Person, spot: str, opens: Opens) -> None:
    await add_slot(api, owner, spot, 0, "20:00", "00:00")
    assert not await opens(spot, f"{MONDAY}T20:00", f"{TUESDAY}T00:30")
    await add_slot(api, owner, spot, 1, "00:00", "02:00")
    assert await opens(spot, f"{MONDAY}T20:00", f"{TUESDAY}T02:00")


async def test_weekly_closed_slots_are_closed_times_of_a_spot_that_is_open_else(
    api: Api, owner: Person, spot: str, opens: Opens
) -> None:
    await add_slot(api, owner, spot, 0, "12:00", "14:00", free=False)
    assert await opens(spot, f"{MONDAY}T10:00", f"{MONDAY}T12:00")
    assert await opens(spot, f"{MONDAY}T14:00", f"{TUESDAY}T14:00")
    assert not await opens(spot, f"{MONDAY}T11:00", f"{MONDAY}T12:01")
    assert not await opens(spot, f"{MONDAY}T10:00", f"{MONDAY}T16:00")


async def test_weekly_closed_slots_take_away_from_weekly_open_ones(
    api: Api, owner: Person, spot: str, opens: Opens
) -> None:
    await add_slot(api, owner, spot, 0, "08:00", "20:00")
    await add_slot(api, owner, spot, 0, "12:00", "14:00", free=False)
    assert await opens(spot, f"{MONDAY}T08:00", f"{MONDAY}T12:00")
    assert not await opens(spot, f"{MONDAY}T11:00", f"{MONDAY}T15:00")


async def test_dated_open_slots_stand_in_for_all_weekly_ones_of_their_date(
    api: Api, owner: Person, spot: str, opens: Opens
) -> None:
    await add_slot(api, owner, spot, 0, "08:00", "12:00")
    await add_slot(api, owner, spot, 0, "16:00", "18:00", free=False)
    await add_slot(api, owner, spot, MONDAY, "15:00", "20:00")
    assert await opens(spot, f"{MONDAY}T15:00", f"{MONDAY}T20:00")
    assert not await opens(spot, f"{MONDAY}T08:00", f"{MONDAY}T12:00")
    assert await opens(spot, "2040-01-16T08:00", "2040-01-16T12:00")


async def test_a_dated_open_slot_leaves_other_dates_of_a_spot_without_weekly_ones_open(
    api: Api, owner: Person, spot: str, opens: Opens
) -> None:
    await add_slot(api, owner, spot, MONDAY, "15:00", "20:00")
    assert not await opens(spot, f"{MONDAY}T14:00", f"{MONDAY}T16:00")
    assert await opens(spot, f"{TUESDAY}T14:00", f"{TUESDAY}T16:00")


async def test_a_dated_closed_slot_closes_its_own_time_and_leaves_the_rest_of_the_date(
    api: Api, owner: Person, spot: str, opens: Opens
) -> None:
    await add_slot(api, owner, spot, 0, "08:00", "20:00")
    await add_slot(api, owner, spot, MONDAY, "12:00", "14:00", free=False)
    assert await opens(spot, f"{MONDAY}T08:00", f"{MONDAY}T12:00")
    assert await opens(spot, f"{MONDAY}T14:00", f"{MONDAY}T20:00")
    assert not await opens(spot, f"{MONDAY}T13:00", f"{MONDAY}T15:00")
    assert not await opens(spot, f"{MONDAY}T20:00", f"{MONDAY}T21:00")
    assert await opens(spot, "2040-01-16T08:00", "2040-01-16T20:00")


async def test_a_dated_closed_slot_takes_away_from_a_dated_open_one(
    api: Api, owner: Person, spot: str, opens: Opens
) -> None:
    await add_slot(api, owner, spot, MONDAY, "08:00", "20:00")
    await add_slot(api, owner, spot, MONDAY, "12:00", "14:00", free=False)
    assert await opens(spot, f"{MONDAY}T14:00", f"{MONDAY}T20:00")
    assert not await opens(spot, f"{MONDAY}T08:00", f"{MONDAY}T20:00")


async def test_slots_and_operating_hours_both_must_allow(api: Api, owner: Person, opens: Opens) -> None:
    spot = await api.list_spot(owner, operating_hours=hours("08:00", "16:00"))
    await add_slot(api, owner, spot, 0, "12:00", "20:00")
    assert await opens(spot, f"{MONDAY}T12:00", f"{MONDAY}T16:00")
    assert not await opens(spot, f"{MONDAY}T08:00", f"{MONDAY}T12:30")
    assert not await opens(spot, f"{MONDAY}T15:30", f"{MONDAY}T20:00")


async def test_a_dated_open_slot_does_not_open_beyond_the_operating_hours(
    api: Api, owner: Person, opens: Opens
) -> None:
    spot = await api.list_spot(owner, operating_hours=hours("08:00", "16:00"))
    await add_slot(api, owner, spot, MONDAY, "00:00", "00:00")
    assert not await opens(spot, f"{MONDAY}T15:00", f"{MONDAY}T17:00")


async def test_times_are_those_of_the_spots_own_time_zone(api: Api, owner: Person, opens: Opens) -> None:
    """08:00 to 20:00 of New York is 15:00 to 03:00 of Athens."""
    spot = await api.list_spot(owner, time_zone="America/New_York", operating_hours=hours("08:00", "20:00", "monday"))
    assert await opens(spot, f"{MONDAY}T15:00", f"{TUESDAY}T03:00")
    assert not await opens(spot, f"{MONDAY}T14:00", f"{MONDAY}T16:00")


async def test_the_whole_time_must_be_open_however_long_it_is(api: Api, owner: Person, spot: str, opens: Opens) -> None:
    await add_slot(api, owner, spot, "2040-02-20", "03:00", "03:15", free=False)
    assert not await opens(spot, f"{MONDAY}T00:00", "2040-03-20T00:00")
    assert await opens(spot, "2040-02-20T03:15", "2040-03-20T00:00")


async def test_night_hours_are_an_hour_shorter_where_clocks_go_forward(api: Api, owner: Person, opens: Opens) -> None:
    spot = await api.list_spot(owner, operating_hours=hours("22:00", "06:00", "saturday"))
    assert await opens(spot, "2040-03-24T22:00", f"{CLOCKS_GO_FORWARD}T06:00")
    assert not await opens(spot, f"{CLOCKS_GO_FORWARD}T05:00", f"{CLOCKS_GO_FORWARD}T06:30")


async def test_night_hours_hold_both_of_the_equal_hours_where_clocks_go_back(
    api: Api, owner: Person, opens: Opens
) -> None:
    spot = await api.list_spot(owner, operating_hours=hours("22:00", "06:00", "saturday"))
    assert await opens(spot, f"{CLOCKS_GO_BACK}T03:15", f"{CLOCKS_GO_BACK}T03:45", fold=0)
    assert await opens(spot, f"{CLOCKS_GO_BACK}T03:15", f"{CLOCKS_GO_BACK}T03:45", fold=1)
    assert not await opens(spot, f"{CLOCKS_GO_BACK}T05:30", f"{CLOCKS_GO_BACK}T06:30")


async def test_a_slot_begins_and_ends_at_the_first_of_two_equal_times(
    api: Api, owner: Person, spot: str, opens: Opens
) -> None:
    await add_slot(api, owner, spot, CLOCKS_GO_BACK, "01:00", "03:30")
    assert await opens(spot, f"{CLOCKS_GO_BACK}T03:00", f"{CLOCKS_GO_BACK}T03:30", fold=0)
    assert not await opens(spot, f"{CLOCKS_GO_BACK}T03:00", f"{CLOCKS_GO_BACK}T03:30", fold=1)


async def test_a_slot_of_a_skipped_hour_is_read_by_the_clock_before_the_change(
    api: Api, owner: Person, spot: str, opens: Opens
) -> None:
    await add_slot(api, owner, spot, CLOCKS_GO_FORWARD, "03:00", "03:30")
    assert await opens(spot, f"{CLOCKS_GO_FORWARD}T04:00", f"{CLOCKS_GO_FORWARD}T04:30")
    assert not await opens(spot, f"{CLOCKS_GO_FORWARD}T04:00", f"{CLOCKS_GO_FORWARD}T04:45")


async def test_a_slot_that_a_clock_change_turns_round_opens_nothing(
    api: Api, owner: Person, spot: str, opens: Opens
) -> None:
    """03:45, skipped, is 04:45 of the new time; 04:15 lies before it."""
    await add_slot(api, owner, spot, CLOCKS_GO_FORWARD, "03:45", "04:15")
    assert not await opens(spot, f"{CLOCKS_GO_FORWARD}T04:15", f"{CLOCKS_GO_FORWARD}T04:45")
    assert await opens(spot, "2040-03-26T04:15", "2040-03-26T04:45")


async def test_a_slot_taken_back_closes_nothing_any_more(api: Api, owner: Person, spot: str, opens: Opens) -> None:
    slot = {"day_of_week": 0, "start_time": "12:00", "end_time": "14:00", "is_available": False}
    added = await api.post(f"/parking-spots/{spot}/availability", owner, expect=201, **slot)
    assert not await opens(spot, f"{MONDAY}T12:00", f"{MONDAY}T14:00")
    await api.delete(f"/parking-spots/{spot}/availability/{added['id']}", owner)
    assert await opens(spot, f"{MONDAY}T12:00", f"{MONDAY}T14:00")


async def test_slots_that_touch_cost_about_what_one_does(api: Api, owner: Person, session: AsyncSession) -> None:
    """A spot may have a hundred, and a place many such spots."""
    whole, touching = await api.list_spot(owner), await api.list_spot(owner)
    add = text("""INSERT INTO availability_slots (spot_id, day_of_week, start_minute, end_minute, is_available)
        SELECT :spot, day, minute, minute + :step, true
        FROM generate_series(0, 6) AS day, generate_series(0, 1439, :step) AS minute""")
    await session.execute(add, {"spot": whole, "step": 1440})
    await session.execute(add, {"spot": touching, "step": 120})
    ask = text("SELECT slots_allow(:spot, 'Europe/Athens', '2040-01-09T00:00Z', '2040-03-20T00:00Z')")

    async def seconds(spot: str) -> float:
        began = perf_counter()
        assert await session.scalar(ask, {"spot": spot})
        return perf_counter() - began

    costs = {spot: min([await seconds(spot) for _ in range(20)]) for spot in (whole, touching)}
    assert costs[touching] < 5 * costs[whole]  # twelve times as many ends of slots
