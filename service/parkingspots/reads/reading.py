"""Keeping answers while the application runs."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from fastapi import FastAPI

from parkingspots.kit.follower import Follower
from parkingspots.reads.local import Local
from parkingspots.reads.reads import Reads
from parkingspots.reads.shared import RELEASE, Shared
from parkingspots.settings import Settings

MARGIN = 60.0
"""Seconds that a transaction may take: its changes bear the time at which they were written."""
MEGABYTE = 1_000_000


@asynccontextmanager
async def reading(app: FastAPI) -> AsyncIterator[None]:
    """Sets the state's `reads` and `follower`; None where settings say that nothing is kept."""
    settings: Settings = app.state.settings
    longest = max(settings.cache_search_seconds, settings.cache_spot_seconds)
    app.state.reads = app.state.follower = None
    if longest == 0:
        yield
        return
    follower = Follower(settings.sqlalchemy_url, longest + MARGIN)
    async with aclosing(Shared(app.state.cache, settings.cache_release or RELEASE)) as shared, follower.following():
        reads = Reads(follower, Local(settings.cache_local_megabytes * MEGABYTE), shared)
        async with aclosing(reads):
            app.state.follower, app.state.reads = follower, reads
            yield
