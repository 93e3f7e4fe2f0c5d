"""What others take away from the product: connections, and a table or a row that everybody wants."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import TypeAlias

import asyncpg

from resilience.killed import RATE
from resilience.scenario import Group, Length, Outcome, Scenario
from resilience.stage import Stage, staged
from resilience.trouble import LONGEST_ANSWER, RECOVERED_WITHIN, living

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
MOST_CONNECTIONS = 40
STRANGER = "somebody else"
SEND_AWAY = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'parkingspots%'"
LOOK_EVERY = 0.02  # seconds
LOCK_SPOTS = "LOCK TABLE spots IN ACCESS EXCLUSIVE MODE"
LOCK_SPOT = "SELECT FROM spots WHERE id = $1 FOR UPDATE"


async def connections(folder: Path, length: Length) -> Outcome:
    seconds, times = (10.0, 2) if length is Length.LONG else (4.0, 1)
    of_database = {"max_connections": str(MOST_CONNECTIONS)}
    async with staged(folder, of_database=of_database) as stage, living(stage, RATE / 2) as diary:
        for _ in range(times):
            with diary.part("all connections taken", may_refuse=True):
                async with _others(stage):
                    await asyncio.sleep(seconds)
            await diary.is_calm_again()
    return diary.outcome


@asynccontextmanager
async def _others(stage: Stage) -> AsyncIterator[None]:
    """Take every connection that there is, those of the product, too, as soon as one is free."""
    async with AsyncExitStack() as stack:
        first = await _connected(stage, stack)

        async def take() -> None:
            while True:
                with suppress(asyncpg.TooManyConnectionsError):
                    await _connected(stage, stack)
                    continue
                await asyncio.sleep(LOOK_EVERY)

        taking = [asyncio.create_task(take()) for _ in range(4)]
        try:
            await first.execute(SEND_AWAY)
            yield
        finally:
            for task in taking:
                task.cancel()
            await asyncio.gather(*taking, return_exceptions=True)


async def _connected(stage: Stage, stack: AsyncExitStack) -> Connection:
    """Until the stack ends."""
    connection = await asyncpg.connect(stage.database.own_url, server_settings={"application_name": STRANGER})
    stack.callback(connection.terminate)
    return connection


async def lock(folder: Path, length: Length) -> Outcome:
    seconds, times = (10.0, 2) if length is Length.LONG else (5.0, 1)
    async with staged(folder) as stage, living(stage, RATE / 2) as diary:
        for _ in range(times):
            with diary.part("a spot locked", may_refuse=True, only="book"):
                async with _held(stage, LOCK_SPOT, stage.town.places[-1].id):
                    await asyncio.sleep(seconds)
            await diary.is_calm_again()
            with diary.part("the table of spots locked", may_refuse=True):
                async with _held(stage, LOCK_SPOTS):
                    await asyncio.sleep(seconds)
            await diary.is_calm_again()
    return diary.outcome


@asynccontextmanager
async def _held(stage: Stage, statement: str, *what: object) -> AsyncIterator[None]:
    """What a transaction locks that does nothing more, while the block lasts."""
    async with AsyncExitStack() as stack:
        connection = await _connected(stage, stack)
        async with connection.transaction():
            await connection.execute(statement, *what)
            yield


SCENARIOS = (
    Scenario(
        "connections-taken",
        Group.SLOW_OR_CUT,
        "Others take every connection that PostgreSQL gives, and the product's own are ended: what needs one is 503 "
        f"with Retry-After, within {LONGEST_ANSWER:g} s; {RECOVERED_WITHIN:g} s after they have left none is refused",
        connections,
    ),
    Scenario(
        "lock-held",
        Group.SLOW_OR_CUT,
        "A transaction that does nothing more holds a spot's row, then the whole table of spots: whoever needs it "
        f"waits or is 503 with Retry-After, within {LONGEST_ANSWER:g} s; of one spot, none but those who book it; "
        f"{RECOVERED_WITHIN:g} s afterwards none is refused",
        lock,
    ),
)
