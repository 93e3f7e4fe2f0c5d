"""Seeding: demo data comes whole, once, beside what is there, and only where nobody minds its passwords."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.accounts import passwords
from parkingspots.dev.postgres import PostgresServer
from parkingspots.kit import migrating
from parkingspots.kit.database import Database
from parkingspots.seed.people import OWNER_EMAIL, OWNER_ID, PASSWORD, RENTER_EMAIL
from parkingspots.seed.service import ONE_AT_A_TIME, Seeded, SeedError, seed
from parkingspots.settings import Environment, Settings

NOW = datetime(2026, 11, 22, 14, 30, tzinfo=UTC)
SPOTS, BOOKINGS = 300, 3_000
SEEDED = Seeded(accounts=375, spots=SPOTS, bookings=BOOKINGS)
TABLES = ("users", "spots", "spot_stats", "availability_slots", "bookings")
HAND_MADE = "INSERT INTO users (email, password_hash, full_name, role) VALUES ('me@example.com', 'mine', 'Me', 'owner')"


@pytest.fixture(scope="module")
async def migrated(postgres_server: PostgresServer) -> AsyncIterator[str]:
    """The name of an empty database as the migrations leave it."""
    url = await asyncio.to_thread(postgres_server.create_database, "unseeded")
    await migrating.upgrade(Settings(_env_file=None, database_url=url))
    yield "unseeded"
    await asyncio.to_thread(postgres_server.drop_database, "unseeded")


@pytest.fixture
async def own(postgres_server: PostgresServer, migrated: str) -> AsyncIterator[Settings]:
    """The settings of a migrated database that nobody else uses."""
    url = await asyncio.to_thread(postgres_server.create_database, "seeding", migrated)
    yield Settings(_env_file=None, database_url=url)
    await asyncio.to_thread(postgres_server.drop_database, "seeding")


@pytest.fixture
async def look(own: Settings) -> AsyncIterator[AsyncSession]:
    database = Database(own, pool_size=1)
    async with database.reader() as session:
        yield session
    await database.aclose()


async def fill(settings: Settings, *, seed_number: int = 1, bookings: int = BOOKINGS) -> Seeded:
    return await seed(settings, spots=SPOTS, bookings=bookings, seed=seed_number, now=NOW, progress=lambda *_: None)


async def counts(look: AsyncSession) -> dict[str, int]:
    return {table: await value(look, f"SELECT count(*) FROM {table}") for table in TABLES}


async def value(look: AsyncSession, query: str) -> Any:
    return await look.scalar(text(query))


async def definitions(look: AsyncSession) -> list[tuple[str, ...]]:
    """Every constraint and index of the database."""
    query = """
        SELECT conrelid::regclass::text, conname::text, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid <> 0
        UNION ALL SELECT tablename::text, indexname::text, indexdef FROM pg_indexes WHERE schemaname = 'public'
        ORDER BY 1, 2, 3
    """
    return [tuple(row) for row in await look.execute(text(query))]


async def test_as_much_comes_in_as_was_asked_for(own: Settings, look: AsyncSession) -> None:
    assert await fill(own) == SEEDED
    found = await counts(look)
    assert found.pop("availability_slots") > 0
    assert found == {"users": 375, "spots": SPOTS, "spot_stats": SPOTS, "bookings": BOOKINGS}


async def test_the_indexes_and_constraints_stay_what_they_were(own: Settings, look: AsyncSession) -> None:
    before = await definitions(look)
    await fill(own)
    assert await definitions(look) == before


async def test_the_counters_are_the_completed_bookings(own: Settings, look: AsyncSession) -> None:
    await fill(own)
    wrong = await value(
        look,
        """
        SELECT count(*) FROM spot_stats WHERE total_bookings <>
            (SELECT count(*) FROM bookings
            WHERE bookings.spot_id = spot_stats.spot_id AND status IN ('completed', 'refunded'))
        """,
    )
    assert wrong == 0
    assert await value(look, "SELECT sum(total_bookings) FROM spot_stats") > BOOKINGS / 2


async def test_every_booking_lies_within_what_the_database_calls_open(own: Settings, look: AsyncSession) -> None:
    await fill(own)
    outside = await value(
        look,
        """
        SELECT count(*) FROM bookings JOIN spots ON spots.id = spot_id
        WHERE NOT open_throughout(spots.id, operating_hours, time_zone, start_time, end_time)
        """,
    )
    assert outside == 0


async def test_the_planner_knows_the_tables_at_once(own: Settings, look: AsyncSession) -> None:
    await fill(own)
    assert await value(look, "SELECT reltuples FROM pg_class WHERE relname = 'bookings'") == BOOKINGS


async def test_the_demo_accounts_can_sign_in_and_nobody_else(own: Settings, look: AsyncSession) -> None:
    await fill(own)
    rows = await look.execute(text("SELECT email, password_hash FROM users WHERE password_hash <> '!'"))
    known = {email: await passwords.verified(PASSWORD, stored) for email, stored in rows}
    assert known == {OWNER_EMAIL: (True, None), RENTER_EMAIL: (True, None)}


async def test_a_second_run_changes_nothing_whatever_its_seed(own: Settings, look: AsyncSession) -> None:
    await fill(own)
    before = await counts(look)
    assert not (await fill(own, seed_number=2)).is_new
    assert await counts(look) == before


async def test_demo_data_stays_recognised_when_its_owner_has_left(own: Settings, look: AsyncSession) -> None:
    await fill(own)
    await look.execute(text("UPDATE users SET email = 'deleted', deleted_at = now() WHERE id = :id"), {"id": OWNER_ID})
    assert not (await fill(own)).is_new


async def test_rows_made_by_hand_stay_as_they_are(own: Settings, look: AsyncSession) -> None:
    await look.execute(text(HAND_MADE))
    query = "SELECT users::text FROM users WHERE email = 'me@example.com'"
    before = await value(look, query)
    assert await fill(own) == SEEDED
    assert await value(look, query) == before
    assert (await counts(look))["users"] == SEEDED.accounts + 1


async def test_a_taken_demo_address_is_told_and_nothing_comes_in(own: Settings, look: AsyncSession) -> None:
    await look.execute(text(HAND_MADE.replace("me@example.com", OWNER_EMAIL)))
    with pytest.raises(SeedError, match="made by hand"):
        await fill(own)
    assert (await counts(look))["spots"] == 0


@pytest.mark.parametrize("environment", [Environment.EVALUATION, Environment.PRODUCTION])
async def test_only_development_is_seeded(own: Settings, look: AsyncSession, environment: Environment) -> None:
    with pytest.raises(SeedError, match="ENVIRONMENT=development only"):
        await fill(own.model_copy(update={"environment": environment}))
    assert (await counts(look))["users"] == 0


async def test_more_bookings_than_the_spots_have_room_for_are_refused(own: Settings) -> None:
    with pytest.raises(SeedError, match="room for 50 bookings"):
        await fill(own, bookings=51 * SPOTS)


async def test_an_unmigrated_database_is_told(own: Settings) -> None:
    await migrating.downgrade(own, "base")
    with pytest.raises(SeedError, match="migrate upgrade"):
        await fill(own)


async def test_a_second_seeding_at_the_same_time_is_refused(own: Settings, look: AsyncSession) -> None:
    await look.execute(text("SELECT pg_advisory_lock(:key)"), {"key": ONE_AT_A_TIME})
    with pytest.raises(SeedError, match="Another seeding"):
        await fill(own)


async def test_a_seeding_killed_in_the_middle_leaves_nothing(own: Settings, look: AsyncSession) -> None:
    before = await definitions(look)
    await asyncio.to_thread(_seed_and_be_killed, own)
    await value(look, f"SELECT pg_advisory_lock({ONE_AT_A_TIME})")  # comes when the server has undone the killed one's
    await value(look, f"SELECT pg_advisory_unlock({ONE_AT_A_TIME})")
    assert set((await counts(look)).values()) == {0}
    assert await definitions(look) == before
    assert await fill(own) == SEEDED


STOPPING = """
import asyncio, sys
from datetime import UTC, datetime
from parkingspots.seed.service import seed
from parkingspots.settings import Settings

def stop_after_the_first_bookings(what, done, total):
    if what == "Bookings":
        print(done, flush=True)
        sys.stdin.readline()

asyncio.run(
    seed(
        Settings(_env_file=None),
        spots=2_000, bookings=20_000, seed=1, now=datetime.now(UTC), progress=stop_after_the_first_bookings,
    )
)
"""


def _seed_and_be_killed(settings: Settings) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STOPPING],
        env=_environment(settings),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as seeding:
        assert seeding.stdout
        assert 0 < int(seeding.stdout.readline()) < 20_000
        seeding.send_signal(signal.SIGKILL)


def _environment(settings: Settings) -> dict[str, str]:
    return {**os.environ, "DATABASE_URL": settings.database_url.get_secret_value(), "ENVIRONMENT": "development"}


def _command(settings: Settings, folder: Path, *options: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """`parkingspots seed` in a folder without an .env."""
    program = [sys.executable, "-m", "parkingspots", "seed", "--spots", "60", "--bookings", "600", *options]
    given = _environment(settings) | environment
    return subprocess.run(program, check=False, capture_output=True, text=True, cwd=folder, env=given)


async def test_the_command_says_what_came_in_and_that_nothing_did(own: Settings, tmp_path: Path) -> None:
    first = await asyncio.to_thread(_command, own, tmp_path)
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.splitlines()[-1] == "Added 60 spots, 600 bookings and 75 accounts."
    assert "Bookings: 600" in first.stdout
    second = await asyncio.to_thread(_command, own, tmp_path)
    assert (second.returncode, second.stdout) == (0, "The database has demo data already; nothing was changed.\n")


async def test_the_command_refuses_in_one_line(own: Settings, tmp_path: Path) -> None:
    strict = {"ENVIRONMENT": "evaluation", "SECRET_KEY": "0123456789" * 4}
    refused = await asyncio.to_thread(_command, own, tmp_path, **strict)
    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) == 1
    assert "ENVIRONMENT=development only" in refused.stderr


async def test_the_command_draws_bars_on_a_terminal(own: Settings, tmp_path: Path) -> None:
    shown = await asyncio.to_thread(_command, own, tmp_path, FORCE_COLOR="1")
    assert shown.returncode == 0
    assert "600/600" in shown.stdout
