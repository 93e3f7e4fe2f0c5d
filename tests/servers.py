"""PostgreSQL and Valkey behind gates, at addresses that stay: each can be killed, stopped, and started again."""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    ExitStack,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from types import MappingProxyType
from typing import TypeVar

from redis import Redis
from sqlalchemy import make_url

from gate import Gate, with_gate
from parkingspots.dev.ports import free_port
from parkingspots.dev.postgres import postgres
from parkingspots.dev.valkey import valkey

T = TypeVar("T")
NOTHING: Mapping[str, str] = MappingProxyType({})
PASSWORD = "the-same-after-each-start"
Way = Callable[[str, int], AbstractAsyncContextManager[tuple[Gate, str]]]
"""Opens a gate on a port, to the server at a URL; yields it with the URL of the gate."""


@dataclass(frozen=True)
class Running:
    url: str
    process: subprocess.Popen[bytes]


class Server:
    """`url` leads through the gate, `own_url` past it; `away` says from when until when nobody got through."""

    def __init__(self, begun: Callable[[], AbstractContextManager[Running]]) -> None:
        self.away: list[tuple[float, float]] = []
        """By the monotonic clock."""
        self._begun, self._stack = begun, ExitStack()
        self._running = self._stack.enter_context(begun())

    def let_through(self, gate: Gate, url: str) -> None:
        self.gate, self.url = gate, url

    @property
    def own_url(self) -> str:
        return self._running.url

    @property
    def process(self) -> subprocess.Popen[bytes]:
        return self._running.process

    async def kill(self) -> None:
        """SIGKILL, all of its processes at once."""
        self.away.append((monotonic(), float("inf")))
        os.killpg(self.process.pid, signal.SIGKILL)
        await asyncio.to_thread(self.process.wait)

    async def stop(self) -> None:
        """At once, for whoever uses it."""
        self.away.append((monotonic(), float("inf")))
        self.gate.close()
        await asyncio.to_thread(self._stack.close)

    async def start(self) -> None:
        """After it was killed or stopped; ready."""
        await asyncio.to_thread(self._stack.close)
        self._running = await asyncio.to_thread(self._stack.enter_context, self._begun())
        self.gate.lead_to(self.own_url)
        self.gate.open()
        self.away[-1] = (self.away[-1][0], monotonic())

    @contextmanager
    def is_away(self) -> Iterator[None]:
        """While the block lasts: somebody has cut it off otherwise."""
        began = monotonic()
        try:
            yield
        finally:
            self.away.append((began, monotonic()))

    def close(self) -> None:
        self._stack.close()


@asynccontextmanager
async def reached(begun: Callable[[], AbstractContextManager[Running]], way: Way = with_gate) -> AsyncIterator[Server]:
    """A server behind a gate, until the block ends."""
    server = Server(begun)
    try:
        async with way(server.own_url, free_port()) as (gate, url):
            server.let_through(gate, url)
            yield server
    finally:
        server.close()


@contextmanager
def database(
    folder: Path, port: int, settings: Mapping[str, str] = NOTHING, *, durable: bool = False
) -> Iterator[Running]:
    """Keeps its data, and its port; where `durable`, each commit is on the disk before anybody is told."""
    with postgres(folder, durable=durable, settings={"port": str(port), **settings}) as server:
        yield Running(make_url(server.url).set(port=port).render_as_string(hide_password=False), server.process)


@contextmanager
def cache(folder: Path) -> Iterator[Running]:
    """Begins empty each time, with one password."""
    with valkey(folder) as server:
        with Redis.from_url(server.url) as client:
            client.config_set("requirepass", PASSWORD)
        url = make_url(server.url).set(password=PASSWORD).render_as_string(hide_password=False)
        yield Running(url, server.process)


@asynccontextmanager
async def beside(context: AbstractContextManager[T]) -> AsyncIterator[T]:
    """Begun and ended in a thread of its own: gates, stand-ins and people go on meanwhile."""
    stack = ExitStack()
    try:
        yield await asyncio.to_thread(stack.enter_context, context)
    finally:
        await asyncio.to_thread(stack.close)
