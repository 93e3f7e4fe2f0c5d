"""How a process is and what it stands on, looked at once a second, for Prometheus."""

import asyncio
import platform
from contextlib import suppress
from itertools import count

from prometheus_client import Gauge, Histogram
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from parkingspots import __version__
from parkingspots.kit import database_counts, tally
from parkingspots.kit.cache import Cache
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
    "Since this process last heard what has changed; from one second on, nothing is answered from what is kept.",
    multiprocess_mode="livemax",
)

LOOK_EVERY = 1.0  # seconds
ASK_EVERY = 5
"""Looks between two questions to the database and to Valkey."""
PATIENCE = 2.0  # seconds for the database's answer


async def look_again_and_again(database: Database, probe: Database, cache: Cache, follower: Follower | None) -> None:
    """For as long as the process serves; `probe` has a pool of its own: a full one is no outage."""
    BUILD.labels(__version__, platform.python_version(), f"{NEEDED:04}").set(1)
    loop = asyncio.get_running_loop()
    for turn in count():
        database.show_use()
        if follower is not None:
            HEARD_AGE.set(follower.heard_age())
        if turn % ASK_EVERY == 0:
            await ask(probe, cache)
        due = loop.time() + LOOK_EVERY
        await asyncio.sleep(LOOK_EVERY)
        LAG.observe(max(0.0, loop.time() - due))
        tally.write_down()


async def ask(probe: Database, cache: Cache) -> None:
    database_counts.UP.set(await _answers(probe))
    CACHE_UP.set(await cache.is_there())


async def _answers(probe: Database) -> bool:
    with suppress(SQLAlchemyError, OSError):  # a TimeoutError is an OSError
        async with asyncio.timeout(PATIENCE), probe.reader() as session:
            await session.execute(text("SELECT 1"))
            return True
    return False
