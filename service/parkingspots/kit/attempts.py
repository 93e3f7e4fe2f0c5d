"""Transactions of the driver's own connection, which start over where PostgreSQL ended them for another's sake."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import wraps
from typing import Concatenate, ParamSpec, TypeAlias, TypeVar

from sqlalchemy.exc import DBAPIError

from parkingspots.kit.database import (
    DEADLOCK,
    LONGEST_PAUSES,
    SERIALIZATION_FAILURE,
    Database,
    RawConnection,
    sqlstate,
)

Begin: TypeAlias = Callable[[], AbstractAsyncContextManager[RawConnection]]
"""Begins a transaction, committed when the block ends and undone when it raises."""
P = ParamSpec("P")
R = TypeVar("R")


@asynccontextmanager
async def own_transaction(database: Database) -> AsyncIterator[RawConnection]:
    """On a connection of the driver's pool: for a use case that is all there is to the request."""
    async with database.raw() as connection, connection.transaction():
        yield connection


def attempted(
    use_case: Callable[Concatenate[RawConnection, P], Awaitable[R]],
) -> Callable[Concatenate[Begin, P], Awaitable[R]]:
    """A use case in a transaction of its own, that is tried three times at most where it was a deadlock's victim."""

    @wraps(use_case)
    async def attempt(begin: Begin, /, *args: P.args, **kwargs: P.kwargs) -> R:
        for longest in LONGEST_PAUSES:
            try:
                async with begin() as connection:
                    return await use_case(connection, *args, **kwargs)
            except DBAPIError as error:
                if sqlstate(error) not in {DEADLOCK, SERIALIZATION_FAILURE}:
                    raise
                await asyncio.sleep(random.uniform(0, longest))  # noqa: S311 - jitter, no secret
        async with begin() as connection:
            return await use_case(connection, *args, **kwargs)

    return attempt
