"""What a spot, the lists, its summary and its reviews say of its rating: the same, at every moment."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.reviews import repository
from parkingspots.spots import repository as spots
from product import Api, Person

Record = Callable[..., Awaitable[str]]
CROWD = 20
AGREED = """
    SELECT total_reviews = count(id) AND average_rating = coalesce(round(avg(overall_rating), 2), 0)::float8
    FROM spot_stats LEFT JOIN reviews USING (spot_id) WHERE spot_id = :spot GROUP BY spot_stats.spot_id
"""


async def rating(api: Api, spot: str) -> tuple[int, float]:
    """How many reviews the spot has, and their mean, which every answer that says so says alike."""
    listing = await api.request("GET", f"/reviews/spot/{spot}?page_size=200")
    stars = Counter(str(review["overall_rating"]) for review in listing.json())
    total = sum(stars.values())
    assert listing.headers["x-total-count"] == str(total)

    mean = Decimal(sum(int(star) * count for star, count in stars.items())) / max(total, 1)
    said = {"total_reviews": total, "average_rating": float(mean.quantize(Decimal("0.01"), ROUND_HALF_UP))}
    summary = await api.get(f"/reviews/spot/{spot}/summary")
    assert summary["rating_breakdown"] == dict.fromkeys("12345", 0) | stars
    for answer in (
        summary,
        await api.get(f"/parking-spots/{spot}"),
        *(await api.get("/parking-spots/")),
        *(await api.get("/parking-spots/search", latitude=37.97, longitude=23.73)),
    ):
        assert {name: answer[name] for name in said} == said
    return total, said["average_rating"]


async def written(api: Api, record: Record, renter: Person, stars: int) -> str:
    """The id of a review of one more booking of the spot."""
    wish = {"booking_id": await record("completed"), "overall_rating": stars}
    review_id: str = (await api.post("/reviews/", renter, expect=201, **wish))["id"]
    return review_id


async def test_spots_lists_and_reviews_agree_after_every_step(
    api: Api, record: Record, spot: str, renter: Person, owner: Person
) -> None:
    assert await rating(api, spot) == (0, 0)
    first = await written(api, record, renter, 5)
    assert await rating(api, spot) == (1, 5)
    second = await written(api, record, renter, 2)
    assert await rating(api, spot) == (2, 3.5)
    third = await written(api, record, renter, 4)
    assert await rating(api, spot) == (3, 3.67)
    await api.put(f"/reviews/{second}", renter, overall_rating=1)
    assert await rating(api, spot) == (3, 3.33)
    await api.put(f"/reviews/{second}", renter, comment="Narrow.")
    await api.post(f"/reviews/{second}/response", owner, response="Sorry.")
    await api.post(f"/reviews/{second}/helpful", owner)
    assert await rating(api, spot) == (3, 3.33)
    await api.delete(f"/reviews/{first}", renter)
    assert await rating(api, spot) == (2, 2.5)
    for review in (second, third):
        await api.delete(f"/reviews/{review}", renter)
    assert await rating(api, spot) == (0, 0)


async def test_half_a_hundredth_is_rounded_up_in_every_answer(
    api: Api, record: Record, spot: str, renter: Person
) -> None:
    for stars in (5, 4, 4, 4, 4, 4, 4, 4):
        await written(api, record, renter, stars)
    assert await rating(api, spot) == (8, 4.13)


async def test_a_refused_review_rates_nothing(api: Api, record: Record, spot: str, renter: Person) -> None:
    booking = await record("completed")
    await api.post("/reviews/", renter, expect=201, booking_id=booking, overall_rating=5)
    await api.post("/reviews/", renter, expect=409, booking_id=booking, overall_rating=1)
    assert await rating(api, spot) == (1, 5)


async def test_a_rating_is_of_its_own_spot(
    api: Api, session: AsyncSession, record: Record, owner: Person, renter: Person
) -> None:
    elsewhere = await api.list_spot(owner)
    await written(api, record, renter, 5)
    rated = "SELECT total_reviews, average_rating FROM spot_stats WHERE spot_id = :id"
    assert tuple((await session.execute(text(rated), {"id": elsewhere})).one()) == (0, 0)


async def test_while_many_write_change_and_delete_spots_and_reviews_agree_at_every_moment(
    api: Api, session: AsyncSession, record: Record, spot: str, renter: Person
) -> None:
    present = [await written(api, record, renter, 1) for _ in range(CROWD // 2)]
    bookings = [await record("completed") for _ in range(CROWD // 2)]
    to_edit, to_delete = present[::2], present[1::2]
    leaving = [await record("confirmed", -hour - 1, -hour) for hour in range(3)]

    async def send(method: str, path: str, body: dict[str, Any] | None = None) -> int:
        answer = await api.client.request(method, f"/api/v1{path}", json=body, headers=renter.headers)
        return answer.status_code

    at_work = asyncio.gather(
        *(send("POST", "/reviews/", {"booking_id": booking, "overall_rating": 5}) for booking in bookings),
        *(send("PUT", f"/reviews/{review}", {"overall_rating": 3}) for review in to_edit),
        *(send("DELETE", f"/reviews/{review}") for review in to_delete),
        *(send("POST", f"/bookings/{booking}/check-out") for booking in leaving),
    )
    while not at_work.done():
        assert await session.scalar(text(AGREED), {"spot": spot})
        await agrees_with_itself(await api.request("GET", f"/reviews/spot/{spot}?page_size=200"))
    assert await at_work == [201] * 10 + [200] * 13
    assert await rating(api, spot) == (15, 4.33)
    assert (await api.get(f"/parking-spots/{spot}"))["total_bookings"] == 3


async def agrees_with_itself(listing: httpx.Response) -> None:
    assert listing.headers["x-total-count"] == str(len(listing.json()))


async def test_of_many_reviews_of_one_booking_at_once_one_is_written(
    api: Api, record: Record, spot: str, renter: Person
) -> None:
    assert await race(api, await record("completed"), renter) == Counter({201: 1, 409: CROWD - 1})
    assert await rating(api, spot) == (1, 5)


async def test_the_constraint_alone_holds_to_one_review_a_booking_with_the_same_answer(
    api: Api, record: Record, renter: Person, session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: object) -> bool:
        return False

    monkeypatch.setattr(repository, "is_reviewed", nothing)
    monkeypatch.setattr(spots, "lock_counters", nothing)
    assert await race(api, await record("completed"), renter) == Counter({201: 1, 409: CROWD - 1})
    assert await session.scalar(text("SELECT count(*) FROM reviews")) == 1


async def race(api: Api, booking: str, renter: Person) -> Counter[int]:
    """How often each status is answered where the renter sends the same review many times at once."""
    wish = {"booking_id": booking, "overall_rating": 5}
    answers = await asyncio.gather(
        *(api.client.post("/api/v1/reviews/", json=wish, headers=renter.headers) for _ in range(CROWD))
    )
    return Counter(answer.status_code for answer in answers)


async def test_votes_that_come_at_once_count_once_a_user(
    api: Api, session: AsyncSession, record: Record, renter: Person
) -> None:
    review = await written(api, record, renter, 5)
    voters = [await api.person(f"voter-{number}") for number in range(5)]
    answers = await asyncio.gather(
        *(api.client.post(f"/api/v1/reviews/{review}/helpful", headers=who.headers) for who in voters * 4)
    )
    assert [answer.status_code for answer in answers] == [200] * 20
    assert (await api.get(f"/reviews/{review}"))["helpful_count"] == 5
    assert await session.scalar(text("SELECT count(*) FROM review_votes")) == 5


async def test_a_review_is_deleted_while_others_find_it_helpful_and_nothing_is_left(
    api: Api, session: AsyncSession, record: Record, renter: Person
) -> None:
    voters = [await api.person(f"voter-{number}") for number in range(3)]
    for _ in range(5):
        review = await written(api, record, renter, 5)
        votes = [api.client.post(f"/api/v1/reviews/{review}/helpful", headers=who.headers) for who in voters]
        deletion = api.client.delete(f"/api/v1/reviews/{review}", headers=renter.headers)
        voted, deleted, *also_voted = await asyncio.gather(votes[0], deletion, *votes[1:])
        assert deleted.status_code == 200
        assert {answer.status_code for answer in (voted, *also_voted)} <= {200, 404}
        assert await session.scalar(text("SELECT count(*) FROM review_votes")) == 0
