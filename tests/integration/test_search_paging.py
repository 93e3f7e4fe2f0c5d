"""Going through a list page by page."""

import random
import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.kit.paging import Page, cut
from product import Api, Person

LIST, SEARCH = "/parking-spots/", "/parking-spots/search"
BOTH = pytest.mark.parametrize("path", [LIST, SEARCH])
BY_AGE: dict[str, Any] = {}
BY_DISTANCE: dict[str, Any] = {"latitude": 37.9755, "longitude": 23.7348}
ORDERS = pytest.mark.parametrize("order", [BY_AGE, BY_DISTANCE], ids=["by age", "by distance"])
ROWS = 13


@pytest.fixture
async def spots(api: Api, owner: Person, session: AsyncSession) -> list[str]:
    """Spots of which several are equally old and equally far."""
    ids = [await api.list_spot(owner, latitude=37.97 + number // 4 / 1000) for number in range(ROWS)]
    for number, spot in enumerate(ids):
        await session.execute(
            text(
                "UPDATE spots SET created_at = timestamptz '2030-01-01Z' + make_interval(secs => :age) WHERE id = :id"
            ),
            {"age": number // 3, "id": spot},
        )
    return ids


async def pages(api: Api, path: str, who: Person | None = None, **asked: Any) -> AsyncIterator[list[Any]]:
    """Each page, by the Link of the one before."""
    answer = await api.request("GET", path, who, params=asked)
    yield answer.json()
    while link := answer.headers.get("Link"):
        answer = await api.request("GET", following(link), who)
        yield answer.json()


def following(link: str) -> str:
    """The path, below the API's, that a Link header names as the next."""
    named = re.fullmatch(r'<(/api/v1[^>]*)>; rel="next"', link)
    assert named, link
    return named[1].removeprefix("/api/v1")


@BOTH
@ORDERS
async def test_every_row_comes_once_and_in_order(api: Api, spots: list[str], path: str, order: dict[str, Any]) -> None:
    whole = [item["id"] for item in await api.get(path, page_size=200, **order)]
    assert sorted(whole) == sorted(spots)
    for size in (1, 4, ROWS):
        parts = [[item["id"] for item in page] async for page in pages(api, path, page_size=size, **order)]
        assert [spot for part in parts for spot in part] == whole
        assert [len(part) for part in parts[:-1]] == [size] * (len(parts) - 1)
        assert parts[-1]


@BOTH
@ORDERS
async def test_page_numbers_and_cursors_go_through_the_same_pages(
    api: Api, spots: list[str], path: str, order: dict[str, Any]
) -> None:
    by_cursor = [page async for page in pages(api, path, limit=5, **order)]
    by_number = [await api.get(path, page=number, page_size=5, **order) for number in range(1, 5)]
    assert [[item["id"] for item in page] for page in by_number] == [
        *([item["id"] for item in page] for page in by_cursor),
        [],
    ]
    assert len(spots) == ROWS


@ORDERS
async def test_rows_that_stay_come_once_while_others_come_and_go(
    api: Api, owner: Person, spots: list[str], order: dict[str, Any]
) -> None:
    source, gone, seen = random.Random(7), set[str](), list[str]()
    async for page in pages(api, LIST, page_size=2, **order):
        seen += [item["id"] for item in page]
        await api.list_spot(owner, latitude=37.97 + source.random() / 100)
        leaving = source.choice([spot for spot in spots if spot not in gone])
        await api.delete(f"/parking-spots/{leaving}", owner)
        gone.add(leaving)
    assert len(seen) == len(set(seen))
    assert set(spots) - gone <= set(seen)


@ORDERS
async def test_a_cursor_goes_on_though_its_row_is_gone(
    api: Api, owner: Person, spots: list[str], order: dict[str, Any]
) -> None:
    whole = [item["id"] for item in await api.get(LIST, page_size=200, **order)]
    answer = await api.request("GET", LIST, params={"page_size": 7, **order})
    await api.delete(f"/parking-spots/{whole[6]}", owner)
    rest = (await api.request("GET", following(answer.headers["Link"]))).json()
    assert [item["id"] for item in rest] == whole[7:14]
    assert set(whole) == set(spots)


async def test_the_last_page_links_nowhere(api: Api, spots: list[str]) -> None:
    for asked in ({"limit": len(spots)}, {"limit": len(spots) + 1}, {"page": 2}, {"page": 99}):
        assert "Link" not in (await api.request("GET", LIST, params=asked)).headers
    assert "Link" in (await api.request("GET", LIST, params={"limit": len(spots) - 1})).headers


async def test_twenty_rows_make_a_page_unless_said_otherwise(api: Api, owner: Person, spots: list[str]) -> None:
    for _ in range(20 - ROWS + 1):
        await api.list_spot(owner)
    assert len(await api.get(LIST)) == len(await api.get(SEARCH)) == 20
    assert len(await api.get(LIST, limit=3)) == len(await api.get(LIST, page_size=3)) == 3
    assert len(await api.get(LIST, page_size=3, limit=5)) == 3
    assert len(await api.get(LIST, limit=200)) == len(spots) + 8


@BOTH
async def test_the_next_page_keeps_every_filter_in_its_one_form_and_drops_the_page_number(
    api: Api, spots: list[str], path: str
) -> None:
    asked = {
        **BY_DISTANCE,
        "radius_km": "7.5",
        "city": "athens",
        "q": "near syntagma",
        "max_price": "400",
        "start_time": "2040-01-03T12:00:00+02:00",
        "end_time": "2040-01-03T13:00:00+02:00",
        "limit": "2",
    }
    link = (await api.request("GET", path, params={**asked, "page": 2})).headers["Link"]
    kept = dict(parse_qsl(urlsplit(following(link)).query))
    assert kept.pop("cursor")
    renamed = {
        "max_hourly_rate": asked.pop("max_price"),
        "page_size": asked.pop("limit"),
        "start_time": "2040-01-03T10:00:00Z",
        "end_time": "2040-01-03T11:00:00Z",
    }
    assert kept == {name: str(value) for name, value in (asked | renamed).items()}
    assert len(spots) == ROWS


async def test_a_link_holds_what_was_asked_for_and_nothing_else(api: Api, owner: Person) -> None:
    for _ in range(2):
        await api.list_spot(owner, title='Quoted ">, <http://evil.example>; rel="next')
    nasty = '">, <http://evil.example>; rel="next'
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    answer = await api.request("GET", LIST, params={"q": nasty, "limit": 1, "other": "a\r\nb"}, headers=headers)
    query = parse_qs(urlsplit(following(answer.headers["Link"])).query)
    assert query["q"] == [nasty]
    assert "other" not in query
    assert answer.headers["Link"].startswith("</api/v1/parking-spots/?")


async def test_a_search_for_the_next_hour_goes_on_with_the_hour_it_began_with(
    api: Api, owner: Person, renter: Person
) -> None:
    spots = [await api.list_spot(owner) for _ in range(4)]
    await api.book(renter, spots[0], 1, 2)
    api.clock.pass_by(seconds=45)
    answer = await api.request("GET", SEARCH, params={"limit": 2})
    query = dict(parse_qsl(urlsplit(following(answer.headers["Link"])).query))
    assert (query["start_time"], query["end_time"]) == ("2040-01-02T10:00:00Z", "2040-01-02T11:00:00Z")
    api.clock.pass_by(minutes=20)
    rest = (await api.request("GET", following(answer.headers["Link"]))).json()
    assert [item["id"] for item in rest] == [spots[1], spots[0]]


async def test_my_spots_go_on_from_page_to_page(api: Api, owner: Person, other_owner: Person, spots: list[str]) -> None:
    await api.list_spot(other_owner)
    whole = [spot["id"] for spot in await api.get("/parking-spots/my-spots", owner)]
    parts = [page async for page in pages(api, "/parking-spots/my-spots", owner, limit=4)]
    assert [spot["id"] for part in parts for spot in part] == whole
    assert sorted(whole) == sorted(spots)


async def test_a_cursor_of_another_order_or_a_garbled_one_is_refused(api: Api, spots: list[str]) -> None:
    async def cursor(order: dict[str, Any]) -> str:
        link = (await api.request("GET", LIST, params={"limit": 1, **order})).headers["Link"]
        return parse_qs(urlsplit(link).query)["cursor"][0]

    old, far = await cursor(BY_AGE), await cursor(BY_DISTANCE)
    huge = cut(Page(1), [(10**300, spots[0])] * 2, lambda row: row)[1]
    for order, wrong in ((BY_AGE, far), (BY_DISTANCE, old)):
        for garbled in (wrong, "", "x", "é", old[:-9], far[1:], huge, "=" * 40, "A" * 501):
            for path in (LIST, SEARCH):
                answer = await api.get(path, expect=422, cursor=garbled, **order)
                assert [error["parameter"] for error in answer["errors"]] == ["cursor"]
