"""Nobody's request makes or reads an answer that is not everybody's."""

from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY
from redis.asyncio import Redis

from parkingspots.reads import shared
from parkingspots.settings import Settings
from product import Api, Clock, Person, running, until

LIST = "/parking-spots/"
OURS = shared.prefix(shared.RELEASE)
CODE = "The code is 4711."
HOSTILE = [
    {"Host": "evil.example"},
    {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "gopher", "X-Forwarded-Prefix": "/evil"},
    {"X-Forwarded-For": "1.2.3.4", "Forwarded": "host=evil.example"},
    {"X-HTTP-Method-Override": "DELETE", "X-Method-Override": "PUT"},
    {"X-Original-URL": "/api/v1/users/me", "X-Rewrite-URL": "/evil"},
    {"Origin": "https://evil.example"},
    {"Cookie": "session=evil", "Range": "bytes=0-1"},
    {"Accept": "text/html", "Accept-Language": "el"},
    {"Authorization": "Bearer evil"},
]


def told(answer: httpx.Response) -> tuple[int, bytes, list[tuple[str, str]]]:
    return answer.status_code, answer.content, sorted(answer.headers.items())


def count(outcome: str, route: str = "list_spots") -> float:
    return REGISTRY.get_sample_value("parkingspots_reads_total", {"route": route, "outcome": outcome}) or 0.0


@pytest.fixture
async def valkey(keeping_api: Api) -> Redis:
    client: Redis = keeping_api.app.state.cache.client
    await client.flushdb()
    return client


async def test_no_header_gets_into_what_others_read(
    api: Api, keeping_api: Api, owner: Person, spot: str, valkey: Redis
) -> None:
    assert valkey is not None
    await keeping_api.list_spot(owner)
    for number, hostile in enumerate(HOSTILE):
        path = f"/parking-spots/?page_size=1&max_price={1000 + number}"  # has a next page, and was never asked for
        await keeping_api.request("GET", path, headers=hostile)
        after = await keeping_api.request("GET", path)
        assert b"evil" not in after.content
        assert "evil" not in str(after.headers)
        assert spot not in after.headers["link"]
        truth = await api.request("GET", path)
        assert (after.content, after.headers["link"]) == (truth.content, truth.headers["link"]), hostile


async def test_no_header_reads_anything_but_the_answer_of_everybody(keeping_api: Api, spot: str) -> None:
    for path in (LIST, f"/parking-spots/{spot}"):
        plain = told(await keeping_api.request("GET", path))
        for hostile in HOSTILE:
            answer = told(await keeping_api.request("GET", path, headers=hostile))
            assert answer[:2] == plain[:2], hostile


@pytest.mark.parametrize("owner_comes_first", [True, False])
async def test_how_to_get_in_is_told_to_the_owner_alone_whoever_comes_first(
    keeping_api: Api, owner: Person, renter: Person, *, owner_comes_first: bool
) -> None:
    spot = await keeping_api.list_spot(owner, access_instructions=CODE)
    path, others = f"/parking-spots/{spot}", (None, renter)
    for who in (owner, *others) if owner_comes_first else (*others, owner):
        assert (await keeping_api.get(path, who))["access_instructions"] == (CODE if who is owner else None)
    for who in (*others, owner, *others):
        answer = await keeping_api.request("GET", path, who)
        assert (CODE in answer.text) is (who is owner)


async def test_how_to_get_in_is_in_nothing_that_is_kept(keeping_api: Api, owner: Person, valkey: Redis) -> None:
    spot = await keeping_api.list_spot(owner, access_instructions=CODE, title="A spot with a code")
    for path in (LIST, f"/parking-spots/{spot}", f"/parking-spots/{spot}/availability"):
        for who in (owner, None, owner):
            await keeping_api.request("GET", path, who)
    values = await kept_in(valkey, 3)
    assert any(b"A spot with a code" in value for value in values)
    assert not any(CODE.encode() in value for value in values)


async def test_a_renter_is_told_how_to_get_in_as_soon_as_the_booking_is_made_and_no_longer_than_it_holds(
    keeping_api: Api, owner: Person, renter: Person
) -> None:
    spot = await keeping_api.list_spot(owner, access_instructions=CODE)
    path = f"/parking-spots/{spot}"
    for who in (None, renter):
        assert CODE not in (await keeping_api.request("GET", path, who)).text
    booking = await keeping_api.book(renter, spot, 2, 4)
    assert CODE in (await keeping_api.request("GET", path, renter)).text
    assert CODE not in (await keeping_api.request("GET", path)).text
    await keeping_api.post(f"/bookings/{booking['id']}/cancel", renter)
    assert CODE not in (await keeping_api.request("GET", path, renter)).text


async def test_a_repeated_parameter_is_left_to_the_route(api: Api, keeping_api: Api, spot: str) -> None:
    await keeping_api.get(LIST, max_price=1)
    for query in ("max_price=1&max_price=900", "max_price=900&max_price=1"):
        answer = await keeping_api.request("GET", f"{LIST}?{query}")
        assert answer.content == (await api.request("GET", f"{LIST}?{query}")).content
    assert await keeping_api.get(LIST, max_price=1) == []
    assert [each["id"] for each in await keeping_api.get(LIST, max_price=900)] == [spot]


async def test_a_get_with_a_body_is_left_to_the_route(keeping_api: Api, spot: str) -> None:
    before = count("hit") + count("miss")
    for _ in range(2):
        answer = await keeping_api.request("GET", LIST, content=b'{"max_price": 1}')
        assert [each["id"] for each in answer.json()] == [spot]
    assert count("hit") + count("miss") == before


async def test_a_refusal_is_never_kept(keeping_api: Api, owner: Person, valkey: Redis) -> None:
    hidden = await keeping_api.list_spot(owner)
    await keeping_api.delete(f"/parking-spots/{hidden}", owner)
    refused: list[tuple[str, int]] = [
        (f"/parking-spots/{hidden}", 404),
        (f"/parking-spots/{hidden}/availability", 404),
        (f"/reviews/spot/{hidden}", 404),
        (f"{LIST}?latitude=91&longitude=0", 422),
        (f"{LIST}?page=0", 422),
    ]
    for _ in range(2):
        for path, status in refused:
            await keeping_api.request("GET", path, expect=status)
    for _ in range(2):  # what is asked for twice is shared
        await keeping_api.get(LIST, page_size=3)
    assert len(await kept_in(valkey, 1)) == 1, "the list alone"


@pytest.mark.parametrize("foreign", [b"", b"rubbish", b"PS1\n" + b"x" * 50, b'{"status": 200}'])
async def test_a_foreign_value_in_valkey_is_a_miss_and_is_overwritten(
    keeping: Settings, keeping_api: Api, clock: Clock, spot: str, valkey: Redis, foreign: bytes
) -> None:
    for _ in range(2):  # what is asked for twice is shared
        await keeping_api.get(LIST)
    ours = await kept_in(valkey, 1)
    (name,) = await names_in(valkey)
    await valkey.set(name, foreign)
    async with running(keeping, clock) as fresh:
        await until(fresh.is_keeping)
        for _ in range(2):
            assert [each["id"] for each in await fresh.get(LIST)] == [spot]
        assert await kept_in(valkey, 1, other_than=foreign)
    assert ours != [foreign]


@pytest.mark.parametrize("prefix", ["parkingspots:reads:6-0.0.1:", "parkingspots:reads:999-0.0.1:"])
async def test_another_release_is_not_read(
    keeping: Settings, keeping_api: Api, clock: Clock, spot: str, valkey: Redis, prefix: str
) -> None:
    for _ in range(2):
        await keeping_api.get(LIST)
    (value,) = await kept_in(valkey, 1)
    (name,) = await names_in(valkey)
    await valkey.delete(name)
    await valkey.set(name.decode().replace(OURS, prefix), value)
    before = count("shared")
    async with running(keeping, clock) as fresh:
        await until(fresh.is_keeping)
        assert [each["id"] for each in await fresh.get(LIST)] == [spot]
    assert count("shared") == before


async def names_in(valkey: Redis) -> list[bytes]:
    return [name async for name in valkey.scan_iter(f"{OURS}*") if isinstance(name, bytes)]


async def kept_in(valkey: Redis, number: int, *, other_than: Any = None) -> list[bytes]:
    """What lies in Valkey, as soon as it is so many answers."""

    async def values() -> list[bytes]:
        found = [await valkey.get(name) for name in await names_in(valkey)]
        return [value for value in found if isinstance(value, bytes) and value != other_than]

    async def are_enough() -> bool:
        return len(await values()) >= number

    await until(are_enough)
    return await values()
