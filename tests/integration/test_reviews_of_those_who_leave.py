"""What is left of reviews when somebody deletes their account: stars and votes, no words."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from interleaving import meanwhile
from parkingspots.kit.database import Database
from product import Api, Person

Record = Callable[..., Awaitable[str]]
WORDS = "SELECT count(*) FROM reviews WHERE title IS NOT NULL OR comment IS NOT NULL"


@pytest.fixture
async def review(api: Api, record: Record, renter: Person, owner: Person) -> dict[str, Any]:
    """The renter's review, to which the owner has responded."""
    wish = {"booking_id": await record("completed"), "overall_rating": 2, "value_rating": 1}
    made = await api.post("/reviews/", renter, expect=201, **wish, title="I, Renter", comment="Write to me.")
    answer: dict[str, Any] = await api.post(f"/reviews/{made['id']}/response", owner, response="Call me.")
    return answer


async def test_of_an_author_who_leaves_the_stars_stay_and_the_words_go(
    api: Api, spot: str, renter: Person, review: dict[str, Any]
) -> None:
    summary = await api.get(f"/reviews/spot/{spot}/summary")
    await api.delete("/users/me", renter)
    left = review | {"title": None, "comment": None}
    assert await api.get(f"/reviews/{review['id']}") == left
    nobody = {"reviewer_name": "Deleted user", "reviewer_image": None, "reviewer": {"full_name": "Deleted user"}}
    assert await api.get(f"/reviews/spot/{spot}") == [left | nobody]
    assert await api.get(f"/reviews/spot/{spot}/summary") == summary


async def test_of_an_owner_who_leaves_the_responses_go(api: Api, owner: Person, review: dict[str, Any]) -> None:
    await api.delete("/users/me", owner)
    left = review | {"owner_response": None, "owner_responded_at": None}
    assert await api.get(f"/reviews/{review['id']}") == left


async def test_what_others_said_stays(
    api: Api, other_renter: Person, other_owner: Person, review: dict[str, Any]
) -> None:
    for stranger in (other_renter, other_owner):
        await api.delete("/users/me", stranger)
    assert await api.get(f"/reviews/{review['id']}") == review


async def test_votes_of_those_who_leave_stay_counted(
    api: Api, session: AsyncSession, other_renter: Person, owner: Person, review: dict[str, Any]
) -> None:
    url = f"/reviews/{review['id']}"
    await api.post(f"{url}/helpful", other_renter)
    await api.delete("/users/me", other_renter)
    assert (await api.get(url))["helpful_count"] == 1
    assert await session.scalar(text("SELECT count(*) FROM review_votes")) == 1
    assert (await api.post(f"{url}/helpful", owner))["helpful_count"] == 2


@pytest.mark.parametrize(
    ("who", "method", "path"), [("renter", "POST", ""), ("renter", "PUT", "{id}"), ("owner", "POST", "{id}/response")]
)
async def test_who_is_leaving_writes_nothing_any_more(
    api: Api,
    database: Database,
    session: AsyncSession,
    record: Record,
    renter: Person,
    owner: Person,
    review: dict[str, Any],
    who: str,
    method: str,
    path: str,
) -> None:
    writer = {"renter": renter, "owner": owner}[who]
    wish = {"booking_id": await record("completed"), "overall_rating": 5, "response": "I am still here."}
    request = api.request(method, f"/reviews/{path.format(**review)}", writer, expect=401, json=wish)
    leaving = f"UPDATE users SET is_active = false WHERE id = '{writer.id}'"
    async with meanwhile(database, session, leaving, request) as answer:
        await answer
    assert await session.scalar(text("SELECT count(*) FROM reviews")) == 1
    assert await api.get(f"/reviews/{review['id']}") == review


async def test_an_author_and_an_owner_of_the_same_reviews_may_leave_at_once(
    api: Api, session: AsyncSession, record: Record, renter: Person, owner: Person
) -> None:
    for _ in range(5):
        wish = {"booking_id": await record("completed"), "overall_rating": 5, "comment": "I am a guest."}
        review = await api.post("/reviews/", renter, expect=201, **wish)
        await api.post(f"/reviews/{review['id']}/response", owner, response="I am the owner.")
    answers = await asyncio.gather(
        *(api.client.delete("/api/v1/users/me", headers=who.headers) for who in (renter, owner))
    )
    assert [answer.status_code for answer in answers] == [200, 200]
    assert await session.scalar(text(WORDS + " OR owner_response IS NOT NULL")) == 0
