"""The minute job, several times at once, killed at any moment: every booking ends right, and is counted once.

JOB_KILLS=100 kills more processes than ten.
"""

import asyncio
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

import due
from minute_job import moved
from parkingspots.kit.database import Database
from parkingspots.settings import Settings
from product import Api, Person

KILLS, AT_ONCE = int(os.environ.get("JOB_KILLS", "10")), 5
SPOTS, PAST = 20, 400


async def test_five_runs_at_once_that_are_killed_again_and_again_leave_every_booking_right(
    api: Api,
    database: Database,
    settings: Settings,
    session: AsyncSession,
    owner: Person,
    renter: Person,
    tmp_path: Path,
) -> None:
    spots = [UUID(await api.list_spot(owner)) for _ in range(SPOTS)]
    made = await due.make(session, spots, renter.id, PAST)
    chance = random.Random(1)
    for _ in range(-(-KILLS // AT_ONCE)):
        with due.at_work(settings, tmp_path, AT_ONCE) as jobs:
            for job in jobs:
                await asyncio.sleep(chance.uniform(0, due.LONGEST_LIFE / AT_ONCE))  # at any moment
                job.send_signal(signal.SIGKILL)
    await moved(database)
    assert await due.statuses(session, made) == due.when_done(SPOTS, PAST)
    wrong = """SELECT count(*) FROM spot_stats WHERE total_bookings <>
        (SELECT count(*) FROM bookings WHERE bookings.spot_id = spot_stats.spot_id AND status = 'completed')"""
    assert await session.scalar(text(wrong)) == 0


@pytest.mark.parametrize("hours", [-2, 2])
async def test_a_clock_that_is_off_by_hours_changes_nothing(
    api: Api, settings: Settings, session: AsyncSession, owner: Person, renter: Person, hours: int
) -> None:
    await due.make(session, [UUID(await api.list_spot(owner))], renter.id, past=3)
    url, off = settings.database_url.get_secret_value(), str(hours * 3600)
    program = Path(__file__).parents[1] / "clock_off.py"
    ended = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, str(program), "run"],
        env=os.environ | {"DATABASE_URL": url, "CLOCK_OFF": off},
        capture_output=True,
        text=True,
        check=False,
        timeout=due.PATIENCE,
    )
    assert ended.returncode == 0, ended.stderr
    assert "cancel_lapsed: 1, complete_past: 3, start_due: 1" in ended.stdout
