"""What endpoints may ask for: the clock, the settings, the database, a transaction.

All are coroutines: what is not, the framework hands to a thread, which costs more than it does.
"""

from collections.abc import AsyncIterator
from typing import Annotated, cast

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.kit.clock import TimeSource
from parkingspots.kit.database import Database
from parkingspots.kit.errands import Errand
from parkingspots.kit.follower import Follower
from parkingspots.kit.mail import Mailer
from parkingspots.settings import Settings


async def _clock(request: Request) -> TimeSource:
    return cast("TimeSource", request.app.state.clock)


async def _settings(request: Request) -> Settings:
    return cast("Settings", request.app.state.settings)


async def _probe(request: Request) -> Database:
    return cast("Database", request.app.state.probe)


async def _database(request: Request) -> Database:
    return cast("Database", request.app.state.database)


async def _mailer(request: Request) -> Mailer:
    return cast("Mailer", request.app.state.mailer)


Clock = Annotated[TimeSource, Depends(_clock)]
CurrentSettings = Annotated[Settings, Depends(_settings)]
CurrentDatabase = Annotated[Database, Depends(_database)]
CurrentMailer = Annotated[Mailer, Depends(_mailer)]
# A connection of its own: whether the database can be reached must not depend on how many requests wait for one.
ProbeDatabase = Annotated[Database, Depends(_probe)]


async def _transaction(request: Request) -> AsyncIterator[AsyncSession]:
    async with (await _database(request)).transaction() as session:
        yield session
    await catch_up(request)


async def catch_up(request: Request) -> None:
    """See to it that whoever reads here what was just committed sees it at once."""
    follower: Follower | None = request.app.state.follower
    if follower is not None:
        await follower.catch_up()


async def _hurrying(request: Request) -> AsyncIterator[None]:
    yield
    errand: Errand | None = request.app.state.errand
    if errand is not None:
        errand.hurry()


async def _reader(database: CurrentDatabase) -> AsyncIterator[AsyncSession]:
    async with database.reader() as session:
        yield session


# scope="function": the commit comes before the answer is sent, so a client that has its answer can read its write.
Transaction = Annotated[AsyncSession, Depends(_transaction, scope="function")]
# Entered before the transaction, and so left after its commit: what the request has made due is begun at once.
HURRIES = Depends(_hurrying, scope="function")
Reader = Annotated[AsyncSession, Depends(_reader, scope="function")]
