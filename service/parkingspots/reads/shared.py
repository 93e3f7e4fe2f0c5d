"""The answers that all processes share, in Valkey: for speed alone, so it is asked shortly and not twice."""

import asyncio
import hashlib
import math
from collections.abc import Sequence
from contextlib import suppress
from itertools import zip_longest
from typing import Any

import structlog
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ResponseError

from parkingspots import __version__
from parkingspots.kit import tracing
from parkingspots.kit.breaker import Breaker
from parkingspots.kit.cache import IN_VALKEY, LONGEST_WAIT, Cache
from parkingspots.kit.schema import NEEDED
from parkingspots.reads.counts import BREAKER, UNREADABLE, VALKEY_ERRORS
from parkingspots.reads.entries import Entry, UnreadableError

RELEASE = f"{NEEDED}-{__version__}"
"""What sets this release's answers apart from another's, where CACHE_RELEASE does not say."""
LARGEST = 1 << 20
"""Bytes; a larger answer is kept by its process only."""
MOST_WAITING = 256
"""Answers on their way to Valkey; more are not sent there."""

log = structlog.get_logger(__name__)


class Shared:
    """Reads and writes of many coroutines travel together: a pipeline of commands at a time."""

    def __init__(self, cache: Cache, release: str) -> None:
        self._pool, self._prefix = cache.client.connection_pool, prefix(release)
        self._connection: AbstractConnection | None = None
        self._reading, self._writing = Breaker(), Breaker()
        for what in ("reads", "writes"):
            BREAKER.labels(what).set(0)
        self._wanted: dict[str, asyncio.Future[bytes | None]] = {}
        self._written: dict[str, tuple[Entry, float]] = {}
        self._travelling: asyncio.Task[None] | None = None

    async def get(self, database: str, key: str) -> Entry | None:
        """The answer under `key`, if there is one within 100 ms."""
        if not self._reading.allows():
            return None
        name = self._name(database, key)
        wanted = self._wanted.get(name)
        if wanted is None:
            wanted = self._wanted[name] = asyncio.get_running_loop().create_future()
            self._travel()
        try:
            with tracing.call("MGET reads", IN_VALKEY):
                async with asyncio.timeout(LONGEST_WAIT):
                    raw = await asyncio.shield(wanted)
            return None if raw is None else Entry.from_bytes(name, raw)
        except UnreadableError:
            UNREADABLE.inc()
        except TimeoutError:
            self._complain(self._reading, "reads", "no answer within 100 ms")
        return None

    def put(self, database: str, key: str, entry: Entry, seconds: float) -> None:
        """Send the answer there, behind everybody's back."""
        if len(self._written) < MOST_WAITING and len(entry.body) <= LARGEST and self._writing.allows():
            self._written[self._name(database, key)] = entry, seconds
            self._travel()

    def _travel(self) -> None:
        if self._travelling is None:
            self._travelling = asyncio.create_task(self._travel_until_idle())

    async def _travel_until_idle(self) -> None:
        try:
            while self._wanted or self._written:
                wanted, self._wanted = self._wanted, {}
                written, self._written = self._written, {}
                await self._exchange(wanted, written)
        finally:
            self._travelling = None

    async def _exchange(
        self, wanted: dict[str, asyncio.Future[bytes | None]], written: dict[str, tuple[Entry, float]]
    ) -> None:
        """There and back once. Past redis-py's client, whose pipeline costs more than what it carries."""
        answers: list[Any] = []
        try:
            commands: list[tuple[Any, ...]] = [("MGET", *wanted)] if wanted else []
            commands += [
                ("SET", name, entry.to_bytes(name), "PX", max(1, int(seconds * 1000)))
                for name, (entry, seconds) in written.items()
            ]
            async with asyncio.timeout(LONGEST_WAIT):
                answers = await self._ask(commands)
        except Exception as error:  # noqa: BLE001 - whatever it says, it is no Valkey that could be asked on
            answers = [error] * (bool(wanted) + len(written))
            await self._hang_up()
        finally:
            found = answers.pop(0) if wanted and answers else None
            for future, raw in zip_longest(wanted.values(), found if isinstance(found, list) else ()):
                future.set_result(raw if isinstance(raw, bytes) else None)
        self._judge(self._reading, "reads", [found] if wanted else [])
        self._judge(self._writing, "writes", answers)

    async def _ask(self, commands: list[tuple[Any, ...]]) -> list[Any]:
        """What Valkey says to each command, refusals as exceptions."""
        if self._connection is None:
            connection = self._pool.make_connection()  # type: ignore[no-untyped-call]
            await connection.connect()
            self._connection = connection
        await self._connection.send_packed_command(self._connection.pack_commands(commands), check_health=False)
        return [await self._answer(self._connection) for _ in commands]

    async def _answer(self, connection: AbstractConnection) -> Any:  # noqa: ANN401 - of any type
        try:
            return await connection.read_response(timeout=math.inf)
        except ResponseError as refusal:
            return refusal

    async def _hang_up(self) -> None:
        """What would still come in answers nobody."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.disconnect(nowait=True)

    def _judge(self, breaker: Breaker, what: str, answers: Sequence[object]) -> None:
        """A Valkey that refuses (full, read-only, loading) is no better than none; it may refuse writes alone."""
        refusal = next((answer for answer in answers if isinstance(answer, Exception)), None)
        if refusal is not None:
            self._complain(breaker, what, str(refusal) or type(refusal).__name__)
        elif answers and breaker.succeeded():
            BREAKER.labels(what).set(0)
            log.info("Valkey is used again", of=what)

    def _complain(self, breaker: Breaker, what: str, error: str) -> None:
        VALKEY_ERRORS.labels(what).inc()
        if breaker.failed():
            BREAKER.labels(what).set(1)
            log.warning("Valkey is left alone until it answers", of=what, error=error)

    async def aclose(self) -> None:
        if self._travelling is not None:
            self._travelling.cancel()
            with suppress(asyncio.CancelledError):
                await self._travelling
        await self._hang_up()

    def _name(self, database: str, key: str) -> str:
        digest = hashlib.blake2b(f"{database}\n{key}".encode(), digest_size=20).hexdigest()
        return f"{self._prefix}{digest}"


def prefix(release: str) -> str:
    """What the names of all answers of a release begin with: two releases never read each other's."""
    return f"parkingspots:reads:{release}:"
