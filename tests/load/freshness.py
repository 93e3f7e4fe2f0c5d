"""How much of a mix of reads and writes is answered from what is kept, and whether any of it is stale.

    PYTHONPATH=tests .venv/bin/python -m load.freshness --seconds 60

Two served processes on one database and one Valkey; 99 reads to a write, 500 queries whose popularity falls by Zipf's
law; all writes go to one process. Each mix runs for its time twice: by itself, which gives the part of hits, and with
each write followed by reads of what was kept before it: on the same process at once and 0.3 s later, on the other one
again and again. Then the writing process is killed right after its answer, and Valkey stops in the middle.
"""

import asyncio
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
import uvloop
from rich.console import Console
from rich.table import Table

from load.bench.figures import Row
from load.bench.fresh import BAR
from load.bench.machine import Cores, the_cores
from load.bench.rounds import Bench
from load.bench.stage import AS_USERS_HAVE_IT, DATABASE, api, prepare
from load.mixed.findings import Findings, by_route, hits
from load.mixed.server import Server
from load.mixed.traffic import Traffic, World
from load.mixed.witness import Witness
from load.mixed.world import world
from load.mixed.writes import Write
from parkingspots.dev.postgres import postgres
from parkingspots.dev.valkey import ValkeyServer, valkey
from parkingspots.settings import Settings

SPOTS, BOOKINGS = 20_000, 200_000
MIXES = {"all price changes": 0.0, "half bookings": 0.5, "all bookings": 1.0}
"""The part of bookings in the writes."""
HALF = 0.5
KILLS = 6
BEFORE_A_KILL = 2.0  # seconds
ENOUGH = 0.95
SECONDS = 60.0

console = Console(width=170, highlight=False)


@dataclass(frozen=True)
class Ground:
    """What processes are started on."""

    cores: Cores
    folder: Path
    environment: Mapping[str, str]
    settings: Settings
    valkey: ValkeyServer


@dataclass(frozen=True)
class Measured:
    """What was found of a mix by itself, if it ran so, and with its checks."""

    what: str
    alone: Findings | None
    checked: Findings

    @property
    def hits(self) -> float | None:
        return hits(self.alone.outcomes) if self.alone else None

    def objections(self) -> list[str]:
        """What does not reach the bar."""
        few = [f"{self.hits:.1%} hits"] if self.hits is not None and self.hits < ENOUGH else []
        alone = self.alone.objections() if self.alone else []
        return [f"{self.what}: {reason}" for reason in few + alone + self.checked.objections()]


def run(ground: Ground, seconds: float) -> list[Measured]:
    """Every mix, then both faults; Valkey is gone afterwards. Raises Failure."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop, _served(ground) as (there, _):
        everything = loop.run(world(ground.settings))
        with _served(ground) as (here, _):
            loop.run(_warm_up(everything, there, here))
            found = [loop.run(_mixed(name, everything, here, there, seconds)) for name in MIXES]
        found.append(_writer_killed(ground, loop, everything, there))
        with _served(ground) as (here, _):
            loop.run(_warm_up(everything, here))
            found.append(loop.run(_valkey_stopped(ground.valkey, everything, here, there, seconds / 2)))
    return found


@contextmanager
def _served(ground: Ground) -> Iterator[tuple[Server, subprocess.Popen[bytes]]]:
    """A process of the API."""
    with api(ground.cores, ground.folder, ground.environment) as served:
        yield Server(served.port), served.process


async def _warm_up(everything: World, *servers: Server) -> None:
    for server in servers:
        for target in everything.queries.targets:
            await server.get(target)


async def _mixed(name: str, everything: World, here: Server, there: Server, seconds: float) -> Measured:
    share = MIXES[name]
    alone = await Traffic(everything, here, there, share, Findings()).run(seconds, checked=False)
    checked = await Traffic(everything, here, there, share, Findings()).run(seconds, checked=True)
    return Measured(name, alone, checked)


def _writer_killed(ground: Ground, loop: asyncio.Runner, everything: World, there: Server) -> Measured:
    """Again and again; each new process finds in Valkey what was kept before the last one's write."""
    findings, last = Findings(), None
    for number in range(KILLS):
        with _served(ground) as (here, process):
            traffic = Traffic(everything, here, there, number % 2, findings, seed=number)
            last = loop.run(_killed(traffic, here, process, there, last))
    return Measured("writer killed after its answer", None, findings)


async def _killed(
    traffic: Traffic, here: Server, process: subprocess.Popen[bytes], there: Server, last: Write | None
) -> Write:
    """A write to `here`, whose process ends with its answer; `last` is the one before, of another process."""
    clock, findings = asyncio.get_running_loop().time, traffic.findings
    witness = Witness(here, there, findings)
    if last is not None:
        await witness.again(here, last, clock())
    async with traffic.flowing(checked=False):
        await asyncio.sleep(BEFORE_A_KILL)
    write = await traffic.prepared(witness)
    async with traffic.reading(there):
        was_done = await traffic.send(write)
        os.killpg(process.pid, signal.SIGKILL)
        assert was_done, "a time that was free is taken"
        await Witness(None, there, findings).after(write, clock())
    return write


async def _valkey_stopped(
    cache: ValkeyServer, everything: World, here: Server, there: Server, seconds: float
) -> Measured:
    """In the middle of the mix by itself; it stays away for the checks."""
    asyncio.get_running_loop().call_later(seconds / 2, cache.process.terminate)
    alone = await Traffic(everything, here, there, HALF, Findings()).run(seconds, checked=False)
    checked = await Traffic(everything, here, there, HALF, Findings()).run(seconds, checked=True)
    return Measured("Valkey stopped", alone, checked)


def row(what: str, bench: Bench) -> Row:
    """The line of `make bench`; takes some eight minutes."""
    stage = bench.stage
    with valkey(stage.folder / "second-valkey") as cache:
        environment = {**stage.environment, "REDIS_URL": cache.url}
        found = run(Ground(stage.cores, stage.folder, environment, stage.settings, cache), SECONDS)
    console.print(_table(found))
    wrong = [reason for each in found for reason in each.objections()]
    parts = ", ".join(f"{each.what} {each.hits:.1%}" for each in found if each.hits is not None)
    oldest = max(each.checked.longest_there for each in found)
    stale = sum(each.checked.stale for each in found)
    return Row(
        what=what,
        ours=f"hits: {parts}; {stale} stale; elsewhere {oldest:.2f} s at most",
        reference="-",
        ratio="-",
        bar=BAR,
        held=f"missed: {'; '.join(wrong)}" if wrong else "held",
        errors=str(sum(each.checked.failures.total() + (each.alone or Findings()).failures.total() for each in found)),
    )


def main(
    seconds: Annotated[float, typer.Option(min=1, max=600, help="Of each mix, by itself and checked.")] = SECONDS,
    folder: Annotated[Path | None, typer.Option(help="Keeps the data for the next run.")] = None,
) -> None:
    """Measure, and print what was found."""
    cores = the_cores()
    with _home(folder) as home:
        prepare(home, SPOTS, BOOKINGS)
        cores.step_aside()
        with (
            postgres(home / "postgres", durable=False, settings=DATABASE) as database,
            valkey(home / "valkey") as cache,
        ):
            own = {"DATABASE_URL": database.url, "REDIS_URL": cache.url, "SECRET_KEY": token_hex(32)}
            settings = Settings(
                _env_file=None, database_url=database.url, redis_url=cache.url, secret_key=own["SECRET_KEY"]
            )
            environment = {**os.environ, **AS_USERS_HAVE_IT, **own}
            found = run(Ground(cores, home, environment, settings, cache), seconds)
    console.print(_table(found))
    for each in found:
        _explain(each)


@contextmanager
def _home(folder: Path | None) -> Iterator[Path]:
    if folder is not None:
        yield folder
        return
    with TemporaryDirectory(prefix="freshness-") as temporary:
        yield Path(temporary)


def _table(found: Sequence[Measured]) -> Table:
    columns = ("reads", "writes", "hits", "hits, checks included", "read again here", "there", "stale", "oldest there")
    table = Table("mix", *columns, "failures")
    for each in found:
        alone, checked = each.alone or Findings(), each.checked
        cells = (
            f"{alone.reads:,}",
            f"{alone.writes:,}",
            "-" if each.hits is None else f"{each.hits:.2%}",
            f"{hits(checked.outcomes):.2%}" if checked.outcomes else "-",
            f"{checked.checked_here:,}",
            f"{checked.checked_there:,}",
            str(checked.stale),
            f"{checked.longest_there:.2f} s",
            str(alone.failures.total() + checked.failures.total()),
        )
        table.add_row(each.what, *cells)
    return table


def _explain(measured: Measured) -> None:
    """What was wrong, and of each route by itself how its reads were answered."""
    alone = measured.alone or Findings()
    for text in (*measured.objections(), *measured.checked.examples, *(alone.failures | measured.checked.failures)):
        console.print(text, markup=False, soft_wrap=True, style="red")
    for route, outcomes in by_route(alone.outcomes).items():
        counts = ", ".join(f"{outcome} {count:,}" for (_, outcome), count in outcomes.most_common())
        console.print(f"{measured.what}: {route} {hits(outcomes):.2%} ({counts})", markup=False)


if __name__ == "__main__":
    typer.run(main)
