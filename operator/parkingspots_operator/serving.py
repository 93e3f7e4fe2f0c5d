"""What the kubelet and Prometheus ask: /healthz on one port, /metrics on another."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from aiohttp import web
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from parkingspots_operator.metrics import Metrics
from parkingspots_operator.rounds import STUCK, Rounds
from parkingspots_operator.watched import Watched

EVERYWHERE = None
"""In a pod the kubelet and Prometheus come from elsewhere, by IPv4 or IPv6."""


def complaints(rounds: Rounds, watched: Watched) -> list[str]:
    """Why the process is better started anew. That the API server is away is no reason."""
    stuck = [f"no round has ended for {STUCK:.0f} s"] if rounds.is_stuck() else []
    return stuck + [f"the stream of {kind} tells nothing" for kind in watched.silent()]


@asynccontextmanager
async def serving(
    rounds: Rounds, watched: Watched, metrics: Metrics, liveness_port: int, metrics_port: int
) -> AsyncIterator[None]:
    """Answer while the block runs. Raises OSError where a port is taken."""

    async def healthz(_: web.Request) -> web.Response:
        found = complaints(rounds, watched)
        return web.json_response({"complaints": found}, status=503 if found else 200)

    async def show_metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async with AsyncExitStack() as stack:
        for port, path, handler in ((liveness_port, "/healthz", healthz), (metrics_port, "/metrics", show_metrics)):
            application = web.Application()
            application.router.add_get(path, handler)
            runner = web.AppRunner(application, access_log=None, handle_signals=False, shutdown_timeout=1)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, EVERYWHERE, port).start()
        yield
