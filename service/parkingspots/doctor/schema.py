"""The database's schema against this release's, and what a broken change leaves behind."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.engine import URL

from parkingspots.doctor import mending
from parkingspots.doctor.checks import Check, Group
from parkingspots.doctor.finding import Blocked, Finding, fail, ok, warn
from parkingspots.doctor.mending import identifier
from parkingspots.doctor.world import World
from parkingspots.kit.schema import NEEDED

LONG = timedelta(minutes=5)
"""No transaction of ours takes longer than a migration's statement, and few of anybody should."""


@dataclass(frozen=True)
class Contract:
    """What the database says of its schema: `revision` is Alembic's, the rest the last migration's."""

    revision: str
    current: int
    oldest_compatible: int


def of_contract(contract: Contract | None, needed: int = NEEDED) -> Finding:
    """The sentence that /readyz has too, and more."""
    if contract is None:
        return fail("The database is empty.", mending.MIGRATE)
    where = f"The database is at revision {contract.current:04}"
    if contract.current < needed:
        return fail(f"{where}, this release needs {needed:04}.", mending.MIGRATE)
    if contract.oldest_compatible > needed:
        return fail(f"{where}, for which this release ({needed:04}) is too old: run a newer one.", "helm upgrade …")
    if contract.revision != f"{contract.current:04}":
        return fail(f"{where} by its contract and at {contract.revision} by Alembic.", "parkingspots migrate current")
    if contract.current > needed:
        return ok(f"{where}, newer than this release ({needed:04}), which can work with it.")
    return ok(f"{where}, as this release needs it.")


def of_indexes(url: URL, names: Sequence[str]) -> Finding:
    if not names:
        return ok("Every index is valid.")
    mend = mending.psql(url, f"REINDEX INDEX CONCURRENTLY {identifier(names[0])}", None)
    return fail(f"{_each(names, 'index', 'indexes')} not valid: it costs time at each write and helps nobody.", mend)


def of_constraints(url: URL, names: Sequence[tuple[str, str]]) -> Finding:
    """Each with its table."""
    if not names:
        return ok("Every constraint is validated.")
    table, name = names[0]
    mend = mending.psql(url, f"ALTER TABLE {identifier(table)} VALIDATE CONSTRAINT {identifier(name)}", None)
    said = _each([name for _, name in names], "constraint", "constraints")
    return warn(f"{said} not validated: rows from before may break it.", mend)


def of_triggers(url: URL, names: Sequence[tuple[str, str]]) -> Finding:
    if not names:
        return ok("Every trigger is on.")
    table, name = names[0]
    mend = mending.psql(url, f"ALTER TABLE {identifier(table)} ENABLE TRIGGER {identifier(name)}", None)
    said = _each([f"{table}.{name}" for table, name in names], "trigger", "triggers")
    return fail(f"{said} switched off: kept answers go stale, or what is append-only can be changed.", mend)


def _each(names: Sequence[str], one: str, many: str) -> str:
    return f"The {one} {names[0]} is" if len(names) == 1 else f"The {many} {', '.join(names)} are"


@dataclass(frozen=True)
class Transaction:
    pid: int
    user: str
    state: str
    age: timedelta


def of_transactions(url: URL, transactions: Sequence[Transaction]) -> Finding:
    """The oldest first."""
    long = [each for each in transactions if each.age > LONG]
    if not long:
        return ok(f"No transaction is older than {LONG.seconds // 60} minutes.")
    oldest = long[0]
    says = (
        f"{len(long)} transactions are older than {LONG.seconds // 60} minutes, the oldest of {oldest.user}"
        f" ({oldest.state}, {oldest.age.total_seconds() / 60:.0f} minutes): migrations wait, and nothing is vacuumed."
    )
    return warn(says, mending.psql(url, f"SELECT pg_terminate_backend({oldest.pid})"))


THERE_IS = "SELECT to_regclass('schema_contract') IS NOT NULL AS is_there"
CONTRACT = "SELECT version_num, current, oldest_compatible FROM alembic_version, schema_contract"
OURS = "relnamespace = 'public'::regnamespace"
INDEXES = f"""
    SELECT relname AS name FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    WHERE NOT indisvalid AND {OURS}
        AND indexrelid NOT IN (SELECT index_relid FROM pg_stat_progress_create_index)
    ORDER BY relname
"""  # noqa: S608 - no input
CONSTRAINTS = f"""
    SELECT relname AS on_table, conname AS name FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
    WHERE NOT convalidated AND {OURS} ORDER BY relname, conname
"""  # noqa: S608 - no input
TRIGGERS = f"""
    SELECT relname AS on_table, tgname AS name FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
    WHERE tgenabled = 'D' AND NOT tgisinternal AND {OURS} ORDER BY relname, tgname
"""  # noqa: S608 - no input
TRANSACTIONS = """
    SELECT pid, usename, state, clock_timestamp() - xact_start AS age FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend' AND xact_start IS NOT NULL
        AND pid <> pg_backend_pid()
    ORDER BY xact_start
"""


async def contract(world: World) -> Contract | None:
    """None where the database is empty."""
    if not (await world.row(THERE_IS))["is_there"]:
        return None
    rows = await world.rows(CONTRACT)
    return Contract(*rows[0].values()) if rows else None


async def require_tables(world: World) -> None:
    """Raises Blocked where the database is empty."""
    if await world.once(contract) is None:
        raise Blocked("The database is empty.", "schema", "revision")


async def _revision(world: World) -> Finding:
    return of_contract(await world.once(contract))


async def _indexes(world: World) -> Finding:
    return of_indexes(world.url, [row["name"] for row in await world.rows(INDEXES)])


async def _constraints(world: World) -> Finding:
    return of_constraints(world.url, [(row["on_table"], row["name"]) for row in await world.rows(CONSTRAINTS)])


async def _triggers(world: World) -> Finding:
    return of_triggers(world.url, [(row["on_table"], row["name"]) for row in await world.rows(TRIGGERS)])


async def _transactions(world: World) -> Finding:
    rows = await world.rows(TRANSACTIONS)
    return of_transactions(world.url, [Transaction(*row.values()) for row in rows])


GROUP = Group(
    "schema",
    (
        Check("revision", _revision),
        Check("indexes", _indexes),
        Check("constraints", _constraints),
        Check("triggers", _triggers),
        Check("transactions", _transactions),
    ),
)
