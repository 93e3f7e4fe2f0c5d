"""One drill, from a product that is well to one that is well again."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from time import monotonic

from drills.drill import Drill, Outcome, Scene
from drills.hurried import Hurry
from drills.sight import first_query
from drills.stage import Stage
from monitoring.prometheus import Prometheus
from servers import beside

PATIENCE = 180.0  # seconds until something that should happen counts as never
LOOK_EVERY = 0.25  # seconds
FIRING = 'ALERTS{alertstate="firing"}'
EVER_FIRED = f"count by (alertname) (count_over_time({FIRING}[1h]))"
"""Since this Prometheus began."""
SEEN = "min(count_over_time(up[1h]))"

Tell = Callable[[str], None]


async def run(drill: Drill, stage: Stage, tell: Tell = lambda _: None) -> Outcome:
    """Break it, look, mend it, look."""
    async with AsyncExitStack() as stack:
        scene = await stack.enter_async_context(drill.setting(stage))
        prometheus = await stack.enter_async_context(beside(stage.watched(*scene.jobs)))
        watch = Watch(prometheus, stage.hurry, Outcome(drill, drill.allowed(stage.hurry)), tell)
        await watch.see_that_all_is_well()
        if await watch.see_it_break(scene):
            await watch.see_it_end()
        await watch.see_nothing_else()
        return watch.outcome


@dataclass(frozen=True)
class Watch:
    """What Prometheus, a panel and a runbook show meanwhile."""

    prometheus: Prometheus
    hurry: Hurry
    outcome: Outcome
    tell: Tell

    @property
    def drill(self) -> Drill:
        return self.outcome.drill

    async def see_that_all_is_well(self) -> None:
        """For long enough."""
        await _until(self._is_calm)
        if await self._fires():
            self._complain("the alert fired before anything broke")

    async def see_it_break(self, scene: Scene) -> bool:
        """Whether the alert fired; mended afterwards."""
        began = monotonic()
        async with scene.broken():
            self.tell("broken")
            if not await _until(self._fires):
                self._complain("the alert did not fire")
                return False
            self.outcome.fired_after = monotonic() - began
            self.tell(f"fires after {self.outcome.fired_after:.1f} s; allowed are {self.outcome.allowed:.1f} s")
            if not await _until(self._is_on_the_panel):
                self._complain("the panel does not show it")
            if not await _until(self._is_in_the_runbook):
                self._complain("the runbook's first query does not name the cause")
        self.tell("mended")
        return True

    async def see_it_end(self) -> None:
        mended = monotonic()
        if await _until(self._is_over):
            self.outcome.ended_after = monotonic() - mended
            self.tell(f"ended after {self.outcome.ended_after:.1f} s")
        else:
            self._complain("the alert does not end")

    async def see_nothing_else(self) -> None:
        fired = {labels["alertname"] for labels, _ in await self.prometheus.ask(EVER_FIRED)}
        self.outcome.strange = frozenset(fired - {self.drill.alert} - self.drill.related)

    async def _is_calm(self) -> bool:
        seen = await self.prometheus.ask(SEEN)
        return bool(seen) and seen[0][1] >= self.drill.calm

    async def _fires(self) -> bool:
        return bool(await self.prometheus.ask(self.drill.firing))

    async def _is_over(self) -> bool:
        return not await self._fires()

    async def _is_on_the_panel(self) -> bool:
        self.outcome.panel = await self.drill.panel.found(self.prometheus, self.hurry)
        return bool(self.outcome.panel)

    async def _is_in_the_runbook(self) -> bool:
        query = self.hurry.query(first_query(self.drill.alert))
        self.outcome.cause = self.drill.cause.among(await self.prometheus.ask(query))
        return bool(self.outcome.cause)

    def _complain(self, flaw: str) -> None:
        self.outcome.flaws.append(flaw)


async def _until(condition: Callable[[], Awaitable[bool]]) -> bool:
    """Whether it came about."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not await condition():  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(LOOK_EVERY)
    except TimeoutError:
        return False
    return True
