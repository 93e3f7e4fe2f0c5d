"""What checks look at: the settings, one way to the database and one to the cache, each tried once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any, Generic, TypeVar

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

from parkingspots.doctor.finding import Blocked
from parkingspots.doctor.readings import Reading
from parkingspots.kit.clock import SystemClock, TimeSource
from parkingspots.kit.database import Database, RawConnection
from parkingspots.settings import Environment, Settings

T = TypeVar("T")
AT_A_TIME = 2
"""Connections to the database: the doctor takes none that the product misses."""
PATIENCE = 3.0  # seconds for the cache, which answers the product in a tenth of one
UNREADABLE = "The settings cannot be read: mend them first."


@dataclass(frozen=True)
class Options:
    """What was asked for on the command line."""

    pods: int | None = None
    online: bool = False
    namespace: str | None = None
    release: str | None = None
    context: str | None = None


class Once(Generic[T]):
    """What is looked up when it is first asked for; others who ask wait for the same answer."""

    def __init__(self, look: Callable[[], Awaitable[T]]) -> None:
        self._look = look
        self._task: asyncio.Future[T] | None = None

    async def __call__(self) -> T:
        if self._task is None:
            self._task = asyncio.ensure_future(self._look())
        return await asyncio.shield(self._task)  # one who gives up takes nothing from the others

    def cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()


@dataclass(frozen=True)
class Reached:
    """Whether a server answered, how soon, and what was in the way."""

    seconds: float
    trouble: Exception | None = None


class World:
    """Leave it with `aclose`."""

    def __init__(self, options: Options, reading: Reading, clock: TimeSource | None = None) -> None:
        self.options = options
        self.reading = reading
        self.clock = clock or SystemClock()
        self.reach_database: Once[Reached] = Once(self._try_database)
        self.reach_cache: Once[Reached] = Once(self._try_cache)
        self._database: Database | None = None
        self._cache: Redis | None = None
        self._turns = asyncio.Semaphore(AT_A_TIME)
        self._kept: dict[object, Once[Any]] = {}

    @property
    def settings(self) -> Settings:
        """Raises Blocked where nobody can read them."""
        if self.reading.settings is None:
            raise Blocked(UNREADABLE, "settings", "readable")
        return self.reading.settings

    @property
    def environment(self) -> Environment:
        return self.settings.environment

    @property
    def is_production(self) -> bool:
        return self.environment is Environment.PRODUCTION

    @property
    def url(self) -> URL:
        """Of the database."""
        return self.settings.sqlalchemy_url

    async def once(self, look: Callable[["World"], Awaitable[T]]) -> T:
        """What `look` finds, for all checks that ask for it."""
        kept: Once[T] = self._kept.setdefault(look, Once(partial(look, self)))
        return await kept()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[RawConnection]:
        """A connection as the product makes them; raises Blocked where the database cannot be reached."""
        if (await self.reach_database()).trouble is not None:
            raise Blocked("The database cannot be reached.", "database", "reach")
        async with self._connection() as connection:
            yield connection

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[RawConnection]:
        if self._database is None:
            self._database = Database(self.settings, pool_size=AT_A_TIME)
        async with self._turns, self._database.raw() as connection:
            yield connection

    async def rows(self, statement: str, *values: object) -> Sequence[Any]:
        async with self.connection() as connection:
            return await connection.fetch(statement, *values)

    async def row(self, statement: str, *values: object) -> Any:  # noqa: ANN401 - asyncpg's record
        return (await self.rows(statement, *values))[0]

    async def cache(self) -> Redis:
        """Raises Blocked where it cannot be reached."""
        if (await self.reach_cache()).trouble is not None:
            raise Blocked("The cache cannot be reached.", "cache", "reach")
        return self._client()

    def _client(self) -> Redis:
        if self._cache is None:
            self._cache = Redis.from_url(
                self.settings.cache_url,
                socket_connect_timeout=PATIENCE,
                socket_timeout=PATIENCE,
                retry=Retry(NoBackoff(), 0),
                decode_responses=True,
            )
        return self._cache

    async def _try_database(self) -> Reached:
        began = monotonic()
        try:
            async with self._connection() as connection:
                await connection.fetchval("SELECT 1")
        except (SQLAlchemyError, OSError, ValueError) as error:  # the last of a certificate that is no file
            return Reached(monotonic() - began, error)
        return Reached(monotonic() - began)

    async def _try_cache(self) -> Reached:
        client = self._client()
        try:
            await client.ping()
            began = monotonic()  # with the connection made
            await client.ping()
        except (RedisError, OSError, ValueError) as error:
            return Reached(PATIENCE, error)
        return Reached(monotonic() - began)

    async def aclose(self) -> None:
        for each in (self.reach_database, self.reach_cache, *self._kept.values()):
            each.cancel()
        if self._cache is not None:
            await self._cache.aclose()
        if self._database is not None:
            await self._database.aclose()
