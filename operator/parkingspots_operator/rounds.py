"""Round after round over all Releases: at once when something has changed, and every so often in any case."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic

import structlog

from parkingspots_operator.kubernetes import Conflict, Kubernetes, Missing, Refused, Unavailable
from parkingspots_operator.metrics import Metrics
from parkingspots_operator.reconcile import Reconciler, Result
from parkingspots_operator.release import Release
from parkingspots_operator.seeing import Look, look
from parkingspots_operator.watched import Watched

TRIES = 5
"""How often an error that is our own is met before a Release is left alone."""
STUCK = 180.0
"""Seconds without the end of a round after which the process is better started anew."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Pace:
    """Seconds between rounds."""

    resting: float = 60.0
    working: float = 10.0
    gathering: float = 0.2
    """Changes come in swarms: so long after the first, the others have come too."""
    slowest: float = 30.0
    """Between tries while the API server is away; the first is a second after."""

    def after_failures(self, count: int) -> float:
        return min(self.slowest, self.working / 10 * float(2 ** min(count - 1, 10)))


@dataclass
class Failing:
    """The operator's own errors with one Release, as it is now."""

    release: tuple[int, str, str]
    count: int = 0
    until: float = 0.0
    """When it is tried again."""


@dataclass
class Rounds:
    api: Kubernetes
    reconciler: Reconciler
    watched: Watched
    metrics: Metrics
    pace: Pace = field(default_factory=Pace)
    clock: Callable[[], float] = monotonic
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _failing: dict[str, Failing] = field(default_factory=dict)
    _unreachable: int = 0
    _last: float = 0.0

    def __post_init__(self) -> None:
        self._last = self.clock()

    def mark(self) -> None:
        """Something that matters has changed."""
        self._changed.set()

    def is_stuck(self) -> bool:
        return self.clock() - self._last > STUCK

    async def run(self) -> None:
        """For ever. While the API server is away, changes do not hasten the next try."""
        while True:
            self._changed.clear()
            pause = await self.once()
            self._last = self.clock()
            if self._unreachable:
                await asyncio.sleep(pause)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._changed.wait()
                await asyncio.sleep(self.pace.gathering)

    async def once(self) -> float:
        """Look at every Release once; the seconds until the next round, if nothing changes before."""
        try:
            seen = await look(self.api, self.watched)
        except (Unavailable, Refused, Missing) as error:
            self.watched.interrupted()
            return self._away(error)
        at_rest, away = await self._each(seen)
        if away is not None:
            return self._away(away)
        if self._unreachable:
            log.info("the API server can be used again", tries=self._unreachable)
        self._unreachable = 0
        self.metrics.only({release.name for release in seen.releases})
        uids = {release.uid for release in seen.releases}
        self._failing = {uid: each for uid, each in self._failing.items() if uid in uids}
        return self.pace.resting if all(at_rest) else self.pace.working

    async def _each(self, seen: Look) -> tuple[list[bool], Exception | None]:
        """Whether each Release is at rest; with the last error of the API server, which keeps none from its turn."""
        at_rest, away = list[bool](), None
        for release in seen.releases:
            try:
                at_rest.append(await self._one(release, seen))
            except Unavailable as error:
                away = error
        return at_rest, away

    def _away(self, error: Exception) -> float:
        """Said once, not at each try."""
        self._unreachable += 1
        self.metrics.failed(Result.UNAVAILABLE)
        if self._unreachable == 1:
            log.warning("the API server cannot be used; trying on", error=str(error))
        return self.pace.after_failures(self._unreachable)

    async def _one(self, release: Release, seen: Look) -> bool:
        """Whether nothing more is to be done. An error with one Release does not keep the others from their turn."""
        failing = self._failing_of(release)
        if failing.count >= TRIES:
            return True
        if self.clock() < failing.until:
            return False
        began, result, at_rest = self.clock(), Result.FAILED, False
        try:
            done = await self.reconciler.reconcile(release, seen)
        except (Conflict, Missing):  # changed or deleted while we looked: look again
            result = Result.CONFLICT
            self.mark()
        except Unavailable:
            result = Result.UNAVAILABLE
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the other Releases have their turn
            await self._own_error(release, failing, error)
        else:
            result, at_rest = done.result, done.at_rest
            failing.count = 0
            self.metrics.in_phase(release.name, done.phase)
        finally:
            self.metrics.reconciled(result, self.clock() - began)
        return at_rest

    def _failing_of(self, release: Release) -> Failing:
        """Counted anew for each spec and each retry token."""
        version = (release.generation, release.retry, release.retry_annotation)
        failing = self._failing.get(release.uid)
        if failing is None or failing.release != version:
            failing = self._failing[release.uid] = Failing(version)
        return failing

    async def _own_error(self, release: Release, failing: Failing, error: Exception) -> None:
        failing.count += 1
        failing.until = self.clock() + self.pace.after_failures(failing.count)
        self.metrics.failed(Result.FAILED)
        log.error("reconcile failed", release=release.name, tries=failing.count, exc_info=error)
        if failing.count < TRIES:
            return
        self.metrics.in_phase(release.name, "OperatorFailed")
        try:
            await self.reconciler.give_up(release, error, failing.count)
        except (Unavailable, Refused, Missing, Conflict) as refusal:
            log.warning("giving up could not be written down", release=release.name, error=str(refusal))
