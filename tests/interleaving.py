"""Two transactions in an order that a test sets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.kit.database import Database
from product import until

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@asynccontextmanager
async def meanwhile(
    database: Database, session: AsyncSession, change: str, request: Awaitable[Any]
) -> AsyncIterator[asyncio.Future[Any]]:
    """The `request`, sent while somebody's `change` is not committed yet and seen waiting for it; then it commits."""
    async with database.transaction() as other:
        await other.execute(text(change))
        waiting = asyncio.ensure_future(request)

        async def waits_or_is_done() -> bool:
            return waiting.done() or bool(await session.scalar(text(WAITING)))

        await until(waits_or_is_done)
        assert not waiting.done(), "the request did not wait"
    yield waiting
