"""Nobody takes more than their share: counted for all processes in Valkey, and by each alone while it is away."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from parkingspots.dev.valkey import ValkeyServer, valkey
from parkingspots.settings import Settings
from product import PASSWORD, Api, Clock, Person, running, until

PROBLEM = "application/problem+json"
Limited = Callable[..., AbstractAsyncContextManager[Api]]


@pytest.fixture
async def limited(settings: Settings, clock: Clock, api: Api, valkey_server: ValkeyServer) -> AsyncIterator[Limited]:
    """The application with limits, those named small ones, and nothing counted yet."""
    del api  # empties the tables
    async with Redis.from_url(valkey_server.url) as server:
        await server.flushdb()
        yield lambda **changes: running(settings.model_copy(update={"rate_limits_enabled": True} | changes), clock)
        await server.flushdb()


async def statuses(api: Api, times: int, path: str = "/parking-spots/", **how: Any) -> list[int]:
    return [(await api.client.get(f"/api/v1{path}", **how)).status_code for _ in range(times)]


def forwarded(address: str) -> dict[str, Any]:
    return {"headers": {"X-Forwarded-For": address}}


async def test_what_is_too_much_is_429_with_the_fields_of_the_draft(limited: Limited) -> None:
    async with limited(rate_limit_requests="3 per minute") as api:
        assert await statuses(api, 3) == [200] * 3
        refusal = await api.client.get("/api/v1/parking-spots/")
    assert (refusal.status_code, refusal.headers["content-type"]) == (429, PROBLEM)
    seconds = refusal.headers["retry-after"]
    assert 1 <= int(seconds) <= 60
    assert refusal.headers["ratelimit-policy"] == '"requests";q=3;w=60'
    assert refusal.headers["ratelimit"] == f'"requests";r=0;t={seconds}'
    assert refusal.json()["detail"] == f"The limit is 3 requests in 60 seconds. Try again in {seconds}."


async def test_there_is_room_again_when_the_window_is_over(limited: Limited) -> None:
    async with limited(rate_limit_requests="2 per second") as api:
        seen = await statuses(api, 3)
        async with asyncio.timeout(30):
            while seen[-1] == 429:
                seen += await statuses(api, 1)
    assert seen[:3] == [200, 200, 429]
    assert seen[-1] == 200


@pytest.mark.parametrize("limit", [1, 100, 107])
async def test_a_limit_is_met_to_the_last_request_though_permits_are_fetched_in_advance(
    limited: Limited, limit: int
) -> None:
    async with limited(rate_limit_requests=f"{limit} per hour") as api:
        assert await statuses(api, limit + 5, "/openapi.json") == [200] * limit + [429] * 5


@pytest.mark.usefixtures("spot")
async def test_answers_that_are_kept_count_as_all_others_do(limited: Limited) -> None:
    async with limited(cache_search_seconds=300, rate_limit_requests="60 per hour") as api:
        await until(api.is_keeping)
        assert await statuses(api, 65) == [200] * 60 + [429] * 5


async def test_a_request_that_is_refused_is_not_read(limited: Limited) -> None:
    async with limited(cache_search_seconds=300, rate_limit_requests="2 per hour") as api:
        for price in range(5):
            await statuses(api, 1, f"/parking-spots/?max_price={price}")
        assert len(api.app.state.targets._remembered) == 2


@pytest.mark.usefixtures("spot")
async def test_kept_answers_count_on_the_client_behind_the_proxy_and_may_be_read_by_a_browser(limited: Limited) -> None:
    own = {"trusted_proxies": ["127.0.0.1"], "cors_origins": ["https://app.example"], "cache_search_seconds": 300}
    async with limited(rate_limit_requests="8 per hour", **own) as api:
        await until(api.is_keeping)
        for client in ("203.0.113.1", "203.0.113.2"):
            headers = {"X-Forwarded-For": client, "Origin": "https://app.example"}
            answers = [await api.client.get("/api/v1/parking-spots/", headers=headers) for _ in range(9)]
            assert [answer.status_code for answer in answers] == [200] * 8 + [429]
            assert {answer.headers["access-control-allow-origin"] for answer in answers} == {"https://app.example"}


@pytest.mark.usefixtures("spot")
async def test_a_permit_is_worth_nothing_when_its_window_is_over(limited: Limited) -> None:
    async with limited(cache_search_seconds=300, rate_limit_requests="600 per hour") as api:
        await until(api.is_keeping)
        await statuses(api, 20)
        (lease,) = api.app.state.limits._leases.values()
        assert lease.left > 0
        lease.ends = 0.0
        await statuses(api, 1)
        assert lease.ends > time.time()


async def test_who_was_refused_before_the_clock_was_set_back_is_let_in_when_the_window_is_over(
    limited: Limited, valkey_server: ValkeyServer
) -> None:
    async with limited(rate_limit_requests="2 per hour") as api, Redis.from_url(valkey_server.url) as server:
        assert await statuses(api, 3) == [200, 200, 429]
        (lease,) = api.app.state.limits._leases.values()
        lease.ends += 7_200
        assert await statuses(api, 1) == [429]
        await server.flushdb()  # as if an hour had passed there
        lease.ends += 7_200
        assert await statuses(api, 3) == [200, 200, 429]


async def test_nobody_is_refused_because_the_clock_went_forward_and_came_back(
    limited: Limited, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = time.time
    async with limited(rate_limit_requests="1000 per hour") as api:
        await statuses(api, 3)
        limits = api.app.state.limits
        (lease,) = limits._leases.values()
        for hours in (30, -30):
            monkeypatch.setattr(time, "time", lambda hours=hours: right() + hours * 3_600)
            assert not limits._takes(lease)
            monkeypatch.setattr(time, "time", right)
            assert await statuses(api, 3) == [200] * 3


async def test_requests_at_the_same_time_lose_no_permits(limited: Limited) -> None:
    async with limited(rate_limit_requests="300 per hour") as api:
        seen = [
            status
            for answers in [
                await asyncio.gather(*(statuses(api, 1, "/openapi.json") for _ in range(20))) for _ in range(16)
            ]
            for (status,) in answers
        ]
    assert seen.count(200) == 300


async def test_whoever_was_refused_costs_no_more_questions(limited: Limited, valkey_server: ValkeyServer) -> None:
    async with limited(rate_limit_requests="2 per hour") as api, Redis.from_url(valkey_server.url) as server:
        assert await statuses(api, 3) == [200, 200, 429]
        before = (await server.info("commandstats")).get("cmdstat_evalsha", {}).get("calls")
        assert await statuses(api, 10) == [429] * 10
        assert (await server.info("commandstats")).get("cmdstat_evalsha", {}).get("calls") == before


async def test_a_count_goes_on_where_it_was_when_valkey_is_lost(limited: Limited, tmp_path: Path) -> None:
    with ExitStack() as server:
        url = server.enter_context(valkey(tmp_path)).url
        async with limited(redis_url=SecretStr(url), rate_limit_bookings="3 per hour") as api:
            owner, renter = [await api.person(name) for name in ("owner", "renter")]
            spot = await api.list_spot(owner)
            for number in range(3):
                await api.book(renter, spot, number + 1, number + 2)
            server.close()
            await _refused(api, renter, spot)


async def test_two_processes_count_together(limited: Limited) -> None:
    small = {"rate_limit_requests": "6 per hour"}
    async with limited(**small) as one, limited(**small) as other:
        seen = [status for _ in range(5) for api in (one, other) for status in await statuses(api, 1)]
    assert seen.count(200) == 6


async def test_probes_and_metrics_are_never_limited(limited: Limited) -> None:
    async with limited(rate_limit_requests="1 per hour") as api:
        await statuses(api, 2)
        for path in ("/livez", "/readyz", "/health", "/livez/"):
            assert (await api.client.get(f"http://parkingspots.test{path}")).status_code == 200


async def test_without_valkey_each_process_counts_alone_and_nobody_is_refused_for_it(
    limited: Limited, unused_tcp_port_factory: Callable[[], int]
) -> None:
    away = {"redis_url": SecretStr(f"redis://127.0.0.1:{unused_tcp_port_factory()}/0")}
    async with limited(**away, rate_limit_requests="4 per hour") as api:
        assert await statuses(api, 5) == [200] * 4 + [429]


async def test_limits_can_be_switched_off(limited: Limited) -> None:
    async with limited(rate_limits_enabled=False, rate_limit_requests="1 per hour") as api:
        assert await statuses(api, 3) == [200] * 3


async def test_a_forwarded_address_counts_only_from_a_trusted_proxy(limited: Limited) -> None:
    small = {"rate_limit_requests": "2 per hour"}
    async with limited(**small) as api:
        seen = [(await statuses(api, 1, **forwarded(f"203.0.113.{number}")))[0] for number in range(3)]
    assert seen == [200, 200, 429]
    async with limited(**small, trusted_proxies=["127.0.0.0/8"]) as api:
        seen = [(await statuses(api, 1, **forwarded(f"203.0.113.{number}")))[0] for number in range(3)]
        assert seen == [200, 200, 200]
        assert await statuses(api, 2, **forwarded("203.0.113.1")) == [200, 429]


async def test_what_a_client_writes_before_the_proxy_does_not_count(limited: Limited) -> None:
    async with limited(rate_limit_requests="2 per hour", trusted_proxies=["127.0.0.1", "10.0.0.0/8"]) as api:
        made_up = ["198.51.100.1, 203.0.113.7", "198.51.100.2, 203.0.113.7, 10.1.2.3", "junk, 203.0.113.7"]
        assert [(await statuses(api, 1, **forwarded(value)))[0] for value in made_up] == [200, 200, 429]


async def test_one_subscriber_of_ipv6_is_one_client(limited: Limited) -> None:
    async with limited(rate_limit_requests="2 per hour", trusted_proxies=["127.0.0.1"]) as api:
        for address in ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"):
            assert await statuses(api, 1, **forwarded(address)) == [200]
        assert await statuses(api, 1, **forwarded("2001:db8:1:2::77")) == [429]
        assert await statuses(api, 1, **forwarded("2001:db8:1:3::1")) == [200]


async def test_bookings_are_limited_by_account(limited: Limited) -> None:
    async with limited(rate_limit_bookings="2 per minute") as api:
        owner, renter, other = [await api.person(name) for name in ("owner", "renter", "other")]
        spot = await api.list_spot(owner)
        for number in range(2):
            await api.book(renter, spot, number + 1, number + 2)
        refusal = await _refused(api, renter, spot)
        assert refusal.headers["ratelimit-policy"] == '"bookings";q=2;w=60'
        await api.book(other, spot, 3, 4)
        assert len(await api.get("/bookings/", renter)) == 2


async def _refused(api: Api, who: Person, spot: str) -> httpx.Response:
    times = {"start_time": api.at(3), "end_time": api.at(4)}
    return await api.request("POST", "/bookings/", who, expect=429, json={"parking_spot_id": spot, **times})


async def test_registrations_are_limited_by_address(limited: Limited) -> None:
    async with limited(rate_limit_registrations="2 per hour", trusted_proxies=["127.0.0.1"]) as api:
        for number in range(2):
            await api.person(f"person-{number}")
        account = {"email": "third@example.com", "password": PASSWORD, "full_name": "Third"}
        await api.request("POST", "/auth/register", expect=429, json=account)
        await api.request("POST", "/auth/register", expect=201, json=account, **forwarded("203.0.113.9"))
