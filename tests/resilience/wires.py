"""What leads to the database and to the cache: slow, silent, half-open, torn in the midst of an answer."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from resilience.killed import HIGH, RATE
from resilience.proxy import Wire, wired
from resilience.scenario import Group, Length, Outcome, Scenario
from resilience.stage import staged
from resilience.trouble import LONGEST_ANSWER, RECOVERED_WITHIN, living
from servers import Server

FAR, TOO_FAR = 0.05, 0.2
"""Seconds there and back: to a database in another town, and to a cache that is of no use like this."""
SELDOM, OFTEN = 0.02, 0.2
"""Chances for each part of an answer."""
LONGEST_BESIDE = 5.0
"""Seconds: what people share the machine with takes far longer than Valkey, for which a tenth is waited."""
NOTICED = 7.0
"""Seconds until somebody has waited in vain for an answer, and nobody goes that way any more."""


async def to_database(folder: Path, length: Length) -> Outcome:
    seconds, times = (8.0, 2) if length is Length.LONG else (2.5, 1)
    async with staged(folder, to_database=wired) as stage, living(stage, RATE / 2) as diary:
        wire = wire_of(stage.database)
        for number in range(times):
            await asyncio.sleep(RECOVERED_WITHIN if number else 0)  # what was half-open is forgiven no longer
            with diary.part(f"{FAR * 1_000:.0f} ms away"), _far(wire, FAR):
                await asyncio.sleep(seconds)
            with diary.part("reset now and then", may_refuse=True), _torn(wire, resets=SELDOM):
                await asyncio.sleep(seconds)
            await diary.is_calm_again()
            with diary.part("cut in the midst of answers", may_refuse=True), _torn(wire, cuts=SELDOM):
                await asyncio.sleep(seconds)
            await diary.is_calm_again()
            with diary.part("silent", may_refuse=True), wire.held():
                await asyncio.sleep(seconds + NOTICED)
            await diary.is_calm_again()
            with diary.part("half-open", may_refuse=True):
                wire.die()
                await asyncio.sleep(NOTICED)
            await diary.is_calm_again()
    return diary.outcome


async def to_cache(folder: Path, length: Length) -> Outcome:
    seconds, times = (8.0, 2) if length is Length.LONG else (2.0, 1)
    limited = {"RATE_LIMITS_ENABLED": "true", "RATE_LIMIT_REQUESTS": HIGH, "RATE_LIMIT_BOOKINGS": HIGH}
    async with (
        staged(folder, to_cache=wired, environment=limited) as stage,
        living(stage, RATE / 2, LONGEST_BESIDE) as diary,
    ):
        wire = wire_of(stage.cache)
        for _ in range(times):
            with diary.part(f"{TOO_FAR * 1_000:.0f} ms away"), _far(wire, TOO_FAR):
                await asyncio.sleep(seconds)
            with diary.part("reset often"), _torn(wire, resets=OFTEN):
                await asyncio.sleep(seconds)
            with diary.part("cut in the midst of answers"), _torn(wire, cuts=OFTEN):
                await asyncio.sleep(seconds)
            with diary.part("silent"), wire.held():
                await asyncio.sleep(seconds)
            with diary.part("half-open"):
                wire.die()
                await asyncio.sleep(seconds)
            with diary.part("all reset"):
                wire.reset()
                await asyncio.sleep(seconds)
    return diary.outcome


def wire_of(server: Server) -> Wire:
    assert isinstance(server.gate, Wire)
    return server.gate


@contextmanager
def _far(wire: Wire, seconds: float) -> Iterator[None]:
    """Give or take a third."""
    wire.delay, wire.jitter = seconds, seconds / 3
    try:
        yield
    finally:
        wire.delay = wire.jitter = 0.0


@contextmanager
def _torn(wire: Wire, *, resets: float = 0.0, cuts: float = 0.0) -> Iterator[None]:
    """At random; at its end there is nothing of before it left."""
    wire.resets, wire.cuts = resets, cuts
    try:
        yield
    finally:
        wire.resets = wire.cuts = 0.0


SCENARIOS = (
    Scenario(
        "wire-to-database",
        Group.SLOW_OR_CUT,
        f"The way to PostgreSQL: where it takes {FAR * 1_000:.0f} ms, no request fails; where connections are reset, "
        "cut in the midst of an answer, silent or half-open, some are 503 with Retry-After and nothing else fails; "
        f"every answer comes within {LONGEST_ANSWER:g} s; "
        f"{RECOVERED_WITHIN:g} s afterwards none is refused any more",
        to_database,
    ),
    Scenario(
        "wire-to-valkey",
        Group.SLOW_OR_CUT,
        f"The way to Valkey takes {TOO_FAR * 1_000:.0f} ms, connections are reset, cut in the midst of an answer, "
        f"silent or half-open: no request fails, nor takes longer than {LONGEST_BESIDE:g} s",
        to_cache,
    ),
)
