"""Work of the minute job that need not wait for the minute: begun at once in the process that has made it necessary.

What this does not get done, as the process ends or something is away, the job does.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

log = structlog.get_logger(__name__)


class Errand:
    """One run at a time; whoever asks during one gets another after it."""

    def __init__(self, work: Callable[[], Awaitable[object]]) -> None:
        self._work = work
        self._wanted = False
        self._running: asyncio.Task[None] | None = None

    def hurry(self) -> None:
        """See to it that the work is begun after this."""
        self._wanted = True
        if self._running is None:
            self._running = asyncio.create_task(self._run())

    async def _run(self) -> None:
        try:
            while self._wanted:
                self._wanted = False
                try:
                    await self._work()
                except Exception:
                    log.exception("an errand failed; the minute job makes up for it")
        finally:
            self._running = None

    async def done(self) -> None:
        """Wait until nothing more is wanted."""
        while self._running is not None:
            await asyncio.shield(self._running)

    async def aclose(self) -> None:
        if self._running is not None:
            self._running.cancel()
            with suppress(asyncio.CancelledError):
                await self._running
