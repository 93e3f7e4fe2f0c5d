"""Rules of the contract with clients that no other test is named after."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from operations import OPERATIONS, Operation
from parkingspots.settings import Settings
from parkingspots_lifecycle import loop
from product import SPOT, Api, Clock, Person, running

Record = Callable[..., Awaitable[str]]
MINUTE, HOUR = 60, 3600


@pytest.mark.parametrize(
    "operation", [each for each in OPERATIONS if each.parameters("path")], ids=lambda operation: operation.id
)
async def test_a_malformed_id_in_a_path_is_422_and_the_parameter_is_named(
    api: Api, admin: Person, operation: Operation
) -> None:
    for name in operation.parameters("path"):
        body = operation.body() if operation.takes_body else None
        url = operation.url(**{name: "no-id"})
        answer = await api.client.request(operation.method, url, headers=admin.headers, json=body)
        assert answer.status_code == 422
        assert [error["parameter"] for error in answer.json()["errors"]] == [name]


async def test_every_wrong_field_of_a_body_is_named_at_once_by_a_json_pointer(api: Api, owner: Person) -> None:
    wrong = {
        "title": "\x00",
        "hourly_rate": -1,
        "latitude": "north",
        "images": ["https://example.com/a.jpg", 5],
        "operating_hours": {"monday": {"open": "8", "close": "20:00"}},
    }
    answer = await api.post("/parking-spots/", owner, expect=422, **(SPOT | wrong))
    named = {error["pointer"] for error in answer["errors"]}
    assert named == {"/title", "/hourly_rate", "/latitude", "/images/1", "/operating_hours/monday/open"}
    assert all(set(error) == {"pointer", "detail"} for error in answer["errors"])


CHARGING = {"create_payment_intent", "confirm_payment", "refund_payment", "create_connected_account"}


def test_every_post_that_creates_or_charges_for_a_user_takes_an_idempotency_key() -> None:
    creating = {each.id for each in OPERATIONS if "201" in each.described["responses"] and each.id != "register"}
    assert {each.id for each in OPERATIONS if "Idempotency-Key" in each.parameters("header")} == creating | CHARGING


def test_201_is_for_a_new_user_spot_slot_booking_or_review_and_200_for_all_else() -> None:
    new = {"register", "create_spot", "create_slot", "create_booking", "create_review"}
    for operation in OPERATIONS:
        successes = {status for status in operation.described["responses"] if status.startswith("2")}
        assert successes == {"201" if operation.id in new else "200"}, operation.id


LISTS = ("/parking-spots/", "/parking-spots/my-spots", "/bookings/", "/bookings/owner", "/reviews/spot/{spot}")


@pytest.mark.parametrize("path", LISTS)
async def test_every_list_has_a_total_order_though_all_rows_are_of_one_moment(
    api: Api, session: AsyncSession, record: Record, spot: str, owner: Person, renter: Person, path: str
) -> None:
    for _ in range(4):
        await record("completed")
        await api.list_spot(owner)
    review = "INSERT INTO reviews (booking_id, spot_id, reviewer_id, overall_rating) SELECT id, spot_id, user_id, 4"
    await session.execute(text(f"{review} FROM bookings"))
    for table in ("spots", "bookings", "reviews"):
        await session.execute(text(f"UPDATE {table} SET created_at = :now"), {"now": api.clock.now()})
    who = renter if path == "/bookings/" else owner
    whole = [row["id"] for row in await api.get(path.format(spot=spot), who)]
    seen, url = [], f"/api/v1{path.format(spot=spot)}?page_size=1"
    while url:
        answer = await api.client.get(url, headers=who.headers)
        seen += [row["id"] for row in answer.json()]
        url = answer.links.get("next", {}).get("url", "")
    assert seen == whole == sorted(set(seen), reverse=not path.startswith("/parking-spots/"))
    assert len(seen) >= 4


@pytest.mark.parametrize("path", ["/parking-spots/", "/parking-spots/search"])
async def test_a_page_has_1_to_200_rows_and_a_radius_up_to_500_kilometres(api: Api, path: str) -> None:
    place: dict[str, Any] = {"latitude": 0, "longitude": 0}
    for name in ("page_size", "limit"):
        for size, status in ((0, 422), (1, 200), (200, 200), (201, 422)):
            asked: dict[str, Any] = {name: size}
            await api.get(path, expect=status, **asked)
    for page, status in ((0, 422), (1, 200)):
        await api.get(path, expect=status, page=page)
    for radius, status in ((0, 422), (500, 200), (500.01, 422)):
        await api.get(path, expect=status, radius_km=radius, **place)


@pytest.mark.parametrize("path", ["/parking-spots/", "/parking-spots/search"])
async def test_half_a_place_is_refused_as_half_a_window_is(api: Api, path: str) -> None:
    halves: dict[str, Any] = {"latitude": "0", "longitude": "0", "start_time": api.at(1), "end_time": api.at(2)}
    for half in ({name: value} for name, value in halves.items()):
        answer = await api.get(path, expect=422, **half)
        assert len(answer["errors"]) == 1


async def test_the_service_fee_is_ten_percent_of_the_subtotal_rounded_half_up_and_the_owner_gets_the_subtotal(
    api: Api, owner: Person, renter: Person
) -> None:
    for rate, fee in ((4, 0), (5, 1), (14, 1), (15, 2), (1000, 100)):
        booking = await api.book(renter, await api.list_spot(owner, hourly_rate=rate), 1, 2)
        assert (booking["service_fee"], booking["owner_payout"], booking["total_amount"]) == (fee, rate, rate + fee)


async def test_a_quote_has_the_bounds_of_a_booking_and_the_same_words_for_them(
    api: Api, spot: str, renter: Person
) -> None:
    now, hour, year = api.clock.now(), timedelta(hours=1), timedelta(days=365)
    for start, duration in ((-hour, hour), (hour, -hour), (hour, hour / 100), (hour, year), (year + hour, hour)):
        wish = {
            "parking_spot_id": spot,
            "start_time": (now + start).isoformat(),
            "end_time": (now + start + duration).isoformat(),
        }
        quoted, booked = [
            await api.client.post(f"/api/v1/bookings{path}", headers=renter.headers, json=wish)
            for path in ("/calculate-price", "/")
        ]
        assert (quoted.status_code, quoted.json()) == (booked.status_code, booked.json())
        assert quoted.status_code == (400 if start < timedelta(0) else 422)


async def test_anybody_signed_in_may_book_any_spot_but_their_own(
    api: Api, spot: str, owner: Person, renter: Person, other_owner: Person, admin: Person
) -> None:
    for hour, who in enumerate((renter, other_owner, admin), start=1):
        await api.book(who, spot, hour, hour + 1)
    await api.book(owner, spot, 10, 11, expect=400)
    await api.book(admin, await api.list_spot(admin), 10, 11, expect=400)


async def test_a_cancelled_booking_stays_cancelled_and_its_payment_status_shows_what_was_given_back(
    api: Api, spot: str, renter: Person, owner: Person, admin: Person
) -> None:
    booking = await api.book(renter, spot, 1, 2)
    cancelled = await api.post(f"/bookings/{booking['id']}/cancel", renter)
    assert (cancelled["status"], cancelled["payment_status"]) == ("cancelled", "refunded")
    for status in ("confirmed", "in_progress", "completed", "refunded"):
        await api.put(f"/bookings/{booking['id']}/status", admin, expect=409, status=status)
    await api.put(f"/bookings/{booking['id']}/status", owner, expect=409, status="confirmed")
    assert await api.get(f"/bookings/{booking['id']}", renter) == cancelled


async def test_how_early_one_checks_in_and_how_long_a_hold_lasts_is_configured(
    settings: Settings, api: Api, clock: Clock, spot: str, renter: Person
) -> None:
    del api
    async with running(settings.model_copy(update={"check_in_early_minutes": 120}), clock) as patient:
        booking = await patient.book(renter, spot, 2, 3)
        await patient.post(f"/bookings/{booking['id']}/check-in", renter)
    brief = {"skip_payment_processing": False, "hold_minutes": 3}
    async with running(settings.model_copy(update=brief), clock) as hurried:
        held = await hurried.book(renter, spot, 4, 5)
        assert (held["status"], held["payment_status"]) == ("pending", "pending")
        assert held["expires_at"] == hurried.at(0.05).replace("+00:00", "Z")


def test_the_lifecycle_job_runs_every_minute() -> None:
    assert loop.INTERVAL == MINUTE


async def test_the_limits_are_by_default_those_of_the_contract(app: FastAPI) -> None:
    limits = app.state.limits
    allowed = {
        policy.name: (policy.item.amount, policy.item.get_expiry())
        for policy in (
            *(limits.logins, limits.logins_of_address, limits.registrations),
            *(limits.bookings, limits.resets, limits.requests),
        )
    }
    assert allowed == {
        "failed-logins": (10, 15 * MINUTE),
        "failed-logins-of-address": (100, 15 * MINUTE),
        "registrations": (20, HOUR),
        "bookings": (30, MINUTE),
        "resets": (5, HOUR),
        "requests": (1200, MINUTE),
    }


async def test_times_have_an_offset_and_numbers_in_their_place_are_422(api: Api, spot: str, renter: Person) -> None:
    times: dict[str, Any] = {"start_time": api.at(1), "end_time": api.at(2)}
    seconds = int(api.clock.now().timestamp()) + HOUR
    for name, time in times.items():
        naive = time.removesuffix("+00:00")
        for value in (naive, f"{naive} Europe/Athens", seconds, str(seconds), seconds * 1000):
            wish = times | {name: value}
            for path in ("/bookings/", "/bookings/calculate-price"):
                answer = await api.post(path, renter, expect=422, parking_spot_id=spot, **wish)
                assert [error["pointer"] for error in answer["errors"]] == [f"/{name}"]
            answer = await api.get("/parking-spots/", expect=422, **wish)
            assert [error["parameter"] for error in answer["errors"]] == [name]
