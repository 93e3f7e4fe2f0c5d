"""Following the log of changes, over a connection of its own."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg
import structlog
from sqlalchemy.engine import URL

from parkingspots.kit.changes import FIRST_LOOK, LOOK, WHICH_DATABASE, Snapshot, change_of
from parkingspots.kit.database import CONNECTING, driver_address
from parkingspots.kit.knowledge import Knowledge

PAUSE = 0.4  # seconds between two looks
TRUSTED_FOR = 1.0
"""Seconds after a look for which answers are still served: what others wrote is seen no later than that."""
PATIENCE = 1.0  # seconds for one look

log = structlog.get_logger(__name__)


class Follower:
    """Looks at the log twice a second, and when it is asked to. `span`: seconds that an answer may live."""

    def __init__(self, url: URL, span: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.knowledge = Knowledge(span)
        self.database = ""
        """Which database this is: what is known of another, or of one that was restored, is not true of it."""
        self._span = span
        self._address = driver_address(url)
        self._clock = clock
        self._heard_at = -TRUSTED_FOR
        self._ahead = 0.0  # the database's clock less ours
        self._connected = False
        self._wanted = asyncio.Event()
        self._next: asyncio.Future[None] | None = None

    def is_current(self) -> bool:
        """Whether the log was heard of within the last second."""
        return self._clock() - self._heard_at < TRUSTED_FOR

    def now(self) -> float:
        """The database's time, in seconds since the epoch: the same in every process."""
        return self._clock() + self._ahead

    async def catch_up(self) -> None:
        """Return after a look that began after this call, or at once where the log cannot be reached."""
        if not self._connected:
            return
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
        self._wanted.set()
        await asyncio.shield(self._next)  # others wait for it too

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Follow the log while the block lasts."""
        task = asyncio.create_task(self._follow_for_ever())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _follow_for_ever(self) -> None:
        while True:
            try:
                await self._follow()
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("the log of changes cannot be read: nothing is cached", error=str(error) or repr(error))
            except Exception:
                log.exception("the log of changes could not be followed; it is tried again")
            await asyncio.sleep(PAUSE)

    async def _follow(self) -> None:
        connection = await asyncpg.connect(
            self._address,
            timeout=CONNECTING,
            command_timeout=PATIENCE,
            server_settings={"application_name": "parkingspots-changes", "jit": "off"},
        )
        try:
            await self._start(connection)
            self._connected = True
            look = await connection.prepare(LOOK)
            while True:
                await self._look(lambda: look.fetch(self.knowledge.snapshot.text))
                await self._wait()
        finally:
            self._connected = False
            self._heard_at = -TRUSTED_FOR
            self._let_go(self._next)
            connection.terminate()

    async def _start(self, connection: "asyncpg.Connection[Any]") -> None:
        """Go on where the last connection ended, if this is the same database; else begin anew."""
        database = await connection.fetchval(WHICH_DATABASE)
        if database == self.database:
            return
        is_first = not self.database
        self.database = database
        now = await connection.fetchval("SELECT extract(epoch FROM clock_timestamp())::float8")
        self.knowledge.start(now - self._span if is_first else now)
        await self._look(lambda: connection.fetch(FIRST_LOOK, self._span))

    async def _look(self, fetch: Callable[[], Any]) -> None:
        awaited, self._next = self._next, None
        self._wanted.clear()
        began = self._clock()
        try:
            rows = await fetch()
            changes = [change_of(row) for row in rows if row["xid"] is not None]
            self.knowledge.learn(Snapshot.of(rows[0]["snapshot"]), changes, rows[0]["now"])
            self._heard_at = began
            self._ahead = rows[0]["now"] - self._clock()
        finally:
            self._let_go(awaited)

    def _let_go(self, awaited: "asyncio.Future[None] | None") -> None:
        if awaited is not None and not awaited.done():
            awaited.set_result(None)

    async def _wait(self) -> None:
        """Until somebody wants a look, or the pause is over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PAUSE):
                await self._wanted.wait()
