"""Which times may be booked, and quoted."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from product import Api, Person

BOTH = pytest.mark.parametrize("path", ["/bookings/", "/bookings/calculate-price"])
SHORTEST, LONGEST, HORIZON = timedelta(minutes=15), timedelta(days=90), timedelta(days=365)
A_MOMENT = timedelta(microseconds=1)
Ask = Callable[..., Awaitable[Any]]


@pytest.fixture
def ask(api: Api, spot: str, renter: Person) -> Ask:
    """Ask `path` for a time that starts so long from now and takes so long."""

    async def asking(path: str, start: timedelta, duration: timedelta, *, expect: int) -> Any:
        begin = api.clock.now() + start
        times: dict[str, Any] = {"start_time": begin.isoformat(), "end_time": (begin + duration).isoformat()}
        return await api.post(path, renter, expect=expect, parking_spot_id=spot, **times)

    return asking


def right(path: str) -> int:
    return 201 if path == "/bookings/" else 200


@BOTH
async def test_a_start_in_the_past_is_refused_and_a_start_now_is_not(ask: Ask, path: str) -> None:
    answer = await ask(path, -A_MOMENT, SHORTEST, expect=400)
    assert "past" in answer["detail"]
    await ask(path, timedelta(0), SHORTEST, expect=right(path))


@BOTH
@pytest.mark.parametrize("duration", [timedelta(0), -timedelta(hours=1)])
async def test_the_end_lies_after_the_start(ask: Ask, path: str, duration: timedelta) -> None:
    answer = await ask(path, timedelta(hours=2), duration, expect=422)
    assert [error["pointer"] for error in answer["errors"]] == ["/end_time"]


@BOTH
async def test_a_booking_takes_at_least_a_quarter_of_an_hour(ask: Ask, path: str) -> None:
    answer = await ask(path, timedelta(hours=1), SHORTEST - A_MOMENT, expect=422)
    assert [error["pointer"] for error in answer["errors"]] == ["/end_time"]
    assert "15 minutes" in answer["errors"][0]["detail"]
    await ask(path, timedelta(hours=1), SHORTEST, expect=right(path))


@BOTH
async def test_a_booking_takes_at_most_ninety_days(ask: Ask, path: str) -> None:
    answer = await ask(path, timedelta(hours=1), LONGEST + A_MOMENT, expect=422)
    assert [error["pointer"] for error in answer["errors"]] == ["/end_time"]
    assert "90 days" in answer["errors"][0]["detail"]
    await ask(path, timedelta(hours=1), LONGEST, expect=right(path))


@BOTH
async def test_a_booking_starts_at_most_a_year_ahead(ask: Ask, path: str) -> None:
    answer = await ask(path, HORIZON + A_MOMENT, SHORTEST, expect=422)
    assert [error["pointer"] for error in answer["errors"]] == ["/start_time"]
    assert "365 days" in answer["errors"][0]["detail"]
    await ask(path, HORIZON, SHORTEST, expect=right(path))


@BOTH
@pytest.mark.parametrize(
    "start",
    ["2040-01-02T11:00:00", "2040-01-02", "tomorrow", 2_209_111_200, None, "9999-12-31T23:59:59-12:00"],
)
async def test_a_time_needs_a_date_a_time_and_an_offset(
    api: Api, spot: str, renter: Person, path: str, start: object
) -> None:
    wish = {"parking_spot_id": spot, "start_time": start, "end_time": api.at(3)}
    answer = await api.post(path, renter, expect=422, **wish)
    assert [error["pointer"] for error in answer["errors"]] == ["/start_time"]


@BOTH
@pytest.mark.parametrize("year", ["0001", "1970", "9999"])
async def test_times_at_the_ends_of_the_calendar_are_refused_in_a_sentence(
    api: Api, spot: str, renter: Person, path: str, year: str
) -> None:
    wish = {"start_time": f"{year}-01-01T00:00:00Z", "end_time": f"{year}-12-31T23:59:59Z"}
    answer = await api.client.post(f"/api/v1{path}", headers=renter.headers, json={"parking_spot_id": spot, **wish})
    assert answer.status_code in {400, 422}


@BOTH
async def test_the_same_moment_by_another_offset_is_the_same_slot(
    api: Api, spot: str, renter: Person, path: str
) -> None:
    await api.book(renter, spot, 1, 3)
    wish: dict[str, Any] = {"start_time": "2040-01-02T15:00:00+02:00", "end_time": "2040-01-02T09:00:00-05:00"}
    await api.post(path, renter, expect=right(path), parking_spot_id=spot, **wish)


async def test_anybody_may_ask_for_a_quote(api: Api, spot: str) -> None:
    window: dict[str, Any] = {"start_time": api.at(1), "end_time": api.at(2.25)}
    quote = await api.post("/bookings/calculate-price", parking_spot_id=spot, **window)
    assert quote == {"subtotal": 438, "service_fee": 44, "total": 482, "owner_payout": 438, "duration_hours": 1.25}


async def test_a_deleted_spot_has_no_price(api: Api, owner: Person, spot: str) -> None:
    await api.delete(f"/parking-spots/{spot}", owner)
    window: dict[str, Any] = {"start_time": api.at(1), "end_time": api.at(2)}
    await api.post("/bookings/calculate-price", expect=404, parking_spot_id=spot, **window)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("vehicle_plate", "x" * 65),
        ("vehicle_make", "nul\x00"),
        ("vehicle_model", 5),
        ("vehicle_color", ["blue"]),
        ("special_requests", "x" * 5_001),
        ("parking_spot_id", "not-an-id"),
    ],
)
async def test_a_field_that_cannot_be_kept_is_named(
    api: Api, spot: str, renter: Person, field: str, value: object
) -> None:
    wish = {"parking_spot_id": spot, "start_time": api.at(1), "end_time": api.at(2)} | {field: value}
    answer = await api.post("/bookings/", renter, expect=422, **wish)
    assert [error["pointer"] for error in answer["errors"]] == [f"/{field}"]
