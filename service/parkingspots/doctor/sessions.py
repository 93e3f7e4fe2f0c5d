"""What lies between the product and the server, and whether a session of ours is as the product asks for it."""

from collections.abc import Mapping

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from parkingspots.doctor import mending
from parkingspots.doctor.checks import Check, Group
from parkingspots.doctor.finding import Finding, fail, ok, warn
from parkingspots.doctor.mending import identifier, literal
from parkingspots.doctor.world import World
from parkingspots.kit.database import server_settings, sqlstate
from parkingspots.settings import Settings

UNKNOWN_STATEMENT = "26000"
OWN_PROCESS = "SELECT pg_backend_pid()"
ATTEMPTS = 20
"""To be given the same connection as somebody else had; mostly it takes one."""


def of_pooler(*, is_there: bool, keeps_statements: bool) -> Finding:
    if not is_there:
        return ok("Connections go to the server itself, through no pooler.")
    if not keeps_statements:
        mend = "max_prepared_statements = 200    # in pgbouncer.ini, version 1.21 or newer"
        return fail("A pooler stands before the server and forgets prepared statements: requests fail at random.", mend)
    return ok(
        "A pooler stands before the server and keeps prepared statements; migrations need the server's own address."
    )


def wanted(settings: Settings) -> Mapping[str, str]:
    """What the product asks for when it connects, but for its name."""
    return {name: value for name, value in server_settings(settings).items() if name != "application_name"}


def of_session(url: URL, wanted: Mapping[str, str], found: Mapping[str, str]) -> Finding:
    """A pooler drops what a client asks for."""
    other = {name: value for name, value in wanted.items() if found.get(name) != value}
    if not other:
        return ok("A session has the time zone and the time-outs that the product asks for.")
    role = identifier(url.username or "")
    changes = "; ".join(f"ALTER ROLE {role} SET {name} = {literal(value)}" for name, value in other.items())
    names = ", ".join(f"{name} ({found.get(name, 'unknown')})" for name in other)
    return warn(f"A session does not have what the product asks for: {names}.", mending.psql(url, changes))


async def has_pooler(world: World) -> bool:
    """The process that a client may cancel is the server's own, or a pooler's invention."""
    async with world.connection() as connection:
        own: int = await connection.fetchval(OWN_PROCESS)
        return connection.get_server_pid() != own


async def _pooler(world: World) -> Finding:
    if not await world.once(has_pooler):
        return of_pooler(is_there=False, keeps_statements=True)
    try:
        async with world.connection() as one:
            statement = await one.prepare(OWN_PROCESS)
            await _served_by_another(world, statement)
    except DBAPIError as error:
        if sqlstate(error) != UNKNOWN_STATEMENT:
            raise
        return of_pooler(is_there=True, keeps_statements=False)
    return of_pooler(is_there=True, keeps_statements=True)


async def _served_by_another(world: World, statement: "PreparedStatement[asyncpg.Record]") -> None:
    """Use the statement while somebody else has the server's connection that knows it."""
    for _ in range(ATTEMPTS):
        known_to = await statement.fetchval()
        async with world.connection() as other, other.transaction():
            if await other.fetchval(OWN_PROCESS) == known_to:
                await statement.fetchval()
                return


async def _session(world: World) -> Finding:
    asked = wanted(world.settings)
    rows = await world.rows("SELECT name, setting FROM pg_settings WHERE name = ANY($1)", list(asked))
    return of_session(world.url, asked, {row["name"]: row["setting"] for row in rows})


GROUP = Group("sessions", (Check("pooler", _pooler), Check("session", _session)))
