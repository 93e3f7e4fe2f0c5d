"""How to get in is told to whom it concerns, when it concerns them."""

from collections.abc import Awaitable, Callable

import pytest

from product import Api, Person

Record = Callable[..., Awaitable[str]]
SECRET = "The code of the gate is 4711"


@pytest.fixture
async def spot(api: Api, owner: Person) -> str:
    return await api.list_spot(owner, access_instructions=SECRET)


async def told(api: Api, spot: str, who: Person | None) -> bool:
    """Whether `who`, who signs in again, learns how to get in."""
    visitor = await api.sign_in(who.id, who.email) if who else None
    shown = (await api.get(f"/parking-spots/{spot}", visitor))["access_instructions"]
    assert shown in {SECRET, None}
    return shown is not None


async def test_the_owner_is_always_told(api: Api, spot: str, owner: Person) -> None:
    assert await told(api, spot, owner)
    (mine,) = await api.get("/parking-spots/my-spots", owner)
    assert mine["access_instructions"] == SECRET


async def test_strangers_are_not_told(
    api: Api, spot: str, renter: Person, other_renter: Person, other_owner: Person
) -> None:
    await api.book(renter, spot, 1, 3)
    for person in (None, other_renter, other_owner):
        assert not await told(api, spot, person)


async def test_a_renter_is_told_from_a_day_before_the_start_to_the_end(
    api: Api, record: Record, spot: str, renter: Person
) -> None:
    await record("confirmed", start=25, end=26)
    assert not await told(api, spot, renter)
    api.clock.pass_by(hours=1, seconds=-1)
    assert not await told(api, spot, renter)
    api.clock.pass_by(seconds=1)
    assert await told(api, spot, renter)
    api.clock.pass_by(hours=25, seconds=-1)
    assert await told(api, spot, renter)
    api.clock.pass_by(seconds=1)
    assert not await told(api, spot, renter)


@pytest.mark.parametrize(
    ("status", "is_told"),
    [
        ("pending", False),
        ("confirmed", True),
        ("in_progress", True),
        ("completed", False),
        ("cancelled", False),
        ("refunded", False),
    ],
)
async def test_a_renter_is_told_while_the_booking_is_good(
    api: Api, record: Record, spot: str, renter: Person, status: str, is_told: bool
) -> None:
    await record(status)
    assert await told(api, spot, renter) == is_told


async def test_checking_out_ends_it(api: Api, spot: str, renter: Person) -> None:
    booking = await api.book(renter, spot, 0, 3)
    assert await told(api, spot, renter)
    await api.post(f"/bookings/{booking['id']}/check-out", renter)
    assert not await told(api, spot, renter)


async def test_no_list_tells(api: Api, spot: str, renter: Person) -> None:
    await api.book(renter, spot, 0, 3)
    assert SECRET not in (await api.request("GET", "/parking-spots/", renter)).text
    assert SECRET not in (await api.request("GET", "/bookings/", renter)).text
