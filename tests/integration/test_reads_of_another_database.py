"""A database that became another one, by a restore or a new address: nothing that was known of the old one is told."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import make_url, text
from structlog.testing import capture_logs

from gate import Gate, with_gate
from parkingspots.dev.cluster import APPLICATION
from parkingspots.dev.postgres import PostgresServer, postgres
from parkingspots.kit import follower as following
from parkingspots.kit import migrating
from parkingspots.kit.changes import LOOK, WHICH_DATABASE
from parkingspots.kit.database import Database
from parkingspots.kit.follower import Follower
from parkingspots.settings import Settings
from product import Api, Clock, running, until

LIST = "/parking-spots/"
AT_THE_LAST_COMMIT = {"restore_command": "false"}
"""There is no archive: the restored database goes on from where its files end, on a timeline of its own."""


def at(url: str, settings: Settings) -> Settings:
    return settings.model_copy(update={"database_url": SecretStr(url)})


async def prices(api: Api) -> list[int]:
    return [spot["hourly_rate"] for spot in await api.get(LIST)]


async def write(url: str, settings: Settings, statement: str) -> None:
    """Past the application: no process is told."""
    database = Database(at(url, settings))
    async with database.transaction() as session:
        await session.execute(text(statement))
    await database.aclose()


async def has_one_spot(url: str, settings: Settings, clock: Clock) -> None:
    await migrating.upgrade(at(url, settings))
    async with running(at(url, settings), clock) as api:
        await api.list_spot(await api.person("olga"))


@asynccontextmanager
async def keeping_at(gate_url: str, keeping: Settings, clock: Clock) -> AsyncIterator[Api]:
    async with running(at(gate_url, keeping), clock) as api:
        await until(api.is_keeping)
        yield api


async def goes_over(api: Api, gate: Gate, server: PostgresServer) -> None:
    async def has_noticed() -> bool:
        return not await api.is_keeping()

    gate.close()
    await until(has_noticed)
    gate.lead_to(server.url)
    gate.open()
    await until(api.is_keeping)


async def test_what_was_written_after_the_backup_that_was_restored_is_not_told(
    keeping: Settings, clock: Clock, tmp_path: Path, unused_tcp_port: int
) -> None:
    with postgres(tmp_path / "postgres", durable=False) as server:
        await has_one_spot(server.url, keeping, clock)
    shutil.copytree(tmp_path / "postgres", tmp_path / "backup")
    (tmp_path / "backup" / "data" / "recovery.signal").touch()

    with postgres(tmp_path / "postgres", durable=False) as server:
        async with with_gate(server.url, unused_tcp_port) as (gate, url), keeping_at(url, keeping, clock) as api:
            await write(server.url, keeping, "UPDATE spots SET hourly_rate = 700")
            await api.app.state.follower.catch_up()
            assert [await prices(api) for _ in range(2)] == [[700]] * 2  # twice: Valkey is given it too
            with postgres(tmp_path / "backup", durable=False, settings=AT_THE_LAST_COMMIT) as restored:
                await goes_over(api, gate, restored)
                assert await prices(api) == [350]
                await write(restored.url, keeping, "UPDATE spots SET hourly_rate = 888")  # under the id of the 700
                await api.app.state.follower.catch_up()
                assert await prices(api) == [888]


@pytest.mark.usefixtures("spot")
async def test_another_server_under_the_same_address_is_believed_alone(
    keeping: Settings, clock: Clock, tmp_path: Path, postgres_server: PostgresServer, unused_tcp_port: int
) -> None:
    async with with_gate(postgres_server.url, unused_tcp_port) as (gate, url), keeping_at(url, keeping, clock) as api:
        assert [await prices(api) for _ in range(2)] == [[350]] * 2
        with postgres(tmp_path / "postgres", durable=False) as other:
            same_password = make_url(postgres_server.url).password
            other.execute(f"ALTER ROLE {APPLICATION} PASSWORD '{same_password}'")
            other_url = make_url(other.url).set(password=same_password).render_as_string(hide_password=False)
            await migrating.upgrade(at(other_url, keeping))
            await goes_over(api, gate, other)
            assert await prices(api) == []


async def test_a_look_that_comes_from_another_database_is_refused(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "LOOK", LOOK.replace(WHICH_DATABASE, "'another one'"))
    follower = Follower(settings.sqlalchemy_url, span=60)
    with capture_logs() as logs:
        async with follower.following():

            async def has_looked_again() -> bool:
                return bool(logs)

            await until(has_looked_again)
            assert "another database" in logs[0]["error"]
            assert not follower.is_current()
