"""Reviews: who writes them, changes them, deletes them and responds to them."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from operations import NOWHERE
from product import Api, Person

Record = Callable[..., Awaitable[str]]
NOW = "2040-01-02T10:00:00Z"
SAID: dict[str, Any] = {
    "overall_rating": 4,
    "cleanliness_rating": 5,
    "accessibility_rating": 1,
    "accuracy_rating": 3,
    "value_rating": 2,
    "title": "Easy to find",
    "comment": "Wide entrance,\nwell lit.",
}


@pytest.fixture
async def booking(record: Record) -> str:
    """The id of a completed booking of the renter."""
    return await record("completed")


@pytest.fixture
async def review(api: Api, booking: str, renter: Person) -> dict[str, Any]:
    """The renter's review of it."""
    answer: dict[str, Any] = await api.post("/reviews/", renter, expect=201, booking_id=booking, **SAID)
    return answer


async def test_the_renter_of_a_completed_booking_reviews_it_and_everybody_reads_that(
    api: Api, spot: str, booking: str, renter: Person, review: dict[str, Any]
) -> None:
    assert review == SAID | {
        "id": review["id"],
        "booking_id": booking,
        "parking_spot_id": spot,
        "reviewer_id": renter.id,
        "owner_response": None,
        "owner_responded_at": None,
        "helpful_count": 0,
        "created_at": NOW,
        "updated_at": NOW,
    }
    assert await api.get(f"/reviews/{review['id']}") == review


async def test_stars_are_enough(api: Api, booking: str, renter: Person) -> None:
    review = await api.post("/reviews/", renter, expect=201, booking_id=booking, overall_rating=1)
    assert review["overall_rating"] == 1
    assert {name: review[name] for name in SAID if name != "overall_rating"} == dict.fromkeys([*SAID][1:])


async def test_a_booking_whose_money_was_given_back_may_be_reviewed(api: Api, record: Record, renter: Person) -> None:
    booking = await record("refunded")
    await api.post("/reviews/", renter, expect=201, booking_id=booking, overall_rating=2)


@pytest.mark.parametrize("status", ["pending", "confirmed", "in_progress", "cancelled"])
async def test_what_is_not_completed_is_not_reviewed(api: Api, record: Record, renter: Person, status: str) -> None:
    await api.post("/reviews/", renter, expect=409, booking_id=await record(status), overall_rating=5)


async def test_a_booking_is_reviewed_once(api: Api, booking: str, renter: Person, review: dict[str, Any]) -> None:
    await api.post("/reviews/", renter, expect=409, booking_id=booking, overall_rating=1)
    assert await api.get(f"/reviews/{review['id']}") == review


async def test_who_has_deleted_a_review_may_write_another(
    api: Api, booking: str, renter: Person, review: dict[str, Any]
) -> None:
    await api.delete(f"/reviews/{review['id']}", renter)
    again = await api.post("/reviews/", renter, expect=201, booking_id=booking, overall_rating=1)
    assert again["id"] != review["id"]


@pytest.mark.parametrize("status", ["confirmed", "completed"])
async def test_only_the_renter_reviews_whatever_the_status(
    api: Api, record: Record, owner: Person, admin: Person, other_renter: Person, status: str
) -> None:
    wish: dict[str, Any] = {"booking_id": await record(status), "overall_rating": 5}
    for party in (owner, admin):
        await api.post("/reviews/", party, expect=403, **wish)
    await api.post("/reviews/", other_renter, expect=404, **wish)
    await api.post("/reviews/", expect=401, **wish)


async def test_an_admin_reviews_what_they_have_rented(
    api: Api, session: AsyncSession, booking: str, renter: Person
) -> None:
    await session.execute(text("UPDATE users SET role = 'admin' WHERE id = :id"), {"id": renter.id})
    await api.post("/reviews/", renter, expect=201, booking_id=booking, overall_rating=5)


async def test_a_booking_that_is_not_there_is_not_reviewed(api: Api, renter: Person) -> None:
    await api.post("/reviews/", renter, expect=404, booking_id=NOWHERE, overall_rating=5)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("overall_rating", value) for value in (None, 0, 6, 4.5, True, "many", [5], 10**30)),
        *(("value_rating", value) for value in (0, 6, 4.5, True)),
        ("title", "x" * 256),
        ("title", "two\nlines"),
        ("title", "nul\x00"),
        ("comment", "x" * 5_001),
        ("comment", "nul\x00"),
        ("comment", 5),
    ],
)
async def test_a_field_that_cannot_be_is_named(
    api: Api, record: Record, renter: Person, review: dict[str, Any], field: str, value: object
) -> None:
    wish = SAID | {"booking_id": await record("completed"), field: value}
    for answer in (
        await api.post("/reviews/", renter, expect=422, **wish),
        await api.put(f"/reviews/{review['id']}", renter, expect=422, **{field: value}),
    ):
        assert [error["pointer"] for error in answer["errors"]] == [f"/{field}"]
    assert await api.get(f"/reviews/{review['id']}") == review


@pytest.mark.parametrize("wish", [{"overall_rating": 5}, {"booking_id": "mine", "overall_rating": 5}])
async def test_a_review_is_of_a_booking(api: Api, renter: Person, wish: dict[str, Any]) -> None:
    answer = await api.post("/reviews/", renter, expect=422, **wish)
    assert [error["pointer"] for error in answer["errors"]] == ["/booking_id"]


async def test_the_author_changes_what_is_sent_and_nothing_else(
    api: Api, renter: Person, review: dict[str, Any]
) -> None:
    api.clock.pass_by(minutes=5)
    url = f"/reviews/{review['id']}"
    changed = await api.put(url, renter, overall_rating=2, title=None, value_rating=None, comment="Narrow.")
    assert changed == review | {
        "overall_rating": 2,
        "title": None,
        "value_rating": None,
        "comment": "Narrow.",
        "updated_at": "2040-01-02T10:05:00Z",
    }
    assert await api.get(url) == changed
    api.clock.pass_by(minutes=5)
    assert await api.put(url, renter) == changed
    assert await api.put(url, renter, helpful_count=99, owner_response="Ha", booking_id=NOWHERE) == changed


async def test_a_review_is_edited_for_fourteen_days_and_deleted_at_any_time(
    api: Api, renter: Person, review: dict[str, Any]
) -> None:
    url = f"/reviews/{review['id']}"
    api.clock.pass_by(days=13, hours=23, minutes=59)
    changed = await api.put(url, (await again(api, renter)), overall_rating=2)
    api.clock.pass_by(minutes=1)
    late = await again(api, renter)
    answer = await api.put(url, late, expect=409, overall_rating=1)
    assert "14 days" in answer["detail"]
    assert await api.get(url) == changed
    await api.delete(url, late)


async def again(api: Api, person: Person) -> Person:
    """Signed in anew, as the access token of days ago is over."""
    return await api.sign_in(person.id, person.email)


async def test_what_was_changed_since_it_was_read_is_not_overwritten(
    api: Api, renter: Person, review: dict[str, Any]
) -> None:
    url = f"/reviews/{review['id']}"
    seen = {"If-Match": (await api.request("GET", url)).headers["etag"]}
    await api.request("PUT", url, renter, json={"overall_rating": 2}, headers=seen)
    await api.request("PUT", url, renter, expect=412, json={"overall_rating": 1}, headers=seen)
    assert (await api.get(url))["overall_rating"] == 2


async def test_a_review_that_is_sent_twice_with_one_key_is_answered_twice_and_written_once(
    api: Api, booking: str, renter: Person
) -> None:
    wish = {"booking_id": booking, "overall_rating": 5}
    first, second = [
        await api.request("POST", "/reviews/", renter, expect=201, json=wish, headers={"Idempotency-Key": "once"})
        for _ in range(2)
    ]
    assert first.json() == second.json()


async def test_what_others_have_written_is_neither_changed_nor_deleted(
    api: Api, owner: Person, admin: Person, other_renter: Person, review: dict[str, Any]
) -> None:
    url = f"/reviews/{review['id']}"
    for party, expect in ((owner, 403), (admin, 403), (other_renter, 404), (None, 401)):
        await api.put(url, party, expect=expect, overall_rating=1)
    for party, expect in ((owner, 403), (other_renter, 404), (None, 401)):
        await api.delete(url, party, expect=expect)
    assert await api.get(url) == review


async def test_a_review_that_its_author_deletes_is_gone_with_its_votes_and_may_be_written_anew(
    api: Api, session: AsyncSession, renter: Person, admin: Person, review: dict[str, Any]
) -> None:
    url = f"/reviews/{review['id']}"
    await api.post(f"{url}/helpful", admin)
    await api.delete(url, renter)
    await api.get(url, expect=404)
    await api.delete(url, renter, expect=404)
    assert await session.scalar(text("SELECT count(*) FROM review_votes")) == 0
    assert await session.scalar(text("SELECT count(*) FROM audit_log")) == 0
    await api.post("/reviews/", renter, expect=201, booking_id=review["booking_id"], overall_rating=3)


async def test_a_review_that_staff_removes_is_nowhere_and_not_written_again(
    api: Api, session: AsyncSession, renter: Person, owner: Person, admin: Person, review: dict[str, Any]
) -> None:
    url, spot = f"/reviews/{review['id']}", review["parking_spot_id"]
    await api.delete(url, admin)
    await api.get(url, expect=404)
    for who, ask in ((renter, api.delete), (renter, api.put), (admin, api.delete)):
        await ask(url, who, expect=404)
    await api.post(f"{url}/response", owner, expect=404, response="Thanks")
    await api.post(f"{url}/helpful", owner, expect=404)
    assert await api.get(f"/reviews/spot/{spot}") == []
    assert (await api.get(f"/reviews/spot/{spot}/summary"))["total_reviews"] == 0
    assert (await api.get(f"/parking-spots/{spot}"))["total_reviews"] == 0
    await api.post("/reviews/", renter, expect=409, booking_id=review["booking_id"], overall_rating=1)
    noted = (await session.execute(text("SELECT actor_id, action, subject, subject_id FROM audit_log"))).all()
    assert [tuple(map(str, row)) for row in noted] == [(admin.id, "remove", "review", review["id"])]


async def test_the_owner_responds_and_may_think_again(api: Api, owner: Person, review: dict[str, Any]) -> None:
    url = f"/reviews/{review['id']}"
    api.clock.pass_by(minutes=5)
    first = await api.post(f"{url}/response", owner, response=" Thank you! ")
    at = "2040-01-02T10:05:00Z"
    assert first == review | {"owner_response": "Thank you!", "owner_responded_at": at, "updated_at": at}
    api.clock.pass_by(minutes=5)
    second = await api.post(f"{url}/response", owner, response="Thanks,\nand come again.")
    assert second["owner_response"] == "Thanks,\nand come again."
    assert second["owner_responded_at"] == "2040-01-02T10:10:00Z"
    assert await api.get(url) == second


async def test_only_the_owner_responds(
    api: Api, renter: Person, admin: Person, other_owner: Person, review: dict[str, Any]
) -> None:
    url = f"/reviews/{review['id']}/response"
    for party, expect in ((renter, 403), (admin, 403), (other_owner, 404), (None, 401)):
        await api.post(url, party, expect=expect, response="Thank you!")
    assert (await api.get(f"/reviews/{review['id']}"))["owner_response"] is None


@pytest.mark.parametrize("response", ["", "  ", None, "x" * 5_001, "nul\x00", 5])
async def test_a_response_says_something(api: Api, owner: Person, review: dict[str, Any], response: object) -> None:
    answer = await api.post(f"/reviews/{review['id']}/response", owner, expect=422, response=response)
    assert [error["pointer"] for error in answer["errors"]] == ["/response"]


async def test_a_review_helps_each_user_once_and_a_second_time_is_answered_alike(
    api: Api, renter: Person, owner: Person, other_renter: Person, review: dict[str, Any]
) -> None:
    url = f"/reviews/{review['id']}"
    first = await api.post(f"{url}/helpful", other_renter)
    assert first == {"message": first["message"], "helpful_count": 1}
    assert await api.post(f"{url}/helpful", other_renter) == first
    assert (await api.post(f"{url}/helpful", owner))["helpful_count"] == 2
    assert (await api.post(f"{url}/helpful", renter))["helpful_count"] == 3
    await api.post(f"{url}/helpful", expect=401)
    assert await api.get(url) == review | {"helpful_count": 3}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("PUT", "", {"overall_rating": 1}),
        ("DELETE", "", None),
        ("POST", "/response", {"response": "Thank you!"}),
        ("POST", "/helpful", None),
    ],
)
async def test_a_review_that_is_not_there_is_not_found(
    api: Api, admin: Person, method: str, path: str, body: dict[str, object] | None
) -> None:
    await api.request(method, f"/reviews/{NOWHERE}{path}", admin, expect=404, json=body)
    await api.request(method, f"/reviews/the-best{path}", admin, expect=422, json=body)
