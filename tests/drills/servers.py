"""PostgreSQL and Valkey behind gates, at addresses that stay: they can be stopped, and started again."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, contextmanager
from pathlib import Path

from redis import Redis
from sqlalchemy import make_url

from gate import Gate, with_gate
from parkingspots.dev.ports import free_port
from parkingspots.dev.postgres import postgres
from parkingspots.dev.valkey import valkey

PASSWORD = "the-same-after-each-start"


class Stoppable:
    """`url` leads through the gate, `own_url` past it, to the server as long as it runs."""

    def __init__(self, serving: Callable[[], AbstractContextManager[str]]) -> None:
        self.url = ""
        self._serving, self._running = serving, ExitStack()
        self.own_url = self._running.enter_context(serving())

    def let_through(self, gate: Gate, url: str) -> None:
        self._gate, self.url = gate, url

    async def stop(self) -> None:
        """At once, for whoever uses it."""
        self._gate.close()
        await asyncio.to_thread(self._running.close)

    async def start(self) -> None:
        self.own_url = await asyncio.to_thread(self._running.enter_context, self._serving())
        self._gate.lead_to(self.own_url)
        self._gate.open()

    def close(self) -> None:
        self._running.close()


@asynccontextmanager
async def stoppable(serving: Callable[[], AbstractContextManager[str]]) -> AsyncIterator[Stoppable]:
    server = Stoppable(serving)
    try:
        async with with_gate(server.own_url, free_port()) as (gate, url):
            server.let_through(gate, url)
            yield server
    finally:
        server.close()


@contextmanager
def database(folder: Path) -> Iterator[str]:
    """The URL of a server that keeps its data over a stop."""
    with postgres(folder, durable=False) as server:
        yield server.url


@contextmanager
def cache(folder: Path) -> Iterator[str]:
    """The URL of one that begins empty each time, with one password."""
    with valkey(folder) as server:
        with Redis.from_url(server.url) as client:
            client.config_set("requirepass", PASSWORD)
        yield make_url(server.url).set(password=PASSWORD).render_as_string(hide_password=False)
