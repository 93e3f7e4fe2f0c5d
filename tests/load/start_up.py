"""How long `parkingspots serve` takes from its start until /readyz answers 200, and the memory that it then holds; and
how long `parkingspots-lifecycle run` takes where nothing is due, from its start to its end.

    python tests/load/start_up.py --starts 11

Starts each again and again on one core, with a PostgreSQL and a Valkey of its own on the other ones, and prints the
median, the least and the most. The start that comes first is not counted: it writes the byte code.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, sleep
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from parkingspots.dev import ports
from parkingspots.dev.postgres import postgres
from parkingspots.dev.valkey import valkey
from parkingspots.kit import migrating
from parkingspots.settings import Settings

LONGEST = 30.0  # seconds of one start
PAUSE = 0.002  # seconds between two looks
SERVICE, JOB = (Path(sys.executable).with_name(name) for name in ("parkingspots", "parkingspots-lifecycle"))

console = Console(width=100, highlight=False)


@dataclass(frozen=True)
class Start:
    """Seconds to ready, those of them at work on the core, and the memory held then, in MB."""

    seconds: float
    at_work: float
    """Further below `seconds` than the database's answers take, where others have used the core too."""
    megabytes: float


def main(
    starts: Annotated[int, typer.Option(min=1, max=100, help="How many are counted.")] = 11,
) -> None:
    """Start the server on one core, again and again, and then the minute job."""
    core, *others = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, others or {core})  # the database's, the cache's and this process's
    with TemporaryDirectory(prefix="start-up-") as home, _environment(Path(home)) as environment:
        measured = [_start(core, environment, Path(home)) for _ in range(1 + starts)][1:]
        runs = [_empty_run(core, environment, Path(home)) for _ in range(1 + starts)][1:]
    console.print(_table(measured, runs))


@contextmanager
def _environment(home: Path) -> Iterator[dict[str, str]]:
    """The environment of a server whose database has the schema and whose cache is there."""
    with ExitStack() as stack:
        database = stack.enter_context(postgres(home / "postgres", durable=False))
        cache = stack.enter_context(valkey(home / "valkey"))
        asyncio.run(migrating.upgrade(Settings(_env_file=None, database_url=database.url)))
        inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        yield inherited | {"DATABASE_URL": database.url, "REDIS_URL": cache.url}


def _start(core: int, environment: Mapping[str, str], home: Path) -> Start:
    port = ports.free_port()
    command = ["taskset", "-c", str(core), str(SERVICE), "serve", "--port", str(port)]
    with (home / "log").open("wb") as log:
        began = perf_counter()
        process = subprocess.Popen(command, env=environment, cwd=home, stdout=log, stderr=log)
    try:
        while not _is_ready(port):
            if process.poll() is not None or perf_counter() - began > LONGEST:
                sys.exit(f"The server did not start: {(home / 'log').read_text()[-1_000:]}")
            sleep(PAUSE)
        return Start(perf_counter() - began, _at_work(process.pid), _resident(process.pid))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def _empty_run(core: int, environment: Mapping[str, str], home: Path) -> float:
    began = perf_counter()
    subprocess.run(
        ["taskset", "-c", str(core), str(JOB), "run"], env=environment, cwd=home, check=True, stdout=subprocess.DEVNULL
    )
    return perf_counter() - began


def _is_ready(port: int) -> bool:
    connection = HTTPConnection(ports.HOST, port, timeout=LONGEST)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except ConnectionError:
        return False
    finally:
        connection.close()


def _at_work(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    user, system = map(int, fields[11:13])
    return (user + system) / os.sysconf("SC_CLK_TCK")


def _resident(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS"))


def _table(measured: Sequence[Start], runs: Sequence[float]) -> Table:
    table = Table(f"{len(measured)} starts on one core", "median", "least", "most")
    table.add_row("ready after, s", *_figures([start.seconds for start in measured], 2))
    table.add_row("of that at work, s", *_figures([start.at_work for start in measured], 2))
    table.add_row("memory then, MB", *_figures([start.megabytes for start in measured], 0))
    table.add_row("a run of the minute job with nothing due, s", *_figures(runs, 2))
    return table


def _figures(numbers: Sequence[float], digits: int) -> Iterator[str]:
    return (f"{of(numbers):.{digits}f}" for of in (median, min, max))


if __name__ == "__main__":
    typer.run(main)
