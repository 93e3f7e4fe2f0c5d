"""Taking a slot."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from product import SPOT, Api, Person


async def test_the_second_of_two_overlapping_bookings_is_refused(
    api: Api, spot: str, renter: Person, other_renter: Person
) -> None:
    await api.book(renter, spot, 1, 3)
    answer = await api.book(other_renter, spot, 2, 4, expect=409)
    assert answer["detail"] == "Time slot is already booked"


@pytest.mark.parametrize(("start", "end"), [(1, 3), (1.5, 2), (0.5, 4), (0.5, 1.5), (2.5, 4), (1, 1.5), (2.5, 3)])
async def test_a_taken_slot_is_refused_however_the_times_overlap(
    api: Api, spot: str, renter: Person, start: float, end: float
) -> None:
    await api.book(renter, spot, 1, 3)
    await api.book(renter, spot, start, end, expect=409)


async def test_a_booking_may_begin_when_another_ends(api: Api, spot: str, renter: Person, other_renter: Person) -> None:
    await api.book(renter, spot, 1, 3)
    await api.book(other_renter, spot, 3, 4)
    await api.book(other_renter, spot, 0.5, 1)


async def test_the_same_time_is_free_on_another_spot(api: Api, owner: Person, spot: str, renter: Person) -> None:
    await api.book(renter, spot, 1, 3)
    await api.book(renter, await api.list_spot(owner, title="Another spot"), 1, 3)


async def test_a_cancelled_booking_frees_its_slot(api: Api, spot: str, renter: Person, other_renter: Person) -> None:
    booking = await api.book(renter, spot, 1, 3)
    await api.post(f"/bookings/{booking['id']}/cancel", renter)
    await api.book(other_renter, spot, 1, 3)


async def test_a_completed_booking_frees_what_is_left_of_its_slot(
    api: Api, spot: str, renter: Person, other_renter: Person
) -> None:
    booking = await api.book(renter, spot, 0, 3)
    await api.post(f"/bookings/{booking['id']}/check-out", renter)
    await api.book(other_renter, spot, 0, 3)


async def test_a_booking_says_what_was_booked_by_whom_and_at_what_price(api: Api, spot: str, renter: Person) -> None:
    car: dict[str, Any] = {
        "vehicle_plate": "ABC-1234",
        "vehicle_make": "Toyota",
        "vehicle_model": "Yaris",
        "vehicle_color": "blue",
    }
    booking = await api.book(renter, spot, 1, 3, **car, special_requests="Near the door, please")
    assert booking.items() >= car.items()
    assert booking["special_requests"] == "Near the door, please"
    assert (booking["user_id"], booking["parking_spot_id"]) == (renter.id, spot)
    assert (booking["start_time"], booking["end_time"]) == ("2040-01-02T11:00:00Z", "2040-01-02T13:00:00Z")
    assert (booking["total_amount"], booking["service_fee"], booking["owner_payout"]) == (770, 70, 700)
    assert booking["parking_spot"] == {
        "id": spot,
        **{name: SPOT[name] for name in ("title", "address", "city", "prefecture")},
    }


async def test_where_payment_is_skipped_a_booking_is_born_confirmed_and_paid(
    api: Api, spot: str, renter: Person
) -> None:
    booking = await api.book(renter, spot, 1, 3)
    assert (booking["status"], booking["payment_status"]) == ("confirmed", "completed")
    nothing_yet = ("expires_at", "checked_in_at", "checked_out_at", "cancellation_reason", "payment_intent_id")
    assert [booking[name] for name in nothing_yet] == [None] * len(nothing_yet)


async def test_what_is_read_later_is_what_was_answered(api: Api, spot: str, renter: Person) -> None:
    booking = await api.book(renter, spot, 1, 3)
    assert await api.get(f"/bookings/{booking['id']}", renter) == booking


async def test_a_booking_costs_what_the_quote_said(api: Api, owner: Person, renter: Person) -> None:
    spot = await api.list_spot(owner, hourly_rate=333, daily_rate=2_001, monthly_rate=30_007)
    window: dict[str, Any] = {"start_time": api.at(1), "end_time": api.at(40 * 24 + 6.5)}
    quote = await api.post("/bookings/calculate-price", parking_spot_id=spot, **window)
    booking = await api.book(renter, spot, 1, 40 * 24 + 6.5)
    assert quote == {
        "subtotal": 30_007 + 10 * 2_001 + 1_832,  # a month, ten days, five and a half hours
        "service_fee": 5_185,
        "total": 57_034,
        "owner_payout": 51_849,
        "duration_hours": 965.5,
    }
    assert booking["total_amount"] == quote["total"]
    assert booking["service_fee"] == quote["service_fee"]
    assert booking["owner_payout"] == quote["subtotal"]


async def test_a_later_change_of_rates_leaves_a_booking_as_it_was(
    api: Api, owner: Person, spot: str, renter: Person
) -> None:
    booking = await api.book(renter, spot, 1, 3)
    await api.put(f"/parking-spots/{spot}", owner, hourly_rate=9_999)
    assert (await api.get(f"/bookings/{booking['id']}", renter))["total_amount"] == 770


async def test_a_person_cannot_book_a_spot_of_their_own(api: Api, spot: str, owner: Person) -> None:
    await api.book(owner, spot, 1, 3, expect=400)


async def test_an_owner_may_book_a_spot_of_somebody_else(api: Api, spot: str, other_owner: Person) -> None:
    await api.list_spot(other_owner)
    await api.book(other_owner, spot, 1, 3)


async def test_a_spot_that_is_not_available_is_not_booked_until_it_is_again(
    api: Api, owner: Person, spot: str, renter: Person
) -> None:
    await api.put(f"/parking-spots/{spot}", owner, is_available=False)
    await api.book(renter, spot, 1, 3, expect=409)
    await api.put(f"/parking-spots/{spot}", owner, is_available=True)
    await api.book(renter, spot, 1, 3)


async def test_a_deleted_spot_is_not_found(api: Api, owner: Person, spot: str, renter: Person) -> None:
    await api.delete(f"/parking-spots/{spot}", owner)
    await api.book(renter, spot, 1, 3, expect=404)


async def test_a_spot_that_never_was_is_not_found(api: Api, renter: Person) -> None:
    await api.book(renter, str(uuid4()), 1, 3, expect=404)


async def test_a_time_at_which_the_spot_is_closed_is_refused(api: Api, owner: Person, renter: Person) -> None:
    hours = {"monday": {"open": "13:00", "close": "15:00"}}  # in Athens, two hours ahead of UTC
    spot = await api.list_spot(owner, operating_hours=hours)
    await api.book(renter, spot, 1, 3)
    answer = await api.book(renter, spot, 2, 3.25, expect=409)
    assert "not open" in answer["detail"]


async def test_what_else_is_against_a_booking_is_said_before_that_the_slot_is_taken(
    api: Api, owner: Person, spot: str, renter: Person, other_renter: Person
) -> None:
    async def refusal(who: Person, expect: int = 409) -> str:
        return str((await api.book(who, spot, 1, 3, expect=expect))["title"])

    await api.book(renter, spot, 1, 3)
    assert await refusal(other_renter) == "Slot taken"
    assert await refusal(owner, 400) == "Own spot"
    await api.put(f"/parking-spots/{spot}", owner, operating_hours={"monday": {"open": "05:00", "close": "06:00"}})
    assert await refusal(other_renter) == "Spot not open"
    await api.put(f"/parking-spots/{spot}", owner, is_available=False)
    assert await refusal(other_renter) == "Spot unavailable"


async def test_who_is_not_signed_in_books_nothing(api: Api, spot: str) -> None:
    body: dict[str, Any] = {"parking_spot_id": spot, "start_time": api.at(1), "end_time": api.at(3)}
    await api.post("/bookings/", expect=401, **body)


async def test_a_spot_with_live_bookings_is_not_deleted(api: Api, owner: Person, spot: str, renter: Person) -> None:
    booking = await api.book(renter, spot, 1, 3)
    await api.delete(f"/parking-spots/{spot}", owner, expect=409)
    await api.post(f"/bookings/{booking['id']}/cancel", renter)
    await api.delete(f"/parking-spots/{spot}", owner)


async def test_a_booking_of_a_deleted_spot_stays_in_the_history(
    api: Api, session: AsyncSession, owner: Person, spot: str, renter: Person
) -> None:
    booking = await api.book(renter, spot, 0, 3)
    await api.post(f"/bookings/{booking['id']}/check-out", renter)
    await api.delete(f"/parking-spots/{spot}", owner)
    (kept,) = await api.get("/bookings/", renter)
    assert kept["parking_spot"]["title"] == SPOT["title"]
    assert await session.scalar(text("SELECT count(*) FROM bookings")) == 1
