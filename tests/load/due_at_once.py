"""How fast the minute job moves on what is due, against the same SQL by itself, and who waits for it meanwhile.

    PYTHONPATH=tests .venv/bin/python -m load.due_at_once --bookings 1000000

A durable PostgreSQL with past bookings that nobody has completed. By turns the driver alone completes some in batches,
and `parkingspots-lifecycle run` does for as long as a step may take. Against a served API one client searches and
books, each time first while all is quiet and then while the job works. All of them share the machine's cores.
"""

import asyncio
import http.client
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from threading import Event, Thread
from time import perf_counter, sleep
from typing import Annotated, Any
from urllib.parse import urlencode

import asyncpg
import typer
from rich.console import Console
from rich.table import Table

from load.bench.machine import Cores, resident
from load.bench.stage import Stage, prepare, staged
from parkingspots.app import PREFIX
from parkingspots.dev.ports import HOST
from parkingspots.seed.towns import ATHENS
from parkingspots_lifecycle.steps import BATCH

SPOTS, BOOKINGS = 20_000, 20_000
SHARE = 100_000
"""Bookings that the driver alone completes in a turn."""
QUIET = 15.0  # seconds
LOOK_EVERY = 0.05  # seconds
AN_HOUR = timedelta(hours=1)
DUE = """
    INSERT INTO bookings (spot_id, user_id, owner_id, status, payment_status, start_time, end_time, total_amount,
        service_fee, owner_payout, currency)
    SELECT spots.id, spots.owner_id, spots.owner_id, 'confirmed', 'completed',
        timestamptz '2020-01-01Z' + number * interval '1 hour',
        timestamptz '2020-01-01Z' + (number + 1) * interval '1 hour',
        770, 70, 700, 'EUR'
    FROM (SELECT id, owner_id FROM spots ORDER BY id LIMIT $1) AS spots, generate_series(1, $2) AS number
"""
COMPLETE = f"""
    WITH claimed AS (
        SELECT id FROM bookings WHERE status IN ('confirmed', 'in_progress') AND end_time <= now()
        ORDER BY end_time, id LIMIT {BATCH} FOR UPDATE SKIP LOCKED
    )
    UPDATE bookings SET status = 'completed', updated_at = now() WHERE id IN (SELECT id FROM claimed) RETURNING spot_id
"""
COUNT = """
    UPDATE spot_stats SET total_bookings = total_bookings + done.count
    FROM (SELECT spot_id, count(*) FROM unnest($1::uuid[]) AS spot_id GROUP BY spot_id) AS done
    WHERE spot_stats.spot_id = done.spot_id
"""

console = Console(width=150, highlight=False)


@dataclass
class Waits:
    """What one client waited, in milliseconds, and how often it failed."""

    times: list[float] = field(default_factory=list)
    failures: int = 0

    def add(self, others: "Waits") -> None:
        self.times += others.times
        self.failures += others.failures

    def __str__(self) -> str:
        return (
            f"p50 {median(self.times):.1f} ms, p99 {self.p99:.1f} ms of {len(self.times):,}; {self.failures} failures"
        )

    @property
    def p99(self) -> float:
        return quantiles(self.times, n=100)[-1]


def main(
    bookings: Annotated[int, typer.Option(min=1, help="That are due at once.")] = 1_000_000,
    folder: Annotated[Path | None, typer.Option(help="For the data; thrown away by default.")] = None,
) -> None:
    """Measure, and print a table."""
    cores = Cores(*(sorted(os.sched_getaffinity(0)) * 2)[:2])
    with TemporaryDirectory(prefix="due-") as temporary:
        home = folder or Path(temporary)
        prepare(home, SPOTS, BOOKINGS, durable=True)
        with staged(home, cores, durable=True) as stage:
            asyncio.run(_make_due(stage, bookings))
        with staged(home, cores, durable=True) as stage:  # a server that has written before has files for its log
            _measure(stage)


async def _make_due(stage: Stage, bookings: int) -> None:
    connection = await _connected(stage)
    spots = min(SPOTS, bookings)
    await connection.execute("ALTER TABLE bookings DISABLE TRIGGER USER")
    await connection.execute(DUE, spots, -(-bookings // spots))
    await connection.execute("ALTER TABLE bookings ENABLE TRIGGER USER")
    await connection.execute("VACUUM ANALYZE bookings")
    await connection.close()


async def _connected(stage: Stage) -> "asyncpg.Connection[asyncpg.Record]":
    url = stage.settings.database_url.get_secret_value()
    return await asyncpg.connect(url, timeout=60, server_settings={"jit": "off"})


def _measure(stage: Stage) -> None:
    quiet, busy, rates, largest = Waits(), Waits(), list[tuple[float, float]](), 0.0
    with _client(stage):
        Event().wait(QUIET)  # until all is warm
    while (plain := asyncio.run(_plain(stage))) is not None:
        with _client(stage) as waits:
            Event().wait(QUIET)
        quiet.add(waits)
        with _client(stage) as waits:
            done, seconds, megabytes = _job(stage)
        if done == 0:
            break
        busy.add(waits)
        rates.append((done / seconds, plain))
        largest = max(largest, megabytes)
        console.print(f"{done:,} in {seconds:.1f} s: {done / seconds:,.0f}/s, the driver alone {plain:,.0f}/s; {waits}")
    table = Table("what", "figure", "bar")
    ratio = median(ours / plain for ours, plain in rates)
    table.add_row(
        "drained, against the driver alone", f"{median(ours for ours, _ in rates):,.0f}/s: {ratio:.2f}", "≥ 0.5"
    )
    table.add_row("memory of the job", f"{largest:.0f} MB", "≤ 120 MB")
    table.add_row("a client while all is quiet", str(quiet), "")
    table.add_row("the same while the job works", f"{busy}: {busy.p99 / quiet.p99:.2f} x p99", "≤ 2 x p99")
    console.print(table)


async def _plain(stage: Stage) -> float | None:
    """Bookings that the driver alone completes a second; None where there are not enough any more."""
    connection, done, began = await _connected(stage), 0, perf_counter()
    while done < SHARE:
        async with connection.transaction():
            spots = [row["spot_id"] for row in await connection.fetch(COMPLETE)]
            await connection.execute(COUNT, spots)
        done += len(spots)
        if len(spots) < BATCH:
            return None
    seconds = perf_counter() - began
    await connection.close()
    return done / seconds


def _job(stage: Stage) -> tuple[int, float, float]:
    """Bookings that a run completes, in how many seconds, and the memory it takes at most, in MB."""
    command = [sys.executable, "-m", "parkingspots_lifecycle", "run", "--step", "complete_past", "--json"]
    process = subprocess.Popen(command, env=dict(stage.environment), stdout=subprocess.PIPE, text=True)
    largest = 0.0
    while process.poll() is None:  # what wait4 says of it begins with the memory of whoever started it
        with suppress(FileNotFoundError, StopIteration):  # it has just ended
            largest = max(largest, resident(process.pid))
        sleep(LOOK_EVERY)
    assert process.stdout
    (step,) = json.loads(process.stdout.read())["steps"]
    return step["done"], step["seconds"], largest


@contextmanager
def _client(stage: Stage) -> Iterator[Waits]:
    """Searches and books, one after the other, while the block runs."""
    waits, stop = Waits(), Event()
    thread = Thread(target=_search_and_book, args=(stage, waits, stop.is_set))
    thread.start()
    try:
        yield waits
    finally:
        stop.set()
        thread.join()


def _search_and_book(stage: Stage, waits: Waits, stopped: Callable[[], bool]) -> None:
    connection, rng = http.client.HTTPConnection(HOST, stage.port, timeout=30), Random()
    while not stopped():
        start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + AN_HOUR * rng.randrange(1200, 4000)
        time = {"start_time": f"{start:%Y-%m-%dT%H:%M:%SZ}", "end_time": f"{start + AN_HOUR:%Y-%m-%dT%H:%M:%SZ}"}
        place = {"latitude": ATHENS.latitude + rng.uniform(-0.02, 0.02), "longitude": ATHENS.longitude, "limit": 20}
        found = _asked(stage, connection, waits, "GET", f"/parking-spots/search?{urlencode(place | time)}")
        if found:
            _asked(stage, connection, waits, "POST", "/bookings/", {"parking_spot_id": rng.choice(found)["id"], **time})


def _asked(
    stage: Stage, connection: http.client.HTTPConnection, waits: Waits, method: str, path: str, body: Any = None
) -> Any:
    began = perf_counter()
    headers = {**stage.headers, "Content-Type": "application/json"}
    connection.request(method, PREFIX + path, body and json.dumps(body), headers)
    answer = connection.getresponse()
    said = json.loads(answer.read())
    waits.times.append((perf_counter() - began) * 1000)
    waits.failures += answer.status not in {200, 201, 409}
    return said


if __name__ == "__main__":
    typer.run(main)
