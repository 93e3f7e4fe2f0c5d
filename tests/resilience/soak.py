"""`make soak`: half an hour at half of the load that it can bear, and whether anything grows.

Answers are kept for a minute, so that what fills by design is full soon. The minute job runs in the same process.
"""

import asyncio
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from resilience import truth
from resilience.of_process import descriptors, resident, worked
from resilience.scenario import Group, Length, Outcome, Scenario
from resilience.stage import Stage, staged
from resilience.told import Answered, percentiles
from resilience.traffic import Pace, flowing_at

MINUTES = 30.0
SHORTEST = 0.25
"""Minutes."""
WITHOUT_END = 100_000.0
"""Requests a second, which nobody reaches: each is sent when the last one was answered."""
SLICES = 30
"""Of the whole time: figures are medians over those of a third, so that a moment's noise does not count."""
WARM_UP = 10.0
"""Seconds as fast as it goes, and as long as that at the load that is kept up."""
KEPT_FOR = {"CACHE_SEARCH_SECONDS": "60", "CACHE_SPOT_SECONDS": "60"}
GROWS, SLOWS = 1.15, 1.5
"""The most that the last third may be of the first: of memory and descriptors, and of latency."""
OF_A_BUSY_MACHINE = 4.0
"""The same of latency, where each third is but some seconds."""


@dataclass(frozen=True)
class Slice:
    """A moment's figures."""

    mebibytes: float
    descriptors: float
    worked: float
    """Milliseconds of a core for each request."""
    p50: float
    p99: float


@dataclass(frozen=True)
class Ratio:
    """What a figure came to in the last third, to what it was in the first."""

    of: str
    unit: str
    first: float
    last: float
    most: float

    @property
    def flaw(self) -> str | None:
        return f"{self}, and no more than {self.most:g} times is flat" if self.last > self.most * self.first else None

    def __str__(self) -> str:
        ratio = self.last / max(self.first, 0.001)
        return f"{self.of} {self.first:.3g} → {self.last:.3g}{self.unit} ({ratio:.2f} times)"


async def soak(folder: Path, minutes: float, slows: float = SLOWS, warm_up: float = WARM_UP) -> Outcome:
    pace = Pace(WITHOUT_END)
    async with staged(folder, environment=KEPT_FOR | {"ENABLE_BACKGROUND_TASKS": "true"}) as stage:
        async with flowing_at(stage.port, stage.town, pace) as told:
            await asyncio.sleep(warm_up)
            pace.rate = len(told.answered) / warm_up / 2
            await asyncio.sleep(warm_up)
            slices = [await _slice(stage, told.answered, 60 * minutes / SLICES) for _ in range(SLICES)]
        ratios = list(_ratios(slices, slows))
        flaws = [
            *(ratio.flaw for ratio in ratios if ratio.flaw),
            *(f"failed: {each}" for each in told.failures[:10]),
            *await truth.flaws(stage.own, told),
        ]
    return Outcome(f"{minutes:g} minutes, {told.figures()}; {', '.join(map(str, ratios))}", flaws)


async def _slice(stage: Stage, answered: Sequence[Answered], seconds: float) -> Slice:
    (process,) = stage.serving()
    since, before = len(answered), worked(process)
    await asyncio.sleep(seconds)
    work = 1_000 * (worked(process) - before) / max(len(answered) - since, 1)
    p50, p99 = percentiles(each.seconds for each in answered[since:])
    return Slice(resident(process), descriptors(process), work, p50, p99)


def _ratios(slices: Sequence[Slice], slows: float) -> Iterator[Ratio]:
    third = len(slices) // 3

    def of(name: str, unit: str, figure: Callable[[Slice], float], most: float) -> Ratio:
        return Ratio(name, unit, median(map(figure, slices[:third])), median(map(figure, slices[-third:])), most)

    yield of("memory", " MiB", lambda each: each.mebibytes, GROWS)
    yield of("descriptors", "", lambda each: each.descriptors, GROWS)
    yield of("work a request", " ms", lambda each: each.worked, slows)
    yield of("p50", " ms", lambda each: each.p50, slows)
    yield of("p99", " ms", lambda each: each.p99, slows)


async def _run(folder: Path, length: Length) -> Outcome:
    if length is Length.SHORT:
        return await soak(folder, SHORTEST, OF_A_BUSY_MACHINE, WARM_UP / 2)
    return await soak(folder, MINUTES)


SCENARIOS = (
    Scenario(
        "soak",
        Group.LONG,
        "Half an hour at half of the load that one process bears: no request fails; memory and descriptors of the last "
        f"third are at most {GROWS:g} times those of the first, work and latency of a request {SLOWS:g} times",
        _run,
    ),
)


def main(
    minutes: Annotated[float, typer.Option(min=SHORTEST, help="How long.")] = MINUTES,
) -> None:
    """Keep it up, and say what has grown. Exit code 1 where anything did, or failed."""
    with TemporaryDirectory(prefix="soak-") as folder:
        outcome = asyncio.run(soak(Path(folder), minutes))
    sys.stdout.write(f"{outcome.measured}\n")
    sys.exit("\n".join(outcome.flaws) or 0)


if __name__ == "__main__":
    typer.run(main)
