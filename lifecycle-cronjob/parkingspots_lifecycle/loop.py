"""The job once a minute, for a machine without a CronJob."""

import asyncio
import signal
from contextlib import aclosing

import structlog
from sqlalchemy.exc import SQLAlchemyError

from parkingspots.kit.database import Database, described
from parkingspots.payments.command import till_of
from parkingspots.payments.till import Till
from parkingspots.settings import Settings
from parkingspots_lifecycle import job

INTERVAL = 60.0  # seconds between the starts of two runs

log = structlog.get_logger(__name__)


async def run_until(
    stop: asyncio.Event, database: Database, interval: float = INTERVAL, till: Till | None = None
) -> None:
    """Run the job every `interval` seconds until `stop` is set; a run that fails is made up for by the next."""
    clock = asyncio.get_running_loop().time
    while not stop.is_set():
        started = clock()
        await _run_once(stop, database, till)
        rest = max(started + interval - clock(), 0)
        try:
            await asyncio.wait_for(stop.wait(), rest)
        except TimeoutError:
            continue


async def run_for_ever(settings: Settings) -> None:
    """The loop inside an API process (ENABLE_BACKGROUND_TASKS), on a connection of its own, until it is cancelled."""
    async with aclosing(Database(settings, pool_size=1)) as database, till_of(settings, database) as till:
        await run_until(asyncio.Event(), database, till=till)


async def _run_once(stop: asyncio.Event, database: Database, till: Till | None) -> None:
    try:
        moved = await job.run(database, stop.is_set, till)
    except (SQLAlchemyError, OSError) as error:
        log.warning("run failed; the next one makes up for it", error=described(error))
    else:
        log.info("run", **moved)


def stop_on_signals(stop: asyncio.Event) -> None:
    """Finish the batch in hand and end on SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
