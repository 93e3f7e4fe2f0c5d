"""Who works beside the processes that serve, the minute job and the operator: killed in the middle of it."""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from random import Random
from uuid import UUID

from sqlalchemy import text

from drills.stage import beside
from kube.api import kubeconfig, standing_in
from kube.cluster import Cluster
from kube.mortal import GOOD_END, WRITES, end, live_and_be_killed
from minute_job import moved
from parkingspots.dev import processes
from resilience import truth
from resilience.scenario import Group, Length, Outcome, Scenario
from resilience.stage import Stage, staged
from resilience.traffic import flowing

RATE = 60.0
"""Requests a second."""
SPOTS = 6
"""Of the last ones but one, which nobody books: those have what is due."""
LONGEST_LIFE = 0.4
"""Seconds after it was ready."""
PATIENCE = 60.0
DUE = text("""
    INSERT INTO bookings (spot_id, user_id, owner_id, status, payment_status, start_time, end_time, expires_at,
        total_amount, service_fee, owner_payout, currency)
    SELECT spots.id, :renter, spots.owner_id, due.status, 'completed',
        date_trunc('minute', now()) + due.hours * interval '1 hour',
        date_trunc('minute', now()) + (due.hours + due.lasts) * interval '1 hour',
        CASE due.status WHEN 'pending' THEN now() - interval '1 minute' END, 770, 70, 700, 'EUR'
    FROM spots, (
        SELECT (ARRAY['confirmed', 'in_progress'])[1 + number % 2], -number - 3, 1
        FROM generate_series(1, :past) AS number
        UNION ALL VALUES ('confirmed', -2, 3), ('confirmed', 1, 1), ('pending', 3, 1)
    ) AS due (status, hours, lasts)
    WHERE spots.id = ANY(:spots) RETURNING id::text
""")
STATUSES = text("SELECT status, count(*) AS number FROM bookings WHERE id::text = ANY(:ids) GROUP BY status")


async def job(folder: Path, length: Length) -> Outcome:
    kills, past = (50, 2_000) if length is Length.LONG else (2, 400)
    chance = Random(1)
    async with staged(folder) as stage:
        spots = [place.id for place in stage.town.places[-1 - SPOTS : -1]]
        made = await _due(stage, spots, past)
        async with flowing(stage.port, stage.town, RATE) as told:
            for _ in range(kills):
                async with beside(_at_work(stage, folder / "job.log")) as process:
                    await asyncio.sleep(chance.uniform(0, LONGEST_LIFE))
                    os.kill(process, signal.SIGKILL)
        told.made |= made
        await moved(stage.own)
        async with stage.own.reader() as session:
            rows = await session.execute(STATUSES, {"ids": list(made)})
            found = {row.status: row.number for row in rows}
        wanted = {"completed": SPOTS * past, "in_progress": SPOTS, "confirmed": SPOTS, "cancelled": SPOTS}
        flaws = [
            *([f"of what was due there is {found}, not {wanted}"] if found != wanted else []),
            *(f"failed: {each}" for each in told.failures[:5]),
            *await truth.flaws(stage.own, told),
        ]
    return Outcome(f"{kills} kills with {len(made):,} bookings due; {told.figures()}", flaws)


async def _due(stage: Stage, spots: list[UUID], past: int) -> set[str]:
    wish = {"renter": stage.town.renters[-1].id, "past": past, "spots": spots}
    async with stage.own.transaction() as session:
        return set(await session.scalars(DUE, wish))


@contextmanager
def _at_work(stage: Stage, log: Path) -> Iterator[int]:
    """The id of a process that does what is due again and again, from when it has begun."""
    environment = os.environ | {
        "DATABASE_URL": stage.settings.database_url.get_secret_value(),
        "PYTHONPATH": str(Path(__file__).parents[1]),
    }
    with log.open("wb") as output:
        process = processes.start([sys.executable, "-m", "busy_job"], output=output, environment=environment)
        try:
            assert processes.until(lambda: b"ready" in log.read_bytes(), PATIENCE), log.read_text()
            yield process.pid
        finally:
            processes.stop(process, [])


async def operator(folder: Path, length: Length) -> Outcome:
    writes = range(1, WRITES + 1, 1 if length is Length.LONG else 6)
    flaws = []
    for write in writes:
        for having_written in (False, True):
            async with standing_in() as api:
                cluster = Cluster(api)
                with _environment({"KUBECONFIG": str(kubeconfig(folder, api.url))}):
                    await live_and_be_killed(cluster, write, having_written=having_written)
                if (found := end(cluster)) != GOOD_END:
                    flaws.append(f"killed {'after' if having_written else 'before'} write {write} it ends as {found}")
    lives = f"{2 * len(writes)} lives, killed before and after each of {len(writes)} writes"
    return Outcome(f"{lives}; {len(flaws)} end otherwise than one that is not killed", flaws)


@contextmanager
def _environment(more: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(more)
    os.environ.pop("KUBERNETES_SERVICE_HOST", None)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


SCENARIOS = (
    Scenario(
        "job-killed",
        Group.KILLED,
        "The minute job is killed in the middle of its work, again and again: no request fails, and its next run "
        "leaves every booking as it should be, counted once",
        job,
    ),
    Scenario(
        "operator-killed",
        Group.KILLED,
        "The operator is killed before and after each of its writes, of an install and an upgrade: the next one comes "
        "to the same end",
        operator,
    ),
)
