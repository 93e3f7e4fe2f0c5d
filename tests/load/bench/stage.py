"""The product under test: a seeded PostgreSQL and a Valkey on one core, the API as one process on the other."""

import asyncio
import http.client
import os
import signal as signals
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import IO

import httpx
from sqlalchemy import text

from load.bench import raw
from load.bench.machine import Cores
from load.bench.wire import Answer
from parkingspots.app import PREFIX
from parkingspots.dev import processes, servers
from parkingspots.dev.ports import HOST
from parkingspots.dev.postgres import postgres
from parkingspots.dev.valkey import valkey
from parkingspots.kit import migrating
from parkingspots.kit.database import Database
from parkingspots.seed.service import seed
from parkingspots.settings import Settings

DATABASE = {
    "shared_buffers": "2GB",
    "max_wal_size": "16GB",
    "min_wal_size": "4GB",
    "wal_compression": "pglz",
    "checkpoint_timeout": "30min",
}
NO_TIME_OUT = 3_600_000  # ms; for VACUUM
READY_WITHIN = 60.0  # seconds
STOPPING = ((signals.SIGTERM, 25.0),)
MANY = "100000000 per minute"
AS_USERS_HAVE_IT = {
    "ENVIRONMENT": "evaluation",  # development writes a line for each request
    "RATE_LIMITS_ENABLED": "true",
    **{
        f"RATE_LIMIT_{name}": MANY
        for name in ("REQUESTS", "LOGINS", "LOGINS_OF_ADDRESS", "REGISTRATIONS", "RESETS", "BOOKINGS")
    },
    "ACCESS_TOKEN_MINUTES": "1440",
    "SKIP_PAYMENT_PROCESSING": "true",
}
USER_AGENT = "ParkingSpots/2.4 (Linux; Android 15) okhttp/4.12.0"


@dataclass(frozen=True)
class Stage:
    """A running API of one process, and what is needed to start more on the same data."""

    cores: Cores
    folder: Path
    environment: Mapping[str, str]
    settings: Settings
    """The API's own, as far as the database, the cache and tokens go."""
    database_log: Path
    port: int
    pid: int
    headers: Mapping[str, str]
    """What a signed-in client sends with each request."""


@dataclass(frozen=True)
class Server:
    port: int
    process: subprocess.Popen[bytes]


def prepare(folder: Path, spots: int, bookings: int, *, durable: bool = False) -> None:
    """Make the data in `folder`, where it is not there yet, on what cores this process has. Raises Failure."""
    with postgres(folder / "postgres", durable=durable, settings=DATABASE) as server:
        settings = Settings(_env_file=None, database_url=server.url, database_statement_timeout_ms=NO_TIME_OUT)
        asyncio.run(_fill(settings, spots, bookings))


def _read_once(folder: Path) -> None:
    """Have the system keep the data, as it does where they are asked for all day: the disk is not what is measured."""
    for path in filter(Path.is_file, folder.rglob("base/*/*")):
        with path.open("rb") as file:
            while file.read(1 << 20):
                pass


async def _fill(settings: Settings, spots: int, bookings: int) -> None:
    await migrating.upgrade(settings)
    await seed(settings, spots=spots, bookings=bookings, seed=1, now=datetime.now(UTC), progress=lambda *_: None)
    database = Database(settings, pool_size=1)
    async with database.reader() as session:
        await session.execute(text("VACUUM ANALYZE"))
    await database.aclose()


@contextmanager
def staged(folder: Path, cores: Cores, *, durable: bool = False) -> Iterator[Stage]:
    """The API on the data in `folder`; all of it is stopped on leaving. Raises Failure."""
    with (
        postgres(folder / "postgres", durable=durable, settings=DATABASE) as database,
        valkey(folder / "valkey") as cache,
    ):
        secret = token_hex(32)
        own = {"DATABASE_URL": database.url, "REDIS_URL": cache.url, "SECRET_KEY": secret}
        environment = {**_inherited(), **AS_USERS_HAVE_IT, **own}
        settings = Settings(_env_file=None, database_url=database.url, redis_url=cache.url, secret_key=secret)
        _read_once(folder)
        with api(cores, folder, environment) as server:
            headers = _headers_of_a_client(server.port)
            yield Stage(cores, folder, environment, settings, database.log, server.port, server.process.pid, headers)


def _inherited() -> dict[str, str]:
    """Without what would make every start compile all modules anew."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


@contextmanager
def api(cores: Cores, folder: Path, environment: Mapping[str, str]) -> Iterator[Server]:
    """`parkingspots serve` on the server's core, from when it is ready."""
    with _serving("The API", ["parkingspots", "serve", "--port"], [], cores, folder / "api.log", environment) as server:
        yield server


@contextmanager
def uncounted_twin(stage: Stage) -> Iterator[Server]:
    """The API on the same core and the same data, but nothing is counted of what it has at hand."""
    log = stage.folder / "uncounted.log"
    with _serving("The API", ["load.bench.uncounted"], [], stage.cores, log, stage.environment) as server:
        yield server


@contextmanager
def raw_twin(stage: Stage, answer: Answer) -> Iterator[Server]:
    """The raw ASGI application that gives `answer`, on the same core and the same server."""
    file = stage.folder / "answer.json"
    raw.keep(answer, file)
    log = stage.folder / "raw.log"
    with _serving("The raw server", ["load.bench.raw"], [str(file)], stage.cores, log, stage.environment) as server:
        yield server


@contextmanager
def _serving(
    name: str, module: list[str], rest: list[str], cores: Cores, log: Path, environment: Mapping[str, str]
) -> Iterator[Server]:
    def launch(port: int, output: IO[bytes]) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", *module, str(port), *rest]
        return processes.start(command, output=output, environment=environment, wrapper=cores.on_server)

    def is_ready(_: subprocess.Popen[bytes], port: int) -> bool:
        return _answers(port)

    process, port = servers.start(name, log, launch, is_ready, within=READY_WITHIN, stopping=STOPPING)
    try:
        yield Server(port, process)
    finally:
        processes.stop(process, STOPPING)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _headers_of_a_client(port: int) -> dict[str, str]:
    """Of a renter who has just registered and signed in."""
    who = {"email": f"{token_hex(8)}@example.com", "password": token_hex(16)}
    with httpx.Client(base_url=f"http://{HOST}:{port}{PREFIX}", trust_env=False, timeout=30) as client:
        client.post("/auth/register", json=who | {"full_name": "Load"}).raise_for_status()
        token = client.post("/auth/login", json=who).raise_for_status().json()["access_token"]
    return {
        "Authorization": f"Bearer {token}",
        "User-Agent": USER_AGENT,
        "Accept": "application/json",
        "Accept-Encoding": "identity",
    }
