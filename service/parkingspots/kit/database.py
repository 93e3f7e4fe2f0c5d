"""Connections, transactions and what may go wrong with them."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeAlias, TypeVar

import asyncpg
from sqlalchemy import Engine, event
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from parkingspots.settings import Settings

DEADLOCK, SERIALIZATION_FAILURE = "40P01", "40001"
LOCK_NOT_AVAILABLE, QUERY_CANCELED = "55P03", "57014"
EXCLUSION_VIOLATION = "23P01"
INVALID_PARAMETER = "22023"
ATTEMPTS = 3
LONGEST_PAUSE = 0.05  # seconds; a deadlock's other half is done within milliseconds

RawConnection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
P = ParamSpec("P")
R = TypeVar("R")


class Database:
    """One pool of connections; `transaction()` for writes and `reader()`, in autocommit, for reads."""

    def __init__(self, settings: Settings, *, pool_size: int | None = None) -> None:
        self.engine: AsyncEngine = create_async_engine(
            settings.sqlalchemy_url,
            pool_size=pool_size or settings.database_pool_size,
            max_overflow=0,
            pool_timeout=settings.database_pool_wait_seconds,
            hide_parameters=True,  # an error's text goes to the log
            connect_args={"timeout": 5, "server_settings": _server_settings(settings)},
        )
        _skip_closed_connections(self.engine.sync_engine)
        self._writers = async_sessionmaker(self.engine, expire_on_commit=False)
        self._readers = async_sessionmaker(
            self.engine.execution_options(isolation_level="AUTOCOMMIT"),
            expire_on_commit=False,
            autoflush=False,
        )

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session whose work is committed when the block ends and undone when it raises."""
        async with self._writers() as session:
            yield session
            await session.commit()

    @asynccontextmanager
    async def reader(self) -> AsyncIterator[AsyncSession]:
        """A session in autocommit: a transaction around one SELECT would cost half as much again."""
        async with self._readers() as session:
            yield session

    @asynccontextmanager
    async def raw(self) -> AsyncIterator[RawConnection]:
        """The driver's own connection, in autocommit: for a statement whose rows go out as they come."""
        async with self.engine.connect() as pooled:
            connection = (await pooled.get_raw_connection()).driver_connection
            assert connection is not None  # noqa: S101 - it is connected
            try:
                yield connection
            except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                raise DBAPIError(None, None, error) from error

    async def aclose(self) -> None:
        await self.engine.dispose()


def _server_settings(settings: Settings) -> dict[str, str]:
    return {
        "application_name": "parkingspots",
        "TimeZone": "UTC",
        "jit": "off",
        "statement_timeout": str(settings.database_statement_timeout_ms),
        "lock_timeout": str(settings.database_lock_timeout_ms),
        "idle_in_transaction_session_timeout": str(settings.database_statement_timeout_ms * 2),
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
    cause = getattr(getattr(error, "orig", None), "__cause__", None) or error
    return str(getattr(cause, "message", None) or cause or type(cause).__name__)


def constraint(error: DBAPIError) -> str | None:
    """The name of the constraint that `error` says was violated."""
    return getattr(getattr(error.orig, "__cause__", None), "constraint_name", None)


def retried(
    use_case: Callable[Concatenate[AsyncSession, P], Awaitable[R]],
) -> Callable[Concatenate[AsyncSession, P], Awaitable[R]]:
    """A use case that starts over, three times at most, where PostgreSQL ended it as a deadlock's victim.

    What its transaction did before it stays: it is then a savepoint that is undone.
    """

    @wraps(use_case)
    async def attempt(session: AsyncSession, /, *args: P.args, **kwargs: P.kwargs) -> R:
        alone = not session.in_transaction()
        for _ in range(ATTEMPTS - 1):
            try:
                async with nullcontext() if alone else session.begin_nested():
                    return await use_case(session, *args, **kwargs)
            except DBAPIError as error:
                if sqlstate(error) not in {DEADLOCK, SERIALIZATION_FAILURE}:
                    raise
                if alone:
                    await session.rollback()
                await asyncio.sleep(random.uniform(0, LONGEST_PAUSE))  # noqa: S311 - jitter, no secret
        return await use_case(session, *args, **kwargs)

    return attempt
