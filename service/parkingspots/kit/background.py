"""What runs beside the requests in an API process, where ENABLE_BACKGROUND_TASKS says so."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import entry_points

import structlog

from parkingspots.kit.database import Database

GROUP = "parkingspots.background"
"""Other distributions offer their tasks under this name: coroutine functions that take the database and do not end."""

log = structlog.get_logger(__name__)


@asynccontextmanager
async def background_tasks(database: Database, *, enabled: bool) -> AsyncIterator[None]:
    """Run the tasks that are installed while the block lasts. A task that is cancelled undoes its open transaction."""
    offered = entry_points(group=GROUP) if enabled else ()
    tasks = [asyncio.create_task(entry.load()(database), name=entry.name) for entry in offered]
    if enabled:
        log.info("background tasks", names=[task.get_name() for task in tasks])
    yield
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
