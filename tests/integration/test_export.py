"""People take home what is kept about them, and nothing of others."""

import json
from collections.abc import Awaitable, Callable

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from product import Api, Person

Record = Callable[..., Awaitable[str]]


async def test_an_export_holds_all_that_is_kept_about_me(api: Api, record: Record, renter: Person, spot: str) -> None:
    completed = await record("completed", -3, -1)
    live = (await api.book(renter, spot, 1, 2, vehicle_plate="ABC-1234"))["id"]
    review = await api.post("/reviews/", renter, expect=201, booking_id=completed, overall_rating=5, comment="Wide.")
    await api.post(f"/reviews/{review['id']}/helpful", renter)
    await api.put("/users/me", renter, phone_number="+30 210 1234567")

    mine = await api.get("/users/me/export", renter)
    assert mine["exported_at"] == "2040-01-02T10:00:00Z"
    assert mine["user"] == await api.get("/users/me", renter)
    assert mine["sessions"] == await api.get("/users/me/sessions", renter)
    assert {booking["id"] for booking in mine["bookings"]} == {live, completed}
    assert mine["bookings"] == await api.get("/bookings/", renter)
    assert [each["comment"] for each in mine["reviews"]] == ["Wide."]
    assert mine["helpful_reviews"] == [review["id"]]
    assert mine["spots"] == mine["bookings_of_my_spots"] == []


async def test_an_owners_export_has_the_spots_whole_and_nothing_of_the_renters(
    api: Api, owner: Person, renter: Person
) -> None:
    spot = await api.list_spot(owner, access_instructions="The code is 2468.")
    slot = {"day_of_week": 0, "start_time": "00:00", "end_time": "00:00"}
    added = await api.post(f"/parking-spots/{spot}/availability", owner, expect=201, **slot)
    booking = await api.book(renter, spot, 1, 2, vehicle_plate="ABC-1234", special_requests="Near the door")
    mine = await api.get("/users/me/export", owner)
    (whole,) = mine["spots"]
    assert (whole["access_instructions"], whole["availability"]) == ("The code is 2468.", [added])
    assert [each["id"] for each in mine["bookings_of_my_spots"]] == [booking["id"]]
    assert mine["bookings"] == []
    for trace in ("ABC-1234", "Near the door", renter.id, renter.email):
        assert trace not in json.dumps(mine)


async def test_who_has_nothing_yet_exports_an_account(api: Api, renter: Person) -> None:
    mine = await api.get("/users/me/export", renter)
    assert [name for name, value in mine.items() if isinstance(value, list) and value] == ["sessions"]


async def test_nobody_exports_without_signing_in(api: Api) -> None:
    await api.get("/users/me/export", expect=401)


async def test_an_export_has_no_end_but_that_of_what_there_is(
    api: Api, session: AsyncSession, renter: Person, record: Record
) -> None:
    await record("cancelled")
    await session.execute(
        text("""
            INSERT INTO bookings (spot_id, user_id, owner_id, start_time, end_time, status, payment_status,
                total_amount, service_fee, owner_payout, currency, created_at)
            SELECT spot_id, user_id, owner_id, start_time, end_time, status, payment_status,
                total_amount, service_fee, owner_payout, currency, created_at + make_interval(secs => number % 7)
            FROM bookings, generate_series(1, 450) AS number
        """)
    )
    mine = await api.get("/users/me/export", renter)
    assert len({booking["id"] for booking in mine["bookings"]}) == 451
