"""Trouble for a while, under load: what people are answered meanwhile and afterwards."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from time import monotonic

from product import until
from resilience import truth
from resilience.scenario import Outcome
from resilience.stage import Stage
from resilience.told import UNAVAILABLE, Failure, Told, outside, percentiles
from resilience.traffic import flowing

RECOVERED_WITHIN = 5.0
"""Seconds after a trouble has ended until everybody is answered again."""
WARM, AFTERWARDS = 1.5, 1.5
"""Seconds of a load before the first trouble, and when all must be well again."""
LONGEST_ANSWER = 13.0
"""Seconds until anybody is answered, whatever happens: for who somebody is and for what they wish a statement each, six
at most, or for a connection, five."""


@dataclass
class Part:
    """One trouble, from its beginning to its end."""

    name: str
    may_refuse: bool
    """Whether 503 with Retry-After is an answer meanwhile."""
    only: str = ""
    """The kind of requests that may be refused, where not all may be."""
    began: float = field(default_factory=monotonic)
    ended: float = float("inf")


@dataclass
class Diary:
    told: Told
    longest: float
    """Seconds for an answer."""
    parts: list[Part] = field(default_factory=list)
    outcome: Outcome = field(default_factory=lambda: Outcome("nothing"))
    """Once all is over."""

    @contextmanager
    def part(self, name: str, *, may_refuse: bool = False, only: str = "") -> Iterator[None]:
        """What goes on while the block lasts."""
        part = Part(name, may_refuse, only)
        self.parts.append(part)
        try:
            yield
        finally:
            part.ended = monotonic()

    async def is_calm_again(self) -> None:
        """Return when somebody has booked, and somebody has looked, since now."""
        now = monotonic()
        for kind in ("book", "look"):

            async def is_answered(kind: str = kind) -> bool:
                recent = (each for each in reversed(self.told.answered[-500:]) if each.kind == kind)
                return any(each.at - each.seconds > now and each.status < 500 for each in recent)

            await until(is_answered)

    @property
    def refusing(self) -> list[tuple[float, float]]:
        return [(part.began, part.ended) for part in self.parts if part.may_refuse]

    async def close(self, stage: Stage) -> None:
        """Hold all against what is there."""
        self.outcome = Outcome(self._figures(), self._flaws() + await truth.flaws(stage.own, self.told, self.refusing))

    def _figures(self) -> str:
        return f"{self.told.figures()}; " + "; ".join(map(self._in, self.parts))

    def _in(self, part: Part) -> str:
        last = part.ended + (RECOVERED_WITHIN if part.may_refuse else 0.0)
        answered = [each for each in self.told.answered if part.began <= each.at <= last]
        failed = [each for each in self.told.failures if part.began <= each.at <= last]
        middle, late = percentiles(each.seconds for each in answered)
        longest = max((each.seconds for each in answered), default=0)
        ways = ", ".join(f"{number} {how}" for how, number in Counter(each.how for each in failed).items())
        return (
            f"{part.name}, {part.ended - part.began:.0f} s: {len(answered):,} answered, {ways or 'none failed'}, "
            f"p50 {middle:.0f} ms, p99 {late:.0f} ms, at most {longest:.1f} s"
        )

    def _flaws(self) -> list[str]:
        """Of promptness and politeness; of truth others know more."""
        failures = self.told.failures
        late = [each for each in self.told.answered if each.seconds > self.longest]
        return [
            *(f"failed: {each}" for each in failures if each.how != UNAVAILABLE),
            *(f"refused without need: {each}" for each in outside(failures, self.refusing, RECOVERED_WITHIN)),
            *(
                f"refused beside {part.only}: {each}"
                for part in self.parts
                for each in failures
                if _is_beside(each, part)
            ),
            *(f"refused without a sentence: {each}" for each in failures if not _has_a_sentence(each)),
            *(f"answered after {each.seconds:.1f} s: {each.kind} {each.status}" for each in late),
        ][:15]


@asynccontextmanager
async def living(stage: Stage, rate: float, longest: float = LONGEST_ANSWER) -> AsyncIterator[Diary]:
    """People who live with it, at about so many requests a second; a while longer than the block lasts."""
    async with flowing(stage.port, stage.town, rate) as told:
        diary = Diary(told, longest)
        await asyncio.sleep(WARM)
        yield diary
        await asyncio.sleep(RECOVERED_WITHIN + AFTERWARDS)
    await diary.close(stage)


def _is_beside(failure: Failure, part: Part) -> bool:
    return bool(part.only) and failure.kind != part.only and part.began <= failure.began <= part.ended


def _has_a_sentence(failure: Failure) -> bool:
    return failure.how != UNAVAILABLE or str(json.loads(failure.said)["detail"]).endswith(".")
