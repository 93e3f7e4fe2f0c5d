"""Whoever is killed: a process that serves, the database, the cache."""

import asyncio
import os
import signal
from pathlib import Path
from random import Random

from resilience import truth
from resilience.scenario import Group, Length, Outcome, Scenario
from resilience.stage import Stage, staged
from resilience.traffic import flowing

RATE = 100.0
"""Requests a second."""


async def workers(folder: Path, length: Length) -> Outcome:
    kills = 200 if length is Length.LONG else 4
    chance = Random(1)
    async with staged(folder, workers=3) as stage:
        async with flowing(stage.port, stage.town, RATE) as told:
            for _ in range(kills):
                await asyncio.sleep(chance.uniform(0.2, 1.8))
                _kill_one(stage, chance)
        return Outcome(f"{kills} kills; {told.figures()}", await truth.flaws(stage.own, told))


def _kill_one(stage: Stage, chance: Random) -> None:
    os.kill(chance.choice(stage.serving()), signal.SIGKILL)


SCENARIOS = (
    Scenario(
        "worker-killed",
        Group.KILLED,
        "A worker that is killed cuts requests in flight there, and nothing else",
        workers,
    ),
)
