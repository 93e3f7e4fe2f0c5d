"""Finding spots that are free for a time."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.bookings.rules import Status
from product import Api, Person

LIST, SEARCH = "/parking-spots/", "/parking-spots/search"
BOTH = pytest.mark.parametrize("path", [LIST, SEARCH])
Free = Callable[[float, float], Awaitable[bool]]


@pytest.fixture
def free(api: Api, spot: str) -> Free:
    """Whether both searches list the spot from one hour from now to another."""

    async def ask(start: float, end: float) -> bool:
        listed = {path: await found(api, path, start, end) for path in (LIST, SEARCH)}
        assert listed[LIST] == listed[SEARCH]
        return listed[LIST] == [spot]

    return ask


async def found(api: Api, path: str, start: float, end: float) -> list[str]:
    return [item["id"] for item in await api.get(path, start_time=api.at(start), end_time=api.at(end))]


async def test_a_booked_spot_is_not_found_for_any_time_that_overlaps(
    api: Api, spot: str, renter: Person, free: Free
) -> None:
    await api.book(renter, spot, 2, 4)
    for start, end in ((2, 4), (1, 3), (3, 5), (2.5, 3.5), (1, 5), (1, 2.001), (3.999, 5)):
        assert not await free(start, end)


async def test_a_booked_spot_is_found_right_before_and_right_after(
    api: Api, spot: str, renter: Person, free: Free
) -> None:
    await api.book(renter, spot, 2, 4)
    for start, end in ((1, 2), (4, 5), (0, 0.5)):
        assert await free(start, end)


async def test_a_spot_is_not_found_for_a_time_with_a_booking_anywhere_in_it(
    api: Api, spot: str, renter: Person, free: Free
) -> None:
    await api.book(renter, spot, 24 * 30, 24 * 30 + 1)
    assert not await free(1, 24 * 60)
    assert await free(1, 24 * 30)


async def test_without_a_window_the_plain_list_shows_taken_spots_too(api: Api, spot: str, renter: Person) -> None:
    await api.book(renter, spot, 0, 4)
    assert [item["id"] for item in await api.get(LIST)] == [spot]


async def test_a_cancelled_booking_frees_its_time(api: Api, spot: str, renter: Person, free: Free) -> None:
    booking = await api.book(renter, spot, 2, 4)
    assert not await free(2, 4)
    await api.post(f"/bookings/{booking['id']}/cancel", renter)
    assert await free(2, 4)


async def test_a_completed_booking_frees_the_rest_of_its_time(api: Api, spot: str, renter: Person, free: Free) -> None:
    booking = await api.book(renter, spot, 0, 4)
    await api.post(f"/bookings/{booking['id']}/check-in", renter)
    assert not await free(1, 2)
    await api.post(f"/bookings/{booking['id']}/check-out", renter)
    assert await free(1, 2)


async def test_an_unpaid_hold_hides_the_spot(unpaid_api: Api) -> None:
    owner, renter = await unpaid_api.person("owner"), await unpaid_api.person("renter")
    spot = await unpaid_api.list_spot(owner)
    assert (await unpaid_api.book(renter, spot, 2, 4))["status"] == "pending"
    assert await found(unpaid_api, SEARCH, 2, 4) == []
    assert await found(unpaid_api, SEARCH, 4, 5) == [spot]


async def test_pending_confirmed_and_running_bookings_hold_their_time_and_no_others(
    api: Api, spot: str, renter: Person, free: Free, session: AsyncSession
) -> None:
    await api.book(renter, spot, 2, 4)
    change = "UPDATE bookings SET status = '{0}', expires_at = CASE '{0}' WHEN 'pending' THEN end_time END"
    await session.execute(text("ALTER TABLE bookings DISABLE TRIGGER bookings_lifecycle"))
    try:
        for status in Status:
            await session.execute(text(change.format(status)))
            assert await free(2, 4) is (status not in {"pending", "confirmed", "in_progress"}), status
    finally:
        await session.execute(text("ALTER TABLE bookings ENABLE TRIGGER bookings_lifecycle"))


async def test_another_spots_booking_hides_nothing(api: Api, owner: Person, renter: Person, free: Free) -> None:
    other = await api.list_spot(owner, title="Another place")
    await api.book(renter, other, 2, 4)
    assert await free(2, 4)


@BOTH
async def test_taken_spots_are_left_out_before_the_limit(api: Api, owner: Person, renter: Person, path: str) -> None:
    free = await api.list_spot(owner, latitude=38.0)
    for _ in range(3):
        await api.book(renter, await api.list_spot(owner), 1, 2)
    window: dict[str, Any] = {"start_time": api.at(1), "end_time": api.at(2), "limit": 1}
    assert [item["id"] for item in await api.get(path, **window)] == [free]
    near = await api.get(path, latitude=37.9755, longitude=23.7348, **window)
    assert [item["id"] for item in near] == [free]


async def test_the_search_without_a_window_means_the_next_hour_from_this_minute(
    api: Api, spot: str, renter: Person
) -> None:
    async def is_found() -> bool:
        return [item["id"] for item in await api.get(SEARCH)] == [spot]

    await api.book(renter, spot, 1, 2)
    assert await is_found()
    api.clock.pass_by(seconds=59)
    assert await is_found()
    api.clock.pass_by(seconds=1)
    assert not await is_found()
    api.clock.pass_by(minutes=118)
    assert not await is_found()
    api.clock.pass_by(minutes=1)
    assert await is_found()


async def test_a_window_that_has_gone_by_can_be_asked_for(free: Free) -> None:
    assert await free(-100, -99)


async def test_the_offset_of_a_window_does_not_matter(api: Api, spot: str, renter: Person) -> None:
    await api.book(renter, spot, 2, 4)
    in_athens: dict[str, Any] = {"start_time": "2040-01-02T16:00:00+02:00", "end_time": "2040-01-02T17:00:00+02:00"}
    assert [item["id"] for item in await api.get(LIST, **in_athens)] == [spot]
    in_new_york: dict[str, Any] = {"start_time": "2040-01-02T08:59:00-05:00", "end_time": "2040-01-02T09:30:00-05:00"}
    assert await api.get(LIST, **in_new_york) == []


NOON, ONE = "2040-01-03T12:00:00Z", "2040-01-03T13:00:00Z"
NONSENSE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("end_time", {"start_time": NOON}),
    ("start_time", {"end_time": NOON}),
    ("end_time", {"start_time": NOON, "end_time": NOON}),
    ("end_time", {"start_time": ONE, "end_time": NOON}),
    ("end_time", {"start_time": NOON, "end_time": "2040-04-02T12:00:01Z"}),
    ("start_time", {"start_time": "2040-01-03T12:00:00", "end_time": ONE}),
    ("start_time", {"start_time": "2040-01-03", "end_time": ONE}),
    ("start_time", {"start_time": "", "end_time": ONE}),
    ("start_time", {"start_time": "2209122000", "end_time": ONE}),
    ("start_time", {"start_time": "0001-01-01T00:00:00Z", "end_time": ONE}),
    ("start_time", {"start_time": "0001-01-01T00:00:00+14:00", "end_time": ONE}),
    ("end_time", {"start_time": NOON, "end_time": "9999-12-31T23:59:59-14:00"}),
    ("end_time", {"start_time": NOON, "end_time": "9999-12-31T23:59:59.999999Z"}),
)


@BOTH
async def test_half_a_window_an_empty_one_and_one_longer_than_any_booking_are_refused(api: Api, path: str) -> None:
    for name, asked in NONSENSE:
        answer = await api.get(path, expect=422, **asked)
        assert [error["parameter"] for error in answer["errors"]] == [name], asked


@BOTH
async def test_the_ends_of_time_can_be_asked_for(api: Api, owner: Person, path: str) -> None:
    hours = {"monday": {"open": "22:00", "close": "06:00"}}
    spot = await api.list_spot(owner, operating_hours=hours, time_zone="Pacific/Kiritimati")
    slot = {"day_of_week": 0, "start_time": "00:00", "end_time": "00:00"}
    await api.post(f"/parking-spots/{spot}/availability", owner, expect=201, **slot)
    for start, end in (
        ("0002-01-01T00:00:00Z", "0002-01-02T00:00:00Z"),
        ("9998-12-31T00:00:00-14:00", "9998-12-31T23:59:59.999999999-14:00"),
    ):
        assert await api.get(path, start_time=start, end_time=end) == []
