"""PostgreSQL's disk is full: first it cannot grow, then it cannot even write its log, and crashes."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic

import asyncpg

from resilience.killed import RATE
from resilience.scenario import Group, Length, Outcome, Scenario
from resilience.stage import Stage, staged
from resilience.trouble import LONGEST_ANSWER, RECOVERED_WITHIN, living

MAY_MOUNT = os.geteuid() == 0
"""A disk of its own, small enough to be filled."""
SIZE = 256  # MiB
OF_DATABASE = {"max_wal_size": "64MB", "min_wal_size": "32MB"}
ANY_MESSAGE = "SELECT pg_logical_emit_message(true, 'a lot', repeat('x', 1000000)) FROM generate_series(1, 200)"
"""Of 200 MB, which go to the log."""


async def full(folder: Path, length: Length) -> Outcome:
    seconds, times = (10.0, 2) if length is Length.LONG else (3.0, 1)
    with _small_disk(folder / "postgres") as disk:
        async with (
            staged(folder, durable=True, of_database=OF_DATABASE) as stage,
            living(stage, RATE / 2) as diary,
        ):
            for _ in range(times):
                with diary.part("no table can grow", may_refuse=True), _filled(disk):
                    await asyncio.sleep(seconds)
                await diary.is_calm_again()
                with diary.part("nor can the log", may_refuse=True):
                    with _filled(disk):
                        await _fill_the_log(stage)
                        await asyncio.sleep(seconds)
                    await _start_where_it_ended(stage)
                await diary.is_calm_again()
    return diary.outcome


@contextmanager
def _small_disk(folder: Path) -> Iterator[Path]:
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}m,mode=0700", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@contextmanager
def _filled(disk: Path) -> Iterator[None]:
    """To the last page."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        for size in (1 << 20, 1 << 12):
            with suppress(OSError):
                while True:
                    file.write(bytes(size))
    try:
        yield
    finally:
        filler.unlink()


async def _fill_the_log(stage: Stage) -> None:
    """Until the server has crashed of it."""
    with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        connection = await asyncpg.connect(stage.database.own_url)
        try:
            await connection.execute(ANY_MESSAGE)
        finally:
            connection.terminate()


async def _start_where_it_ended(stage: Stage) -> None:
    """As whoever watches over it would."""
    with suppress(subprocess.TimeoutExpired):
        await asyncio.to_thread(stage.database.process.wait, 2.0)
        stage.database.away.append((monotonic(), float("inf")))
        await stage.database.start()


SCENARIO = Scenario(
    "disk-full",
    Group.SLOW_OR_CUT,
    "PostgreSQL's disk is full, until it can write neither a table nor its log, and crashes: what needs it is 503 "
    f"with Retry-After, within {LONGEST_ANSWER:g} s, and nothing else fails; once there is room and it runs, none "
    f"is refused after {RECOVERED_WITHIN:g} s, and nothing that was acknowledged is lost",
    full,
    None if MAY_MOUNT else "root, who may mount a small disk",
)
SCENARIOS = (SCENARIO,)
