"""Every list: a page at a time, none twice and none missing while others add to it, and how many there are."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from operations import OPERATIONS
from product import Api, Person

Record = Callable[..., Awaitable[str]]
ROWS = 7


PAID = """
    WITH paid AS (
        INSERT INTO payments (booking_id, payer_id, owner_id, amount, owner_amount, currency, status)
        SELECT id, user_id, owner_id, total_amount, owner_payout, currency, 'completed' FROM bookings
        ON CONFLICT DO NOTHING RETURNING *
    )
    INSERT INTO payouts (payment_id, booking_id, owner_id, amount, currency, status)
    SELECT id, booking_id, owner_id, owner_amount, currency, 'pending' FROM paid
"""


@pytest.fixture
async def lists(
    api: Api, session: AsyncSession, record: Record, spot: str, owner: Person, renter: Person, admin: Person
) -> dict[str, tuple[Person, Callable[[], Awaitable[Any]]]]:
    """Who reads each list, and how it gets one row more."""

    async def book() -> str:
        return await record("cancelled")

    async def review() -> None:
        booking = await record("completed")
        await api.post("/reviews/", renter, expect=201, booking_id=booking, overall_rating=4)

    async def sign_in() -> None:
        await api.sign_in(renter.id, renter.email)

    async def pay() -> None:
        await book()
        await session.execute(text(PAID))

    async def act() -> None:
        await api.post(f"/admin/spots/{spot}/disable", admin, reason="Again.")
        await session.execute(text("UPDATE spots SET is_active = true, disabled_at = NULL"))

    async def register() -> None:
        number = await session.scalar(text("SELECT count(*) FROM users"))
        await api.person(f"person-{number}")

    async def add_spot() -> None:
        await api.list_spot(owner)

    near = "latitude=37.9755&longitude=23.7348"
    return {
        "/parking-spots/": (renter, add_spot),
        f"/parking-spots/?{near}": (renter, add_spot),
        "/parking-spots/search": (renter, add_spot),
        "/parking-spots/my-spots": (owner, add_spot),
        "/bookings/": (renter, book),
        "/bookings/owner": (owner, book),
        f"/reviews/spot/{spot}": (renter, review),
        f"/reviews/parking-spot/{spot}": (renter, review),
        "/users/me/sessions": (renter, sign_in),
        "/payments/my-payments": (renter, pay),
        "/payments/owner/payouts": (owner, pay),
        "/admin/users": (admin, register),
        "/admin/spots": (admin, add_spot),
        "/admin/audit-log": (admin, act),
    }


def test_every_list_but_the_bounded_one_is_looked_at_here() -> None:
    paged = {each.path for each in OPERATIONS if "cursor" in each.parameters("query")}
    assert {path.removeprefix("/api/v1") for path in paged} == {
        *("/parking-spots/", "/parking-spots/search", "/parking-spots/my-spots", "/bookings/", "/bookings/owner"),
        *("/reviews/spot/{spot_id}", "/reviews/parking-spot/{spot_id}", "/users/me/sessions"),
        *("/admin/users", "/admin/spots", "/admin/audit-log", "/payments/my-payments", "/payments/owner/payouts"),
    }


async def read(api: Api, path: str, who: Person) -> httpx.Response:
    return await api.client.get(f"/api/v1{path}", headers=who.headers)


async def test_a_reader_sees_every_row_once_while_others_add_to_the_list(
    api: Api, lists: dict[str, tuple[Person, Callable[[], Awaitable[Any]]]]
) -> None:
    for path, (reader, add) in lists.items():
        joint = "&" if "?" in path else "?"
        while len(there := (await read(api, f"{path}{joint}page_size=200", reader)).json()) < ROWS:
            await add()
        at_first = [row["id"] for row in there]
        seen: list[str] = []
        url: str | None = f"/api/v1{path}{joint}page_size=3"
        while url:
            answer = await api.client.get(url, headers=reader.headers)
            assert len(answer.json()) <= 3
            seen += [row["id"] for row in answer.json()]
            url = answer.links.get("next", {}).get("url")
            await add()
        assert len(seen) == len(set(seen)), path
        assert [row for row in seen if row in at_first] == at_first, path


async def test_lists_of_ones_own_say_how_long_they_are(
    api: Api, lists: dict[str, tuple[Person, Callable[[], Awaitable[Any]]]], spot: str
) -> None:
    for path in (f"/reviews/spot/{spot}", "/parking-spots/my-spots", "/bookings/", "/bookings/owner"):
        reader, add = lists[path]
        for _ in range(2):
            await add()
        whole = await api.get(path, reader)
        answer = await api.request("GET", path, reader, params={"page_size": 1})
        assert answer.headers["x-total-count"] == str(len(whole)), path
        assert len(answer.json()) == 1


async def test_an_empty_list_is_an_empty_array_of_length_zero(api: Api, spot: str, other_owner: Person) -> None:
    for path in (
        f"/parking-spots/{spot}/availability",
        "/parking-spots/my-spots",
        "/bookings/",
        f"/reviews/spot/{spot}",
    ):
        answer = await api.request("GET", path, other_owner)
        assert (answer.json(), answer.headers["x-total-count"]) == ([], "0"), path
        assert "link" not in answer.headers
