"""The database: reach, version, role, extensions, and what a session of ours has."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from parkingspots.doctor import mending
from parkingspots.doctor.checks import Check, Group
from parkingspots.doctor.finding import Finding, fail, ok, warn
from parkingspots.doctor.mending import identifier
from parkingspots.doctor.world import World
from parkingspots.kit.database import described, sqlstate
from parkingspots.kit.migrating import OLDEST_SERVER
from parkingspots.settings import DEFAULT_DATABASE_URL, database_url

NEEDED = ("btree_gist", "cube", "pg_trgm")
"""The extensions that the migrations install."""
NO_SUCH_DATABASE, WRONG_PASSWORD, NOT_ALLOWED, TOO_MANY = "3D000", "28P01", "28000", "53300"
STARTUP_PARAMETER = "unsupported startup parameter"
DROPPED_BY_POOLER = (
    "ignore_startup_parameters = TimeZone,jit,max_parallel_workers_per_gather,statement_timeout,lock_timeout,"
    "idle_in_transaction_session_timeout,transaction_timeout    # in pgbouncer.ini; docs/operations.md has the rest"
)
SKEW, WORST_SKEW = 2.0, 30.0
"""Seconds between two clocks, beyond what the question took."""


def of_reach(url: URL, seconds: float, trouble: Exception | None) -> Finding:
    where = f"{url.host}:{url.port or 5432}/{url.database}"
    if trouble is None:
        return ok(f"PostgreSQL at {where} takes a connection within {seconds * 1000:.0f} ms.")
    code = sqlstate(trouble) if isinstance(trouble, DBAPIError) else None
    mend = f"pg_isready -h {url.host} -p {url.port or 5432}    # is DATABASE_URL right?"
    if url == database_url(DEFAULT_DATABASE_URL):
        mend = "make dev    # or DATABASE_URL in .env or the environment"
    elif STARTUP_PARAMETER in described(trouble):
        mend = DROPPED_BY_POOLER
    elif code == WRONG_PASSWORD:
        mend = mending.new_password(url)
    elif code == NO_SUCH_DATABASE:
        mend = mending.psql(url.set(database="postgres"), _create_database(url))
    elif code == NOT_ALLOWED:
        mend = f"$EDITOR pg_hba.conf    # let {url.username} in from this machine"
    elif code == TOO_MANY:
        mend = mending.psql(url, "SELECT usename, application_name, count(*) FROM pg_stat_activity GROUP BY 1, 2")
    return fail(f"PostgreSQL at {where} refused or cannot be reached: {described(trouble).rstrip('.')}.", mend)


def _create_database(url: URL) -> str:
    return f"CREATE DATABASE {identifier(url.database or '')} OWNER {identifier(url.username or '')}"


def of_version(number: int) -> Finding:
    written = f"{number // 10_000}.{number % 10_000}"
    if number < OLDEST_SERVER:
        mend = "pg_upgrade --help    # or docs/operations.md, for the chart's own PostgreSQL"
        return fail(f"PostgreSQL {written} is too old: version {OLDEST_SERVER // 10_000} or newer is needed.", mend)
    return ok(f"PostgreSQL {written}.")


def of_role(url: URL, *, is_superuser: bool, is_production: bool) -> Finding:
    if is_superuser and is_production:
        database = identifier(url.database or "")
        make = f"CREATE ROLE parkingspots LOGIN; ALTER DATABASE {database} OWNER TO parkingspots"
        says = f"The role {url.username} is a superuser: whoever gets into the product gets the whole server."
        return warn(says, mending.psql(url, make))
    return ok(f"The role {url.username} is {'a' if is_superuser else 'no'} superuser.")


@dataclass(frozen=True)
class Rights:
    """`lacking`: tables that the role may not read and write; `foreign`: whose shape it may not change."""

    lacking: tuple[str, ...]
    foreign: tuple[str, ...]
    may_create: bool


def of_rights(url: URL, rights: Rights) -> Finding:
    role = url.username or ""
    if rights.lacking:
        grant = f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {identifier(role)}"
        return fail(f"The role {role} may not read and write {_few(rights.lacking)}.", mending.psql(url, grant))
    if not rights.may_create:
        grant = f"GRANT CREATE ON SCHEMA public TO {identifier(role)}"
        return fail(f"The role {role} may not create tables: the next migration would fail.", mending.psql(url, grant))
    if rights.foreign:
        give = f"ALTER TABLE {identifier(rights.foreign[0])} OWNER TO {identifier(role)}"
        says = f"{_few(rights.foreign)} belongs to another role than {role}: the next migration may fail."
        return warn(says, mending.psql(url, give))
    return ok(f"The role {role} may read, write and migrate every table.")


def _few(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""  # noqa: PLR2004 - as many as one reads
    return ", ".join(names[:3]) + more


@dataclass(frozen=True)
class Extension:
    name: str
    is_installed: bool
    is_available: bool


def of_extensions(url: URL, extensions: list[Extension], *, may_create: bool, is_empty: bool) -> Finding:
    missing = [each for each in extensions if not each.is_installed]
    if not missing:
        return ok(f"The extensions {', '.join(each.name for each in extensions)} are installed.")
    names = ", ".join(each.name for each in missing)
    if any(not each.is_available for each in missing):
        mend = "apt-get install postgresql-contrib    # on the server; managed ones have it"
        return fail(f"The server does not have the extension {names}.", mend)
    if not may_create:
        grant = f"GRANT CREATE ON DATABASE {identifier(url.database or '')} TO {identifier(url.username or '')}"
        return fail(
            f"The extension {names} is missing, and {url.username} may not install it.", mending.psql(url, grant)
        )
    if is_empty:
        return ok(f"The first migration will install {names}.")
    create = "; ".join(f"CREATE EXTENSION {each.name}" for each in missing)
    return fail(f"The extension {names} is missing: searches and bookings fail.", mending.psql(url, create, None))


def of_encoding(url: URL, encoding: str) -> Finding:
    if encoding != "UTF8":
        create = f"{_create_database(url)} ENCODING 'UTF8' TEMPLATE template0"
        mend = mending.psql(url.set(database="postgres"), create)
        return fail(
            f"The database's encoding is {encoding}, and names in Greek need UTF8: dump it and load it anew.", mend
        )
    return ok("The database's encoding is UTF8.")


def of_skew(before: datetime, theirs: datetime, after: datetime) -> Finding:
    """What the question itself took is nobody's fault."""
    ahead = (theirs - before).total_seconds() if theirs < before else (theirs - after).total_seconds()
    skew = 0.0 if before <= theirs <= after else ahead
    if abs(skew) <= SKEW:
        return ok("The database's clock and this machine's agree.")
    where = "ahead of" if skew > 0 else "behind"
    says = f"The database's clock is {abs(skew):.0f} s {where} this machine's"
    mend = "timedatectl set-ntp true    # on the machine whose clock is wrong"
    if abs(skew) > WORST_SKEW:
        return fail(f"{says}: bookings would start, end and lapse at the wrong time.", mend)
    return warn(f"{says}.", mend)


RIGHTS = """
    SELECT c.relname AS name, pg_has_role(c.relowner, 'USAGE') AS is_own,
        has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')
        AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE') AS is_usable
    FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
    ORDER BY c.relname
"""
EXTENSIONS = """
    SELECT wanted AS name, installed_version IS NOT NULL AS is_installed, name IS NOT NULL AS is_available
    FROM unnest($1::text[]) AS wanted LEFT JOIN pg_available_extensions ON name = wanted ORDER BY wanted
"""


async def _reach(world: World) -> Finding:
    reached = await world.reach_database()
    found = of_reach(world.url, reached.seconds, reached.trouble)
    return replace(found, mend="make dev") if reached.trouble and world.reading.is_of_dev else found


async def _version(world: World) -> Finding:
    row = await world.row("SELECT current_setting('server_version_num')::int AS number")
    return of_version(row["number"])


async def _role(world: World) -> Finding:
    row = await world.row("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    return of_role(world.url, is_superuser=row["rolsuper"], is_production=world.is_production)


async def _rights(world: World) -> Finding:
    tables = await world.rows(RIGHTS)
    schema = await world.row("SELECT has_schema_privilege('public', 'CREATE') AS may_create")
    lacking = tuple(row["name"] for row in tables if not row["is_usable"])
    foreign = tuple(row["name"] for row in tables if not row["is_own"])
    return of_rights(world.url, Rights(lacking, foreign, schema["may_create"]))


async def _extensions(world: World) -> Finding:
    found = [Extension(*row.values()) for row in await world.rows(EXTENSIONS, list(NEEDED))]
    row: Any = await world.row(
        "SELECT has_database_privilege(current_database(), 'CREATE') AS may_create,"
        " to_regclass('schema_contract') IS NULL AS is_empty"
    )
    return of_extensions(world.url, found, may_create=row["may_create"], is_empty=row["is_empty"])


async def _encoding(world: World) -> Finding:
    row = await world.row("SELECT current_setting('server_encoding') AS encoding")
    return of_encoding(world.url, row["encoding"])


async def _clock(world: World) -> Finding:
    async with world.connection() as connection:
        before = world.clock.now()
        theirs = await connection.fetchval("SELECT clock_timestamp()")
        return of_skew(before, theirs, world.clock.now())


GROUP = Group(
    "database",
    (
        Check("reach", _reach),
        Check("version", _version),
        Check("role", _role),
        Check("privileges", _rights),
        Check("extensions", _extensions),
        Check("encoding", _encoding),
        Check("clock", _clock),
    ),
)
