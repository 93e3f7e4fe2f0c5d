"""After a crash of PostgreSQL ids of transactions are given again: a write under one of them is seen like any other."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
from prometheus_client import REGISTRY
from pydantic import SecretStr

from parkingspots.dev.postgres import PostgresServer, postgres
from parkingspots.kit import migrating
from parkingspots.kit.database import DRIVER_ERRORS
from parkingspots.settings import Settings
from product import Api, Clock, running, until

LIST = "/parking-spots/"
MANY = 20
WRITTEN_BY_COMMITS_ALONE = {"synchronous_commit": "on", "autovacuum": "off", "bgwriter_lru_maxpages": "0"}
CHANGE = "UPDATE spots SET hourly_rate = 999 RETURNING pg_current_xact_id()::text::bigint"

FOLLOWERS = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'parkingspots-changes'"


async def price(api: Api) -> int:
    cents: int = (await api.get(LIST))[0]["hourly_rate"]
    return cents


def hits() -> float:
    return REGISTRY.get_sample_value("parkingspots_reads_total", {"route": "list_spots", "outcome": "hit"}) or 0.0


@asynccontextmanager
async def crashing(server: PostgresServer) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection to a server that dies at the end of the block, and is there again after it.

    What is undone in the block leaves no trace on the disk: the one process that would write it down stands still. Its
    death is to PostgreSQL a crash, after which all of it starts again from what was written.
    """
    connection = await asyncpg.connect(server.admin_url)
    writer = await connection.fetchval("SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'")
    os.kill(writer, signal.SIGSTOP)
    try:
        yield connection
    finally:
        os.kill(writer, signal.SIGKILL)

    async def has_died() -> bool:
        return connection.is_closed()

    async def is_back() -> bool:
        try:
            await fetch(server, "SELECT 1")
        except (OSError, *DRIVER_ERRORS):
            return False
        return True

    await until(has_died)
    await until(is_back)


async def fetch(server: PostgresServer, query: str) -> int:
    connection = await asyncpg.connect(server.url)
    try:
        number: int = await connection.fetchval(query)
        return number
    finally:
        await connection.close()


async def undone(connection: "asyncpg.Connection[asyncpg.Record]") -> int:
    """The id of a transaction that came to nothing."""
    transaction = connection.transaction()
    await transaction.start()
    xid: int = await connection.fetchval("SELECT pg_current_xact_id()::text::bigint")
    await transaction.rollback()
    return xid


@pytest.mark.parametrize("hears_first", [True, False])
async def test_a_write_under_an_id_that_was_undone_before_a_crash_is_seen(
    keeping: Settings, clock: Clock, tmp_path: Path, *, hears_first: bool
) -> None:
    """Whether or not the process has heard of the log again before the write comes."""
    with postgres(tmp_path / "postgres", durable=False, settings=WRITTEN_BY_COMMITS_ALONE) as server:
        own = keeping.model_copy(update={"database_url": SecretStr(server.url)})
        await migrating.upgrade(own)
        async with running(own, clock) as api:
            await api.list_spot(await api.person("owner"))
            await until(api.is_keeping)
            async with crashing(server) as connection:
                ids = [await undone(connection) for _ in range(MANY)]
                await api.app.state.follower.catch_up()
                assert await price(api) == 350
            if hears_first:
                await hears_again(api, server)
                before = hits()
                assert (await price(api), hits()) == (350, before + 1)  # a crash that changes nothing costs nothing
            assert await fetch(server, CHANGE) in ids
            await hears_again(api, server)
            await api.app.state.follower.catch_up()
            assert await price(api) == 999


async def hears_again(api: Api, server: PostgresServer) -> None:
    """Return when the process follows the log over a connection from after the crash."""

    async def has_come_back() -> bool:
        return await fetch(server, FOLLOWERS) > 0 and await api.is_keeping()

    await until(has_come_back)
