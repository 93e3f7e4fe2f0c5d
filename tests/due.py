"""Bookings for whom something is due, and processes that do it again and again until they are killed."""

import os
import subprocess
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.dev import processes
from parkingspots.settings import Settings

PATIENCE = 60.0  # seconds
LONGEST_LIFE = 0.4
"""Seconds after such a process was ready, until a test kills it."""
MAKE = text("""
    INSERT INTO bookings (spot_id, user_id, owner_id, status, payment_status, start_time, end_time, expires_at,
        total_amount, service_fee, owner_payout, currency)
    SELECT spots.id, :renter, spots.owner_id, due.status, 'completed',
        date_trunc('minute', now()) + due.hours * interval '1 hour',
        date_trunc('minute', now()) + (due.hours + due.lasts) * interval '1 hour',
        CASE due.status WHEN 'pending' THEN now() - interval '1 minute' END, 770, 70, 700, 'EUR'
    FROM spots, (
        SELECT (ARRAY['confirmed', 'in_progress'])[1 + number % 2], -number - 3, 1
        FROM generate_series(1, :past) AS number
        UNION ALL VALUES ('confirmed', -2, 3), ('confirmed', 1, 1), ('pending', 3, 1), ('confirmed', 5, 1)
    ) AS due (status, hours, lasts)
    WHERE spots.id = ANY(:spots) RETURNING id
""")
STATUSES = text("SELECT status, count(*) AS number FROM bookings WHERE id = ANY(:bookings) GROUP BY status")


async def make(session: AsyncSession, spots: Sequence[UUID], renter: str | UUID, past: int) -> Collection[UUID]:
    """The ids of bookings: of each spot `past` are over, one goes on, one's hold has lapsed, two are to come."""
    return set(await session.scalars(MAKE, {"spots": spots, "renter": renter, "past": past}))


async def statuses(session: AsyncSession, bookings: Collection[UUID]) -> dict[str, int]:
    """How many of them have which status."""
    return {row.status: row.number for row in await session.execute(STATUSES, {"bookings": list(bookings)})}


def when_done(spots: int, past: int) -> dict[str, int]:
    """The statuses of what `make` has made, once the job has done what is due."""
    return {"completed": spots * past, "in_progress": spots, "confirmed": 2 * spots, "cancelled": spots}


@contextmanager
def at_work(settings: Settings, folder: Path, count: int = 1) -> Iterator[Sequence[subprocess.Popen[bytes]]]:
    """Processes that do what is due, from when all of them have begun."""
    environment = os.environ | {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "PYTHONPATH": str(Path(__file__).parent),
    }
    with ExitStack() as stack:
        jobs = []
        for number in range(count):
            log = folder / f"job-{number}.log"
            output = stack.enter_context(log.open("wb"))
            job = processes.start([sys.executable, "-m", "busy_job"], output=output, environment=environment)
            stack.callback(processes.stop, job, [])
            jobs.append((job, log))
        for _, log in jobs:
            assert processes.until(partial(_is_ready, log), PATIENCE), log.read_text()
        yield [job for job, _ in jobs]


def _is_ready(log: Path) -> bool:
    return b"ready" in log.read_bytes()
