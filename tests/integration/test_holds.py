"""Bookings that wait for their payment: they hold the slot for ten minutes."""

from collections.abc import Awaitable, Callable

import pytest

from product import Api, Person

Record = Callable[..., Awaitable[str]]
LAPSED = "payment not received in time"


async def test_a_booking_is_born_pending_and_holds_the_slot_for_ten_minutes(
    unpaid_api: Api, spot: str, renter: Person, other_renter: Person
) -> None:
    booking = await unpaid_api.book(renter, spot, 1, 3)
    assert (booking["status"], booking["payment_status"]) == ("pending", "pending")
    assert booking["expires_at"] == "2040-01-02T10:10:00Z"
    unpaid_api.clock.pass_by(minutes=9, seconds=59)
    await unpaid_api.book(other_renter, spot, 1, 3, expect=409)


async def test_a_lapsed_hold_gives_way_to_the_next_booking_of_the_slot(
    unpaid_api: Api, spot: str, renter: Person, other_renter: Person
) -> None:
    lapsed = await unpaid_api.book(renter, spot, 1, 3)
    unpaid_api.clock.pass_by(minutes=10)
    await unpaid_api.book(other_renter, spot, 1, 3)
    after = await unpaid_api.get(f"/bookings/{lapsed['id']}", renter)
    assert (after["status"], after["cancellation_reason"]) == ("cancelled", LAPSED)
    assert (after["payment_status"], after["expires_at"]) == ("pending", None)


async def test_the_next_booking_of_the_spot_at_another_time_releases_a_lapsed_hold_too(
    unpaid_api: Api, spot: str, renter: Person
) -> None:
    lapsed = await unpaid_api.book(renter, spot, 1, 3)
    unpaid_api.clock.pass_by(minutes=10)
    await unpaid_api.book(renter, spot, 5, 6)
    assert (await unpaid_api.get(f"/bookings/{lapsed['id']}", renter))["status"] == "cancelled"


async def test_a_lapsed_hold_of_another_spot_is_not_touched(
    unpaid_api: Api, spot: str, owner: Person, renter: Person
) -> None:
    elsewhere = await unpaid_api.list_spot(owner, title="Another spot")
    lapsed = await unpaid_api.book(renter, elsewhere, 1, 3)
    unpaid_api.clock.pass_by(minutes=10)
    await unpaid_api.book(renter, spot, 1, 3)
    assert (await unpaid_api.get(f"/bookings/{lapsed['id']}", renter))["status"] == "pending"


async def test_a_refused_booking_leaves_a_lapsed_hold_as_it_was(
    unpaid_api: Api, record: Record, spot: str, renter: Person
) -> None:
    await record("confirmed", 5, 6)
    lapsed = await unpaid_api.book(renter, spot, 1, 3)
    unpaid_api.clock.pass_by(minutes=10)
    await unpaid_api.book(renter, spot, 5, 6, expect=409)
    assert (await unpaid_api.get(f"/bookings/{lapsed['id']}", renter))["status"] == "pending"


async def test_the_owner_does_not_confirm_what_is_not_paid(
    unpaid_api: Api, spot: str, renter: Person, owner: Person
) -> None:
    booking = await unpaid_api.book(renter, spot, 1, 3)
    answer = await unpaid_api.put(f"/bookings/{booking['id']}/status", owner, expect=409, status="confirmed")
    assert "not paid" in answer["detail"]


async def test_neither_does_an_admin(unpaid_api: Api, spot: str, renter: Person, admin: Person) -> None:
    booking = await unpaid_api.book(renter, spot, 1, 3)
    await unpaid_api.put(f"/bookings/{booking['id']}/status", admin, expect=409, status="confirmed")


async def test_the_owner_confirms_what_is_paid(unpaid_api: Api, record: Record, owner: Person) -> None:
    booking = await record("pending", payment_status="completed")
    answer = await unpaid_api.put(f"/bookings/{booking}/status", owner, status="confirmed")
    assert (answer["status"], answer["payment_status"], answer["expires_at"]) == ("confirmed", "completed", None)


async def test_the_owner_confirms_a_pending_booking_where_payment_is_skipped(
    api: Api, record: Record, owner: Person
) -> None:
    booking = await record("pending", payment_status="pending")
    answer = await api.put(f"/bookings/{booking}/status", owner, status="confirmed")
    assert (answer["status"], answer["payment_status"]) == ("confirmed", "completed")


@pytest.mark.parametrize(("minutes", "expect"), [(59, 200), (60, 409)])
async def test_a_lapsed_hold_is_not_confirmed(
    api: Api, record: Record, owner: Person, minutes: int, expect: int
) -> None:
    booking = await record("pending", start=2, expires=1)
    api.clock.pass_by(minutes=minutes)
    owner = await api.sign_in(owner.id, owner.email)
    await api.put(f"/bookings/{booking}/status", owner, expect=expect, status="confirmed")


async def test_a_refund_is_not_noted_before_the_money_was_given_back(
    unpaid_api: Api, record: Record, admin: Person
) -> None:
    paid = await record("completed", payment_status="completed")
    await unpaid_api.put(f"/bookings/{paid}/status", admin, expect=409, status="refunded")
    given_back = await record("completed", payment_status="refunded")
    await unpaid_api.put(f"/bookings/{given_back}/status", admin, status="refunded")


async def test_a_hold_may_be_cancelled_and_frees_the_slot(
    unpaid_api: Api, spot: str, renter: Person, other_renter: Person
) -> None:
    booking = await unpaid_api.book(renter, spot, 1, 3)
    answer = await unpaid_api.post(f"/bookings/{booking['id']}/cancel", renter)
    assert (answer["status"], answer["payment_status"]) == ("cancelled", "pending")
    await unpaid_api.book(other_renter, spot, 1, 3)


async def test_a_spot_that_is_held_is_not_deleted(unpaid_api: Api, spot: str, owner: Person, renter: Person) -> None:
    await unpaid_api.book(renter, spot, 1, 3)
    await unpaid_api.delete(f"/parking-spots/{spot}", owner, expect=409)


async def test_a_lapsed_hold_does_not_keep_a_spot_from_being_deleted(
    unpaid_api: Api, spot: str, owner: Person, renter: Person
) -> None:
    await unpaid_api.book(renter, spot, 1, 3)
    unpaid_api.clock.pass_by(minutes=10, seconds=-1)
    await unpaid_api.delete(f"/parking-spots/{spot}", owner, expect=409)
    unpaid_api.clock.pass_by(seconds=1)
    await unpaid_api.delete(f"/parking-spots/{spot}", owner)
