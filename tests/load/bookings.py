"""How fast bookings are: of distinct spots against the driver alone, and of one slot that many want.

    PYTHONPATH=tests .venv/bin/python -m load.bookings

The API, and in its turn the bare driver, have one core for themselves; PostgreSQL, Valkey and the clients share the
other. Commits are durable, as in production. Limits are on, too high to refuse.
"""

import asyncio
import http.client
import json
import os
import signal as signals
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from random import randrange
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import IO, Annotated
from uuid import UUID, uuid4

import httpx
import typer
import uvloop
from rich.console import Console
from rich.table import Table
from sqlalchemy import exists, select

from load.bare_booking import Job, Statement, Wanted, recorded, repeated
from load.bench.figures import Rounds, Run, median_of_ratios
from load.bench.machine import Cores, shares
from parkingspots.accounts import repository as accounts
from parkingspots.accounts import tokens
from parkingspots.accounts.clients import Client
from parkingspots.accounts.models import User
from parkingspots.accounts.rules import Role
from parkingspots.app import create
from parkingspots.bookings.models import Booking
from parkingspots.dev import ports, processes, servers
from parkingspots.dev.postgres import postgres
from parkingspots.dev.valkey import valkey
from parkingspots.kit import migrating
from parkingspots.kit.database import Database
from parkingspots.seed.service import seed
from parkingspots.settings import Environment, Settings
from parkingspots.spots.models import Spot
from parkingspots.spots.search import Window, open_throughout

CLIENTS = 24
LENGTH = timedelta(minutes=30)
HIGH = "100000000 per minute"
LIMITS = ("requests", "logins", "logins_of_address", "registrations", "resets", "bookings")
WARM_UP = 400
NO_TIME_OUT = 600_000  # ms
WARM_UP_ROUNDS = 5
SERVER = {"TimeZone": "UTC", "jit": "off"}
READY_WITHIN = 30.0  # seconds
FAR_AHEAD = timedelta(days=40)  # beyond the demo data's bookings

console = Console(width=150, highlight=False)


@dataclass(frozen=True)
class Renter:
    id: UUID
    token: str


@dataclass(frozen=True)
class Contest:
    """What 24 clients on one slot had to wait, in milliseconds."""

    rounds: int
    p50: float
    p99: float
    longest: float
    deadlocks: int
    errors: int
    """Rounds without exactly one winner."""


def some_windows(number: int, apart: timedelta) -> list[Window]:
    """Times far ahead, in each run others, so that a kept folder has room for some."""
    today = datetime.now(UTC).replace(hour=10, minute=0, second=0, microsecond=0)
    first = today + FAR_AHEAD + timedelta(days=randrange(200), seconds=randrange(3_600))
    return [Window(start, start + LENGTH) for start in (first + apart * each for each in range(number))]


class Connection:
    """One client's keep-alive connection, which does no more than a request needs."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def book(self, renter: Renter, spot_id: UUID, window: Window) -> tuple[int, float, int]:
        """The status, the seconds until the whole answer was there, and its length in bytes."""
        wish = {
            "parking_spot_id": str(spot_id),
            "start_time": window.start.isoformat(),
            "end_time": window.end.isoformat(),
            "vehicle_plate": "ABC-1234",
        }
        body = json.dumps(wish).encode()
        head = (
            f"POST /api/v1/bookings/ HTTP/1.1\r\nHost: {ports.HOST}\r\nAuthorization: Bearer {renter.token}\r\n"
            f"User-Agent: load\r\nAccept: application/json\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        began = perf_counter()
        self._writer.write(head.encode() + body)
        answered = await self._reader.readuntil(b"\r\n\r\n")
        length = int(answered.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        await self._reader.readexactly(length)
        return int(answered.split(b" ", 2)[1]), perf_counter() - began, len(answered) + length

    async def aclose(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


@asynccontextmanager
async def _connected(port: int) -> AsyncIterator[list[Connection]]:
    connections = [Connection(*await asyncio.open_connection(ports.HOST, port)) for _ in range(CLIENTS)]
    try:
        yield connections
    finally:
        for connection in connections:
            await connection.aclose()


async def crowd(settings: Settings) -> list[Renter]:
    """Renters with accounts of their own, signed in."""
    database, now = Database(settings), datetime.now(UTC)
    renters = []
    async with database.transaction() as session:
        for _ in range(CLIENTS):
            email = f"{uuid4()}@example.com"
            user = await accounts.add(session, User(email=email, password_hash="!", full_name="Load", role=Role.RENTER))
            family = await accounts.add_session(
                session, user.id, uuid4(), Client("load", ports.HOST), now, now + timedelta(days=1)
            )
            claims = tokens.Claims(user.id, family.id, uuid4())
            renters.append(Renter(user.id, tokens.issue(settings, "access", claims, now)))
    await database.aclose()
    return renters


async def free_spots(settings: Settings, windows: Sequence[Window], number: int) -> list[tuple[UUID, UUID]]:
    """Spots that are open and free at all of the times, and their owners."""
    are_open = [open_throughout(window.start, window.end) for window in windows]
    taken = exists().where(Booking.spot_id == Spot.id, Booking.overlaps(windows[0].start, windows[-1].end))
    query = select(Spot.id, Spot.owner_id).where(Spot.is_active, Spot.is_available, ~taken, *are_open).limit(number)
    database = Database(settings.model_copy(update={"database_statement_timeout_ms": NO_TIME_OUT}), pool_size=1)
    async with database.reader() as session:
        found = [(spot_id, owner_id) for spot_id, owner_id in await session.execute(query)]
    await database.aclose()
    if len(found) < number:
        raise ValueError(f"only {len(found)} spots are free: ask for fewer bookings, or for another folder")
    return found


async def transaction_of(settings: Settings, wanted: Wanted, cold: Window, renter: Renter) -> Sequence[Statement]:
    """What the product sends to PostgreSQL for a booking, after another at `cold`, when its caches are."""
    app = create(settings.model_copy(update={"database_pool_size": 1}))
    transport = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://load") as api:

        async def book(window: Window) -> None:
            wish = {
                "parking_spot_id": str(wanted.spot_id),
                "start_time": window.start.isoformat(),
                "end_time": window.end.isoformat(),
            }
            headers = {"Authorization": f"Bearer {renter.token}"}
            answer = await api.post("/api/v1/bookings/", json=wish, headers=headers)
            assert answer.status_code == 201, answer.text

        await book(cold)
        return await recorded(app.state.database, lambda: book(Window(wanted.start, wanted.end)))


async def distinct(settings: Settings, port: int, cores: Cores, rounds: int, bookings: int) -> Rounds:
    """Rounds of `bookings` by 24 clients, each of another spot, beside the same transactions by the bare driver."""
    renters = await crowd(settings)
    cold, example, warm, *windows = some_windows(3 + 2 * rounds, apart=timedelta(days=1))
    places = await free_spots(settings, [cold, example, warm, *windows], bookings)
    like = _wanted(places[0], renters[0], example)
    statements = await transaction_of(settings, like, cold, renters[0])

    def bookings_at(window: Window) -> list[Wanted]:
        return [_wanted(place, renters[number % CLIENTS], window) for number, place in enumerate(places)]

    def job_at(window: Window) -> Job:
        url, size = settings.database_url.get_secret_value(), settings.database_pool_size
        return Job(url, SERVER, size, statements, like, bookings_at(window))

    async with _connected(port) as connections:
        await _over_http(connections, renters, bookings_at(warm)[:WARM_UP], cores)
        pairs = []
        for first, second in zip(windows[::2], windows[1::2], strict=True):
            ours = await _over_http(connections, renters, bookings_at(first), cores)
            pairs.append((ours, await _bare(job_at(second), cores)))
    return pairs


def _wanted(place: tuple[UUID, UUID], renter: Renter, window: Window) -> Wanted:
    return Wanted(*place, renter.id, window.start, window.end)


async def _over_http(
    connections: Sequence[Connection], renters: Sequence[Renter], bookings: Sequence[Wanted], cores: Cores
) -> Run:
    waiting, answers = iter(bookings), list[tuple[int, float, int]]()

    async def client(connection: Connection, renter: Renter) -> None:
        for wanted in waiting:
            answers.append(await connection.book(renter, wanted.spot_id, Window(wanted.start, wanted.end)))

    began, used = perf_counter(), process_time()
    with shares(cores) as found:
        await asyncio.gather(*map(client, connections, renters))
    seconds = perf_counter() - began
    times = quantiles((1_000 * wait for _, wait, _ in answers), n=100)
    return Run(
        rate=len(answers) / seconds,
        p50=times[49],
        p95=times[94],
        p99=times[98],
        size=sum(size for _, _, size in answers) / len(answers),
        errors=sum(status != 201 for status, _, _ in answers),
        server_core=found.server,
        client_core=found.client,
        client=(process_time() - used) / seconds,
    )


async def _bare(job: Job, cores: Cores) -> Run:
    """In a process of its own, on the API's core."""
    with ProcessPoolExecutor(1, get_context("spawn"), os.sched_setaffinity, (0, {cores.server})) as program:
        await asyncio.wrap_future(program.submit(os.getpid))  # it has started
        with shares(cores) as found:
            *times, seconds = await asyncio.wrap_future(program.submit(repeated, job))
    waits = quantiles((1_000 * wait for wait in times), n=100)
    return Run(
        rate=len(times) / seconds,
        p50=waits[49],
        p95=waits[94],
        p99=waits[98],
        size=0,
        server_core=found.server,
        client_core=found.client,
    )


async def contest(settings: Settings, port: int, log: Path, rounds: int) -> Contest:
    """Rounds in which 24 clients want the same slot at the same moment.

    Deadlocks are counted in the server's `log`: pg_stat_database is told by each connection when that sees fit.
    """
    renters, windows = await crowd(settings), some_windows(WARM_UP_ROUNDS + rounds, apart=LENGTH)
    ((spot_id, _),) = await free_spots(settings, [Window(windows[0].start, windows[-1].end)], 1)
    before, waits, errors = _deadlocks(log), list[float](), 0
    async with _connected(port) as connections:
        for number, window in enumerate(windows):
            asking = zip(connections, renters, strict=True)
            answers = await asyncio.gather(*(connection.book(renter, spot_id, window) for connection, renter in asking))
            if number >= WARM_UP_ROUNDS:
                waits += [1_000 * wait for _, wait, _ in answers]
                errors += sorted(status for status, _, _ in answers) != [201] + [409] * (CLIENTS - 1)
    times = quantiles(waits, n=100)
    return Contest(rounds, times[49], times[98], max(waits), _deadlocks(log) - before, errors)


def _deadlocks(log: Path) -> int:
    return log.read_text(errors="replace").count("deadlock detected")


@contextmanager
def served(settings: Settings, cores: Cores, folder: Path) -> Iterator[int]:
    """The port of the API, one process on its own core."""
    environment = {
        **os.environ,
        **{f"RATE_LIMIT_{name.upper()}": HIGH for name in LIMITS},
        "ENVIRONMENT": Environment.EVALUATION,
        "SECRET_KEY": settings.secret_key.get_secret_value(),
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "REDIS_URL": settings.cache_url,
    }

    def launch(port: int, output: IO[bytes]) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "parkingspots", "serve", "--port", str(port)]
        return processes.start(command, output=output, environment=environment, wrapper=cores.on_server)

    stopping = ((signals.SIGTERM, 10.0),)
    process, port = servers.start(
        "The API", folder / "api.log", launch, _is_ready, within=READY_WITHIN, stopping=stopping
    )
    console.print(f"The API is process {process.pid}")
    try:
        yield port
    finally:
        processes.stop(process, stopping)


def _is_ready(_: subprocess.Popen[bytes], port: int) -> bool:
    try:
        connection = http.client.HTTPConnection(ports.HOST, port, timeout=1)
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False


def main(
    rounds: Annotated[int, typer.Option(min=1, max=50, help="Of bookings of distinct spots.")] = 5,
    bookings: Annotated[int, typer.Option(min=100, max=10_000, help="A round.")] = 2_000,
    races: Annotated[int, typer.Option(min=2, max=500, help="Rounds of one slot.")] = 60,
    folder: Annotated[Path | None, typer.Option(help="Keeps the data; else it is thrown away.")] = None,
) -> None:
    """Start a database, a cache and the API, and measure both."""
    cores = Cores(*sorted(os.sched_getaffinity(0))[:2])
    cores.step_aside()
    with (
        _home(folder) as home,
        postgres(home / "postgres") as database,
        valkey(home / "valkey") as cache,
    ):
        settings = Settings(
            _env_file=None,
            secret_key=uuid4().hex + uuid4().hex,
            database_url=database.url,
            redis_url=cache.url,
        )
        asyncio.run(_prepared(settings))
        with served(settings, cores, home) as port, asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
            _show_distinct(loop.run(distinct(settings, port, cores, rounds, bookings)))
            _show_contest(loop.run(contest(settings, port, database.log, races)))


@contextmanager
def _home(folder: Path | None) -> Iterator[Path]:
    if folder is not None:
        yield folder
        return
    with TemporaryDirectory(prefix="bookings-") as temporary:
        yield Path(temporary)


async def _prepared(settings: Settings) -> None:
    await migrating.upgrade(settings)
    await seed(settings, spots=20_000, bookings=200_000, seed=1, now=datetime.now(UTC), progress=lambda *_: None)


def _show_distinct(rounds: Rounds) -> None:
    table = Table("distinct spots", "a second", "p50 ms", "p99 ms", "server's core", "other core", "client", "errors")
    for name, runs in zip(("API", "bare driver"), zip(*rounds, strict=True), strict=True):
        rate, p50, p99, server, other, client = (
            median(getattr(run, field) for run in runs)
            for field in ("rate", "p50", "p99", "server_core", "client_core", "client")
        )
        cells = (f"{rate:,.0f}", f"{p50:.1f}", f"{p99:.1f}", f"{server:.0%}", f"{other:.0%}", f"{client:.0%}")
        table.add_row(name, *cells, str(sum(run.errors for run in runs)))
    console.print(table)
    ratio = median_of_ratios((ours.rate, bare.rate) for ours, bare in rounds)
    console.print(f"{len(rounds)} rounds, median of their ratios: {ratio:.2f}")


def _show_contest(contest: Contest) -> None:
    console.print(
        f"{CLIENTS} clients on one slot, {contest.rounds} rounds: p50 {contest.p50:.1f} ms, p99 {contest.p99:.1f} ms, "
        f"longest {contest.longest:.1f} ms, {contest.deadlocks} deadlocks, {contest.errors} errors"
    )


if __name__ == "__main__":
    typer.run(main)
