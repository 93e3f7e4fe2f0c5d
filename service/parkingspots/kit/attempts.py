"""Work on the driver's own connection, which starts over where PostgreSQL ended it for another's sake."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from functools import wraps
from typing import Concatenate, ParamSpec, TypeAlias, TypeVar

from asyncpg import DeadlockDetectedError, SerializationError

from parkingspots.kit.database import RawConnection, pauses

Connect: TypeAlias = Callable[[], AbstractAsyncContextManager[RawConnection]]
"""Lends a connection for the length of a block."""
P = ParamSpec("P")
R = TypeVar("R")


def attempted(
    use_case: Callable[Concatenate[RawConnection, P], Awaitable[R]],
) -> Callable[Concatenate[Connect, P], Awaitable[R]]:
    """A use case of one transaction that starts over, four times at most, where it was a deadlock's victim."""

    @wraps(use_case)
    async def attempt(connect: Connect, /, *args: P.args, **kwargs: P.kwargs) -> R:
        async with connect() as connection:  # kept in the pauses: the fewer there are, the sooner they end
            for pause in pauses():
                try:
                    return await use_case(connection, *args, **kwargs)
                except (DeadlockDetectedError, SerializationError):
                    await asyncio.sleep(pause)
            return await use_case(connection, *args, **kwargs)

    return attempt
