"""Kept answers while Valkey or PostgreSQL is away, slow or refuses: nobody's request fails for it."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from pydantic import SecretStr
from redis.asyncio import Redis
from sqlalchemy import make_url

from gate import with_gate
from parkingspots.dev.postgres import postgres
from parkingspots.dev.valkey import ValkeyServer, valkey
from parkingspots.kit import breaker, migrating
from parkingspots.kit.cache import LONGEST_WAIT
from parkingspots.settings import Settings
from product import Api, Clock, Person, running, until

LIST = "/parking-spots/"


def count(outcome: str) -> float:
    return REGISTRY.get_sample_value("parkingspots_reads_total", {"route": "list_spots", "outcome": outcome}) or 0.0


def is_open(of: str) -> bool:
    """Whether Valkey is left alone."""
    return REGISTRY.get_sample_value("parkingspots_reads_breaker_open", {"of": of}) == 1


def errors(of: str) -> float:
    return REGISTRY.get_sample_value("parkingspots_reads_valkey_errors_total", {"of": of}) or 0.0


@pytest.fixture
def own_valkey(tmp_path: Path) -> Iterator[ValkeyServer]:
    """A Valkey that a test may break."""
    with valkey(tmp_path / "valkey") as server:
        yield server


Prices = Callable[[], Awaitable[list[int]]]


@asynccontextmanager
async def with_valkey_at(url: str, keeping: Settings, clock: Clock) -> AsyncIterator[Api]:
    async with running(keeping.model_copy(update={"redis_url": SecretStr(url)}), clock) as api:
        await until(api.is_keeping)
        yield api


def ever_new() -> Iterator[dict[str, Any]]:
    """Searches never seen before, which all find the same."""
    return ({"radius_km": 100 + number / 1000, "latitude": 37.9, "longitude": 23.7} for number in range(10_000))


async def twice(api: Api, **asked: Any) -> list[Any]:
    """What is asked for twice is worth sharing."""
    await api.get(LIST, **asked)
    spots: list[Any] = await api.get(LIST, **asked)
    return spots


@pytest.mark.usefixtures("spot")
async def test_a_valkey_that_is_gone_is_left_alone_and_used_again_when_it_is_back(
    keeping: Settings, clock: Clock, own_valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int
) -> None:
    monkeypatch.setattr(breaker, "PAUSE", 0.05)
    searches = ever_new()
    async with with_gate(own_valkey.url, unused_tcp_port) as (gate, url), with_valkey_at(url, keeping, clock) as api:
        assert len(await api.get(LIST, **next(searches))) == 1
        gate.close()
        for _ in range(5):
            assert len(await twice(api, **next(searches))) == 1
        assert is_open("reads")
        gate.open()

        async def is_used_again() -> bool:
            assert len(await twice(api, **next(searches))) == 1
            return not is_open("reads") and not is_open("writes")

        await until(is_used_again)


@pytest.mark.usefixtures("spot")
async def test_a_valkey_that_does_not_answer_is_not_waited_for_by_everybody(
    keeping: Settings, clock: Clock, own_valkey: ValkeyServer, unused_tcp_port: int
) -> None:
    searches = ever_new()
    async with with_gate(own_valkey.url, unused_tcp_port) as (gate, url), with_valkey_at(url, keeping, clock) as api:
        await api.get(LIST, **next(searches))
        gate.is_silent = True
        loop = asyncio.get_running_loop()
        began = loop.time()
        found = await asyncio.gather(*(api.get(LIST, **next(searches)) for _ in range(20)))
        waited = loop.time() - began
        assert [len(spots) for spots in found] == [1] * 20
        assert is_open("reads")
        asked = gate.asked
        began = loop.time()
        await asyncio.gather(*(api.get(LIST, **next(searches)) for _ in range(20)))
        assert gate.asked - asked <= 1  # one tries after a second
        assert waited - (loop.time() - began) < 20 * LONGEST_WAIT  # they waited side by side
        gate.is_silent = False


@pytest.mark.usefixtures("spot")
@pytest.mark.parametrize("refusal", [["maxmemory", "1"], ["min-replicas-to-write", "1"]], ids=["full", "read-only"])
async def test_a_valkey_that_takes_no_writes_is_still_read(
    keeping: Settings, clock: Clock, own_valkey: ValkeyServer, refusal: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breaker, "PAUSE", 0.05)
    searches = ever_new()
    known = next(searches)
    async with Redis.from_url(own_valkey.url) as server, with_valkey_at(own_valkey.url, keeping, clock) as api:
        await twice(api, **known)

        async def is_there() -> bool:
            return bool(await server.dbsize())

        await until(is_there)
        await server.config_set("maxmemory-policy", "noeviction")
        await server.config_set(*refusal)
        failed = errors("writes")
        assert len(await twice(api, **next(searches))) == 1

        async def is_left_alone() -> bool:
            return is_open("writes")

        await until(is_left_alone)
        assert errors("writes") > failed
        assert not is_open("reads")
        shared = count("shared")
        async with with_valkey_at(own_valkey.url, keeping, clock) as other:
            assert len(await other.get(LIST, **known)) == 1
        assert count("shared") == shared + 1
        await server.config_set(refusal[0], "0")

        async def is_written_again() -> bool:
            await twice(api, **next(searches))
            return not is_open("writes")

        await until(is_written_again)


async def test_a_price_changed_while_valkey_was_away_is_not_undone_by_it(
    keeping: Settings, clock: Clock, own_valkey: ValkeyServer, owner: Person, spot: str, unused_tcp_port: int
) -> None:
    async with with_gate(own_valkey.url, unused_tcp_port) as (gate, url):
        async with with_valkey_at(url, keeping, clock) as api:
            assert (await twice(api))[0]["hourly_rate"] == 350
            gate.close()
            await api.put(f"/parking-spots/{spot}", owner, hourly_rate=999)
            assert (await api.get(LIST))[0]["hourly_rate"] == 999
        gate.open()
        async with with_valkey_at(url, keeping, clock) as api:
            assert (await api.get(LIST))[0]["hourly_rate"] == 999


async def test_while_postgresql_is_away_what_is_kept_is_served_and_says_how_old_it_is(
    keeping: Settings, clock: Clock, tmp_path: Path
) -> None:
    with postgres(tmp_path / "postgres", durable=False) as server:
        port = make_url(server.url).port
        own = keeping.model_copy(update={"database_url": SecretStr(server.url)})
        await migrating.upgrade(own)
        async with running(own, clock) as api:
            owner = await api.person("owner")
            spot = await api.list_spot(owner)
            await until(api.is_keeping)
            fresh = await api.request("GET", LIST)
            assert "age" not in fresh.headers

            server.process.send_signal(signal.SIGINT)  # fast: ends connections
            await asyncio.to_thread(server.process.wait)

            async def is_away() -> bool:
                return not await api.is_keeping()

            await until(is_away)
            stale = await api.request("GET", LIST)
            assert stale.content == fresh.content
            assert (int(stale.headers["age"]) >= 0, stale.headers["cache-control"]) == (True, "no-store")
            await api.request("GET", f"/parking-spots/{spot}", expect=503)  # never asked for before
            known = {"If-None-Match": fresh.headers["etag"]}
            assert (await api.client.get(f"/api/v1{LIST}", headers=known)).status_code == 304
    assert port
