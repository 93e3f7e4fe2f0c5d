"""A process that serves, the database, the cache: killed again and again while people use the product."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from random import Random
from statistics import median
from time import monotonic

from product import until
from resilience import truth
from resilience.of_process import connections
from resilience.scenario import Group, Length, Outcome, Scenario
from resilience.stage import Stage, staged
from resilience.told import CUT, UNAVAILABLE, Away, Failure, Told, outside, percentiles
from resilience.traffic import KEPT, flowing
from servers import Server

RATE, RATE_OF_ONE = 100.0, 50.0
"""Requests a second; the second is what one process is equal to beside two that start."""
WORKERS = 3
RECOVERED_WITHIN = 5.0
"""Seconds from when the database takes connections again until whatever needs it is answered again."""
HIGH = "100000000 per minute"
"""A limit that is counted in Valkey, and that nobody meets."""
WRITES = frozenset({"book", "cancel", "check in", "check out", "review", "price"})
ANSWERS_BETWEEN = 20
"""At least so many between two kills: it is under load."""


@dataclass
class Kill:
    at: float
    ports: set[int]
    """The clients' ends of the connections that the process had."""
    cut: int = 0


async def workers(folder: Path, length: Length) -> Outcome:
    count, chance = 200 if length is Length.LONG else 3, Random(1)
    async with staged(folder, workers=WORKERS) as stage:
        async with flowing(stage.port, stage.town, RATE_OF_ONE) as told:
            kills = [await _kill_one(stage, told, chance) for _ in range(count)]
        flaws = [
            *(f"cut at a process that was not killed: {each}" for each in _strange(told.failed(CUT), kills)[:5]),
            *[f"failed: {each}" for each in told.failures if each.how not in {CUT, UNAVAILABLE}][:5],
            *await truth.flaws(stage.own, told),
        ]
    most, had = max((kill.cut, len(kill.ports)) for kill in kills)
    return Outcome(f"{count} kills; {told.figures()}; at most {most} cut by one kill, of {had} connections", flaws)


def _strange(cut: Sequence[Failure], kills: Sequence[Kill]) -> list[Failure]:
    """Those that no kill explains; the others are counted at the last one before them."""
    found = []
    for failure in cut:
        kill = next((each for each in reversed(kills) if each.at <= failure.at and failure.port in each.ports), None)
        if kill is None:
            found.append(failure)
        else:
            kill.cut += 1
    return found


async def _kill_one(stage: Stage, told: Told, chance: Random) -> Kill:
    """Of those that serve somebody, where there is another one; at any moment of a load."""
    enough = len(told.answered) + ANSWERS_BETWEEN

    async def is_under_load() -> bool:
        return len(told.answered) >= enough and len(_busy(stage)) > 1

    await until(is_under_load)
    await asyncio.sleep(chance.uniform(0, 0.5))
    victim = chance.choice(_busy(stage))
    os.kill(victim, signal.SIGSTOP)  # so that it accepts no more than is looked at
    ports = connections(victim)
    os.kill(victim, signal.SIGKILL)
    return Kill(monotonic(), ports)


def _busy(stage: Stage) -> list[int]:
    """The processes that serve somebody."""
    return [pid for pid in stage.serving() if connections(pid)]


async def database(folder: Path, length: Length) -> Outcome:
    kills = 20 if length is Length.LONG else 2
    async with staged(folder, durable=True) as stage:
        async with flowing(stage.port, stage.town, RATE) as told:
            recoveries = [await _lived_through(stage.database, told, Random(number)) for number in range(kills)]
        away = stage.database.away
        flaws = [
            *(f"failed: {each}" for each in told.failures if each.how != UNAVAILABLE),
            *(f"failed with the database there: {each}" for each in outside(told.failures, away, RECOVERED_WITHIN)),
            *(f"what was kept is not answered: {each}" for each in _forgotten(told, away)),
        ][:10]
        flaws += [f"answered again after {each:.1f} s" for each in recoveries if each > RECOVERED_WITHIN]
        flaws += await truth.flaws(stage.own, told, away)
    kept = sum(each.kind == KEPT and _is_within(each.at, away) for each in told.answered)
    measured = (
        f"{kills} kills, away for {sum(until - since for since, until in away):.0f} s together; {told.figures()}; "
        f"{kept:,} reads of what was kept meanwhile; "
        f"bookings again after {median(recoveries):.1f} s, at most {max(recoveries):.1f} s"
    )
    return Outcome(measured, flaws)


def _forgotten(told: Told, away: Away) -> list[Failure]:
    """Of what was kept, unless a write was just made of which the process has not heard: it believes nothing then.

    Nor is all read again before the next time.
    """
    writes = [each.at for each in told.answered if each.kind in WRITES and each.status < HTTPStatus.MULTIPLE_CHOICES]
    next_ends = [until for _, until in (*away[1:], away[-1])]
    unheard = [
        (since, next_end)
        for (since, until), next_end in zip(away, next_ends, strict=True)
        if any(since <= at <= until for at in writes)
    ]
    return outside((each for each in told.failures if each.kind == KEPT), unheard, RECOVERED_WITHIN)


async def _lived_through(server: Server, told: Told, chance: Random) -> float:
    """Killed, away for a moment, and back: the seconds until somebody has booked again."""
    await asyncio.sleep(chance.uniform(1.0, 2.0))
    await server.kill()
    await asyncio.sleep(chance.uniform(0.1, 2.0))
    await server.start()
    back = monotonic()

    async def somebody_booked() -> bool:
        recent = (each for each in reversed(told.answered[-500:]) if each.kind == "book" and each.status < 500)
        return any(each.at > back for each in recent)

    await until(somebody_booked)
    return monotonic() - back


async def cache(folder: Path, length: Length) -> Outcome:
    kills, chance = 20 if length is Length.LONG else 2, Random(1)
    limited = {"RATE_LIMITS_ENABLED": "true", "RATE_LIMIT_REQUESTS": HIGH, "RATE_LIMIT_BOOKINGS": HIGH}
    async with staged(folder, workers=2, environment=limited) as stage:
        async with flowing(stage.port, stage.town, RATE) as told:
            for _ in range(kills):
                await asyncio.sleep(chance.uniform(0.5, 1.5))
                async with _killed(stage.cache):
                    await asyncio.sleep(chance.uniform(0.1, 2.0))
        flaws = [*(f"failed: {each}" for each in told.failures[:10]), *await truth.flaws(stage.own, told)]
    _, late = percentiles(each.seconds for each in told.answered if _is_within(each.at, stage.cache.away))
    return Outcome(f"{kills} kills; {told.figures()}; p99 while it was away {late:.0f} ms", flaws)


@asynccontextmanager
async def _killed(server: Server) -> AsyncIterator[None]:
    await server.kill()
    yield
    await server.start()


def _is_within(at: float, away: Sequence[tuple[float, float]]) -> bool:
    return any(since <= at <= until for since, until in away)


SCENARIOS = (
    Scenario(
        "worker-killed",
        Group.KILLED,
        "One of three processes that serve is killed, again and again: requests in flight over its own connections are "
        "cut, and no other; nothing is refused; where those that are left cannot do it all at once, they say 503 with "
        "Retry-After; whoever sends a booking again has it once",
        workers,
    ),
    Scenario(
        "database-killed",
        Group.KILLED,
        "PostgreSQL is killed and recovers: what needs it is 503 while it is away, and nothing else fails; kept "
        "pages are read meanwhile, unless the process was to hear of a write just then; bookings go on within "
        f"{RECOVERED_WITHIN:g} s, and none that was told of is lost",
        database,
    ),
    Scenario(
        "valkey-killed",
        Group.KILLED,
        "Valkey is killed and begins empty: no request fails, and no answer is older than its bound",
        cache,
    ),
)
