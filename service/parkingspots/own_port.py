"""`/metrics` on a port of its own, where METRICS_PORT names one: what clients reach does not show it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import structlog
import uvicorn
from fastapi import FastAPI

from parkingspots import health
from parkingspots.kit.listening import everywhere
from parkingspots.settings import Settings

GRACE = 1  # seconds for an answer in flight at the end
log = structlog.get_logger(__name__)


class _Beside(uvicorn.Server):
    """Leaves signals to the server that it stands beside."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def metrics_served(app: FastAPI) -> AsyncIterator[None]:
    """Serve them while the block lasts. Where the port is taken, the application serves without, and says so."""
    settings: Settings = app.state.settings
    if settings.metrics_port is None:
        yield
        return
    try:
        listening = everywhere(settings.metrics_port)
    except OSError as error:
        log.error("METRICS_PORT cannot be listened on: nothing is measured", error=error.strerror)  # noqa: TRY400
        yield
        return
    own = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    own.state = app.state
    own.include_router(health.metrics)
    config = uvicorn.Config(
        own, log_config=None, access_log=False, server_header=False, lifespan="off", timeout_graceful_shutdown=GRACE
    )
    server = _Beside(config)
    serving = asyncio.create_task(server.serve([listening]))
    try:
        yield
    finally:
        server.should_exit = True  # cancelled, it would leave the event loop with a socket that is closed
        await serving
