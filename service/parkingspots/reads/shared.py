"""The answers that all processes share, in Valkey: for speed alone, so it is asked shortly and not twice."""

import asyncio
import hashlib
from collections.abc import Sequence
from contextlib import suppress
from itertools import zip_longest

import structlog
from redis.exceptions import RedisError

from parkingspots import __version__
from parkingspots.kit.breaker import Breaker
from parkingspots.kit.cache import LONGEST_WAIT, Cache
from parkingspots.kit.schema import NEEDED
from parkingspots.reads.counts import BREAKER, UNREADABLE, VALKEY_ERRORS
from parkingspots.reads.entries import Entry, UnreadableError

PREFIX = f"parkingspots:reads:{NEEDED}:{__version__}"
"""Two releases, or two schemas, never read each other's answers."""
LARGEST = 1 << 20
"""Bytes; a larger answer is kept by its process only."""
MOST_WAITING = 256
"""Answers on their way to Valkey; more are not sent there."""

log = structlog.get_logger(__name__)


class Shared:
    """Reads and writes of many coroutines travel together: a pipeline of commands at a time."""

    def __init__(self, cache: Cache) -> None:
        self._valkey = cache.client
        self._reading, self._writing = Breaker(), Breaker()
        self._wanted: dict[str, asyncio.Future[bytes | None]] = {}
        self._written: dict[str, tuple[Entry, float]] = {}
        self._travelling: asyncio.Task[None] | None = None

    async def get(self, database: str, key: str) -> Entry | None:
        """The answer under `key`, if there is one within 100 ms."""
        if not self._reading.allows():
            return None
        name = _name(database, key)
        wanted = self._wanted.get(name)
        if wanted is None:
            wanted = self._wanted[name] = asyncio.get_running_loop().create_future()
            self._travel()
        try:
            async with asyncio.timeout(LONGEST_WAIT):
                raw = await asyncio.shield(wanted)
            return None if raw is None else Entry.from_bytes(raw)
        except UnreadableError:
            UNREADABLE.inc()
        except TimeoutError:
            self._complain(self._reading, "reads", "no answer within 100 ms")
        return None

    def put(self, database: str, key: str, entry: Entry, seconds: float) -> None:
        """Send the answer there, behind everybody's back."""
        if len(self._written) < MOST_WAITING and len(entry.body) <= LARGEST and self._writing.allows():
            self._written[_name(database, key)] = entry, seconds
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
        """One pipeline: the reads first."""
        pipeline = self._valkey.pipeline(transaction=False)
        for name in wanted:
            pipeline.get(name)
        for name, (entry, seconds) in written.items():
            pipeline.set(name, entry.to_bytes(), px=max(1, int(seconds * 1000)))
        answers: list[object] = []
        try:
            async with asyncio.timeout(LONGEST_WAIT):
                answers = await pipeline.execute(raise_on_error=False)
        except (RedisError, OSError, TimeoutError) as error:
            answers = [error] * (len(wanted) + len(written))
        finally:
            for future, raw in zip_longest(wanted.values(), answers[: len(wanted)]):
                future.set_result(raw if isinstance(raw, bytes) else None)
        self._judge(self._reading, "reads", answers[: len(wanted)])
        self._judge(self._writing, "writes", answers[len(wanted) :])

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


def _name(database: str, key: str) -> str:
    digest = hashlib.blake2b(f"{database}\n{key}".encode(), digest_size=20).hexdigest()
    return f"{PREFIX}:{digest}"
