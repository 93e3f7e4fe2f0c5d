"""Whether the database has connections for as many processes as there may be, by the sum that the chart does too."""

from dataclasses import dataclass

from sqlalchemy.engine import URL

from parkingspots.doctor import mending
from parkingspots.doctor.checks import Check, Group
from parkingspots.doctor.finding import Finding, Skip, fail, ok, warn
from parkingspots.doctor.mending import identifier
from parkingspots.doctor.sessions import has_pooler
from parkingspots.doctor.world import World
from parkingspots.settings import Settings

OF_OTHERS = 10
"""Two of the minute job, two of a migration, one of a backup, two gates, three that PostgreSQL keeps to itself."""
NEARLY_ALL = 0.9


@dataclass(frozen=True)
class Limits:
    """Of the server, of the role and of the database; the last two are negative where there is none."""

    server: int
    role: int
    database: int

    @property
    def least(self) -> tuple[int, str]:
        """The one that is met first, and its name."""
        found = [(self.server, "max_connections")]
        found += [(limit, name) for limit, name in ((self.role, "role"), (self.database, "database")) if limit >= 0]
        return min(found)


def of_process(settings: Settings) -> int:
    """Two pools, one connection for /readyz, one for the log of changes; two of the minute job where it runs there."""
    return 2 * settings.database_pool_size + 2 + (2 if settings.enable_background_tasks else 0)


def of_limits(url: URL, limits: Limits, each: int, pods: int | None) -> Finding:
    allowed, what = limits.least
    enough_for = max(0, allowed - OF_OTHERS) // each
    said = f"the database allows {allowed} connections"
    if pods is None and enough_for:
        enough = f"enough for {enough_for} processes of {each}, and {OF_OTHERS} others"
        return ok(f"{said.capitalize()}: {enough}; --pods says how many there are.")
    needed = (pods or 1) * each + OF_OTHERS
    if needed <= allowed:
        return ok(f"{pods} processes of {each} and {OF_OTHERS} others make {needed}; {said}.")
    statement, restart = {
        "max_connections": (f"ALTER SYSTEM SET max_connections = {needed}", "    # then restart the server"),
        "role": (f"ALTER ROLE {identifier(url.username or '')} CONNECTION LIMIT {needed}", ""),
        "database": (f"ALTER DATABASE {identifier(url.database or '')} CONNECTION LIMIT {needed}", ""),
    }[what]
    return fail(
        f"{pods or 1} processes of {each} and {OF_OTHERS} others make {needed}, and {said}:"
        " lower DATABASE_POOL_SIZE or allow more.",
        mending.psql(url, statement) + restart,
    )


def of_use(url: URL, used: int, allowed: int) -> Finding:
    if used >= allowed * NEARLY_ALL:
        who = "SELECT usename, application_name, count(*) FROM pg_stat_activity GROUP BY 1, 2 ORDER BY 3 DESC"
        return warn(f"{used} of {allowed} connections are in use.", mending.psql(url, who))
    return ok(f"{used} of {allowed} connections are in use.")


LIMITS = """
    SELECT current_setting('max_connections')::int AS server, rolconnlimit AS role, datconnlimit AS database
    FROM pg_roles, pg_database WHERE rolname = current_user AND datname = current_database()
"""
USED = "SELECT count(*)::int AS used FROM pg_stat_activity WHERE backend_type = 'client backend'"


async def _limits(world: World) -> Limits:
    return Limits(*(await world.row(LIMITS)).values())


async def _enough(world: World) -> Finding:
    if await world.once(has_pooler):
        raise Skip(
            "A pooler stands between: hold the pods against its max_client_conn, and its pool against the server."
        )
    limits = await world.once(_limits)
    return of_limits(world.url, limits, of_process(world.settings), world.options.pods)


async def _use(world: World) -> Finding:
    limits = await world.once(_limits)
    return of_use(world.url, (await world.row(USED))["used"], limits.server)


GROUP = Group("connections", (Check("enough", _enough), Check("in-use", _use)))
