"""The reviews of a spot, and what they come to."""

import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncSession

from operations import NOWHERE
from product import Api, Person

Record = Callable[..., Awaitable[str]]
Write = Callable[..., Awaitable[Any]]
BOTH = pytest.mark.parametrize("path", ["/reviews/spot", "/reviews/parking-spot"])
OF_NOBODY = {
    "average_rating": 0,
    "total_reviews": 0,
    "rating_breakdown": {"1": 0, "2": 0, "3": 0, "4": 0, "5": 0},
    "average_cleanliness": None,
    "average_accessibility": None,
    "average_accuracy": None,
    "average_value": None,
}


@pytest.fixture
def write(api: Api, record: Record, renter: Person) -> Write:
    """Review the spot, after one more booking of it."""

    async def writing(stars: int = 4, **said: object) -> Any:
        booking = await record("completed")
        return await api.post("/reviews/", renter, expect=201, booking_id=booking, overall_rating=stars, **said)

    return writing


def ids(reviews: list[dict[str, Any]]) -> list[str]:
    return [review["id"] for review in reviews]


@contextmanager
def statements(app: FastAPI) -> Iterator[list[str]]:
    """What is sent to the database while the block lasts."""
    sent: list[str] = []
    engine = app.state.database.engine.sync_engine

    def noted(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", noted)
    yield sent
    event.remove(engine, "before_cursor_execute", noted)


@BOTH
async def test_reviews_come_newest_first_with_their_authors(
    api: Api, spot: str, write: Write, renter: Person, path: str
) -> None:
    picture = "https://images.example.com/renter.jpg"
    await api.put("/users/me", renter, profile_image=picture)
    author = {"reviewer_name": "Renter", "reviewer_image": picture, "reviewer": {"full_name": "Renter"}}
    first = await write()
    api.clock.pass_by(minutes=1)
    second = await write()
    assert await api.get(f"{path}/{spot}") == [second | author, first | author]


@BOTH
async def test_a_list_shows_the_reviews_of_its_spot_only(
    api: Api, spot: str, owner: Person, write: Write, path: str
) -> None:
    await write()
    elsewhere = await api.list_spot(owner)
    assert await api.get(f"{path}/{elsewhere}") == []
    assert await api.get(f"{path}/{elsewhere}/summary") == OF_NOBODY
    assert len(await api.get(f"{path}/{spot}")) == 1


@BOTH
async def test_the_link_header_leads_through_every_review_once_and_the_total_is_told_on_each_page(
    api: Api, spot: str, write: Write, path: str
) -> None:
    made = [(await write())["id"] for _ in range(5)]  # all at one moment of the clock
    url, seen = f"{path}/{spot}?page_size=2", list[str]()
    while url and len(seen) < len(made):
        answer = await api.request("GET", url)
        assert answer.headers["x-total-count"] == "5"
        assert len(answer.json()) <= 2
        seen += ids(answer.json())
        link = re.fullmatch(r'</api/v1([^>]+)>; rel="next"', answer.headers.get("Link", ""))
        url = link[1] if link else ""
    assert (seen, url) == (sorted(made, reverse=True), "")


async def test_a_review_that_is_written_meanwhile_moves_no_other_to_another_page(
    api: Api, spot: str, write: Write
) -> None:
    made = [(await write())["id"] for _ in range(4)]
    first = await api.request("GET", f"/reviews/spot/{spot}?page_size=2")
    await write()
    second = await api.request("GET", first.headers["Link"].partition(">")[0].removeprefix("</api/v1"))
    assert ids(first.json()) + ids(second.json()) == made[::-1]


async def test_pages_may_be_counted_too(api: Api, spot: str, write: Write) -> None:
    made = [(await write())["id"] for _ in range(3)][::-1]
    url = f"/reviews/spot/{spot}"
    assert ids(await api.get(url, page=1, page_size=2)) == made[:2]
    assert ids(await api.get(url, page=2, limit=2)) == made[2:]
    beyond = await api.request("GET", url, params={"page": 3, "page_size": 2})
    assert (beyond.json(), beyond.headers["x-total-count"]) == ([], "3")


async def test_a_page_has_twenty_reviews(api: Api, spot: str, write: Write) -> None:
    for _ in range(21):
        await write()
    answer = await api.request("GET", f"/reviews/spot/{spot}")
    assert (len(answer.json()), answer.headers["x-total-count"]) == (20, "21")


@pytest.mark.parametrize("params", [{"page": 0}, {"page_size": 201}, {"limit": 0}, {"cursor": "nonsense"}])
async def test_a_page_that_cannot_be_is_refused(api: Api, spot: str, params: dict[str, Any]) -> None:
    answer = await api.get(f"/reviews/spot/{spot}", expect=422, **params)
    assert [error["parameter"] for error in answer["errors"]] == [*params]


async def test_the_summary_tells_means_to_two_decimals_and_how_often_each_number_of_stars_was_given(
    api: Api, spot: str, write: Write
) -> None:
    await write(5, cleanliness_rating=5, value_rating=1)
    await write(5, cleanliness_rating=4)
    await write(4, cleanliness_rating=4, accuracy_rating=3)
    assert await api.get(f"/reviews/spot/{spot}/summary") == {
        "average_rating": 4.67,
        "total_reviews": 3,
        "rating_breakdown": {"1": 0, "2": 0, "3": 0, "4": 1, "5": 2},
        "average_cleanliness": 4.33,
        "average_accessibility": None,
        "average_accuracy": 3,
        "average_value": 1,
    }


@BOTH
@pytest.mark.parametrize("rest", ["", "/summary"])
async def test_a_spot_that_nobody_has_reviewed_has_none_and_one_that_is_not_there_is_not_found(
    api: Api, spot: str, owner: Person, path: str, rest: str
) -> None:
    answer = await api.request("GET", f"{path}/{spot}{rest}")
    assert answer.json() == (OF_NOBODY if rest else [])
    assert rest or answer.headers["x-total-count"] == "0"
    await api.get(f"{path}/{NOWHERE}{rest}", expect=404)
    await api.get(f"{path}/mine{rest}", expect=422)
    await api.delete(f"/parking-spots/{spot}", owner)
    await api.get(f"{path}/{spot}{rest}", expect=404)


async def test_the_reviews_of_a_deleted_spot_outlive_it(
    api: Api, session: AsyncSession, spot: str, owner: Person, write: Write
) -> None:
    review = await write()
    await api.delete(f"/parking-spots/{spot}", owner)
    assert await api.get(f"/reviews/{review['id']}") == review
    assert await session.scalar(text("SELECT total_reviews FROM spot_stats")) == 1


@BOTH
@pytest.mark.parametrize("rest", ["", "/summary"])
async def test_however_many_reviews_there_are_they_are_one_statement(
    api: Api, app: FastAPI, spot: str, write: Write, path: str, rest: str
) -> None:
    for _ in range(3):
        await write()
    with statements(app) as sent:
        await api.get(f"{path}/{spot}{rest}")
    assert len(sent) == 1
