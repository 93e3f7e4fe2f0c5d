"""Many clients want one slot: one gets it, whichever of the two guards is left."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from statistics import quantiles

import pytest
from sqlalchemy import text

from parkingspots.bookings import slots
from parkingspots.dev.postgres import PostgresServer
from parkingspots.kit import migrating
from parkingspots.kit.database import Database
from parkingspots.kit.statements import Statement
from parkingspots.settings import Settings
from product import Api, Clock, running

CLIENTS, ROUNDS = 24, 60
ONE_WINNER = Counter({201: 1, 409: CLIENTS - 1})


class ServerLog:
    """What the database's server has written since this was made."""

    def __init__(self, file: Path) -> None:
        self._file, self._from = file, file.stat().st_size

    def count(self, words: str) -> int:
        return self._file.read_bytes()[self._from :].decode(errors="replace").count(words)


@pytest.fixture
def server_log(postgres_server: PostgresServer) -> ServerLog:
    return ServerLog(postgres_server.log)


async def race(api: Api, rounds: int) -> list[Counter[int]]:
    """How often each status was answered, by round; in a round all want the same slot."""
    spot = await api.list_spot(await api.person("owner"))
    crowd = [await api.person(f"client-{number}") for number in range(CLIENTS)]
    waits: list[float] = []

    async def ask(headers: dict[str, str], start: int) -> int:
        wish = {"parking_spot_id": spot, "start_time": api.at(start), "end_time": api.at(start + 1)}
        begin = time.perf_counter()
        answer = await api.client.post("/api/v1/bookings/", json=wish, headers=headers)
        waits.append(time.perf_counter() - begin)
        return answer.status_code

    answers = [
        Counter(await asyncio.gather(*(ask(person.headers, start) for person in crowd))) for start in range(rounds)
    ]
    percentiles = [1000 * wait for wait in quantiles(waits, n=100)]
    print(f"{rounds} rounds: p50 {percentiles[49]:.0f} ms, p99 {percentiles[98]:.0f} ms")  # noqa: T201 - with -s
    return answers


@pytest.fixture
async def own_settings(postgres_server: PostgresServer, settings: Settings) -> AsyncIterator[Settings]:
    """Those of a database of its own: what is taken out of it, no other test misses.

    With time to wait: on a busy machine the last of the queue would be told 503, which is right, but not the subject.
    """
    name = "concurrency"
    own = Settings(
        _env_file=None,
        database_url=postgres_server.create_database(name),
        database_pool_wait_seconds=60,
        database_lock_timeout_ms=60_000,
        database_statement_timeout_ms=60_000,
        redis_url=settings.redis_url,
        rate_limits_enabled=False,
    )
    await migrating.upgrade(own)
    yield own
    postgres_server.drop_database(name)


async def test_of_many_who_want_a_slot_one_gets_it_and_the_database_sees_no_deadlock(
    own_settings: Settings, clock: Clock, server_log: ServerLog
) -> None:
    async with running(own_settings, clock) as api:
        assert await race(api, ROUNDS) == [ONE_WINNER] * ROUNDS
    assert server_log.count("deadlock detected") == 0


async def test_the_lock_alone_holds(own_settings: Settings, clock: Clock, server_log: ServerLog) -> None:
    database = Database(own_settings)
    async with database.transaction() as session:
        await session.execute(text("ALTER TABLE bookings DROP CONSTRAINT ex_bookings_slot"))
    await database.aclose()
    async with running(own_settings, clock) as api:
        assert await race(api, ROUNDS) == [ONE_WINNER] * ROUNDS
    assert server_log.count("deadlock detected") == 0
    assert server_log.count("exclusion constraint") == 0


async def test_the_constraint_alone_holds_and_deadlocks_stay_inside(
    own_settings: Settings,
    postgres_server: PostgresServer,
    clock: Clock,
    server_log: ServerLog,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    postgres_server.execute("ALTER DATABASE concurrency SET deadlock_timeout = '20ms'")

    async def nothing_is_taken(*_: object) -> slots.Slot:
        return slots.Slot(is_open=True, is_taken=False, has_lapsed=False)

    async def is_not_lost(*_: object) -> bool:
        return False

    class Unlocked(Statement):
        @property
        def text(self) -> str:
            return super().text.removesuffix(" FOR NO KEY UPDATE OF spots")

    unlocked = Unlocked(slots.LOCK.query)
    assert unlocked.text != slots.LOCK.text
    monkeypatch.setattr(slots, "LOCK", unlocked)
    monkeypatch.setattr(slots, "look", nothing_is_taken)
    monkeypatch.setattr(slots, "is_lost", is_not_lost)
    async with running(own_settings, clock) as api:
        assert await race(api, ROUNDS) == [ONE_WINNER] * ROUNDS
    assert server_log.count("exclusion constraint") > 0
