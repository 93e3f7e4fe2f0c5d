"""Fill a database with demo data: all of it in one transaction, or nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from asyncpg import Connection, InterfaceError, PostgresError, UniqueViolationError

from parkingspots.accounts import passwords
from parkingspots.kit.database import Database
from parkingspots.kit.schema import objection
from parkingspots.seed.copy import Progress, copy_people, copy_spots
from parkingspots.seed.indexes import set_aside
from parkingspots.seed.people import OWNER_ID, PASSWORD, People
from parkingspots.seed.plan import MOST_BOOKINGS_A_SPOT, Plan
from parkingspots.settings import Environment, Settings

TABLES = ["users", "spots", "spot_stats", "availability_slots", "bookings"]
ONE_AT_A_TIME = 0x73656564
"""The advisory lock that a seeding holds ("seed")."""
# For this transaction alone: no time-outs but for locks, and room to sort when indexes are built.
A_DAY = 86_400_000  # ms; for what the server is told not to end
WORKING = """
    SET LOCAL statement_timeout = 0;
    SET LOCAL idle_in_transaction_session_timeout = 0;
    SET LOCAL transaction_timeout = 0;
    SET LOCAL lock_timeout = '5s';
    SET LOCAL maintenance_work_mem = '512MB';
"""


class SeedError(Exception):
    """The database was left as it was; the message is one sentence for a person at a terminal."""


@dataclass(frozen=True)
class Seeded:
    """How many rows came in: none where the database had demo data already."""

    accounts: int
    spots: int
    bookings: int

    @property
    def is_new(self) -> bool:
        return self.spots > 0


async def seed(
    settings: Settings, *, spots: int, bookings: int, seed: int, now: datetime, progress: Progress
) -> Seeded:
    """Add the demo data of `seed` as of `now`, beside whatever rows there are; raises SeedError.

    Whoever knows the demo password could sign in, so this is for development only. In an empty database the indexes
    are built at the end.
    """
    _require(settings, spots, bookings)
    plan = Plan(seed, now.replace(microsecond=0), spots, bookings, settings.fee_basis_points)
    database = Database(settings.model_copy(update={"database_statement_timeout_ms": A_DAY}), pool_size=1)
    try:
        async with _transaction(database) as connection:
            if await connection.fetchval("SELECT EXISTS (SELECT FROM users WHERE id = $1)", OWNER_ID):
                return Seeded(0, 0, 0)
            await _fill(connection, plan, progress)
    except UniqueViolationError as error:
        raise SeedError(f"Some account or row of the demo data exists already, made by hand: {error.detail}") from error
    except (PostgresError, InterfaceError) as error:
        raise SeedError(f"The database refused the demo data: {error}") from error
    finally:
        await database.aclose()
    return Seeded(plan.owners + plan.renters, plan.spots, plan.bookings)


def _require(settings: Settings, spots: int, bookings: int) -> None:
    if settings.environment is not Environment.DEVELOPMENT:
        raise SeedError("Demo accounts have a known password: demo data is for ENVIRONMENT=development only.")
    if bookings > spots * MOST_BOOKINGS_A_SPOT:
        raise SeedError(f"A spot has room for {MOST_BOOKINGS_A_SPOT} bookings: ask for fewer, or for more spots.")


@asynccontextmanager
async def _transaction(database: Database) -> AsyncIterator["Connection[Any]"]:
    """The driver's own connection, which alone can COPY, in a transaction that no other seeding shares."""
    async with database.reader() as session:
        if reason := await objection(session):
            raise SeedError(reason)
    async with database.engine.connect() as pooled:
        connection: Connection[Any] | None = (await pooled.get_raw_connection()).driver_connection
        assert connection is not None  # noqa: S101 - it is connected
        async with connection.transaction():
            if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", ONE_AT_A_TIME):
                raise SeedError("Another seeding of this database is running: wait until it has ended.")
            yield connection


async def _fill(connection: "Connection[Any]", plan: Plan, progress: Progress) -> None:
    await connection.execute(WORKING)
    async with _one_change(connection):
        if await _is_empty(connection):
            async with set_aside(connection, TABLES, progress):
                await _load(connection, plan, progress)
        else:
            await _load(connection, plan, progress)
    await connection.execute(f"ANALYZE {', '.join(TABLES)}")


@asynccontextmanager
async def _one_change(connection: "Connection[Any]") -> AsyncIterator[None]:
    """Run the block without the triggers that log each row, and log it as one change of everything.

    Takes SHARE ROW EXCLUSIVE locks, and holds them until the transaction ends.
    """
    for table in TABLES:
        await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    yield
    for table in TABLES:
        await connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    await connection.execute("INSERT INTO changes (kind) VALUES ('everything')")


async def _is_empty(connection: "Connection[Any]") -> bool:
    return not any([await connection.fetchval(f"SELECT EXISTS (SELECT FROM {table})") for table in TABLES])  # noqa: S608


async def _load(connection: "Connection[Any]", plan: Plan, progress: Progress) -> None:
    people = People(plan)
    await copy_people(connection, plan, people, await passwords.hashed(PASSWORD), progress)
    await copy_spots(connection, plan, people, progress)
