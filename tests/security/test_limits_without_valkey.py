"""A limit holds while Valkey is away, when it comes back with nothing in it, and at several processes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from redis import Redis

from e2e.test_journey import served
from gate import Gate, with_gate
from parkingspots.kit import breaker
from parkingspots.settings import Settings
from product import Api, Clock, running
from security.wires import client_at

LIMIT = 40
WRONG = {"email": "maria@example.com", "password": "wrong horse"}


@pytest.fixture(autouse=True)
def _valkey_is_asked_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaker, "PAUSE", 0.0)


@asynccontextmanager
async def behind_a_gate(settings: Settings, clock: Clock, port: int, **limits: str) -> AsyncIterator[tuple[Api, Gate]]:
    """The application, and the gate through which it asks an empty Valkey."""
    forget(settings)
    async with with_gate(settings.cache_url, port) as (gate, url):
        own: dict[str, Any] = {"redis_url": SecretStr(url), "rate_limits_enabled": True, **limits}
        async with running(settings.model_copy(update=own), clock) as api:
            yield api, gate


def forget(settings: Settings) -> None:
    """Valkey as it is after a restart."""
    with Redis.from_url(settings.cache_url) as valkey:
        valkey.flushdb()


async def statuses(api: Api, times: int) -> list[int]:
    return [(await api.client.get("/api/v1/openapi.json")).status_code for _ in range(times)]


async def guesses(api: Api, times: int) -> list[int]:
    return [(await api.client.post("/api/v1/auth/login", json=WRONG)).status_code for _ in range(times)]


async def test_requests_of_an_address_stay_as_few_whatever_becomes_of_valkey(
    settings: Settings, api: Api, clock: Clock, unused_tcp_port_factory: Callable[[], int]
) -> None:
    del api  # empties the tables
    port = unused_tcp_port_factory()
    async with behind_a_gate(settings, clock, port, rate_limit_requests=f"{LIMIT} per hour") as (limited, gate):
        seen = await statuses(limited, 10)
        gate.close()
        seen += await statuses(limited, 10)
        gate.open()
        forget(settings)
        seen += await statuses(limited, 10)
        gate.close()
        seen += await statuses(limited, 15)
        gate.open()
        forget(settings)
        seen += await statuses(limited, 5)
    assert seen == [200] * LIMIT + [429] * 10


async def test_guesses_come_to_an_end_whatever_becomes_of_valkey(
    settings: Settings, api: Api, clock: Clock, unused_tcp_port_factory: Callable[[], int]
) -> None:
    del api
    port = unused_tcp_port_factory()
    async with behind_a_gate(settings, clock, port, rate_limit_logins="6 per hour") as (limited, gate):
        seen = await guesses(limited, 2)
        gate.close()
        seen += await guesses(limited, 2)
        gate.open()
        forget(settings)
        seen += await guesses(limited, 4)
        gate.close()
        seen += await guesses(limited, 1)
    assert seen == [401] * 6 + [429] * 3


async def test_a_burst_while_valkey_is_away_learns_no_more(
    settings: Settings, api: Api, clock: Clock, unused_tcp_port_factory: Callable[[], int]
) -> None:
    del api
    port = unused_tcp_port_factory()
    async with behind_a_gate(settings, clock, port, rate_limit_logins="3 per hour") as (limited, gate):
        gate.close()
        burst = await asyncio.gather(*(guesses(limited, 1) for _ in range(9)))
    assert sorted(burst) == [[401]] * 3 + [[429]] * 6


async def test_what_other_processes_have_counted_still_counts(
    settings: Settings, api: Api, clock: Clock, unused_tcp_port_factory: Callable[[], int]
) -> None:
    del api
    limits = {"rate_limit_logins": "4 per hour"}
    async with behind_a_gate(settings, clock, unused_tcp_port_factory(), **limits) as (one, _):
        own: dict[str, Any] = {"rate_limits_enabled": True, **limits}
        async with running(settings.model_copy(update=own), clock) as other:
            assert await guesses(one, 3) == [401] * 3
            assert await guesses(other, 3) == [401, 429, 429]
            assert await guesses(one, 1) == [429]


def test_an_address_has_one_limit_at_several_workers(settings: Settings, tmp_path: Path) -> None:
    forget(settings)
    small = settings.model_copy(update={"rate_limits_enabled": True, "rate_limit_requests": f"{LIMIT} per hour"})
    with served(small, tmp_path / "server.log", "--workers", "2") as (url, _):
        seen = []
        for _ in range(LIMIT + 20):
            with client_at("127.3.0.1", url) as client:  # a new connection, at which either may be
                seen.append(client.status("GET", "/"))
        assert LIMIT / 2 < seen.count(200) <= LIMIT
        with client_at("127.3.0.2", url) as neighbour:
            assert neighbour.status("GET", "/") == 200
