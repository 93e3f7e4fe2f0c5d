"""The minute job, asked to end or cut off from its database in mid-batch: what was begun is ended or undone."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from gate import Gate, with_gate
from minute_job import moved
from parkingspots.dev import processes
from parkingspots.kit.database import Database
from parkingspots.settings import Settings
from parkingspots_lifecycle.steps import BATCH
from product import Api, Person, until

DUE = 2 * BATCH + 1
TO_END = 10.0  # seconds that a job has to end after SIGTERM
PAST = text("""
    INSERT INTO bookings (spot_id, user_id, owner_id, status, payment_status, start_time, end_time,
        total_amount, service_fee, owner_payout, currency)
    SELECT spots.id, :renter, spots.owner_id, 'confirmed', 'completed',
        date_trunc('minute', now()) - (number + 3) * interval '1 hour',
        date_trunc('minute', now()) - (number + 2) * interval '1 hour', 770, 70, 700, 'EUR'
    FROM spots, generate_series(1, :due) AS number
""")
WAITING = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'bookings'::regclass")
DONE = text("SELECT count(*) FROM bookings WHERE status = 'completed'")
UNTIL_DONE = text("SET LOCAL idle_in_transaction_session_timeout = 0")
LOCK = text("LOCK TABLE bookings IN ACCESS EXCLUSIVE MODE")


@dataclass
class Job:
    process: "subprocess.Popen[bytes]"
    log: Path
    lock: AsyncSession
    """Ends when its batch may go on."""

    async def has_ended(self) -> bool:
        return await asyncio.to_thread(processes.until, lambda: processes.ended(self.process), TO_END)

    def said(self) -> list[str]:
        return self.log.read_text().splitlines()


@dataclass
class Line:
    """The way of a job to its database."""

    gate: Gate
    url: str
    folder: Path
    database: Database

    @asynccontextmanager
    async def job_in_a_batch(self) -> AsyncIterator[Job]:
        """From when its batch of past bookings is begun; that goes on when the block is left, if not sooner."""
        environment = os.environ | {"DATABASE_URL": self.url, "DATABASE_LOCK_TIMEOUT_MS": "60000"}
        environment |= {"DATABASE_STATEMENT_TIMEOUT_MS": "60000"}
        log = self.folder / "log"
        command = [sys.executable, "-m", "parkingspots_lifecycle", "run", "--step", "complete_past"]
        async with self.database.transaction() as lock:
            await lock.execute(UNTIL_DONE)
            await lock.execute(LOCK)
            with log.open("wb") as output:
                process = processes.start(command, output=output, environment=environment)
            try:
                await until(self._is_waiting)
                yield Job(process, log, lock)
            finally:
                processes.stop(process, [])

    async def _is_waiting(self) -> bool:
        async with self.database.reader() as session:
            return bool(await session.scalar(WAITING))


@pytest.fixture
async def line(
    api: Api,
    settings: Settings,
    database: Database,
    session: AsyncSession,
    owner: Person,
    renter: Person,
    tmp_path: Path,
    unused_tcp_port: int,
) -> AsyncIterator[Line]:
    await api.list_spot(owner)
    await session.execute(PAST, {"renter": renter.id, "due": DUE})
    async with with_gate(settings.database_url.get_secret_value(), unused_tcp_port) as (gate, url):
        yield Line(gate, url, tmp_path, database)


async def is_done_by_the_next_run(database: Database, session: AsyncSession) -> None:
    """Or by the batch that was cut off, where the server had heard of it to its end."""

    async def is_done() -> bool:
        return bool(await session.scalar(DONE) == DUE)

    await moved(database)
    await until(is_done)
    assert await session.scalar(text("SELECT total_bookings FROM spot_stats")) == DUE


async def test_a_job_that_is_asked_to_end_ends_its_batch_and_begins_no_other(
    line: Line, database: Database, session: AsyncSession
) -> None:
    async with line.job_in_a_batch() as job:
        job.process.send_signal(signal.SIGTERM)
        await job.lock.rollback()
        assert await job.has_ended()
    assert job.process.returncode == 0, job.said()
    assert await session.scalar(DONE) == BATCH
    await is_done_by_the_next_run(database, session)


async def test_a_job_whose_batch_takes_too_long_ends_in_time_and_undoes_it(
    line: Line, database: Database, session: AsyncSession
) -> None:
    async with line.job_in_a_batch() as job:
        job.process.send_signal(signal.SIGTERM)
        assert await job.has_ended()
    assert job.process.returncode == 1
    assert [told.partition(":")[0] for told in job.said()] == ["complete_past", "parkingspots-lifecycle"], job.said()
    assert "still at work" in job.said()[-1]
    assert await session.scalar(DONE) == 0
    await is_done_by_the_next_run(database, session)


async def test_a_job_whose_database_says_nothing_more_ends_in_time(
    line: Line, database: Database, session: AsyncSession
) -> None:
    async with line.job_in_a_batch() as job:
        line.gate.is_silent = True
        job.process.send_signal(signal.SIGTERM)
        assert await job.has_ended()
    assert job.process.returncode == 1
    assert len(job.said()) == 1, job.said()
    assert job.said()[0].endswith(": no answer in time")
    await is_done_by_the_next_run(database, session)


async def test_a_job_whose_database_goes_away_says_so_in_one_line(
    line: Line, database: Database, session: AsyncSession
) -> None:
    async with line.job_in_a_batch() as job:
        line.gate.close()
        assert await job.has_ended()
    assert job.process.returncode == 1
    assert len(job.said()) == 1, job.said()
    assert job.said()[0].startswith("parkingspots-lifecycle: The database (DATABASE_URL) refused or cannot be reached")
    await is_done_by_the_next_run(database, session)
