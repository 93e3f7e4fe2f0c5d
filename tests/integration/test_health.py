"""What the service says about itself."""

import asyncio
import socket
from collections.abc import AsyncIterator

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots import __version__, health
from parkingspots.dev.ports import HOST, free_port
from parkingspots.dev.postgres import PostgresServer
from parkingspots.kit.schema import NEEDED
from parkingspots.settings import Settings
from product import Api, Clock, running


@pytest.fixture
async def schema(session: AsyncSession) -> AsyncIterator[AsyncSession]:
    """A session that may change which schema the database says it has."""
    yield session
    await session.execute(
        text("UPDATE schema_contract SET current = :needed, oldest_compatible = :needed"), {"needed": NEEDED}
    )


async def test_the_root_says_what_this_is_and_where_to_read_on(api: Api) -> None:
    answer = await api.client.get("/")
    assert answer.json() == {"name": "ParkingSpots API", "version": __version__, "docs": "/docs", "api": "/api/v1"}


async def test_a_crowd_that_asks_costs_a_look_or_two(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[None] = []

    async def look(_: AsyncSession) -> None:
        looks.append(None)

    monkeypatch.setattr(health, "objection", look)
    answers = await asyncio.gather(*(api.client.get(path) for path in ("/readyz", "/health") * 100))
    assert {answer.status_code for answer in answers} == {200}
    assert len(looks) < 10


async def test_with_everything_in_place_the_service_is_ready_and_healthy(api: Api) -> None:
    for path in ("/livez", "/readyz"):
        assert (await api.client.get(path)).json() == {"status": "ok"}
    assert (await api.client.get("/health")).json() == {
        "status": "healthy",
        "database": "ok",
        "cache": "ok",
        "detail": None,
        "version": __version__,
    }


@pytest.mark.parametrize(
    ("current", "oldest_compatible", "ready"),
    [(NEEDED, NEEDED, True), (NEEDED + 1, NEEDED, True), (NEEDED - 1, 0, False), (NEEDED + 1, NEEDED + 1, False)],
    ids=["the one needed", "newer, compatible", "too old", "too new"],
)
async def test_a_process_is_ready_for_the_schemas_that_it_knows_or_that_know_it(
    api: Api, schema: AsyncSession, current: int, oldest_compatible: int, ready: bool
) -> None:
    change = "UPDATE schema_contract SET current = :current, oldest_compatible = :oldest"
    await schema.execute(text(change), {"current": current, "oldest": oldest_compatible})
    answer = await api.client.get("/readyz")
    assert answer.status_code == (200 if ready else 503)
    assert (await api.client.get("/livez")).status_code == 200
    assert (await api.client.get("/health")).json()["status"] == ("healthy" if ready else "down")
    if not ready:
        assert answer.headers["content-type"] == "application/problem+json"
        assert f"revision {current:04}" in answer.json()["detail"]


async def test_an_empty_database_is_not_ready_and_says_what_to_run(
    postgres_server: PostgresServer, settings: Settings, clock: Clock
) -> None:
    url = postgres_server.create_database("empty")
    try:
        async with running(settings.model_copy(update={"database_url": SecretStr(url)}), clock) as api:
            answer = await api.client.get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["detail"] == "The database is empty: run `parkingspots migrate upgrade`."
    finally:
        postgres_server.drop_database("empty")


async def test_without_a_cache_the_service_is_degraded_and_nothing_else(
    api: Api, settings: Settings, clock: Clock
) -> None:
    person = await api.person("owner")
    spot = await api.list_spot(person)
    nobody = settings.model_copy(update={"redis_url": SecretStr(f"redis://{HOST}:{free_port()}/0")})
    async with running(nobody, clock) as uncached:
        health = (await uncached.client.get("/health")).json()
        assert (health["status"], health["database"], health["cache"]) == ("degraded", "ok", "down")
        assert (await uncached.client.get("/readyz")).status_code == 200
        assert [each["id"] for each in await uncached.get("/parking-spots/")] == [spot]
        await uncached.put(f"/parking-spots/{spot}", person, hourly_rate=400)
        assert (await uncached.get(f"/parking-spots/{spot}"))["hourly_rate"] == 400


async def test_metrics_are_what_prometheus_reads(api: Api) -> None:
    answer = await api.client.get("http://parkingspots.test/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    families = {family.name for family in text_string_to_metric_families(answer.text)}
    assert {"process_resident_memory_bytes", "python_info"} <= families


async def test_metrics_may_have_a_port_of_their_own(settings: Settings, clock: Clock) -> None:
    own = settings.model_copy(update={"metrics_port": free_port()})
    async with running(own, clock) as api, httpx.AsyncClient() as prometheus:
        assert (await api.client.get("/metrics")).status_code == 404
        answer = await prometheus.get(f"http://{HOST}:{own.metrics_port}/metrics")
        assert "parkingspots_reads_total" in answer.text
        assert (await prometheus.get(f"http://{HOST}:{own.metrics_port}/health")).status_code == 404


async def test_a_metrics_port_that_is_taken_keeps_nobody_from_being_served(settings: Settings, clock: Clock) -> None:
    with socket.create_server((HOST, 0)) as taken:
        own = settings.model_copy(update={"metrics_port": taken.getsockname()[1]})
        async with running(own, clock) as api:
            assert (await api.client.get("/livez")).status_code == 200
