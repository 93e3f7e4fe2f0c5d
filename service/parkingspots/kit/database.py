"""Connections, transactions and what may go wrong with them."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext, suppress
from functools import partial, wraps
from typing import Any, Concatenate, ParamSpec, TypeAlias, TypeVar, cast
from weakref import WeakSet

import asyncpg
from sqlalchemy import Engine, ExceptionContext, event, text
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry

from parkingspots.kit import tracing
from parkingspots.kit.database_counts import DRIVER, IN_USE, SESSION, SIZE, waiting
from parkingspots.settings import Settings

DEADLOCK, SERIALIZATION_FAILURE = "40P01", "40001"
LOCK_NOT_AVAILABLE, QUERY_CANCELED = "55P03", "57014"
INVALID_PARAMETER = "22023"
LONGEST_PAUSES = 0.05, 0.25, 1.0, 1.0
"""Seconds; a deadlock's other half is done within milliseconds, not so where many met."""
CONNECTING, LEAVE_TAKING = 5.0, 2.0  # seconds
LEFT_BY = "left_by"
"""Where a connection of SQLAlchemy's pool says how it is left."""
ATTEMPTS = len(LONGEST_PAUSES) + 1

RawConnection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
DRIVER_ERRORS = asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError
"""The last of a connection that the server has ended and the driver has not noticed yet."""
P = ParamSpec("P")
R = TypeVar("R")


class Database:
    """Connections in pools: `transaction()` for writes; in autocommit `reader()` for reads, and `raw()`."""

    def __init__(self, settings: Settings, *, pool_size: int | None = None) -> None:
        self._settings = settings
        self._pool_size = pool_size or settings.database_pool_size
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._idle: WeakSet[RawConnection] = WeakSet()
        """Connections of both pools that nobody uses."""
        self.engine: AsyncEngine = create_async_engine(
            settings.sqlalchemy_url,
            poolclass=_Pool,
            pool_size=self._pool_size,
            max_overflow=0,
            pool_timeout=settings.database_pool_wait_seconds,
            hide_parameters=True,  # an error's text goes to the log
            connect_args={
                "timeout": CONNECTING,
                "command_timeout": _longest_answer(settings),
                "server_settings": server_settings(settings),
                **tracing.connecting(settings.sqlalchemy_url),
            },
        )
        tracing.watch(self.engine.sync_engine)
        _skip_closed_connections(self.engine.sync_engine)
        self._tell_the_idle(self.engine.sync_engine)
        self._leave_the_silent(self.engine.sync_engine)
        self._writers = async_sessionmaker(self.engine, expire_on_commit=False)
        self._readers = async_sessionmaker(
            self.engine.execution_options(isolation_level="AUTOCOMMIT"),
            expire_on_commit=False,
            autoflush=False,
        )

    @asynccontextmanager
    async def transaction(self, *, durable: bool = True) -> AsyncIterator[AsyncSession]:
        """A session whose work is committed when the block ends and undone when it raises.

        One that is not `durable` may be undone by a crash of the server, too, for as long as a second afterwards.
        """
        async with self._writers() as session:
            if not durable:
                await session.execute(text("SET LOCAL synchronous_commit TO off"))
            yield session
            await session.commit()

    @asynccontextmanager
    async def reader(self) -> AsyncIterator[AsyncSession]:
        """A session in autocommit: a transaction around one SELECT would cost half as much again."""
        async with self._readers() as session:
            yield session

    @asynccontextmanager
    async def raw(self) -> AsyncIterator[RawConnection]:
        """The driver's own connection, in autocommit: for a statement by itself, whose rows go out as they come."""
        with _errors_as_sqlalchemys():
            pool = await self._driver_pool()
            try:
                with waiting(DRIVER, TimeoutError):
                    connection = await pool.acquire(timeout=self._settings.database_pool_wait_seconds)
            except TimeoutError:
                raise PoolTimeout("no connection of the driver's pool is free") from None
            try:
                own: RawConnection = connection._con  # type: ignore[attr-defined]  # the pool hands out a stand-in
                self._idle.discard(own)
                with _left_when_silent(self._leave, own):
                    yield cast("RawConnection", connection)
            finally:
                await pool.release(connection, timeout=LEAVE_TAKING)  # of one that was cancelled, too

    async def _driver_pool(self) -> "asyncpg.Pool[asyncpg.Record]":
        """The driver's own pool, which costs a third of what SQLAlchemy's does; connected as it is needed."""
        if self._pool is None:
            self._pool = await asyncpg.create_pool(  # waits for nothing: no connection is made yet
                driver_address(self._settings.sqlalchemy_url),
                min_size=0,
                max_size=self._pool_size,
                max_inactive_connection_lifetime=0,
                reset=self._rests,
                timeout=CONNECTING,
                command_timeout=_longest_answer(self._settings),
                server_settings=server_settings(self._settings),
                **tracing.connecting(self._settings.sqlalchemy_url),
            )
        return self._pool

    async def _rests(self, connection: RawConnection) -> None:
        """Nothing here changes a session's settings: to have them reset would be another round trip a query."""
        self._idle.add(connection)

    def _tell_the_idle(self, engine: Engine) -> None:
        @event.listens_for(engine, "connect")
        def made(_dbapi_connection: Any, record: Any) -> None:  # noqa: ANN401 - SQLAlchemy's event
            record.info[LEFT_BY] = self._leave

        @event.listens_for(engine, "checkout")
        def taken(dbapi_connection: Any, _record: Any, _proxy: Any) -> None:  # noqa: ANN401 - SQLAlchemy's event
            self._idle.discard(dbapi_connection.driver_connection)

        @event.listens_for(engine, "checkin")
        def given_back(dbapi_connection: Any, _record: Any) -> None:  # noqa: ANN401 - SQLAlchemy's event
            if dbapi_connection is not None:
                self._idle.add(dbapi_connection.driver_connection)

    def _leave_the_silent(self, engine: Engine) -> None:
        @event.listens_for(engine, "handle_error")
        def lost(context: ExceptionContext) -> None:
            is_silent = isinstance(context.original_exception, TimeoutError)  # else it may just have been cancelled
            is_lost = is_silent or (context.is_disconnect and context.invalidate_pool_on_disconnect)
            if context.connection is not None and is_lost:
                context.invalidate_pool_on_disconnect = False  # by the clock on the wall, which may be set back
                self._leave(cast("RawConnection", context.connection.connection.driver_connection))

    def _leave(self, connection: RawConnection) -> None:
        """End it at once, as to take leave of who is silent takes long, and those that lead there too and are idle."""
        for each in (connection, *self._idle):
            each.terminate()

    def show_use(self) -> None:
        """Set the gauges of both pools."""
        pool = cast("AsyncAdaptedQueuePool", self.engine.sync_engine.pool)
        of_driver = self._pool.get_size() - self._pool.get_idle_size() if self._pool is not None else 0
        for name, used in ((SESSION, pool.checkedout()), (DRIVER, of_driver)):
            SIZE.labels(name).set(self._pool_size)
            IN_USE.labels(name).set(used)

    async def aclose(self) -> None:
        if self._pool is not None:
            self._pool.terminate()
        with suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_TAKING):
                await self.engine.dispose()


class _Pool(AsyncAdaptedQueuePool):
    """Says how long it lets wait."""

    def _do_get(self) -> ConnectionPoolEntry:
        with waiting(SESSION, PoolTimeout):
            return super()._do_get()


logging.getLogger(f"{__name__}.{_Pool.__name__}").setLevel(logging.WARNING)  # SQLAlchemy's own name for its log of it


def driver_address(url: URL) -> str:
    """The address as libpq writes it, where SQLAlchemy says `ssl`."""
    query = {"sslmode" if name == "ssl" else name: value for name, value in url.query.items()}
    return url.set(drivername="postgresql", query=query).render_as_string(hide_password=False)


@asynccontextmanager
async def raw_transaction(session: AsyncSession) -> AsyncIterator[RawConnection]:
    """The driver's own connection in a transaction, committed when the block ends and undone when it raises.

    Where the session's has begun it is a part of that: a savepoint. The session itself rests meanwhile.
    """
    pooled = await (await session.connection()).get_raw_connection()
    connection = cast("RawConnection", pooled.driver_connection)
    silence = partial(_left_when_silent, pooled.info[LEFT_BY], connection)
    with _errors_as_sqlalchemys(), silence():
        async with connection.transaction():
            with silence():  # before it is asked to undo what was done, for which it would be waited once more
                yield connection


@contextmanager
def _left_when_silent(leave: Callable[[RawConnection], None], connection: RawConnection) -> Iterator[None]:
    try:
        yield
    except TimeoutError:
        leave(connection)
        raise


@contextmanager
def _errors_as_sqlalchemys() -> Iterator[None]:
    """Those of the driver, and of a connection that cannot be made, as everybody here knows them."""
    try:
        yield
    except (*DRIVER_ERRORS, AsyncAdapt_asyncpg_dbapi.Error) as error:
        raise DBAPIError(None, None, error) from error


def _longest_answer(settings: Settings) -> float:
    """Seconds after which a server that says nothing at all is given up: its own time-out would have come before."""
    return settings.database_statement_timeout_ms / 1000 + 1


def server_settings(settings: Settings) -> dict[str, str]:
    """What a session asks the server for, as pg_settings writes it."""
    return {
        "application_name": "parkingspots",
        "TimeZone": "UTC",
        "jit": "off",
        "max_parallel_workers_per_gather": "0",  # one query takes one core: the others are for other requests
        "statement_timeout": str(settings.database_statement_timeout_ms),
        "lock_timeout": str(settings.database_lock_timeout_ms),
        "idle_in_transaction_session_timeout": str(settings.database_statement_timeout_ms * 2),
        # Of a client that is gone without a word in the midst of a statement's messages; no other time-out runs then.
        "transaction_timeout": str(settings.database_statement_timeout_ms * 3),
    }


def _skip_closed_connections(engine: Engine) -> None:
    """After a restart of the server the pool hands out no dead connection; asks the socket, not the server."""

    @event.listens_for(engine, "checkout")
    def alive(dbapi_connection: Any, _record: Any, _proxy: Any) -> None:  # noqa: ANN401 - SQLAlchemy's event
        if dbapi_connection.driver_connection.is_closed():
            raise DisconnectionError


def sqlstate(error: DBAPIError) -> str | None:
    """PostgreSQL's five-letter code of `error`, where the server sent one."""
    return getattr(error.orig, "sqlstate", None)


def described(error: Exception) -> str:
    """What went wrong, for a log or a terminal, without the values of a row that PostgreSQL's DETAIL would show."""
    orig = getattr(error, "orig", None)
    cause = getattr(orig, "__cause__", None) or orig or error  # the driver's own error, whichever way it came
    silence = "no answer in time" if isinstance(cause, TimeoutError) else type(cause).__name__
    return str(getattr(cause, "message", None) or str(cause) or silence)


def constraint(error: DBAPIError) -> str | None:
    """The name of the constraint that `error` says was violated."""
    cause = getattr(error.orig, "__cause__", None) or error.orig
    return getattr(cause, "constraint_name", None)


def pauses() -> Iterator[float]:
    """Seconds to wait before each further attempt, so that those who met do not meet again."""
    return (random.uniform(0, longest) for longest in LONGEST_PAUSES)  # noqa: S311 - jitter, no secret


def retried(
    use_case: Callable[Concatenate[AsyncSession, P], Awaitable[R]],
) -> Callable[Concatenate[AsyncSession, P], Awaitable[R]]:
    """A use case that starts over, four times at most, where PostgreSQL ended it as a deadlock's victim.

    What its transaction did before it stays: it is then a savepoint that is undone.
    """

    @wraps(use_case)
    async def attempt(session: AsyncSession, /, *args: P.args, **kwargs: P.kwargs) -> R:
        alone = not session.in_transaction()
        for pause in pauses():
            try:
                async with nullcontext() if alone else session.begin_nested():
                    return await use_case(session, *args, **kwargs)
            except DBAPIError as error:
                if sqlstate(error) not in {DEADLOCK, SERIALIZATION_FAILURE}:
                    raise
                if alone:
                    await session.rollback()
                await asyncio.sleep(pause)
        return await use_case(session, *args, **kwargs)

    return attempt
