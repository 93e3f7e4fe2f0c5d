"""The reference of misses: asyncpg alone, running the product's SQL, which encodes rows as JSON.

    DATABASE_URL=… python -m load.bench.bare FILE SECONDS TASKS

FILE holds pickled pairs of a statement and its arguments, which are taken in turn.
"""

import asyncio
import os
import pickle
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from time import perf_counter
from typing import Any

import asyncpg
import uvloop

from load.bench import programs

POOL = 10
"""Connections, as many as the API has by default."""
LIKE_THE_API = {"TimeZone": "UTC", "jit": "off", "statement_timeout": "5000", "lock_timeout": "3000"}
WARM_UP = 1.0  # seconds; each connection prepares its statements

Queries = Iterator[tuple[str, list[Any]]]


@dataclass
class Found:
    size: int = 0
    times: list[float] = field(default_factory=list)


async def measure(url: str, queries: Queries, seconds: float, tasks: int) -> str:
    """What `tasks` got done in `seconds`, as the line that the bench reads."""
    async with asyncpg.create_pool(
        url, min_size=POOL, max_size=POOL, server_settings=LIKE_THE_API, reset=_left_as_it_is
    ) as pool:
        await _work(pool, queries, WARM_UP, tasks)
        began = perf_counter()
        found = await _work(pool, queries, seconds, tasks)
        return programs.said(found.times, perf_counter() - began, found.size)


async def _work(pool: "asyncpg.Pool[Any]", queries: Queries, seconds: float, tasks: int) -> Found:
    found, deadline = Found(), perf_counter() + seconds
    await asyncio.gather(*(_ask(pool, queries, deadline, found) for _ in range(tasks)))
    return found


async def _ask(pool: "asyncpg.Pool[Any]", queries: Queries, deadline: float, found: Found) -> None:
    while (began := perf_counter()) < deadline:
        statement, arguments = next(queries)
        rows = await pool.fetch(statement, *arguments)
        found.size += len(f"[{','.join([row['item'] for row in rows])}]".encode())
        found.times.append((perf_counter() - began) * 1_000)


async def _left_as_it_is(_connection: object) -> None:
    """asyncpg would ask the server to forget settings that nobody has made: another round trip a query."""


if __name__ == "__main__":
    file, seconds, tasks = sys.argv[1:]
    queries = cycle(pickle.loads(Path(file).read_bytes()))
    print(uvloop.run(measure(os.environ["DATABASE_URL"], queries, float(seconds), int(tasks))))  # noqa: T201 - read there
