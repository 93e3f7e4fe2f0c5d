"""The minute job, several times at once, killed at any moment: every booking ends right, and is counted once.

JOB_KILLS=100 kills more processes than ten.
"""

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from minute_job import moved
from parkingspots.dev import processes
from parkingspots.kit.database import Database
from parkingspots.settings import Settings
from product import Api, Person

KILLS, AT_ONCE = int(os.environ.get("JOB_KILLS", "10")), 5
SPOTS, PAST = 20, 400
LONGEST_LIFE = 0.4  # seconds after it was ready
PATIENCE = 60.0  # seconds

# Of each spot: PAST bookings that are over, one that goes on, one whose start has come, a lapsed hold, a future one.
BOOKINGS = text("""
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
""")


async def test_five_runs_at_once_that_are_killed_again_and_again_leave_every_booking_right(
    api: Api,
    database: Database,
    settings: Settings,
    session: AsyncSession,
    owner: Person,
    renter: Person,
    tmp_path: Path,
) -> None:
    for _ in range(SPOTS):
        await api.list_spot(owner)
    await session.execute(BOOKINGS, {"renter": renter.id, "past": PAST})
    chance = random.Random(1)
    for _ in range(-(-KILLS // AT_ONCE)):
        with _at_work(settings, tmp_path, AT_ONCE) as jobs:
            for job in jobs:
                await asyncio.sleep(chance.uniform(0, LONGEST_LIFE / AT_ONCE))  # at any moment
                job.send_signal(signal.SIGKILL)
    await moved(database)
    statuses = await session.execute(text("SELECT status, count(*) FROM bookings GROUP BY status ORDER BY status"))
    assert statuses.all() == [
        ("cancelled", SPOTS),
        ("completed", SPOTS * PAST),
        ("confirmed", 2 * SPOTS),
        ("in_progress", SPOTS),
    ]
    wrong = """SELECT count(*) FROM spot_stats WHERE total_bookings <>
        (SELECT count(*) FROM bookings WHERE bookings.spot_id = spot_stats.spot_id AND status = 'completed')"""
    assert await session.scalar(text(wrong)) == 0


@contextmanager
def _at_work(settings: Settings, folder: Path, count: int) -> Iterator[Sequence[subprocess.Popen[bytes]]]:
    """Processes that do what is due, from when all of them have begun."""
    environment = os.environ | {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "PYTHONPATH": str(Path(__file__).parents[1]),
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


@pytest.mark.parametrize("hours", [-2, 2])
async def test_a_clock_that_is_off_by_hours_changes_nothing(
    api: Api, settings: Settings, session: AsyncSession, owner: Person, renter: Person, hours: int
) -> None:
    await api.list_spot(owner)
    await session.execute(BOOKINGS, {"renter": renter.id, "past": 3})
    url, off = settings.database_url.get_secret_value(), str(hours * 3600)
    program = Path(__file__).parents[1] / "clock_off.py"
    ended = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, str(program), "run"],
        env=os.environ | {"DATABASE_URL": url, "CLOCK_OFF": off},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert ended.returncode == 0, ended.stderr
    assert "cancel_lapsed: 1, complete_past: 3, start_due: 1" in ended.stdout
