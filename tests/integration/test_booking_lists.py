"""The renter's and the owner's bookings."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from product import Api, Person

Record = Callable[..., Awaitable[str]]
BOTH = pytest.mark.parametrize(("path", "who"), [("/bookings/", "renter"), ("/bookings/owner", "owner")])


@pytest.fixture
def people(renter: Person, owner: Person) -> dict[str, Person]:
    return {"renter": renter, "owner": owner}


def ids(bookings: list[dict[str, Any]]) -> list[str]:
    return [booking["id"] for booking in bookings]


@BOTH
async def test_bookings_come_newest_first_whenever_they_begin(
    api: Api, spot: str, people: dict[str, Person], path: str, who: str
) -> None:
    made = [await api.book(people["renter"], spot, start, start + 1) for start in (5, 1, 3)]
    assert await api.get(path, people[who]) == made[::-1]


@BOTH
async def test_a_list_shows_nothing_of_others(
    api: Api, spot: str, people: dict[str, Person], other_renter: Person, other_owner: Person, path: str, who: str
) -> None:
    elsewhere = await api.list_spot(other_owner)
    mine = await api.book(people["renter"], spot, 1, 2)
    of_my_spot = await api.book(other_renter, spot, 3, 4)
    my_trip = await api.book(people["renter"], elsewhere, 1, 2)
    await api.book(other_renter, elsewhere, 3, 4)
    expected = [my_trip, mine] if who == "renter" else [of_my_spot, mine]
    assert ids(await api.get(path, people[who])) == ids(expected)


@BOTH
async def test_a_list_may_be_narrowed_to_a_status(
    api: Api, record: Record, people: dict[str, Person], path: str, who: str
) -> None:
    by_status = {status: await record(status) for status in ("completed", "cancelled", "refunded", "confirmed")}
    for status, booking in by_status.items():
        assert ids(await api.get(path, people[who], status_filter=status)) == [booking]
    assert await api.get(path, people[who], status_filter="pending") == []
    assert len(await api.get(path, people[who])) == 4


@BOTH
async def test_a_status_that_does_not_exist_is_refused(
    api: Api, people: dict[str, Person], path: str, who: str
) -> None:
    answer = await api.get(path, people[who], expect=422, status_filter="lost")
    assert answer["errors"][0]["parameter"] == "status_filter"


@BOTH
async def test_the_link_header_leads_through_every_booking_once(
    api: Api, session: AsyncSession, record: Record, people: dict[str, Person], path: str, who: str
) -> None:
    made = [await record("completed") for _ in range(5)]
    await session.execute(text("UPDATE bookings SET created_at = '2039-12-31T00:00:00Z'"))  # a tie
    url, seen = f"{path}?page_size=2&status_filter=completed", []
    while url:
        answer = await api.request("GET", url, people[who])
        assert len(answer.json()) <= 2
        seen += ids(answer.json())
        link = re.fullmatch(r'</api/v1([^>]+)>; rel="next"', answer.headers.get("Link", ""))
        url = link[1] if link else ""
    assert seen == sorted(made, reverse=True)


@BOTH
async def test_pages_may_be_counted_too(
    api: Api, record: Record, people: dict[str, Person], path: str, who: str
) -> None:
    made = [await record("completed") for _ in range(3)][::-1]
    assert ids(await api.get(path, people[who], page=1, page_size=2)) == made[:2]
    assert ids(await api.get(path, people[who], page=2, page_size=2)) == made[2:]
    assert await api.get(path, people[who], page=3, page_size=2) == []


async def test_a_list_of_the_other_kind_is_empty(api: Api, spot: str, renter: Person, owner: Person) -> None:
    await api.book(renter, spot, 1, 2)
    assert await api.get("/bookings/owner", renter) == []
    assert await api.get("/bookings/", owner) == []


@BOTH
async def test_who_is_not_signed_in_sees_no_list(api: Api, path: str, who: str) -> None:
    assert who
    await api.get(path, expect=401)
