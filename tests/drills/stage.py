"""The product as it really runs: its servers, a process that serves, its minute job, Stripe, and people who use it."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, TypeAlias

import asyncpg
import httpx
from pydantic import SecretStr

import servers
from drills.crowd import Crowd, crowding, gathered
from drills.hurried import Hurry
from e2e.test_journey import served
from monitoring.prometheus import Prometheus, watching
from monitoring.town import Town, founded
from parkingspots.dev.ports import free_port
from parkingspots.kit import migrating
from parkingspots.kit.database import Database
from parkingspots.payments.command import till_of
from parkingspots.settings import Settings
from parkingspots_lifecycle.loop import INTERVAL, run_until
from parkingspots_lifecycle.steps import Bench
from payments.cardholder import Cardholder
from payments.emulators import localstripe
from payments.product_at_stripe import asked_at, paying
from payments.standin import KEY, StandIn, standing_in
from servers import Server, beside, reached

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

PATIENCE = 60.0  # seconds
NAMESPACE = "drills"
LABELS = {"namespace": NAMESPACE, "pod": "parkingspots-api-1", "container": "api"}
"""As a cluster adds them."""
STRANGER = "a report that somebody has forgotten"


class MinuteJob:
    """The product's own loop, as often as the hurry has it, in this process."""

    def __init__(self, settings: Settings, interval: float) -> None:
        self._settings, self._interval = settings, interval
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._stop = asyncio.Event()
        self._task = asyncio.create_task(self._run(self._stop))

    async def _run(self, stop: asyncio.Event) -> None:
        async with (
            aclosing(Database(self._settings, pool_size=1)) as database,
            till_of(self._settings, database) as till,
        ):
            await run_until(stop, Bench(database, till), self._interval)

    async def stop(self) -> None:
        self._stop.set()
        if self._task is not None:
            await self._task
        self._task = None


@dataclass(frozen=True)
class Stage:
    hurry: Hurry
    folder: Path
    database: Server
    cache: Server
    job: MinuteJob
    stripe: StandIn
    town: Town
    crowd: Crowd
    metrics: str
    """Where the process that serves is scraped."""

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """To the database, past the gate, of somebody who is not the product."""
        connection = await asyncpg.connect(self.database.own_url, server_settings={"application_name": STRANGER})
        try:
            yield connection
        finally:
            await connection.close()

    async def execute(self, *statements: str) -> None:
        async with self.connection() as connection:
            for statement in statements:
                await connection.execute(statement)

    @contextmanager
    def watched(self, *others: Mapping[str, Any]) -> Iterator[Prometheus]:
        """By a Prometheus that knows nothing yet, with the product's rules, hurried."""
        api = {"job_name": "parkingspots-api", "static_configs": [{"targets": [self.metrics], "labels": LABELS}]}
        folder = Path(mkdtemp(prefix="prometheus-", dir=self.folder))
        with watching(folder, [api, *others], self.hurry.rules) as prometheus:
            yield prometheus


@asynccontextmanager
async def staged(folder: Path, hurry: Hurry) -> AsyncIterator[Stage]:
    """All of it, until the block ends."""
    async with AsyncExitStack() as stack:
        there = partial(_folder, folder)
        database = await stack.enter_async_context(reached(partial(servers.database, there("postgres"), free_port())))
        cache = await stack.enter_async_context(reached(partial(servers.cache, there("valkey"))))
        cards = stack.enter_context(localstripe(there("stripe")))
        stripe = await stack.enter_async_context(standing_in(cards))
        settings = Settings(
            _env_file=None,
            database_url=SecretStr(database.url),
            redis_url=SecretStr(cache.url),
            skip_payment_processing=False,
            stripe_secret_key=SecretStr(KEY),
            stripe_webhook_secret=SecretStr("whsec_of_the_drills_00000"),
            stripe_api_base=stripe.url,
            rate_limits_enabled=False,
            metrics_port=free_port(),
        )
        await migrating.upgrade(settings)
        job = MinuteJob(settings, hurry.seconds(INTERVAL))
        job.start()
        stack.push_async_callback(job.stop)
        environment = paying(settings) | {"METRICS_PORT": str(settings.metrics_port)}
        url, _ = await stack.enter_async_context(beside(served(settings, folder / "server.log", **environment)))
        api = await stack.enter_async_context(asked_at(url))
        asked = await stack.enter_async_context(
            httpx.AsyncClient(base_url=cards, headers={"Authorization": f"Bearer {KEY}"})
        )
        own = await stack.enter_async_context(aclosing(Database(settings)))
        town = await founded(api, url, settings, stripe, Cardholder(asked), own)
        await town.pay(await town.book())
        crowd = await gathered(api, town.owner, town.spot)
        await stack.enter_async_context(crowding(crowd))
        yield Stage(hurry, folder, database, cache, job, stripe, town, crowd, f"127.0.0.1:{settings.metrics_port}")


def _folder(parent: Path, name: str) -> Path:
    folder = parent / name
    folder.mkdir(exist_ok=True)
    return folder
