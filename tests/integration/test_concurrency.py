"""Many clients at once: one of them gets the slot."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.app import create
from parkingspots.dev.postgres import PostgresServer
from parkingspots.kit import migrating
from parkingspots.kit.clock import TimeSource
from parkingspots.kit.database import Database
from parkingspots.settings import Settings
from parkingspots.spots import repository as spots
from parkingspots_lifecycle import job
from product import Api, Clock, Person

CLIENTS, ROUNDS = 24, 60
ROUNDS_WITHOUT_LOCK = 12  # each waits for deadlocks to be found
Record = Callable[..., Awaitable[str]]


@pytest.fixture
async def crowd(api: Api) -> list[Person]:
    return await people(api)


async def people(api: Api) -> list[Person]:
    return [await api.person(f"client-{number}") for number in range(CLIENTS)]


async def race(api: Api, crowd: list[Person], spot: str, rounds: int) -> list[Counter[int]]:
    """How many answers of each status every round gave; everybody wants the same slot, another one each round."""
    waits: list[float] = []

    async def ask(person: Person, start: int) -> int:
        wish = {"parking_spot_id": spot, "start_time": api.at(start), "end_time": api.at(start + 1)}
        begin = time.perf_counter()
        answer = await api.client.post("/api/v1/bookings/", json=wish, headers=person.headers)
        waits.append(time.perf_counter() - begin)
        return answer.status_code

    answers = [Counter(await asyncio.gather(*(ask(person, start) for person in crowd))) for start in range(rounds)]
    percentiles = quantiles(waits, n=100)
    print(f"{rounds} rounds: p50 {percentiles[49] * 1000:.0f} ms, p99 {percentiles[98] * 1000:.0f} ms")  # noqa: T201
    return answers


class ServerLog:
    """What the database's server has written since this was made."""

    def __init__(self, file: Path) -> None:
        self._file, self._from = file, file.stat().st_size

    def has(self, words: str) -> bool:
        return words in self._file.read_bytes()[self._from :].decode(errors="replace")


@asynccontextmanager
async def town(
    postgres_server: PostgresServer, settings: Settings, clock: TimeSource, name: str
) -> AsyncIterator[tuple[Api, Database]]:
    """The application on a database of its own, so that what is taken out of it is missed by no other test."""
    own = settings.model_copy(update={"database_url": SecretStr(postgres_server.create_database(name))})
    ...
