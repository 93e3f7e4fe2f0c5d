"""Names that do not resolve any more, or whose server says nothing, for the process that serves."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy import make_url

from gate import Gate
from parkingspots.dev.ports import HOST
from resilience.killed import HIGH, RATE
from resilience.proxy import wired
from resilience.scenario import Group, Length, Outcome, Scenario
from resilience.stage import staged
from resilience.trouble import LONGEST_ANSWER, RECOVERED_WITHIN, living
from resilience.wires import wire_of

COMPILER = shutil.which("cc")
SOURCE = Path(__file__).with_name("names.c")
DATABASE, CACHE = "localhost", "valkey.test"
"""The tests' own process finds the first, and does not ask for the other."""
FAILS, SILENT = "fails", "silent"
ASKED_AGAIN = 5.0
"""Seconds after which libc asks a silent server of names once more."""
HEAPED_UP = 6.0
"""Seconds in which questions heap up that nobody answers."""


@dataclass
class Names:
    """What becomes of names in one process, by a file that it reads at each question."""

    folder: Path

    def set(self, database: str = HOST, cache: str = HOST) -> None:
        draft = self.folder / "names.new"
        draft.write_text(f"{DATABASE} {database}\n{CACHE} {cache}\n")
        draft.rename(self.folder / "names")

    def environment(self) -> Mapping[str, str]:
        library = self.folder / "names.so"
        subprocess.run([str(COMPILER), "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"], check=True)
        return {"LD_PRELOAD": str(library), "NAMES": str(self.folder / "names")}


@asynccontextmanager
async def _by_name(name: str, url: str, port: int) -> AsyncIterator[tuple[Gate, str]]:
    async with wired(url, port) as (wire, near):
        yield wire, make_url(near).set(host=name).render_as_string(hide_password=False)


async def lookups(folder: Path, length: Length) -> Outcome:
    seconds, times = (8.0, 2) if length is Length.LONG else (2.0, 1)
    names = Names(folder)
    names.set()
    limited = {"RATE_LIMITS_ENABLED": "true", "RATE_LIMIT_REQUESTS": HIGH, "RATE_LIMIT_BOOKINGS": HIGH}
    database, cache = partial(_by_name, DATABASE), partial(_by_name, CACHE)
    environment = {**names.environment(), **limited}
    async with (
        staged(folder, to_database=database, to_cache=cache, environment=environment) as stage,
        living(stage, RATE / 2) as diary,
    ):
        to_database, to_cache = wire_of(stage.database), wire_of(stage.cache)
        for _ in range(times):
            for how in (FAILS, SILENT):
                with diary.part(f"PostgreSQL's name {how}", may_refuse=True):
                    names.set(database=how)
                    to_database.reset()
                    await asyncio.sleep(seconds)
                    names.set()
                    await asyncio.sleep(ASKED_AGAIN if how == SILENT else 0)
                await diary.is_calm_again()
                await asyncio.sleep(RECOVERED_WITHIN)
            for how in (FAILS, SILENT):
                with diary.part(f"Valkey's name {how}"):
                    names.set(cache=how)
                    to_cache.reset()
                    await asyncio.sleep(HEAPED_UP)
            with diary.part("and PostgreSQL's connections reset", may_refuse=True):
                to_database.reset()
            await asyncio.sleep(RECOVERED_WITHIN + seconds)
            names.set()
    return diary.outcome


SCENARIO = Scenario(
    "names-lost",
    Group.SLOW_OR_CUT,
    "The name of PostgreSQL resolves no more, or its server of names is silent: what needs a new connection is "
    f"503 with Retry-After, within {LONGEST_ANSWER:g} s, and {RECOVERED_WITHIN:g} s afterwards none is refused; "
    "where it is Valkey's name no request fails, and connections to PostgreSQL are made as ever",
    lookups,
    None if COMPILER else "a C compiler, cc",
)
SCENARIOS = (SCENARIO,)
