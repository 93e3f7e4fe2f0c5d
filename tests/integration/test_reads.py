"""Kept answers: the same as the route's, however one asks."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from prometheus_client import REGISTRY

from product import Api, Person

LIST, SEARCH = "/parking-spots/", "/parking-spots/search"


def count(route: str, outcome: str) -> float:
    return REGISTRY.get_sample_value("parkingspots_reads_total", {"route": route, "outcome": outcome}) or 0.0


def headers(answer: httpx.Response) -> dict[str, str]:
    """But for the request's own name."""
    return {name: value for name, value in answer.headers.items() if name != "x-request-id"}


async def test_a_list_that_was_asked_for_is_kept(keeping_api: Api, spot: str) -> None:
    await keeping_api.app.state.follower.catch_up()  # the spot was listed elsewhere
    first = await keeping_api.request("GET", LIST)
    hits = count("list_spots", "hit")
    second = await keeping_api.request("GET", LIST)
    assert [each["id"] for each in first.json()] == [spot]
    assert (second.content, headers(second)) == (first.content, headers(first))
    assert count("list_spots", "hit") == hits + 1


async def test_a_new_price_is_seen_at_once(keeping_api: Api, owner: Person, spot: str) -> None:
    for price in (400, 500, 600):
        await keeping_api.put(f"/parking-spots/{spot}", owner, hourly_rate=price)
        assert (await keeping_api.get(f"/parking-spots/{spot}"))["hourly_rate"] == price
        assert [each["hourly_rate"] for each in await keeping_api.get(LIST)] == [price]


async def test_whoever_takes_gzip_gets_the_same_compressed(keeping_api: Api, spot: str) -> None:
    path = f"/parking-spots/{spot}"
    plain = await keeping_api.request("GET", path, headers={"Accept-Encoding": "identity"})
    packed = await keeping_api.request("GET", path, headers={"Accept-Encoding": "br, gzip;q=0.5"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == plain.content
    assert packed.headers["etag"] != plain.headers["etag"]
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"])


@pytest.mark.parametrize(("hours", "is_kept"), [(-1, False), (1, True)])
async def test_a_search_for_a_time_that_has_gone_by_is_not_kept(
    keeping_api: Api, spot: str, hours: int, is_kept: bool
) -> None:
    """Of bookings that were over long ago the log says nothing."""
    del spot
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=hours)
    window = {"start_time": start.isoformat(), "end_time": (start + timedelta(minutes=30)).isoformat()}
    await keeping_api.app.state.follower.catch_up()  # the spot was listed elsewhere
    before = count("search_spots", "hit")
    for _ in range(3):
        await keeping_api.request("GET", SEARCH, params=window)
    assert count("search_spots", "hit") - before == (2 if is_kept else 0)


@pytest.mark.usefixtures("spot")
async def test_only_a_get_is_answered_with_what_is_kept(keeping_api: Api) -> None:
    kept, *_ = [await keeping_api.request("GET", LIST) for _ in range(3)]
    head = await keeping_api.request("HEAD", LIST)
    assert (head.content, headers(head)) == (b"", headers(kept))
    await keeping_api.request("POST", LIST, expect=401)
    await keeping_api.request("DELETE", LIST, expect=405)
