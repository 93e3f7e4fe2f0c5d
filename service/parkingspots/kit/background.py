"""What runs beside the requests in an API process; some of it where ENABLE_BACKGROUND_TASKS says so."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from importlib.metadata import entry_points
from typing import Any

import structlog

from parkingspots.settings import Settings

GROUP = "parkingspots.background"
"""Other distributions offer their tasks under this name: coroutine functions that take the settings and do not end."""
AGAIN = 0.2  # seconds until what goes on is cancelled once more
PAUSE = 5.0  # seconds before a task that failed is started again

log = structlog.get_logger(__name__)


@asynccontextmanager
async def beside(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run what does not end by itself while the block lasts."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield
    finally:
        await ended(*tasks)


async def ended(*tasks: asyncio.Task[None]) -> None:
    """Cancel tasks until they are over: one that is cancelled as its answer comes may take the answer and go on.

    `asyncio.wait_for` does so up to Python 3.11, and drivers use it.
    """
    while at_work := [task for task in tasks if not task.done()]:
        for task in at_work:
            task.cancel()
        await asyncio.wait(at_work, timeout=AGAIN)
    await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def background_tasks(settings: Settings) -> AsyncIterator[None]:
    """Run the tasks that are installed while the block lasts. A task that is cancelled undoes its open transaction."""
    offered = entry_points(group=GROUP) if settings.enable_background_tasks else ()
    async with beside(*(_kept_running(entry.name, entry.load(), settings) for entry in offered)):
        yield


async def _kept_running(name: str, task: Callable[[Settings], Awaitable[None]], settings: Settings) -> None:
    log.info("background task", name=name)
    while True:
        try:
            await task(settings)
        except Exception:
            log.exception("background task failed; it starts again", name=name)
            await asyncio.sleep(PAUSE)
