"""Who works beside the processes that serve, the minute job and the operator: killed in the middle of it."""

import asyncio
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from random import Random

import due
from kube.api import kubeconfig, standing_in
from kube.cluster import Cluster
from kube.mortal import GOOD_END, WRITES, end, live_and_be_killed
from minute_job import moved
from resilience import truth
from resilience.scenario import Group, Length, Outcome, Scenario
from resilience.stage import staged
from resilience.traffic import flowing
from servers import beside

RATE = 60.0
"""Requests a second."""
SPOTS = 6
"""Of the last ones but one, which nobody books: those have what is due."""


async def job(folder: Path, length: Length) -> Outcome:
    kills, past = (50, 2_000) if length is Length.LONG else (2, 400)
    chance = Random(1)
    async with staged(folder) as stage:
        spots = [place.id for place in stage.town.places[-1 - SPOTS : -1]]
        async with stage.own.transaction() as session:
            made = await due.make(session, spots, stage.town.renters[-1].id, past)
        async with flowing(stage.port, stage.town, RATE) as told:
            for _ in range(kills):
                async with beside(due.at_work(stage.settings, folder)) as (process,):
                    await asyncio.sleep(chance.uniform(0, due.LONGEST_LIFE))
                    process.kill()
        told.made |= set(map(str, made))
        await moved(stage.own)
        async with stage.own.reader() as session:
            found = await due.statuses(session, made)
        wanted = due.when_done(SPOTS, past)
        flaws = [
            *([f"of what was due there is {found}, not {wanted}"] if found != wanted else []),
            *(f"failed: {each}" for each in told.failures[:5]),
            *await truth.flaws(stage.own, told),
        ]
    return Outcome(f"{kills} kills with {len(made):,} bookings due; {told.figures()}", flaws)


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
