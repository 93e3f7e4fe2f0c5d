"""An embedded PostgreSQL server for development and tests, on 127.0.0.1 only."""

import os
import shutil
import signal as signals
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import IO
from urllib.parse import urlsplit

from parkingspots.dev import cluster, lock, ports, processes, servers
from parkingspots.dev.cluster import APPLICATION, SUPERUSER
from parkingspots.dev.failure import Failure

READY_WITHIN = 60.0  # seconds; recovery after a crash takes some
STOPPING = ((signals.SIGINT, 2.0), (signals.SIGQUIT, 0.6))  # fast, then immediate: neither loses a commit
NOTHING: Mapping[str, str] = MappingProxyType({})
FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True)
class PostgresServer:
    """A running server: the application's and the superuser's URL, the log file and the server's process."""

    url: str = field(repr=False)
    admin_url: str = field(repr=False)
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self.process.pid

    def create_database(self, name: str, template: str = "template1") -> str:
        """The URL of a new database, a copy of `template` owned by the application's role. Raises Failure."""
        self.execute(f'CREATE DATABASE "{name}" OWNER {APPLICATION} TEMPLATE "{template}"')
        return f"{self.url.rsplit('/', 1)[0]}/{name}"

    def drop_database(self, name: str) -> None:
        """Drop a database and whoever is connected to it. Raises Failure."""
        self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def execute(self, statement: str) -> None:
        """Run one statement as the superuser in the database `postgres`. Raises Failure."""
        command = [cluster.binary("psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", statement]
        status, output = processes.run(command, environment=self._as_superuser())
        if status:
            raise Failure(f"PostgreSQL refused: {output.strip()}")

    def _as_superuser(self) -> dict[str, str]:
        """The environment that makes libpq connect, so that the password is on no command line."""
        url = urlsplit(self.admin_url)
        given = {"PGHOST": ports.HOST, "PGPORT": str(url.port), "PGUSER": SUPERUSER, "PGDATABASE": SUPERUSER}
        return cluster.environment() | given | {"PGPASSWORD": url.password or ""}


@contextmanager
def postgres(folder: Path, *, durable: bool = True, settings: Mapping[str, str] = NOTHING) -> Iterator[PostgresServer]:
    """A server whose data, passwords and log lie in `folder`, made on first use and kept; stopped after.

    Not `durable`, it is faster and may lose commits in a power cut. `settings` are the server's own, by name.
    Raises Failure. Enter it in the main thread: the server ends with the thread that started it.
    """
    with _owned(folder.resolve()) as home:
        yield from _serve(home, {**({} if durable else FORGETFUL), **settings}, durable=durable)


def erase(folder: Path) -> None:
    """Delete the data, passwords and log in `folder`, once no server works there. Raises Failure."""
    with _owned(folder.resolve()) as home:
        cluster.evict(home / "data", cluster.unprivileged())
        for name in ("data", "data.new"):
            shutil.rmtree(home / name, ignore_errors=True)
        for name in ("passwords", "postgres.log"):
            (home / name).unlink(missing_ok=True)


@contextmanager
def _owned(folder: Path) -> Iterator[Path]:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with lock.held(folder / "lock", str(os.getpid())):
            yield folder
    except lock.Taken as taken:
        raise Failure(f"Process {taken.note} uses the database in {folder}: stop it first.") from None


def _serve(folder: Path, settings: Mapping[str, str], *, durable: bool) -> Iterator[PostgresServer]:
    data, kept, log = folder / "data", folder / "passwords", folder / "postgres.log"
    wrapper = cluster.unprivileged()
    cluster.prepare(data, kept, wrapper, durable=durable)
    words = cluster.passwords(kept)
    process, port = _start(data, log, settings, wrapper)
    try:
        yield PostgresServer(
            url=_url(APPLICATION, words.application, port, APPLICATION),
            admin_url=_url(SUPERUSER, words.superuser, port, SUPERUSER),
            log=log,
            process=process,
        )
    finally:
        processes.stop(process, STOPPING)


def _url(role: str, password: str, port: int, database: str) -> str:
    return f"postgresql://{role}:{password}@{ports.HOST}:{port}/{database}"


def _start(
    data: Path, log: Path, settings: Mapping[str, str], wrapper: Sequence[str]
) -> tuple[subprocess.Popen[bytes], int]:
    def launch(port: int, output: IO[bytes]) -> subprocess.Popen[bytes]:
        return processes.start(
            _command(data, port, settings),
            output=output,
            death_signal=signals.SIGINT,
            environment=cluster.environment(),
            wrapper=wrapper,
        )

    def is_ready(process: subprocess.Popen[bytes], _: int) -> bool:
        return _is_ready(process.pid, data)

    return servers.start("PostgreSQL", log, launch, is_ready, within=READY_WITHIN, stopping=STOPPING)


def _command(data: Path, port: int, settings: Mapping[str, str]) -> list[str]:
    own = {
        "listen_addresses": ports.HOST,
        "port": str(port),
        "unix_socket_directories": "",
        "dynamic_shared_memory_type": "mmap",  # in the folder, where a killed server leaves nothing outside
        "timezone": "UTC",
        "log_timezone": "UTC",
    }
    given = [f"--{name}={value}" for name, value in {**own, **settings}.items()]
    return [cluster.binary("postgres"), "-D", str(data), *given]


def _is_ready(pid: int, data: Path) -> bool:
    """Whether the server's postmaster.pid (its first line is the process, its last the state) says so."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return False
    return lines[:1] == [str(pid)] and lines[-1].strip() == "ready"
