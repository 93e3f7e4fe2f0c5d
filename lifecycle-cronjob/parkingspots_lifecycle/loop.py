"""The job once a minute, for a machine without a CronJob."""

import asyncio
import signal
from collections.abc import Sequence
from contextlib import aclosing

import structlog
from sqlalchemy.exc import SQLAlchemyError

from parkingspots.kit.database import Database, described
from parkingspots.payments.command import till_of
from parkingspots.settings import Settings
from parkingspots_lifecycle import job
from parkingspots_lifecycle.job import Result
from parkingspots_lifecycle.steps import Bench

INTERVAL = 60.0  # seconds between the starts of two runs

log = structlog.get_logger(__name__)


async def run_until(stop: asyncio.Event, bench: Bench, interval: float = INTERVAL) -> None:
    """Run the job every `interval` seconds until `stop` is set; what fails is made up for by the next run."""
    clock = asyncio.get_running_loop().time
    while not stop.is_set():
        started = clock()
        try:
            _log(await job.run(bench, stop))
        except (SQLAlchemyError, OSError) as error:
            log.warning("run failed; the next one makes up for it", error=described(error))
        rest = max(started + interval - clock(), 0)
        try:
            await asyncio.wait_for(stop.wait(), rest)
        except TimeoutError:
            continue


def _log(results: Sequence[Result]) -> None:
    for result in results:
        if result.failure is not None:
            log.error("step failed", step=result.step.name, error=result.failure, exc_info=result.bug)
    log.info("run", **{result.step.name: result.outcome.done for result in results})


async def run_for_ever(settings: Settings) -> None:
    """The loop inside an API process (ENABLE_BACKGROUND_TASKS), on connections of its own, until it is cancelled."""
    async with aclosing(Database(settings, pool_size=1)) as database, till_of(settings, database) as till:
        await run_until(asyncio.Event(), Bench(database, till, is_own_process=False))


def stop_on_signals() -> asyncio.Event:
    """Set by SIGTERM and SIGINT, from now on."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    return stop
