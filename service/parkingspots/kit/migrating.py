"""Bringing the database from one revision to another: one migration at a time, each in its own short transaction."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from alembic import command, op
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, create_async_engine
from sqlalchemy.pool import NullPool

from parkingspots.kit.database import LOCK_NOT_AVAILABLE, Database, sqlstate
from parkingspots.kit.schema import objection
from parkingspots.settings import Settings

OLDEST_SERVER = 180_000
"""PostgreSQL 18: uuidv7() and the built-in collations."""
ONE_AT_A_TIME = 0x7061726B
"""The advisory lock that a migration holds ("park")."""
LOCK_TIMEOUT = "2s"
"""A migration gives way to the traffic after this: sooner than a request that queues behind it gives up."""
STATEMENT_TIMEOUT = "15min"
"""Longer than an index on ten million rows takes, and not for ever."""
LIMITS = (f"SET lock_timeout = '{LOCK_TIMEOUT}'", f"SET statement_timeout = '{STATEMENT_TIMEOUT}'")
PAUSE = 0.5  # seconds between two looks at a database that is not ready
NOT_YET = frozenset({None, "57P03", "57P01", "57P02", "53300"})
"""No answer; starting up, shutting down, crashed; too many connections: a server that may take one later."""


class MigrationError(Exception):
    """The database is at some revision, none is half done; the message is one sentence for a person at a terminal."""


@dataclass(frozen=True)
class Moved:
    """The database's revision before and after; None for an empty one."""

    before: str | None
    after: str | None


def alembic_config() -> Config:
    """Alembic's configuration; the scripts lie in the wheel, or beside the package in a checkout."""
    package = Path(__file__).parents[1]
    scripts = next(path for path in (package / "migrations", package.parent / "migrations") if path.is_dir())
    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    return config


def declare(*, current: int, oldest_compatible: int) -> None:
    """In a migration's own transaction: what the schema is now, and the oldest code that can still work with it."""
    op.execute(
        f"INSERT INTO schema_contract (current, oldest_compatible) VALUES ({current:d}, {oldest_compatible:d})"  # noqa: S608 - integers
        " ON CONFLICT (one) DO UPDATE SET current = excluded.current, oldest_compatible = excluded.oldest_compatible"
    )


def heads() -> list[str]:
    return list(ScriptDirectory.from_config(alembic_config()).get_heads())


async def current(settings: Settings) -> str | None:
    """The database's revision, or None where nothing was ever migrated."""
    async with _connection(settings) as connection:
        return await connection.run_sync(_revision)


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _is_known(revision: str) -> bool:
    return revision in {script.revision for script in ScriptDirectory.from_config(alembic_config()).walk_revisions()}


def print_sql(target: str) -> None:
    """Print what `upgrade` would run on an empty database; MigrationError where there is no such revision."""
    config = alembic_config()
    for limit in LIMITS:
        sys.stdout.write(f"{limit};\n")
    try:
        command.upgrade(config, target, sql=True)
    except CommandError as error:
        raise MigrationError(f"{error}.") from error


async def upgrade(settings: Settings, target: str = "head") -> Moved:
    """Bring the database up. A newer one that this code can work with stays as it is: a rollback migrates nothing."""

    def step(config: Config, before: str | None) -> None:
        if target != "head" or before is None or _is_known(before):
            command.upgrade(config, target)

    return await _run(settings, step)


async def downgrade(settings: Settings, target: str) -> Moved:
    return await _run(settings, lambda config, _: command.downgrade(config, target))


async def reachable(settings: Settings, seconds: float) -> None:
    """Return once the database takes connections; raise what it says to them after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            async with _connection(settings):
                return
        except (DBAPIError, OSError) as error:
            refused = isinstance(error, DBAPIError) and sqlstate(error) not in NOT_YET
            if refused or time.monotonic() > deadline:
                raise
            await asyncio.sleep(PAUSE)


async def wait(settings: Settings, seconds: float) -> None:
    """Return once the database can be reached and has a schema for this code; MigrationError after `seconds`."""
    deadline = time.monotonic() + seconds
    while reason := await _why_not_ready(settings):
        if time.monotonic() > deadline:
            raise MigrationError(f"Not ready after {seconds:g} s. {reason}")
        await asyncio.sleep(PAUSE)


async def _why_not_ready(settings: Settings) -> str | None:
    database = Database(settings, pool_size=1)
    try:
        async with database.reader() as session:
            return await objection(session)
    except (DBAPIError, OSError, TimeoutError) as error:
        return f"The database cannot be reached ({type(getattr(error, 'orig', error)).__name__})."
    finally:
        await database.aclose()


@asynccontextmanager
async def _connection(settings: Settings) -> AsyncIterator[AsyncConnection]:
    """A connection of its own, without the time-outs that requests have."""
    engine = create_async_engine(
        settings.sqlalchemy_url, poolclass=NullPool, hide_parameters=True, connect_args={"timeout": 5}
    )
    try:
        async with engine.connect() as connection:
            yield connection
    finally:
        await engine.dispose()


async def _run(settings: Settings, step: Callable[[Config, str | None], None]) -> Moved:
    async with _connection(settings) as connection:
        await _require_server(connection)
        await _take_turn(connection)
        before = await connection.run_sync(_revision)
        await _require_compatible(connection, before)
        for limit in LIMITS:
            await connection.execute(text(limit))
        await connection.commit()
        config = alembic_config()

        def run(sync_connection: object) -> None:
            config.attributes["connection"] = sync_connection
            step(config, before)

        try:
            await connection.run_sync(run)
            await connection.commit()
            return Moved(before, await connection.run_sync(_revision))
        except CommandError as error:
            raise MigrationError(f"{error}.") from error
        except DBAPIError as error:
            if sqlstate(error) != LOCK_NOT_AVAILABLE:
                raise
            raise MigrationError(
                f"A table stayed locked for {LOCK_TIMEOUT}; the step that needs it was undone."
                " Run it again at a quieter time."
            ) from error


async def _take_turn(connection: AsyncConnection) -> None:
    """Wait until no other migration runs; the lock lasts as long as the connection."""
    await connection.execute(text(f"SET lock_timeout = '{STATEMENT_TIMEOUT}'"))
    try:
        await connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": ONE_AT_A_TIME})
    except DBAPIError as error:
        raise MigrationError(
            "Another migration is still running. Wait until it has ended, then run this again."
        ) from error


async def _require_compatible(connection: AsyncConnection, revision: str | None) -> None:
    """A database that a newer release has migrated says itself whether this one can work with it."""
    if revision is None or _is_known(revision):
        return
    reason = await objection(AsyncSession(connection))
    if reason:
        raise MigrationError(reason)


async def _require_server(connection: AsyncConnection) -> None:
    number = int((await connection.execute(text("SHOW server_version_num"))).scalar_one())
    if number < OLDEST_SERVER:
        raise MigrationError(f"PostgreSQL {number // 10_000} is too old: ParkingSpots needs version 18 or newer.")
