"""The settings of PostgreSQL: what loses data, and what costs time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy.engine import URL

from parkingspots.doctor import mending
from parkingspots.doctor.checks import Check, Group, Look
from parkingspots.doctor.finding import Finding, fail, ok, warn
from parkingspots.doctor.world import World

KB, MB, GB = 1 << 10, 1 << 20, 1 << 30
UNITS = {"8kB": 8 * KB, "kB": KB, "MB": MB, "ms": 0.001, "s": 1, "min": 60}
DEFAULT_SHARED_BUFFERS = 128 * MB
LEAST_WORK_MEM = 4 * MB
LEAST_MIN_WAL, LEAST_MAX_WAL = 512 * MB, 2 * GB
LEAST_CHECKPOINT_SECONDS = 300
DISK_COST = 2.0
"""Of a random page: above it, the planner thinks of spinning disks."""
WRAPAROUND = 1_000_000_000
"""Transactions that wait to be frozen: half of those at which PostgreSQL stops taking any."""
MORE = """
    SELECT 'frozen' AS name, age(datfrozenxid)::text AS setting, NULL AS unit, false AS pending_restart
    FROM pg_database WHERE datname = current_database()
"""
STATEMENT = f"SELECT name, setting, unit, pending_restart FROM pg_settings UNION ALL {MORE}"  # noqa: S608 - no input


@dataclass(frozen=True)
class Server:
    """Settings by name, in bytes and seconds where they are numbers."""

    url: URL
    is_production: bool
    numbers: Mapping[str, float]
    words: Mapping[str, str]
    pending: tuple[str, ...] = ()

    def advise(self, says: str, name: str, value: str, *, restart: bool = False) -> Finding:
        """Worth a warning where it is for real; elsewhere it is as it should be."""
        if not self.is_production:
            return ok(f"{says} (good enough outside production).")
        return warn(f"{says}.", mending.server_setting(self.url, name, value, restart=restart))

    def is_off(self, name: str) -> bool:
        return self.words[name] == "off"

    def endangered(self, says: str, name: str, value: str = "on") -> Finding:
        """What loses data is a failure in production and a warning elsewhere."""
        return (fail if self.is_production else warn)(says, mending.server_setting(self.url, name, value))


def of_shared_buffers(server: Server) -> Finding:
    size = server.numbers["shared_buffers"]
    says = f"shared_buffers is {_size(size)}"
    if size < DEFAULT_SHARED_BUFFERS:
        return warn(
            f"{says}: less than PostgreSQL's own default.",
            mending.server_setting(server.url, "shared_buffers", "128MB", restart=True),
        )
    if size == DEFAULT_SHARED_BUFFERS:
        says += ", PostgreSQL's default: a quarter of the server's memory serves better"
        return server.advise(says, "shared_buffers", "1GB", restart=True)
    return ok(f"{says}.")


def of_effective_cache_size(server: Server) -> Finding:
    size, shared = server.numbers["effective_cache_size"], server.numbers["shared_buffers"]
    says = f"effective_cache_size is {_size(size)}"
    if size < shared:
        says += ", less than shared_buffers: give it three quarters of the server's memory, or indexes seem dear"
        return server.advise(says, "effective_cache_size", _size(3 * shared))
    return ok(f"{says}.")


def of_work_mem(server: Server) -> Finding:
    size = server.numbers["work_mem"]
    says, every = f"work_mem is {_size(size)}", size * server.numbers["max_connections"]
    if size < LEAST_WORK_MEM:
        return server.advise(f"{says}: sorts of searches would go to disk", "work_mem", "4MB")
    if every > server.numbers["effective_cache_size"]:
        says += f": all connections together could take {_size(every)}, which is more than effective_cache_size"
        return server.advise(says, "work_mem", "4MB")
    return ok(f"{says}.")


def of_random_page_cost(server: Server) -> Finding:
    cost = server.numbers["random_page_cost"]
    says = f"random_page_cost is {cost:g}"
    if cost > DISK_COST:
        return server.advise(f"{says}, as for spinning disks: 1.1 fits others", "random_page_cost", "1.1")
    return ok(f"{says}.")


def of_checkpoints(server: Server) -> Finding:
    numbers = server.numbers
    for name, least, value in (
        ("max_wal_size", LEAST_MAX_WAL, "2GB"),
        ("min_wal_size", LEAST_MIN_WAL, "512MB"),
    ):
        if numbers[name] < least:
            says = f"{name} is {_size(numbers[name])}: bookings wait for files while much is written"
            return server.advise(says, name, value)
    if numbers["checkpoint_timeout"] < LEAST_CHECKPOINT_SECONDS:
        says = f"checkpoint_timeout is {numbers['checkpoint_timeout']:g} s: pages are written again and again"
        return server.advise(says, "checkpoint_timeout", "5min")
    return ok("Checkpoints have the room and the time that they need.")


def of_wal(server: Server) -> Finding:
    for name in ("fsync", "full_page_writes"):
        if server.is_off(name):
            return server.endangered(f"{name} is off: a crash of the machine can destroy the database.", name)
    if server.is_off("wal_compression"):
        says = "wal_compression is off: bookings wait longer beside a job that writes much"
        return server.advise(says, "wal_compression", "pglz")
    return ok("What is written survives a crash, and is compressed.")


def of_commit(server: Server) -> Finding:
    value = server.words["synchronous_commit"]
    if value == "off":
        says = "synchronous_commit is off: a booking or a payment that was answered can be lost in a crash."
        return server.endangered(says, "synchronous_commit")
    return ok(f"synchronous_commit is {value}: what was answered stays.")


def of_autovacuum(server: Server) -> Finding:
    for name in ("autovacuum", "track_counts"):
        if server.is_off(name):
            mend = mending.server_setting(server.url, name, "on")
            return fail(f"{name} is off: tables grow, plans age, and one day nothing can be written.", mend)
    if server.numbers["frozen"] > WRAPAROUND:
        says = f"{server.numbers['frozen']:,.0f} transactions wait to be frozen: autovacuum does not keep up."
        return warn(says, mending.psql(server.url, "VACUUM (FREEZE, VERBOSE)"))
    return ok("Autovacuum is on and keeps up.")


def of_restart(server: Server) -> Finding:
    if server.pending:
        return warn(f"{', '.join(server.pending)} was changed and waits for a restart.", "systemctl restart postgresql")
    return ok("No changed setting waits for a restart.")


def _size(number: float) -> str:
    """As PostgreSQL writes it."""
    for unit, name in ((GB, "GB"), (MB, "MB")):
        if number >= unit and number % unit == 0:
            return f"{number / unit:.0f}{name}"
    return f"{number / KB:.0f}kB"


async def server(world: World) -> Server:
    """What the server says of itself."""
    rows = await world.rows(STATEMENT)
    numbers = {row["name"]: number for row in rows if (number := _number(row["setting"], row["unit"])) is not None}
    words = {row["name"]: row["setting"] for row in rows}
    pending = tuple(row["name"] for row in rows if row["pending_restart"])
    return Server(world.url, world.is_production, numbers, words, pending)


def _number(setting: str, unit: str | None) -> float | None:
    try:
        return float(setting) * UNITS.get(unit or "", 1)
    except (TypeError, ValueError):
        return None


def _of_server(rule: Callable[[Server], Finding]) -> Look:
    async def look(world: World) -> Finding:
        return rule(await world.once(server))

    return look


GROUP = Group(
    "server",
    (
        Check("shared_buffers", _of_server(of_shared_buffers)),
        Check("effective_cache_size", _of_server(of_effective_cache_size)),
        Check("work_mem", _of_server(of_work_mem)),
        Check("random_page_cost", _of_server(of_random_page_cost)),
        Check("checkpoints", _of_server(of_checkpoints)),
        Check("wal", _of_server(of_wal)),
        Check("synchronous_commit", _of_server(of_commit)),
        Check("autovacuum", _of_server(of_autovacuum)),
        Check("restart", _of_server(of_restart)),
    ),
)
