"""How a process is and what it stands on, looked at once a second, for Prometheus."""

import asyncio
import platform
import time
from collections.abc import Awaitable
from itertools import count

import structlog
from prometheus_client import Gauge, Histogram
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from parkingspots import __version__
from parkingspots.kit import database_counts, tally
from parkingspots.kit.cache import Cache
from parkingspots.kit.clock import SystemClock, TimeSource
from parkingspots.kit.database import Database
from parkingspots.kit.follower import Follower
from parkingspots.kit.schema import NEEDED

BUILD = Gauge(
    "parkingspots_build_info",
    "1; what this process is made of: its version, Python's, and the revision of the schema that it needs.",
    ("version", "python", "schema"),
    multiprocess_mode="livemax",
)
LAG = Histogram(
    "parkingspots_event_loop_lag_seconds",
    "How much later than it was to a look came: what every request in this process waited, at least.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)
CACHE_UP = Gauge("parkingspots_cache_up", "1 while Valkey answers, asked again and again.", multiprocess_mode="livemin")
HEARD_AGE = Gauge(
    "parkingspots_reads_heard_age_seconds",
    "Since this process last heard what has changed; from one second on, what is kept is loaded"
    " anew, and served stale where that fails.",
    multiprocess_mode="livemax",
)

LOOK_EVERY = 1.0  # seconds
ASK_EVERY = 5
"""Looks between two questions to the database and to Valkey."""
PATIENCE = 2.0  # seconds for the database's answer
PROMPTLY = 0.5
"""Seconds within which it must come to tell the time: it is known to half of that."""

log = structlog.get_logger(__name__)


async def look_again_and_again(
    database: Database, probe: Database, cache: Cache, follower: Follower | None, clock: TimeSource
) -> None:
    """For as long as the process serves; `probe` has a pool of its own: a full one is no outage."""
    BUILD.labels(__version__, platform.python_version(), f"{NEEDED:04}").set(1)
    loop = asyncio.get_running_loop()
    try:
        for turn in count():
            database.show_use()
            if follower is not None:
                HEARD_AGE.set(follower.heard_age())
            if turn % ASK_EVERY == 0:
                await ask(probe, cache, clock)
            due = loop.time() + LOOK_EVERY
            await asyncio.sleep(LOOK_EVERY)
            LAG.observe(max(0.0, loop.time() - due))
            tally.write_down()
    finally:
        tally.write_down()  # a worker's figures outlive it


async def ask(probe: Database, cache: Cache, clock: TimeSource) -> None:
    """Set whether the database and Valkey answer, and the clock by the database's."""
    database_counts.UP.set(await _is_up("the database", _answers(probe, clock)))
    CACHE_UP.set(await _is_up("Valkey", cache.is_there()))


async def _is_up(what: str, asking: Awaitable[bool]) -> bool:
    """Whatever a driver raises of a connection that breaks, nobody would look again if it ended the looking."""
    try:
        return await asking
    except (SQLAlchemyError, OSError):  # a TimeoutError is an OSError
        return False
    except Exception:
        log.exception("could not be asked whether it is up", what=what)
        return False


async def _answers(probe: Database, clock: TimeSource) -> bool:
    async with asyncio.timeout(PATIENCE), probe.reader() as session:
        asked = time.monotonic()
        moment = await session.scalar(select(func.clock_timestamp()))
        took = time.monotonic() - asked
        if isinstance(clock, SystemClock) and moment is not None and took < PROMPTLY:
            clock.hear(moment, asked + took / 2)
        return True
