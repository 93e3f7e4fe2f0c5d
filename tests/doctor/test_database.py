"""A database that is in order is found so; each fault is found by the check that is for it, with what mends it."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from doctor.conftest import NAME, Change, with_database
from doctor.examined import examined, says, states
from minute_job import moved
from parkingspots.dev.ports import HOST, free_port
from parkingspots.dev.postgres import PostgresServer
from parkingspots.doctor import database, sessions
from parkingspots.doctor.finding import State
from parkingspots.doctor.registry import NAMES
from parkingspots.kit.database import Database, server_settings
from parkingspots.kit.schema import NEEDED
from parkingspots.settings import Environment, Settings

FAST_IN_TESTS = {("server", "wal"), ("server", "synchronous_commit")}
"""The tests' server may forget what it has said in a power cut."""
NOT_HERE = {("payments", "payments"), ("mail", "mail"), ("cluster", "cluster")}
MIGRATIONS = Path(__file__).parents[2] / "service" / "migrations" / "versions"


class ClockAhead:
    def __init__(self, seconds: float) -> None:
        self._ahead = timedelta(seconds=seconds)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead


async def test_nothing_is_wrong_where_nothing_is_wrong(own: Settings) -> None:
    base = Database(own, pool_size=1)
    try:
        await moved(base)
    finally:
        await base.aclose()
    found = await examined(own.model_copy(update={"rate_limits_enabled": True}), *NAMES, pods=3)
    assert states(found, State.FAIL) == set()
    assert states(found, State.WARN) == FAST_IN_TESTS
    assert states(found, State.SKIPPED) == NOT_HERE


async def test_a_database_that_is_away_fails_and_nothing_else_is_made_of_it(settings: Settings) -> None:
    away = with_database(settings, f"postgresql://app:hidden@{HOST}:{free_port()}/spots")
    found = await examined(away, "database", "schema", "job")
    assert says(found["database", "reach"], State.FAIL, "cannot be reached", mend="pg_isready")
    assert states(found, State.FAIL) == {("database", "reach")}
    assert states(found, State.SKIPPED) == found.keys() - {("database", "reach")}


async def test_a_wrong_password_fails_and_is_not_shown(settings: Settings) -> None:
    url = settings.sqlalchemy_url.set(drivername="postgresql", password="wrong-password-of-the-test")
    found = await examined(with_database(settings, url.render_as_string(hide_password=False)), "database")
    assert says(found["database", "reach"], State.FAIL, "password authentication failed", mend="\\password")
    assert "wrong-password" not in str(found)


async def test_a_database_that_is_not_there_fails_with_the_command_that_makes_it(settings: Settings) -> None:
    url = settings.sqlalchemy_url.set(drivername="postgresql", database="nobodys")
    found = await examined(with_database(settings, url.render_as_string(hide_password=False)), "database")
    assert says(found["database", "reach"], State.FAIL, mend='CREATE DATABASE "nobodys"')


async def test_an_empty_database_wants_the_migration(empty_one: Settings) -> None:
    found = await examined(empty_one, "database", "schema", "job")
    assert says(found["schema", "revision"], State.FAIL, "empty", mend="parkingspots migrate upgrade")
    assert says(found["database", "extensions"], State.OK, "will install")
    assert found["job", "success"].state is State.SKIPPED


async def test_where_the_database_is_empty_the_minute_job_wants_the_migration(empty_one: Settings) -> None:
    found = await examined(empty_one, "job")
    assert says(found["schema", "revision"], State.FAIL, mend="migrate upgrade")


async def test_a_schema_that_is_behind_wants_the_migration(own: Settings, change: Change) -> None:
    await change(f"UPDATE schema_contract SET current = {NEEDED - 1}, oldest_compatible = 1")
    found = await examined(own, "schema")
    assert says(found["schema", "revision"], State.FAIL, f"needs {NEEDED:04}", mend="parkingspots migrate upgrade")


async def test_a_newer_schema_is_well_as_long_as_it_works_with_this_release(own: Settings, change: Change) -> None:
    newer = f"{NEEDED + 1:04}"
    await change(f"UPDATE schema_contract SET current = {NEEDED + 1}, oldest_compatible = {NEEDED}")
    await change(f"UPDATE alembic_version SET version_num = '{newer}'")
    assert says((await examined(own, "schema"))["schema", "revision"], State.OK, newer, "can work with it")
    await change(f"UPDATE schema_contract SET oldest_compatible = {NEEDED + 1}")
    assert says((await examined(own, "schema"))["schema", "revision"], State.FAIL, "too old", mend="helm upgrade")


async def test_a_schema_that_contradicts_itself_fails(own: Settings, change: Change) -> None:
    await change("UPDATE alembic_version SET version_num = '0001'")
    assert says((await examined(own, "schema"))["schema", "revision"], State.FAIL, "0001 by Alembic")


async def test_a_missing_extension_fails_with_the_command_that_installs_it(own: Settings, change: Change) -> None:
    await change("DROP EXTENSION pg_trgm CASCADE")
    found = (await examined(own, "database"))["database", "extensions"]
    assert says(found, State.FAIL, "pg_trgm", mend="CREATE EXTENSION pg_trgm")


def test_the_extensions_looked_for_are_those_that_the_migrations_install() -> None:
    said = "".join(path.read_text() for path in MIGRATIONS.glob("*.py"))
    installed = re.search(r"^EXTENSIONS = \((.*)\)$", said, re.MULTILINE)
    assert installed is not None
    assert set(re.findall(r'"(\w+)"', installed[1])) == set(database.NEEDED)
    assert said.count("CREATE EXTENSION") == 1


async def test_a_missing_privilege_fails_with_the_grant(own: Settings, change_as_superuser: Change) -> None:
    await change_as_superuser("ALTER TABLE reviews OWNER TO postgres; GRANT SELECT ON reviews TO parkingspots")
    found = await examined(own, "database")
    assert says(found["database", "privileges"], State.FAIL, "reviews", mend="GRANT SELECT, INSERT, UPDATE, DELETE")
    await change_as_superuser("GRANT ALL ON reviews TO parkingspots")
    found = await examined(own, "database")
    assert says(found["database", "privileges"], State.WARN, "another role", mend="OWNER TO")


async def test_a_role_that_may_not_create_tables_could_not_migrate(own: Settings, change_as_superuser: Change) -> None:
    await change_as_superuser("ALTER SCHEMA public OWNER TO postgres; REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    found = await examined(own, "database")
    assert says(found["database", "privileges"], State.FAIL, "may not create tables", mend="GRANT CREATE ON SCHEMA")


@pytest.mark.parametrize(
    ("environment", "state"), [(Environment.PRODUCTION, State.WARN), (Environment.DEVELOPMENT, State.OK)]
)
async def test_a_superuser_is_too_much_for_production(
    settings: Settings, postgres_server: PostgresServer, environment: Environment, state: State
) -> None:
    url = postgres_server.admin_url
    superuser = with_database(settings, url).model_copy(update={"environment": environment})
    assert says((await examined(superuser, "database"))["database", "role"], state, "superuser")


async def test_another_encoding_than_utf8_fails(settings: Settings, postgres_server: PostgresServer) -> None:
    postgres_server.execute(
        f"CREATE DATABASE {NAME} OWNER parkingspots ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"
    )
    try:
        url = f"{postgres_server.url.rsplit('/', 1)[0]}/{NAME}"
        found = (await examined(with_database(settings, url), "database"))["database", "encoding"]
        assert says(found, State.FAIL, "LATIN1", mend="ENCODING")
    finally:
        postgres_server.drop_database(NAME)


@pytest.mark.parametrize(
    ("seconds", "state", "where"), [(10, State.WARN, "behind"), (-10, State.WARN, "ahead"), (100, State.FAIL, "behind")]
)
async def test_a_clock_that_is_off_is_told(settings: Settings, seconds: float, state: State, where: str) -> None:
    found = await examined(settings, "database", clock=ClockAhead(seconds))
    assert says(found["database", "clock"], state, where, f"{abs(seconds)} s", mend="timedatectl")


async def test_more_pods_than_the_database_has_connections_for_fail(settings: Settings) -> None:
    found = (await examined(settings, "connections", pods=5))["connections", "enough"]
    assert says(found, State.FAIL, "5 processes of 22", "make 120", "allows 100", mend="SET max_connections = 120")
    assert says((await examined(settings, "connections", pods=4))["connections", "enough"], State.OK, "make 98")


async def test_without_a_number_of_pods_it_says_for_how_many_there_are_connections(settings: Settings) -> None:
    found = (await examined(settings, "connections"))["connections", "enough"]
    assert says(found, State.OK, "enough for 4 processes")


async def test_the_limit_of_a_role_counts_too(own: Settings, postgres_server: PostgresServer) -> None:
    postgres_server.execute(f"ALTER DATABASE {NAME} CONNECTION LIMIT 20")
    found = (await examined(own, "connections"))["connections", "enough"]
    assert says(found, State.FAIL, "allows 20", mend=f'ALTER DATABASE "{NAME}" CONNECTION LIMIT')


async def test_an_index_that_was_not_finished_fails(own: Settings, change: Change, change_as_superuser: Change) -> None:
    await change("CREATE INDEX ix_half ON reviews (id)")
    await change_as_superuser("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_half'::regclass")
    found = (await examined(own, "schema"))["schema", "indexes"]
    assert says(found, State.FAIL, "ix_half is not valid", mend="REINDEX INDEX CONCURRENTLY")


async def test_a_constraint_that_holds_for_new_rows_only_is_told(own: Settings, change: Change) -> None:
    await change("ALTER TABLE reviews ADD CONSTRAINT hasty CHECK (overall_rating > 0) NOT VALID")
    found = (await examined(own, "schema"))["schema", "constraints"]
    assert says(found, State.WARN, "hasty", mend="VALIDATE CONSTRAINT")


async def test_a_trigger_that_is_off_fails(own: Settings, change: Change) -> None:
    await change("ALTER TABLE audit_log DISABLE TRIGGER append_only")
    found = (await examined(own, "schema"))["schema", "triggers"]
    assert says(found, State.FAIL, "audit_log.append_only", mend="ENABLE TRIGGER")


async def test_a_transaction_that_never_ends_is_told(own: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("parkingspots.doctor.schema.LONG", timedelta(0))
    connection = await asyncpg.connect(own.database_url.get_secret_value())
    try:
        async with connection.transaction():
            await connection.execute("SELECT 1")
            pid = connection.get_server_pid()
            found = (await examined(own, "schema"))["schema", "transactions"]
    finally:
        await connection.close()
    assert says(found, State.WARN, "idle in transaction", mend=f"pg_terminate_backend({pid})")


def test_a_session_is_held_against_what_the_product_asks_for(settings: Settings) -> None:
    asked = {name: value for name, value in server_settings(settings).items() if name != "application_name"}
    assert sessions.wanted(settings) == asked


async def test_a_minute_job_that_stands_still_fails(own: Settings, change: Change) -> None:
    assert says((await examined(own, "job"))["job", "success"], State.WARN, "never", mend="parkingspots-lifecycle run")
    await change("""
        INSERT INTO job_runs (run_id, step, started_at, ended_at)
        VALUES (gen_random_uuid(), 'complete_past', now() - interval '3 hours', now() - interval '3 hours')
    """)
    found = (await examined(own, "job"))["job", "success"]
    assert says(found, State.FAIL, "3 hours ago", mend="parkingspots-lifecycle run")


async def test_a_step_of_the_job_that_fails_or_falls_behind_is_told(own: Settings, change: Change) -> None:
    await change("""
        INSERT INTO job_runs (run_id, step, ended_at, failed, backlog, oldest_due) VALUES
        (gen_random_uuid(), 'complete_past', now(), 0, 0, NULL),
        (gen_random_uuid(), 'cancel_lapsed', now(), 1, 7, now() - interval '1 hour')
    """)
    found = await examined(own, "job")
    assert says(found["job", "success"], State.FAIL, "cancel_lapsed failed", mend="--debug")
    assert says(found["job", "backlog"], State.WARN, "cancel_lapsed has 7 to do", mend="--dry-run")
