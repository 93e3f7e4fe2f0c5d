"""Running the application: one process in a container, gunicorn with uvicorn's workers on a single machine.

Imports nothing of it: the process that watches over the others does not need it.
"""

import signal
import socket
import sys
from pathlib import Path
from types import FrameType
from typing import Any, ClassVar

import uvicorn
from gunicorn.app.base import BaseApplication
from gunicorn.util import import_app
from uvicorn_worker import UvicornWorker

from parkingspots.kit import logs
from parkingspots.settings import Environment, Settings

FACTORY = "parkingspots.asgi:application"
KEEP_ALIVE = 75  # seconds; longer than a proxy keeps an idle connection, so that it is the proxy that closes
GRACE = 20  # seconds for requests in flight after SIGTERM
BACKLOG = 2048


def try_to_listen(host: str, port: int) -> None:
    """Raise OSError where nobody could listen there: the servers would tell it in many lines, or go on trying."""
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
        probe.listen()


def run(settings: Settings, host: str, port: int, workers: int, *, reload: bool) -> None:
    """Serve until a signal ends it."""
    if workers > 1:
        _Gunicorn(host, port, workers).run()
        return
    logs.configure(settings)
    signal.signal(signal.SIGTERM, _end)
    uvicorn.run(
        FACTORY,
        factory=True,
        host=host,
        port=port,
        backlog=BACKLOG,
        reload=reload,
        reload_dirs=[str(Path(__file__).parent)] if reload else None,
        log_config=None,
        access_log=settings.environment is Environment.DEVELOPMENT,
        server_header=False,
        proxy_headers=False,  # whom to believe is TRUSTED_PROXIES' to say; uvicorn would believe this machine
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=GRACE,
    )


def _end(_signal: int, _frame: FrameType | None) -> None:
    """Exit code 0: uvicorn raises SIGTERM once more when it has finished, and being asked to end is no failure."""
    sys.exit(0)


class Worker(UvicornWorker):  # type: ignore[misc]  # it has no types
    CONFIG_KWARGS: ClassVar[dict[str, Any]] = UvicornWorker.CONFIG_KWARGS | {"proxy_headers": False}


class _Gunicorn(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    def __init__(self, host: str, port: int, workers: int) -> None:
        self.options: dict[str, Any] = {
            "bind": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
            "workers": workers,
            "worker_class": "parkingspots.serving.Worker",
            "backlog": BACKLOG,
            "keepalive": KEEP_ALIVE,
            "graceful_timeout": GRACE,
            "control_socket_disable": True,
        }
        super().__init__()

    def load_config(self) -> None:
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def load(self) -> object:
        return import_app(f"{FACTORY}()")
