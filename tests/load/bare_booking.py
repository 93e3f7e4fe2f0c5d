"""The transaction of one booking, recorded from the product and repeated by the driver alone."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter
from typing import Any
from uuid import UUID

import asyncpg
import uvloop
from asyncpg.connection import LoggedQuery

from parkingspots.kit.database import Database

BEGIN, COMMIT = "BEGIN", "COMMIT"


@dataclass(frozen=True)
class Statement:
    sql: str
    arguments: tuple[Any, ...]

    @property
    def is_control(self) -> bool:
        """Whether it begins or ends the transaction."""
        return self.sql.startswith((BEGIN, COMMIT))


@dataclass(frozen=True)
class Wanted:
    """What tells one booking from another."""

    spot_id: UUID
    owner_id: UUID
    renter_id: UUID
    start: datetime
    end: datetime

    def in_place_of(self, other: "Wanted") -> Mapping[Any, Any]:
        return {
            other.spot_id: self.spot_id,
            other.owner_id: self.owner_id,
            other.renter_id: self.renter_id,
            other.start: self.start,
            other.end: self.end,
        }


async def recorded(database: Database, book: Callable[[], Awaitable[None]]) -> Sequence[Statement]:
    """The last transaction that `book` commits, statement by statement, in the order in which they were sent.

    The `database` must be the one that it uses, with one connection in the driver's pool.
    """
    said: list[Statement] = []

    def note(query: LoggedQuery) -> None:
        said.append(Statement(query.query, tuple(query.args)))

    async with database.raw() as connection:
        connection.add_query_logger(note)
    await book()
    async with database.raw() as connection:
        connection.remove_query_logger(note)
    begins = max(number for number, statement in enumerate(said) if statement.sql.startswith(BEGIN))
    assert said[-1].sql.startswith(COMMIT), said[-1]
    return said[begins:]


@dataclass(frozen=True)
class Job:
    """Bookings to be made like the `recorded` one was, on as many connections as the product has."""

    url: str
    server_settings: Mapping[str, str]
    connections: int
    recorded: Sequence[Statement]
    recorded_for: Wanted
    bookings: Sequence[Wanted]


def repeated(job: Job) -> list[float]:
    """Make the bookings; the seconds that each took, and last those of all together."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_repeated(job))


async def _repeated(job: Job) -> list[float]:
    connections = [
        await asyncpg.connect(job.url, server_settings=dict(job.server_settings)) for _ in range(job.connections)
    ]
    transactions = [await _prepared(connection, job) for connection in connections]
    waiting, times = iter(job.bookings), list[float]()

    async def work(transaction: Callable[[Wanted], Awaitable[None]]) -> None:
        for booking in waiting:
            began = perf_counter()
            await transaction(booking)
            times.append(perf_counter() - began)

    began = perf_counter()
    await asyncio.gather(*map(work, transactions))
    times.append(perf_counter() - began)
    for connection in connections:
        await connection.close()
    return times


async def _prepared(connection: Any, job: Job) -> Callable[[Wanted], Awaitable[None]]:
    """The transaction on this connection."""
    steps = [
        (connection.execute, (statement.sql,))
        if statement.is_control
        else ((await connection.prepare(statement.sql)).fetch, statement.arguments)
        for statement in job.recorded
    ]

    async def transaction(wanted: Wanted) -> None:
        places = wanted.in_place_of(job.recorded_for)
        for step, arguments in steps:
            await step(*(_placed(each, places) for each in arguments))

    return transaction


def _placed(argument: Any, places: Mapping[Any, Any]) -> Any:
    return places.get(argument, argument) if isinstance(argument, (UUID, datetime)) else argument
