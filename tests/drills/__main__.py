"""`make drills`: ten faults in a product that really runs, and what an operator sees of each, as one table.

Needs Prometheus. Exit code 1 where an alert was late or silent, or something did not show the fault.
"""

import asyncio
import logging
import shutil
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import structlog
import typer
from rich.console import Console

from drills import of_money, of_releases, of_servers, page
from drills.drill import Drill, Outcome
from drills.hurried import Hurry
from drills.stage import Stage, staged
from drills.watch import run
from monitoring.prometheus import NONE
from parkingspots.dev.failure import Failure

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
DRILLS: Sequence[Drill] = (*of_servers.DRILLS, *of_money.DRILLS, *of_releases.DRILLS)

console = Console(width=170, highlight=False)


def main(
    only: Annotated[list[str], typer.Option(help="Those of this name; may be given again.")] = [],  # noqa: B006
    factor: Annotated[float, typer.Option(min=1, help="By which durations are divided.")] = 30,
    trial: Annotated[bool, typer.Option("--trial", help="Leave docs/operations.md as it is.")] = False,
) -> None:
    """Break, watch and mend, one fault after the other; write the table into docs/operations.md."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))  # the minute job's
    if shutil.which("prometheus") is None:
        sys.exit(f"drills: {NONE}")
    if strange := set(only) - {drill.name for drill in DRILLS}:
        there_are = ", ".join(drill.name for drill in DRILLS)
        sys.exit(f"drills: there is no {', '.join(sorted(strange))}. There are: {there_are}.")
    wanted = [drill for drill in DRILLS if not only or drill.name in only]
    hurry = Hurry(factor)
    try:
        outcomes = asyncio.run(drilled(wanted, hurry))
    except Failure as failure:
        sys.exit(f"drills: {failure}")
    if not trial:
        faults = [drill.fault for drill in DRILLS]
        PAGE.write_text(page.replaced(PAGE.read_text(), outcomes, faults, hurry))
    sys.exit(any(outcome.all_flaws() for outcome in outcomes))


async def drilled(drills: Sequence[Drill], hurry: Hurry) -> Sequence[Outcome]:
    with TemporaryDirectory(prefix="drills-") as folder:
        async with staged(Path(folder), hurry) as stage:
            return [await told(drill, stage) for drill in drills]


async def told(drill: Drill, stage: Stage) -> Outcome:
    def tell(what: str) -> None:
        console.print(f"{datetime.now(UTC):%H:%M:%S} {drill.name}: {what}")

    tell(f"{drill.fault}; {drill.alert} must fire")
    outcome = await run(drill, stage, tell)
    for flaw in outcome.all_flaws():
        console.print(f"  {flaw}", style="red")
    console.print(f"  {drill.panel.name}: {outcome.panel}\n  {outcome.cause}", style="dim")
    return outcome


if __name__ == "__main__":
    typer.run(main)
