"""`make reliability`: what is done to a product that really runs, what it promises, and what was measured, as a page.

Exit code 1 where something did not hold.
"""

import asyncio
import logging
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Annotated

import structlog
import typer
from rich.console import Console

from parkingspots.dev.failure import Failure
from resilience import results
from resilience.all_of_them import SCENARIOS
from resilience.scenario import Length, Outcome, Scenario

MOST_FLAWS = 3
"""That a row tells of."""
console = Console(width=170, highlight=False)


def main(
    only: Annotated[list[str], typer.Option(help="Those of this name; may be given again.")] = [],  # noqa: B006
    short: Annotated[bool, typer.Option("--short", help="Seconds each; docs/reliability.md stays as it is.")] = False,
) -> None:
    """Go through the scenarios, one after the other, and write docs/reliability.md."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))  # the operator's
    if strange := set(only) - {scenario.name for scenario in SCENARIOS}:
        there_are = ", ".join(scenario.name for scenario in SCENARIOS)
        sys.exit(f"reliability: there is no {', '.join(sorted(strange))}. There are: {there_are}.")
    wanted = [scenario for scenario in SCENARIOS if not only or scenario.name in only]
    for scenario in wanted:
        if scenario.lacks:
            console.print(f"{scenario.name} is left out: it needs {scenario.lacks}.", style="yellow")
    try:
        outcomes = asyncio.run(
            gone_through([each for each in wanted if not each.lacks], Length.SHORT if short else Length.LONG)
        )
    except Failure as failure:
        sys.exit(f"reliability: {failure}")
    sys.exit(any(outcome.flaws for outcome in outcomes))


async def gone_through(scenarios: Sequence[Scenario], length: Length) -> Sequence[Outcome]:
    return [await told(scenario, length) for scenario in scenarios]


async def told(scenario: Scenario, length: Length) -> Outcome:
    began = monotonic()
    console.print(f"{datetime.now(UTC):%H:%M:%S} {scenario.name}: {scenario.promised}")
    with TemporaryDirectory(prefix="reliability-") as folder:
        outcome = await scenario.run(Path(folder), length)
    console.print(f"  {outcome.measured} (in {monotonic() - began:.0f} s)", style="red" if outcome.flaws else "green")
    for flaw in outcome.flaws:
        console.print(f"  {flaw}", style="red")
    if length is Length.LONG:
        not_held = "".join(f"; not held: {flaw}" for flaw in outcome.flaws[:MOST_FLAWS])
        results.keep(
            scenario.group,
            scenario.name,
            scenario.promised,
            outcome.measured + not_held,
            held=not outcome.flaws,
            command=scenario.command,
            docs=results.DOCS,
        )
    return outcome


if __name__ == "__main__":
    typer.run(main)
