"""An application that other processes can ask, served by the tests' own event loop."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.types import ASGIApp

from parkingspots.dev.ports import HOST
from product import until


class _Server(uvicorn.Server):
    """Signals are the test runner's."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def listening(app: ASGIApp) -> AsyncIterator[str]:
    """Its base URL."""
    server = _Server(uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=1))

    async def has_started() -> bool:
        return server.started

    with socket.create_server((HOST, 0)) as door:
        task = asyncio.create_task(server.serve(sockets=[door]))
        try:
            await until(has_started)
            yield f"http://{HOST}:{door.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task
