"""Valkey or Redis: reach, version, how much it may hold, and what it does when that is full."""

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from redis.exceptions import AuthenticationError, AuthorizationError, RedisError, ResponseError

from parkingspots.doctor import mending
from parkingspots.doctor.checks import Check, Group
from parkingspots.doctor.finding import Finding, Skip, fail, ok, warn
from parkingspots.doctor.world import World
from parkingspots.kit.cache import LONGEST_WAIT
from parkingspots.settings import Settings

OLDEST_REDIS = 6, 2
"""What Redis itself and those who offer it as a service have long had; every Valkey is newer."""
MILLISECONDS = 1000
SAFE = "allkeys-lru"


@dataclass(frozen=True)
class Place:
    host: str
    port: int
    is_named: bool
    """By the settings: else it is only where one would be."""

    def command(self, *words: str) -> str:
        return mending.valkey_cli(self.host, self.port, *words)


def place(settings: Settings) -> Place:
    parts = urlsplit(settings.cache_url)
    is_named = bool(settings.model_fields_set & {"redis_url", "redis_host"})
    return Place(parts.hostname or parts.path, parts.port or 6379, is_named)


def of_reach(place: Place, seconds: float, trouble: Exception | None) -> Finding:
    where = f"The cache at {place.host}:{place.port}"
    if isinstance(trouble, AuthenticationError | AuthorizationError):
        mend = mending.setting("REDIS_PASSWORD", "…")
        return fail(f"{where} does not take the password: it is not used.", mend)
    if trouble is not None:
        says = f"{where} cannot be reached: every read goes to the database, and each process counts limits alone."
        if place.is_named:
            return fail(says, f"{place.command('ping')}    # is REDIS_URL right?")
        return warn(says, "make dev    # or REDIS_URL in .env or the environment")
    took = f"{where} answers within {seconds * MILLISECONDS:.1f} ms"
    if seconds > LONGEST_WAIT / 2:
        says = f"{took}, and is given up after {LONGEST_WAIT * MILLISECONDS:.0f}."
        return warn(says, place.command("--latency"))
    return ok(f"{took}.")


def of_version(place: Place, name: str, version: str) -> Finding:
    if name == "Redis" and tuple(int(part) for part in version.split(".")[:2]) < OLDEST_REDIS:
        return warn(f"Redis {version} is old: nobody mends it any more.", place.command("INFO", "server"))
    return ok(f"{name} {version}.")


def of_memory(place: Place, limit: int, used: int) -> Finding:
    if limit == 0:
        says = "maxmemory is not set: it grows until the machine or the container ends it."
        return warn(says, place.command("CONFIG", "SET", "maxmemory", "256mb"))
    return ok(f"maxmemory is {limit / 1e6:.0f} MB, of which {used / 1e6:.0f} are in use.")


def of_policy(place: Place, policy: str) -> Finding:
    if policy == "noeviction":
        says = "maxmemory-policy is noeviction: once it is full, no new answer is kept."
        return warn(says, place.command("CONFIG", "SET", "maxmemory-policy", SAFE))
    return ok(f"maxmemory-policy is {policy}: what is full makes room.")


def of_persistence(place: Place, *, is_logged: bool, snapshots: str | None) -> Finding:
    """No fault: nothing in it has to outlive it, and writing it down costs memory and disk."""
    if is_logged:
        says = "It logs each write to disk (appendonly), which nothing here needs."
        return ok(says, place.command("CONFIG", "SET", "appendonly", "no"))
    if snapshots:
        says = f"It writes snapshots to disk (save {snapshots}), which nothing here needs."
        return ok(says, place.command("CONFIG", "SET", "save", ""))
    return ok("It writes nothing to disk, and need not.")


async def _info(world: World) -> dict[str, Any]:
    client = await world.cache()
    try:
        return dict(await client.info())
    except ResponseError:
        raise Skip("The server tells this user nothing of itself (INFO is not allowed).") from None


async def _reach(world: World) -> Finding:
    reached = await world.reach_cache()
    found = of_reach(place(world.settings), reached.seconds, reached.trouble)
    return replace(found, mend="make dev") if reached.trouble and world.reading.is_of_dev else found


async def _version(world: World) -> Finding:
    info = await world.once(_info)
    name = "Valkey" if "valkey_version" in info else "Redis"
    return of_version(place(world.settings), name, str(info.get("valkey_version") or info["redis_version"]))


async def _memory(world: World) -> Finding:
    info = await world.once(_info)
    return of_memory(place(world.settings), int(info["maxmemory"]), int(info["used_memory"]))


async def _policy(world: World) -> Finding:
    return of_policy(place(world.settings), str((await world.once(_info))["maxmemory_policy"]))


async def _persistence(world: World) -> Finding:
    info = await world.once(_info)
    try:
        snapshots = (await (await world.cache()).config_get("save")).get("save")
    except RedisError:  # managed ones keep that to themselves
        snapshots = None
    return of_persistence(place(world.settings), is_logged=bool(info.get("aof_enabled")), snapshots=snapshots)


GROUP = Group(
    "cache",
    (
        Check("reach", _reach),
        Check("version", _version),
        Check("maxmemory", _memory),
        Check("policy", _policy),
        Check("persistence", _persistence),
    ),
)
