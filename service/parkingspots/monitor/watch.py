"""Look at all targets again and again, and remember."""

import asyncio
from collections.abc import Callable, Sequence
from time import monotonic

from parkingspots.monitor.scraper import NoAnswer, Scraper
from parkingspots.monitor.sight import together
from parkingspots.monitor.targets import Discovery, NoTarget, Target
from parkingspots.monitor.watched import Pod, Watched


class Watch:
    """All pods and their total. A pod that does not answer stays; one that the discovery no longer names goes."""

    def __init__(
        self, discovery: Discovery, scraper: Scraper, interval: float, clock: Callable[[], float] = monotonic
    ) -> None:
        self.interval = interval
        self.total = Watched("All", interval)
        self.trouble: str | None = None
        """Why nobody knows which pods there are; those that were known are looked at all the same."""
        self._discovery, self._scraper, self._clock = discovery, scraper, clock
        self._targets: Sequence[Target] = ()
        self._pods: dict[str, Pod] = {}

    @property
    def pods(self) -> Sequence[Pod]:
        return list(self._pods.values())

    @property
    def answering(self) -> int:
        return sum(pod.trouble is None for pod in self.pods)

    async def look(self) -> None:
        """Look at everything once. Nothing that a target does is an error."""
        try:
            self._targets, self.trouble = await self._discovery.targets(), None
        except NoTarget as error:
            self.trouble = str(error)
        names = [target.name for target in self._targets]
        self._pods = {name: self._pods.get(name) or Pod(name, self.interval) for name in names}
        await asyncio.gather(*(self._look_at(target) for target in self._targets))
        self.total.see(together([pod.sight for pod in self.pods]))

    async def _look_at(self, target: Target) -> None:
        pod = self._pods[target.name]
        pod.url = target.url
        try:
            page = await self._scraper.scrape(target)
        except NoAnswer as error:
            pod.failed(str(error))
        else:
            pod.answered(page, self._clock())
