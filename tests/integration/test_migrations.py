"""The way of the database from one revision to another."""

import asyncio
import subprocess
import sysconfig
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import asyncpg
import pytest
import pytest_alembic
import pytest_alembic.tests
from alembic.config import Config
from pydantic import SecretStr
from pytest_alembic.config import Config as RunnerConfig
from pytest_alembic.runner import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from conftest import ROOT
from parkingspots.dev.postgres import PostgresServer
from parkingspots.kit import migrating
from parkingspots.kit.database import Database
from parkingspots.kit.migrating import MigrationError
from parkingspots.kit.schema import NEEDED, objection
from parkingspots.settings import Settings
from product import Clock, running

CHECKS_OF_PYTEST_ALEMBIC = (
    pytest_alembic.tests.test_single_head_revision,
    pytest_alembic.tests.test_upgrade,
    pytest_alembic.tests.test_model_definitions_match_ddl,
    pytest_alembic.tests.test_up_down_consistency,
)


OWN_FUNCTIONS = """
    SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e') ORDER BY 1
"""


MONEY = """
    INSERT INTO payments (booking_id, payer_id, owner_id, amount, owner_amount, currency, status)
        SELECT id, user_id, owner_id, total_amount, owner_payout, currency, 'completed' FROM bookings;
    INSERT INTO refunds_due SELECT id, 1 FROM bookings;
    INSERT INTO refunds (payment_id, cause, amount, owner_amount, status)
        SELECT id, 'a test', 1, 1, 'pending' FROM payments;
    INSERT INTO payouts (payment_id, booking_id, owner_id, amount, currency, status)
        SELECT id, booking_id, owner_id, 1, currency, 'pending' FROM payments;
    INSERT INTO disputes (id, payment_id, amount, status) SELECT 'dp_1', id, 1, 'open' FROM payments LIMIT 1;
    INSERT INTO connected_accounts (owner_id, country, business_type) SELECT id, 'GR', 'company' FROM users;
    INSERT INTO stripe_events (id, kind, created, received_at) VALUES ('evt_1', 'a.test', now(), now());
    INSERT INTO job_runs (run_id, step) VALUES (gen_random_uuid(), 'a_step');
    INSERT INTO job_counts (counter, labels, value) VALUES ('parkingspots_job_done', '{"step": "a_step"}', 1);
    INSERT INTO ledger_checks (day, began_at) VALUES (current_date, now());
    INSERT INTO ledger_entries (cause, account, amount, currency, payment_id, owner_id)
        SELECT 'a test ' || id, account, part, currency, id, owner_id
        FROM payments, (VALUES ('stripe', 1), ('owner', -1)) AS sides (account, part);
"""

NEWER = """
    UPDATE alembic_version SET version_num = '9999';
    UPDATE schema_contract SET current = 9999, oldest_compatible = {oldest}
"""


@pytest.fixture
async def blank(postgres_server: PostgresServer, settings: Settings) -> AsyncIterator[Settings]:
    """Settings with an empty database of their own."""
    name = f"blank_{uuid.uuid4().hex}"
    url = postgres_server.create_database(name)
    yield settings.model_copy(update={"database_url": SecretStr(url)})
    postgres_server.drop_database(name)


async def tables(settings: Settings) -> set[str]:
    found = await _rows(settings, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    return {str(name) for name in found} - {"alembic_version"}


async def _rows(settings: Settings, question: str) -> list[object]:
    connection = await asyncpg.connect(settings.database_url.get_secret_value())
    try:
        return [row[0] for row in await connection.fetch(question)]
    finally:
        await connection.close()


async def fill(settings: Settings, clock: Clock) -> None:
    """Use the product until every table has a row."""
    async with running(settings, clock) as api:
        owner, renter = await api.person("owner"), await api.person("renter")
        spot = await api.list_spot(owner)
        await api.post(
            f"/parking-spots/{spot}/availability",
            owner,
            expect=201,
            day_of_week=0,
            start_time="00:00",
            end_time="00:00",
        )
        booking = await api.book(renter, spot, 0, 1)
        await api.post(f"/bookings/{booking['id']}/check-out", renter)
        review = await api.post("/reviews/", renter, expect=201, booking_id=booking["id"], overall_rating=5)
        await api.post(f"/reviews/{review['id']}/helpful", renter)
        await api.post("/auth/forgot-password", email=renter.email)
        times = {"start_time": api.at(1), "end_time": api.at(2)}
        wish = {"json": {"parking_spot_id": spot} | times, "headers": {"Idempotency-Key": "once"}}
        await api.request("POST", "/bookings/", renter, expect=201, **wish)
        await _run_script(settings, f"UPDATE users SET role = 'admin' WHERE id = '{owner.id}'")
        await api.post(f"/admin/spots/{spot}/disable", owner, reason="Not theirs.")
    await _run_script(settings, MONEY)


async def test_a_filled_database_goes_down_and_up_again(blank: Settings, clock: Clock) -> None:
    await migrating.upgrade(blank)
    made = await tables(blank)
    await fill(blank, clock)
    for table in made:
        assert await _rows(blank, f"SELECT count(*) FROM {table}") != [0], table

    await migrating.downgrade(blank, "base")
    assert await migrating.current(blank) is None
    assert await tables(blank) == set()
    assert await _rows(blank, OWN_FUNCTIONS) == []

    await migrating.upgrade(blank)
    assert await tables(blank) == made
    await fill(blank, clock)


@pytest.mark.parametrize("check", CHECKS_OF_PYTEST_ALEMBIC, ids=lambda check: check.__name__)
async def test_the_history_passes_the_checks_of_pytest_alembic(
    blank: Settings, check: Callable[[MigrationContext], None]
) -> None:
    def run(connection: Connection) -> None:
        config: Config = migrating.alembic_config()
        with pytest_alembic.runner(RunnerConfig.from_raw_config(config), connection) as history:
            check(history)

    engine = create_async_engine(blank.sqlalchemy_url)
    async with engine.connect() as connection:
        await connection.run_sync(run)
    await engine.dispose()


async def test_the_printed_sql_makes_the_same_database(
    blank: Settings, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    migrating.print_sql("head")
    await _run_script(blank, capsys.readouterr().out)
    assert [await migrating.current(blank)] == migrating.heads()
    assert await _objection(blank) is None
    assert await tables(blank) == await tables(settings)
    assert await _rows(blank, OWN_FUNCTIONS) == await _rows(settings, OWN_FUNCTIONS) != []


async def _run_script(settings: Settings, script: str) -> None:
    connection = await asyncpg.connect(settings.database_url.get_secret_value())
    try:
        await connection.execute(script)
    finally:
        await connection.close()


def test_each_revision_is_printed_as_a_transaction_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    migrating.print_sql("head")
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line in {"BEGIN;", "COMMIT;"}] == ["BEGIN;", "COMMIT;"] * NEEDED


def test_squawk_finds_nothing_in_the_printed_sql(capsys: pytest.CaptureFixture[str]) -> None:
    migrating.print_sql("head")
    as_one = capsys.readouterr().out.replace("\nCOMMIT;\n\nBEGIN;\n", "\n")  # what is new to one is new to the next
    squawk = Path(sysconfig.get_path("scripts")) / "squawk"
    command = [str(squawk), "--config", str(ROOT / ".squawk.toml"), "--stdin-filepath", "head.sql"]
    found = subprocess.run(command, input=as_one, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
    assert "Found 0 issues" in found.stdout


async def test_the_printed_sql_of_a_revision_that_is_not_there_is_refused() -> None:
    with pytest.raises(MigrationError, match="nonsense"):
        migrating.print_sql("nonsense")


async def test_the_schema_says_which_code_may_work_with_it(session: AsyncSession) -> None:
    current, oldest = (await session.execute(text("SELECT current, oldest_compatible FROM schema_contract"))).one()
    assert [f"{current:04}"] == migrating.heads()
    assert oldest <= NEEDED <= current


async def test_the_product_needs_no_rights_beyond_its_own_database(session: AsyncSession) -> None:
    rights = "rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls"
    row = (await session.execute(text(f"SELECT {rights} FROM pg_roles WHERE rolname = current_user"))).one()
    assert not any(row)


async def test_two_upgrades_at_once_do_the_work_once(blank: Settings) -> None:
    await asyncio.gather(*(migrating.upgrade(blank) for _ in range(3)))
    assert [await migrating.current(blank)] == migrating.heads()
    assert await _objection(blank) is None


async def test_a_table_that_stays_locked_makes_a_migration_give_way_and_change_nothing(
    blank: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrating, "LIMITS", ("SET lock_timeout = '50ms'",))
    await migrating.upgrade(blank, "0008")  # whose way back takes a lock
    before = await tables(blank)
    database = Database(blank)
    async with database.transaction() as session:
        await session.execute(text("LOCK TABLE users IN ACCESS SHARE MODE"))
        with pytest.raises(MigrationError, match=r"stayed locked for 2s; .* Run it again"):
            await migrating.downgrade(blank, "base")
    await database.aclose()
    assert await tables(blank) == before
    assert await migrating.current(blank) == "0008"
    await migrating.downgrade(blank, "base")


async def test_a_migration_waits_at_most_five_seconds_for_a_lock() -> None:
    assert "SET lock_timeout = '2s'" in migrating.LIMITS


@pytest.mark.parametrize("target", ["nonsense", "9999"])
async def test_a_revision_that_is_not_there_is_refused_in_a_sentence(blank: Settings, target: str) -> None:
    for move in (migrating.upgrade, migrating.downgrade):
        with pytest.raises(MigrationError, match=target):
            await move(blank, target)
    assert await tables(blank) == set()


async def test_a_database_from_the_future_goes_to_no_named_revision(blank: Settings) -> None:
    await migrating.upgrade(blank)
    await _run_script(blank, NEWER.format(oldest=NEEDED))
    for move in (migrating.upgrade, migrating.downgrade):
        with pytest.raises(MigrationError, match="9999"):
            await move(blank, "0001")


async def test_a_server_that_is_too_old_is_refused_in_a_sentence(
    blank: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrating, "OLDEST_SERVER", 990_000)
    with pytest.raises(MigrationError, match="PostgreSQL 18 is too old"):
        await migrating.upgrade(blank)
    assert await tables(blank) == set()


async def test_waiting_ends_when_somebody_has_migrated(blank: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrating, "PAUSE", 0.01)
    waiting = asyncio.create_task(migrating.wait(blank, 60))
    await migrating.upgrade(blank)
    await waiting


async def test_waiting_in_vain_ends_with_the_reason(blank: Settings) -> None:
    with pytest.raises(MigrationError, match=r"Not ready after 0 s\. The database is empty"):
        await migrating.wait(blank, 0)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("current = 0", f"at revision 0000, this release needs {NEEDED:04}: run `parkingspots migrate upgrade`"),
        ("current = 99, oldest_compatible = 98", f"at revision 0099, for which this release .{NEEDED:04}. is too old"),
        ("current = 99, oldest_compatible = 1", None),
    ],
)
async def test_code_knows_what_to_think_of_another_schema(blank: Settings, change: str, says: str | None) -> None:
    await migrating.upgrade(blank)
    await _run_script(blank, f"UPDATE schema_contract SET {change}")
    if says is None:
        await migrating.wait(blank, 0)
    else:
        with pytest.raises(MigrationError, match=says):
            await migrating.wait(blank, 0)


async def _objection(settings: Settings) -> str | None:
    database = Database(settings)
    async with database.reader() as session:
        reason = await objection(session)
    await database.aclose()
    return reason


async def test_a_rollback_leaves_a_newer_schema_that_still_fits(blank: Settings) -> None:
    await migrating.upgrade(blank)
    await _run_script(blank, NEWER.format(oldest=NEEDED))
    assert await migrating.upgrade(blank) == migrating.Moved("9999", "9999")
    assert await migrating.current(blank) == "9999"


async def test_a_rollback_to_a_release_that_is_too_old_is_refused_in_a_sentence(blank: Settings) -> None:
    await migrating.upgrade(blank)
    await _run_script(blank, NEWER.format(oldest=NEEDED + 1))
    with pytest.raises(migrating.MigrationError, match=r"revision 9999, for which this release .* is too old"):
        await migrating.upgrade(blank)


async def test_an_upgrade_says_where_it_came_from(blank: Settings) -> None:
    (head,) = migrating.heads()
    assert await migrating.upgrade(blank) == migrating.Moved(None, head)
    assert await migrating.upgrade(blank) == migrating.Moved(head, head)
