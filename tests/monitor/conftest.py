"""Processes that show their figures over HTTP, and a monitor that looks at them."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count

import pytest
from starlette.types import Receive, Scope, Send

from monitor.pages import Process
from parkingspots.monitor.scraper import Scraper
from parkingspots.monitor.targets import Discovery, Urls
from parkingspots.monitor.watch import Watch
from payments.listening import listening

MakeWatch = Callable[..., Watch]


class Shown:
    """What one process shows at /metrics; `silent` and `status` say how it misbehaves."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.status = 200
        self.silent = False
        self.hosts: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.hosts += [value.decode() for name, value in scope["headers"] if name == b"host"]
        if self.silent:
            await receive()  # the request
            await receive()  # nothing comes until the client goes away
            return
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        await send({"type": "http.response.body", "body": self.process.page().encode()})


@asynccontextmanager
async def showing(process: Process) -> AsyncIterator[tuple[str, Shown]]:
    """Where a process shows its figures, while the block lasts."""
    shown = Shown(process)
    async with listening(shown) as url:
        yield url, shown


@pytest.fixture
async def scraper() -> AsyncIterator[Scraper]:
    async with Scraper() as scraper:
        yield scraper


@pytest.fixture
def watching(scraper: Scraper) -> MakeWatch:
    """Makes a watch for which two seconds go by with each answer, whatever time it is."""

    def make(*urls: str, discovery: Discovery | None = None) -> Watch:
        return Watch(discovery or Urls(urls), scraper, 2.0, clock=count(0.0, 2.0).__next__)

    return make
