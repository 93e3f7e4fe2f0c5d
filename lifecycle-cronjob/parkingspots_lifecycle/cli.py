"""`parkingspots-lifecycle`: the minute job, once or for ever."""

import asyncio
import sys
import traceback
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager
from typing import Annotated

import structlog
import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import SQLAlchemyError

from parkingspots.kit import logs, tracing
from parkingspots.kit.commands import complaint, trouble, version_of
from parkingspots.kit.database import Database
from parkingspots.kit.job_runs import Due
from parkingspots.payments.command import till_of, why_off
from parkingspots.settings import SettingsError, load
from parkingspots_lifecycle import job, report
from parkingspots_lifecycle.job import Result
from parkingspots_lifecycle.loop import run_until, stop_on_signals
from parkingspots_lifecycle.steps import STEPS, Bench, Step

PROGRAM = "parkingspots-lifecycle"
POOL_SIZE = 1
log = structlog.get_logger(__name__)

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


class Unfinished(Exception):  # noqa: N818 - a sentence for a person at a terminal
    """Some of a run was not done."""


@app.callback()
def options(version: Annotated[bool, version_of(PROGRAM)] = False) -> None:
    """Start due bookings, complete past ones, cancel holds that were not paid in time, and handle money."""


def main() -> None:
    """Run the command line; what can go wrong in daily use is one line and exit code 1."""
    try:
        app()
    except (SettingsError, Unfinished) as error:
        sys.exit(complaint(PROGRAM, str(error)))
    except (SQLAlchemyError, OSError) as error:
        sys.exit(complaint(PROGRAM, trouble(error)))


def _known(names: list[str]) -> list[str]:
    for name in names:
        if name not in {step.name for step in STEPS}:
            raise typer.BadParameter(f"there is no {name!r}. There are: {', '.join(step.name for step in STEPS)}.")
    return names


Only = Annotated[
    list[str], typer.Option("--step", metavar="NAME", callback=_known, help="This one only; may be given again.")
]


@app.command(epilog="Example: [bold]parkingspots-lifecycle run --dry-run[/bold]")
def run(
    step: Only = [],  # noqa: B006 - typer reads it
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what is due, and do nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error comes from.")] = False,
) -> None:
    """Do what is due, once."""
    with _errors_shown(debug):
        if dry_run:
            due = asyncio.run(_due(step))
            _say(report.due_as_json(due) if as_json else report.due_as_table(due))
            return
        results = asyncio.run(_run(step))
        _say(report.results_as_json(results) if as_json else report.of_results(results))
        if why := report.failures(results):
            raise Unfinished(why) from next((result.error for result in results if result.error), None)


def _say(what: str | Table) -> None:
    console = Console(soft_wrap=isinstance(what, str))
    console.print(what, highlight=False, markup=False)


@contextmanager
def _errors_shown(debug: bool) -> Iterator[None]:
    """With where they come from, where that is asked for."""
    try:
        yield
    except (SQLAlchemyError, OSError, Unfinished) as error:
        if debug:
            traceback.print_exception(error.__cause__ or error)
        raise


@app.command(epilog="Example: [bold]parkingspots-lifecycle loop[/bold]")
def loop() -> None:
    """Do what is due, once a minute, until a signal ends it."""
    asyncio.run(_loop())


@asynccontextmanager
async def _working(only: Sequence[str] = ()) -> AsyncIterator[Bench]:
    """What the job works with."""
    settings = load()
    logs.configure(settings, sys.stderr)  # what a run says is for programs, too
    for warning in settings.warnings():
        log.warning(warning)
    async with (
        tracing.traced("parkingspots-lifecycle"),
        aclosing(Database(settings, pool_size=POOL_SIZE)) as database,
        till_of(settings, database) as till,
    ):
        if till is None and (of_money := [step.name for step in STEPS if step.is_of_money and step.name in only]):
            raise Unfinished(f"{', '.join(of_money)} cannot be done: {why_off(settings)}")
        yield Bench(database, till)


async def _due(only: Sequence[str]) -> list[tuple[Step, Due]]:
    async with _working(only) as bench:
        return await job.due(bench, only)


async def _run(only: Sequence[str]) -> list[Result]:
    stop = stop_on_signals()
    async with _working(only) as bench:
        with report.progress(Console(stderr=True)) as told:
            return await job.run(bench, stop, only, told)


async def _loop() -> None:
    stop = stop_on_signals()
    async with _working() as bench:
        await run_until(stop, bench)
