"""Following the log of changes, over a connection of its own."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg
import structlog
from sqlalchemy.engine import URL

from parkingspots.kit.background import ended
from parkingspots.kit.changes import FIRST_LOOK, LOOK, MOST_AT_ONCE, WHICH_DATABASE, Snapshot, change_of
from parkingspots.kit.database import CONNECTING, DRIVER_ERRORS, driver_address
from parkingspots.kit.knowledge import Knowledge

PAUSE = 0.4  # seconds between two looks
TRUSTED_FOR = 1.0
"""Seconds after a look for which answers are still served: what others wrote is seen no later than that."""
PATIENCE = 1.0  # seconds for one look
TOLD_EVERY = 60.0  # seconds between two lines of the same trouble

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
        self._last_heard_at = clock()
        self._ahead = 0.0  # the database's clock less ours
        self._connected = False
        self._is_behind = False
        self._told, self._told_at = "", 0.0
        self._highest = 0
        self._wanted = asyncio.Event()
        self._next: asyncio.Future[None] | None = None

    def is_current(self) -> bool:
        """Whether the log was heard of within the last second."""
        return self._clock() - self._heard_at < TRUSTED_FOR

    def heard_age(self) -> float:
        """Seconds since the last look that went well, or since there is nobody to look."""
        return self._clock() - self._last_heard_at

    def now(self) -> float:
        """The database's time, in seconds since the epoch: the same in every process."""
        return self._clock() + self._ahead

    async def catch_up(self) -> None:
        """Return after a look that began after this call; at once where the log cannot be reached.

        What was known before is not true any more then, so it is forgotten.
        """
        if not self._connected:
            self.knowledge.start(self.now())
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
            await ended(task)

    async def _follow_for_ever(self) -> None:
        while True:
            try:
                await self._follow()
            except (OSError, *DRIVER_ERRORS) as error:
                self._tell(str(error) or repr(error))
            except Exception:
                log.exception("the log of changes could not be followed; it is tried again")
            await asyncio.sleep(PAUSE)

    def _tell(self, trouble: str) -> None:
        if trouble != self._told or self._clock() - self._told_at >= TOLD_EVERY:
            self._told, self._told_at = trouble, self._clock()
            log.warning("the log of changes cannot be read: nothing is cached", error=trouble)

    async def _follow(self) -> None:
        connection = await asyncpg.connect(
            self._address,
            timeout=CONNECTING,
            command_timeout=PATIENCE,
            server_settings={"application_name": "parkingspots-changes", "jit": "off", "enable_seqscan": "off"},
        )
        try:
            self._connected = True
            database = await connection.fetchval(f"SELECT {WHICH_DATABASE}")
            if database != self.database or self._is_behind:
                await self._begin(connection, database)
            look = await connection.prepare(LOOK)
            while True:
                await self._look(lambda: look.fetch(self.knowledge.snapshot.text))
                await self._wait()
        finally:
            self._connected = False
            self._heard_at = -TRUSTED_FOR
            self._let_go()
            connection.terminate()

    async def _begin(self, connection: "asyncpg.Connection[Any]", database: str) -> None:
        """Look back as far as an answer may live; where another database or too much was missed, not at all."""
        span = 0.0 if self.database else self._span
        self.database = ""
        await self._look(lambda: connection.fetch(FIRST_LOOK, span), span)
        self.database = database
        self._is_behind = False

    async def _look(self, fetch: Callable[[], Awaitable[Sequence[asyncpg.Record]]], span: float | None = None) -> None:
        """Take in what `fetch` finds; with a `span`, of seconds, as all that is known."""
        awaited, self._next = self._next, None
        self._wanted.clear()
        began = self._clock()
        try:
            self._take_in(await fetch(), span)
            self._heard_at = self._last_heard_at = began
            self._told = ""
        except BaseException as error:
            self._is_behind |= isinstance(error, TimeoutError)  # the same look would take as long again
            self._disappoint(awaited)
            raise
        _resolve(awaited)

    def _take_in(self, rows: Sequence[asyncpg.Record], span: float | None) -> None:
        if span is None and rows[0]["database"] != self.database:
            raise asyncpg.InterfaceError("the connection leads to another database")
        now, snapshot = rows[0]["now"], Snapshot.of(rows[0]["snapshot"])
        self._highest = max(self._highest, rows[0]["highest"]) if span is None else rows[0]["highest"]
        changes = [change_of(row) for row in rows if row["xid"] is not None]
        if len(changes) > MOST_AT_ONCE:
            span, changes = 0.0, []
        if span is not None:
            self.knowledge.start(now - span)
        self.knowledge.learn(snapshot.up_to(self._highest), changes, now)
        self._ahead = now - self._clock()

    def _let_go(self) -> None:
        awaited, self._next = self._next, None
        self._disappoint(awaited)

    def _disappoint(self, awaited: "asyncio.Future[None] | None") -> None:
        """Let go of those who wait for a look that does not come: what they have written, nobody has heard of here."""
        if awaited is not None:
            self.knowledge.start(self.now())
        _resolve(awaited)

    async def _wait(self) -> None:
        """Until somebody wants a look, or the pause is over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PAUSE):
                await self._wanted.wait()


def _resolve(awaited: "asyncio.Future[None] | None") -> None:
    if awaited is not None and not awaited.done():
        awaited.set_result(None)
