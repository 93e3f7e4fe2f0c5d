"""Arriving and leaving."""

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from product import Api, Person

Record = Callable[..., Awaitable[str]]


async def test_checking_in_starts_the_booking(api: Api, spot: str, renter: Person) -> None:
    booking = await api.book(renter, spot, 0, 2)
    answer = await api.post(f"/bookings/{booking['id']}/check-in", renter)
    assert (answer["status"], answer["checked_in_at"]) == ("in_progress", "2040-01-02T10:00:00Z")


async def test_checking_in_is_possible_from_half_an_hour_before_the_start(api: Api, spot: str, renter: Person) -> None:
    booking = await api.book(renter, spot, 0.75, 2)
    api.clock.pass_by(minutes=14, seconds=59)
    await api.post(f"/bookings/{booking['id']}/check-in", renter, expect=409)
    api.clock.pass_by(seconds=1)
    await api.post(f"/bookings/{booking['id']}/check-in", renter)


async def test_checking_in_is_over_when_the_booking_is(api: Api, spot: str, renter: Person) -> None:
    booking = await api.book(renter, spot, 0, 0.25)
    api.clock.pass_by(minutes=15)
    await api.post(f"/bookings/{booking['id']}/check-in", renter, expect=409)


async def test_nobody_checks_in_twice(api: Api, spot: str, renter: Person, admin: Person) -> None:
    booking = await api.book(renter, spot, 0, 2)
    first = await api.post(f"/bookings/{booking['id']}/check-in", renter)
    await api.post(f"/bookings/{booking['id']}/check-in", renter, expect=409)
    await api.post(f"/bookings/{booking['id']}/check-in", admin, expect=409)
    assert await api.get(f"/bookings/{booking['id']}", renter) == first


async def test_checking_in_after_the_job_has_started_the_booking_is_fine_once(
    api: Api, record: Record, renter: Person
) -> None:
    booking = await record("in_progress", start=0)
    answer = await api.post(f"/bookings/{booking}/check-in", renter)
    assert (answer["status"], answer["checked_in_at"]) == ("in_progress", "2040-01-02T10:00:00Z")
    await api.post(f"/bookings/{booking}/check-in", renter, expect=409)


@pytest.mark.parametrize("status", ["pending", "completed", "cancelled", "refunded"])
async def test_only_what_is_confirmed_or_running_is_checked_into_and_out_of(
    api: Api, record: Record, renter: Person, status: str
) -> None:
    booking = await record(status, start=0)
    await api.post(f"/bookings/{booking}/check-in", renter, expect=409)
    await api.post(f"/bookings/{booking}/check-out", renter, expect=409)


async def test_checking_out_completes_the_booking(api: Api, spot: str, renter: Person) -> None:
    booking = await api.book(renter, spot, 0, 2)
    await api.post(f"/bookings/{booking['id']}/check-in", renter)
    api.clock.pass_by(minutes=20)
    answer = await api.post(f"/bookings/{booking['id']}/check-out", renter)
    assert (answer["status"], answer["payment_status"]) == ("completed", "completed")
    assert answer["checked_in_at"] == "2040-01-02T10:00:00Z"
    assert answer["checked_out_at"] == "2040-01-02T10:20:00Z"


async def test_checking_out_needs_the_start_to_have_come(api: Api, spot: str, renter: Person) -> None:
    booking = await api.book(renter, spot, 0.25, 2)
    await api.post(f"/bookings/{booking['id']}/check-in", renter)
    await api.post(f"/bookings/{booking['id']}/check-out", renter, expect=409)
    api.clock.pass_by(minutes=15)
    await api.post(f"/bookings/{booking['id']}/check-out", renter)


async def test_a_confirmed_booking_may_be_checked_out_of_without_checking_in(
    api: Api, spot: str, renter: Person
) -> None:
    booking = await api.book(renter, spot, 0, 2)
    answer = await api.post(f"/bookings/{booking['id']}/check-out", renter)
    assert (answer["status"], answer["checked_in_at"]) == ("completed", None)


async def test_checking_out_counts_on_the_spot_once(api: Api, spot: str, renter: Person) -> None:
    booking = await api.book(renter, spot, 0, 2)
    await api.post(f"/bookings/{booking['id']}/check-out", renter)
    await api.post(f"/bookings/{booking['id']}/check-out", renter, expect=409)
    assert (await api.get(f"/parking-spots/{spot}"))["total_bookings"] == 1


async def test_booking_arriving_and_cancelling_do_not_count(
    api: Api, spot: str, renter: Person, other_renter: Person
) -> None:
    running = await api.book(renter, spot, 0, 2)
    await api.post(f"/bookings/{running['id']}/check-in", renter)
    cancelled = await api.book(other_renter, spot, 2, 3)
    await api.post(f"/bookings/{cancelled['id']}/cancel", other_renter)
    assert (await api.get(f"/parking-spots/{spot}"))["total_bookings"] == 0


@pytest.mark.parametrize("step", ["check-in", "check-out"])
async def test_an_owner_does_not_arrive_or_leave_for_the_renter_whatever_the_status(
    api: Api, record: Record, session: AsyncSession, owner: Person, step: str
) -> None:
    for status in ("pending", "confirmed", "in_progress", "completed", "cancelled", "refunded"):
        await api.post(f"/bookings/{await record(status, start=0)}/{step}", owner, expect=403)
        await session.execute(text("DELETE FROM bookings"))


async def test_an_admin_checks_in_and_out(api: Api, spot: str, renter: Person, admin: Person) -> None:
    booking = await api.book(renter, spot, 0, 2)
    await api.post(f"/bookings/{booking['id']}/check-in", admin)
    answer = await api.post(f"/bookings/{booking['id']}/check-out", admin)
    assert answer["status"] == "completed"
