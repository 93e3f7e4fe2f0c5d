"""Rows about bookings: of many spots, and of one slot. Commits are durable, as in production."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import uvloop

from load import bookings
from load.bench.figures import Bar, Row, compared, verdict
from load.bench.rounds import Bench
from load.bench.stage import Stage, prepare, staged

SPOTS, BOOKINGS = 20_000, 200_000
A_ROUND = 1_000
RACES = 60
A_THIRD, SOON = Bar(0.35), Bar(50, " ms", at_least=False)


def distinct_spots(what: str, bench: Bench) -> Row:
    """24 clients, each booking of another spot, against asyncpg running the same transaction."""
    with _durable(bench) as stage, _loop() as loop:
        rounds = loop.run(bookings.distinct(stage.settings, stage.port, stage.cores, bench.rounds, A_ROUND))
    return compared(what, rounds, A_THIRD, None, None)


def one_slot(what: str, bench: Bench) -> Row:
    with _durable(bench) as stage, _loop() as loop:
        race = loop.run(bookings.contest(stage.settings, stage.port, stage.database_log, RACES))
    reason = f"{race.errors} rounds without one winner" if race.errors else ""
    held = verdict(SOON, race.p99, reason)
    return Row(
        what=what,
        ours=f"p50 {race.p50:.1f} ms, p99 {race.p99:.1f} ms, {race.deadlocks} deadlocks",
        reference="-",
        ratio="-",
        bar=f"p99 {SOON}, 0 deadlocks",
        held="missed" if race.deadlocks and held == "held" else held,
        errors=str(race.errors),
    )


@contextmanager
def _durable(bench: Bench) -> Iterator[Stage]:
    folder = bench.stage.folder.with_name("durable")
    prepare(folder, SPOTS, BOOKINGS, durable=True)
    with staged(folder, bench.stage.cores, durable=True) as stage:
        yield stage


def _loop() -> asyncio.Runner:
    return asyncio.Runner(loop_factory=uvloop.new_event_loop)
