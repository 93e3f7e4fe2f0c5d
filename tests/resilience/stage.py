"""The product on one machine: its database and its cache behind gates, processes that serve, and a small town in it."""

import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

import servers
from e2e.test_journey import SECRET_KEY, served
from gate import with_gate
from parkingspots.dev.ports import free_port
from parkingspots.kit import migrating
from parkingspots.kit.database import Database
from parkingspots.settings import Settings
from resilience.town import Town, founded
from servers import NOTHING, Server, Way, beside, reached

HOURS_SIGNED_IN = 4


@dataclass(frozen=True)
class Stage:
    folder: Path
    settings: Settings
    database: Server
    cache: Server
    process: subprocess.Popen[bytes]
    """The one that was started; with several workers, it watches over them."""
    url: str
    town: Town
    own: Database
    """Past the gate, for whoever looks afterwards what is there."""

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 0

    @property
    def log(self) -> Path:
        return log_of(self.folder)

    def serving(self) -> list[int]:
        """The ids of the processes that answer."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return list(map(int, children)) or [self.process.pid]


def log_of(folder: Path) -> Path:
    return folder / "server.log"


@asynccontextmanager
async def staged(
    folder: Path,
    *,
    workers: int = 1,
    durable: bool = False,
    of_database: Mapping[str, str] = NOTHING,
    to_database: Way = with_gate,
    to_cache: Way = with_gate,
    environment: Mapping[str, str] = NOTHING,
) -> AsyncIterator[Stage]:
    """All of it, until the block ends.

    `of_database` are settings of PostgreSQL's own, `environment` is the product's. Nobody is limited unless it says so.
    """
    async with AsyncExitStack() as stack:
        begun = partial(servers.database, folder / "postgres", free_port(), of_database, durable=durable)
        database = await stack.enter_async_context(reached(begun, to_database))
        cache = await stack.enter_async_context(reached(partial(servers.cache, folder / "valkey"), to_cache))
        settings = Settings(
            _env_file=None,
            database_url=SecretStr(database.url),
            redis_url=SecretStr(cache.url),
            rate_limits_enabled=False,
            secret_key=SecretStr(SECRET_KEY),
            access_token_minutes=60 * HOURS_SIGNED_IN,
        )
        await migrating.upgrade(settings)
        options = ["--workers", str(workers)] if workers > 1 else []
        serving = served(settings, log_of(folder), *options, **environment)
        url, process = await stack.enter_async_context(beside(serving))
        past_the_gate = settings.model_copy(update={"database_url": SecretStr(database.own_url)})
        own = await stack.enter_async_context(aclosing(Database(past_the_gate, pool_size=2)))
        yield Stage(folder, settings, database, cache, process, url, await founded(settings, url), own)
