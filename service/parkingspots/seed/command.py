"""`parkingspots seed`: fill the database and say how far it is."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from parkingspots.seed.copy import Progress
from parkingspots.seed.service import Seeded, SeedError
from parkingspots.seed.service import seed as fill
from parkingspots.settings import Settings


def run(settings: Settings, spots: int, bookings: int, seed: int) -> None:
    """Seed the database and print what came in; ends the program with one line where that cannot be."""
    console = Console(soft_wrap=True)
    try:
        with _bars(console) if console.is_terminal else _lines(console) as progress:
            now = datetime.now(UTC)
            seeded = asyncio.run(fill(settings, spots=spots, bookings=bookings, seed=seed, now=now, progress=progress))
    except SeedError as error:
        Console(stderr=True, soft_wrap=True).print(f"parkingspots: {error}", style="red", markup=False, highlight=False)
        sys.exit(1)
    console.print(_closing(seeded), highlight=False)


def _closing(seeded: Seeded) -> str:
    if not seeded.is_new:
        return "The database has demo data already; nothing was changed."
    return f"Added {seeded.spots:,} spots, {seeded.bookings:,} bookings and {seeded.accounts:,} accounts."


@contextmanager
def _bars(console: Console) -> Iterator[Progress]:
    """A bar for each thing that is made, redrawn in place."""
    what_and_how_much = (TextColumn("{task.description:<10}"), BarColumn(), MofNCompleteColumn())
    tasks: dict[str, TaskID] = {}
    with Bars(*what_and_how_much, TimeElapsedColumn(), TimeRemainingColumn(), console=console) as bars:

        def progress(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done)

        yield progress


@contextmanager
def _lines(console: Console) -> Iterator[Progress]:
    """A line when a thing is complete, for logs."""

    def progress(what: str, done: int, total: int) -> None:
        if done == total:
            console.print(f"{what}: {total:,}", highlight=False)

    yield progress
