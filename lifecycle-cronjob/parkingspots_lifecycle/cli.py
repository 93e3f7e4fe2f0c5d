"""`parkingspots-lifecycle`: the minute job, once or for ever."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import typer
from rich.console import Console
from rich.markup import escape
from sqlalchemy.exc import SQLAlchemyError

from parkingspots.kit import logs
from parkingspots.kit.database import Database, described
from parkingspots.payments.command import till_of
from parkingspots.payments.till import Till
from parkingspots.settings import SettingsError, load
from parkingspots_lifecycle import job
from parkingspots_lifecycle.loop import run_until, stop_on_signals

POOL_SIZE = 1

app = typer.Typer(
    help="Start due bookings, complete past ones and cancel holds that were not paid in time.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command line; what can go wrong in daily use is one line and exit code 1."""
    try:
        app()
    except SettingsError as error:
        sys.exit(_complaint(str(error)))
    except (SQLAlchemyError, OSError) as error:
        sys.exit(_complaint(f"The database refused or cannot be reached: {described(error)}"))


def _complaint(sentence: str) -> int:
    console = Console(stderr=True, soft_wrap=True)
    console.print(f"[red]parkingspots-lifecycle:[/red] {escape(sentence)}", highlight=False)
    return 1


@app.command(epilog="Example: [bold]parkingspots-lifecycle run[/bold]")
def run() -> None:
    """Do what is due, once."""
    moved = asyncio.run(_run())
    Console(soft_wrap=True).print(", ".join(f"{name}: {count}" for name, count in moved.items()), highlight=False)


@app.command(epilog="Example: [bold]parkingspots-lifecycle loop[/bold]")
def loop() -> None:
    """Do what is due, once a minute, until a signal ends it."""
    asyncio.run(_loop())


@asynccontextmanager
async def _working() -> AsyncIterator[tuple[Database, Till | None, asyncio.Event]]:
    """The database, what money is handled with, and the event that SIGTERM and SIGINT set."""
    settings = load()
    logs.configure(settings)
    stop = asyncio.Event()
    stop_on_signals(stop)
    async with aclosing(Database(settings, pool_size=POOL_SIZE)) as database, till_of(settings, database) as till:
        yield database, till, stop


async def _run() -> dict[str, int]:
    async with _working() as (database, till, stop):
        return await job.run(database, stop.is_set, till)


async def _loop() -> None:
    async with _working() as (database, till, stop):
        await run_until(stop, database, till=till)
