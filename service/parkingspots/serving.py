"""Running the application: one process in a container, several on a single machine.

Imports nothing of it: the process that watches over the others does not need it.
"""

import signal
import socket
import sys
from pathlib import Path
from types import FrameType

import uvicorn
from uvicorn.supervisors import ChangeReload

from parkingspots.kit import logs
from parkingspots.kit.listening import EVERYWHERE, everywhere
from parkingspots.kit.patience import PatientConnection, allow_many_files
from parkingspots.settings import Settings

FACTORY = "parkingspots.asgi:application"
KEEP_ALIVE = 75  # seconds; longer than a proxy keeps an idle connection, so that it is the proxy that closes
GRACE = 20  # seconds for requests in flight after SIGTERM
BACKLOG = 2048
NOT_STARTED = 3  # the exit code that uvicorn has for it


def try_to_listen(host: str, port: int) -> None:
    """Raise OSError where nobody could listen there: the servers would tell it in many lines, or go on trying."""
    if host == EVERYWHERE:
        everywhere(port).close()
        return
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
        probe.listen()


def run(settings: Settings, host: str, port: int, workers: int, *, reload: bool) -> None:
    """Serve until a signal ends it."""
    allow_many_files()
    if workers > 1:
        from parkingspots import prefork  # here: gunicorn, which a single process does without

        prefork.run(FACTORY, host, port, workers, backlog=BACKLOG, keep_alive=KEEP_ALIVE, grace=GRACE)
        return
    logs.configure(settings)
    signal.signal(signal.SIGTERM, _end)
    config = uvicorn.Config(
        FACTORY,
        factory=True,
        http=PatientConnection,
        ws="none",
        host=host,
        port=port,
        backlog=BACKLOG,
        reload=reload,
        reload_dirs=[str(Path(__file__).parent)] if reload else None,
        log_config=None,
        access_log=False,  # the application tells of requests itself
        server_header=False,
        proxy_headers=False,  # whom to believe is TRUSTED_PROXIES' to say; uvicorn would believe this machine
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=GRACE,
    )
    server = uvicorn.Server(config)
    if reload:
        ChangeReload(config, target=server.run, sockets=[config.bind_socket()]).run()
        return
    server.run(sockets=[everywhere(port, BACKLOG)] if host == EVERYWHERE else None)
    if not server.started:
        sys.exit(NOT_STARTED)


def _end(_signal: int, _frame: FrameType | None) -> None:
    """Exit code 0: uvicorn raises SIGTERM once more when it has finished, and being asked to end is no failure."""
    sys.exit(0)
