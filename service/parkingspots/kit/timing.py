"""How long the functions of a repository take, by their names."""

import sys
from collections.abc import Awaitable, Callable
from functools import wraps
from inspect import getmembers, iscoroutinefunction
from time import perf_counter
from typing import ParamSpec, TypeVar

from parkingspots.kit.database_counts import STATEMENT

P = ParamSpec("P")
R = TypeVar("R")


def timed(module: str) -> None:
    """Time each coroutine function that the module offers, as `room.function`. Stands at the module's end."""
    here = sys.modules[module]
    room = module.split(".")[-2]
    for name, function in getmembers(here, iscoroutinefunction):
        if function.__module__ == module and not name.startswith("_"):
            setattr(here, name, _timed(f"{room}.{name}", function))


def _timed(name: str, function: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    took = STATEMENT.labels(name)

    @wraps(function)
    async def measured(*args: P.args, **kwargs: P.kwargs) -> R:
        began = perf_counter()
        try:
            return await function(*args, **kwargs)
        finally:
            took.observe(perf_counter() - began)

    return measured
