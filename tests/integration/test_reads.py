"""Kept answers: the same as the route's, however one asks."""

from collections.abc import AsyncIterator

import pytest
from prometheus_client import REGISTRY
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.settings import Settings
from product import Api, Clock, Person, running, until

LIST, SEARCH = "/parking-spots/", "/parking-spots/search"


@pytest.fixture
def keeping(settings: Settings) -> Settings:
    """Settings under which answers are kept."""
    return settings.model_copy(update={"cache_search_seconds": 300, "cache_spot_seconds": 600})


@pytest.fixture
async def api(keeping: Settings, session: AsyncSession, clock: Clock) -> AsyncIterator[Api]:  # noqa: ARG001
    async with running(keeping, clock) as api:
        await until(api.is_keeping)
        yield api


def count(route: str, outcome: str) -> float:
    return REGISTRY.get_sample_value("parkingspots_reads_total", {"route": route, "outcome": outcome}) or 0.0


async def test_a_list_that_was_asked_for_is_kept(api: Api, spot: str) -> None:
    first = await api.request("GET", LIST)
    hits = count("list_spots", "hit")
    second = await api.request("GET", LIST)
    assert [each["id"] for each in first.json()] == [spot]
    assert (second.content, second.headers) == (first.content, first.headers)
    assert count("list_spots", "hit") == hits + 1


async def test_a_new_price_is_seen_at_once(api: Api, owner: Person, spot: str) -> None:
    for price in (400, 500, 600):
        await api.put(f"/parking-spots/{spot}", owner, hourly_rate=price)
        assert (await api.get(f"/parking-spots/{spot}"))["hourly_rate"] == price
        assert [each["hourly_rate"] for each in await api.get(LIST)] == [price]


async def test_whoever_takes_gzip_gets_the_same_compressed(api: Api, spot: str) -> None:
    path = f"/parking-spots/{spot}"
    plain = await api.request("GET", path, headers={"Accept-Encoding": "identity"})
    packed = await api.request("GET", path, headers={"Accept-Encoding": "br, gzip;q=0.5"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == plain.content
    assert packed.headers["etag"] != plain.headers["etag"]
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"])
