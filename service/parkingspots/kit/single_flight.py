"""One call for all who want it at a time, as Go's singleflight has it."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Whoever comes while a call is under way gets what it gets: a crowd costs what one costs."""

    def __init__(self, call: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._call = call
        self._flight: asyncio.Task[T] | None = None

    async def __call__(self) -> T:
        if self._flight is None or self._flight.done():
            self._flight = asyncio.create_task(self._call())
        return await asyncio.shield(self._flight)
