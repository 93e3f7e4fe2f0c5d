"""One look at one Release: decide, act, and write down what came of it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import structlog

from parkingspots_operator import jobs
from parkingspots_operator.decide import Migrate, Purge, Rest, Stall, Step, next_step
from parkingspots_operator.events import Event, events
from parkingspots_operator.kubernetes import Conflict, Hindered, Kubernetes, Refused, Unavailable
from parkingspots_operator.memory import Memory
from parkingspots_operator.release import Release
from parkingspots_operator.remember import concluded, remember, unpurged
from parkingspots_operator.seeing import Look, world_of
from parkingspots_operator.status import changes, phase, status_of
from parkingspots_operator.world import World

log = structlog.get_logger(__name__)


class Result(StrEnum):
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    CONFLICT = "conflict"
    UNAVAILABLE = "unavailable"
    FAILED = "failed"


@dataclass(frozen=True)
class Reconciled:
    result: Result
    phase: str
    at_rest: bool


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Reconciler:
    api: Kubernetes
    now: Callable[[], datetime] = utc_now

    async def reconcile(self, release: Release, seen: Look) -> Reconciled:
        """Raises Unavailable or Conflict; then nothing is lost, and the next look finds what was done.

        Where the API server makes no Job but takes a status (an admission webhook fails), the status says so.
        """
        world = await world_of(self.api, release, seen, self.now())
        memory = remember(Memory.of(release.status), release, world)
        step = next_step(release, memory, world)
        try:
            await self._start(release, step)
        except (Refused, Hindered) as refusal:
            if isinstance(step, Purge) and isinstance(refusal, Hindered):
                raise  # a release can wait for its purge, which would be given up
            memory, step = _refused(release, memory, world, step, str(refusal))
        if isinstance(step, Rest):
            memory = concluded(memory, world.now)
        changed = await self._write(release, memory, step, world.now)
        result = Result.CHANGED if changed else Result.UNCHANGED
        return Reconciled(result, phase(memory, step), isinstance(step, Rest | Stall))

    async def give_up(self, release: Release, error: Exception, tries: int) -> None:
        """Say on the Release that the operator itself is at fault."""
        message = (
            f"The operator met an error {tries} times and tries no more until the Release changes: "
            f"{type(error).__name__}: {error}. Its log says where."
        )
        await self._write(release, Memory.of(release.status), Stall("OperatorFailed", message), self.now())

    async def _start(self, release: Release, step: Step) -> None:
        """Start the Job of a step that has one. It is named before it is written down: twice is once."""
        if isinstance(step, Migrate):
            job = jobs.migration(release, step.job)
        elif isinstance(step, Purge):
            job = jobs.purge(release, step.job, step.prefix)
        else:
            return
        try:
            await self.api.create_job(job)
        except Conflict:
            log.info("job is there already", release=release.name, job=step.job)
        else:
            log.info("job started", release=release.name, job=step.job)

    async def _write(self, release: Release, memory: Memory, step: Step, now: datetime) -> bool:
        status = status_of(release, memory, step, now)
        patch = changes(release, status)
        if not patch:
            return False
        await self.api.patch_status(release, patch)
        for event in events(release, status):
            log.info("release", release=release.name, phase=event.reason, message=event.message)
            await self._tell(release, event, now)
        return True

    async def _tell(self, release: Release, event: Event, now: datetime) -> None:
        """An event is a help, not a duty."""
        try:
            await self.api.create_event(event.manifest(release, now))
        except (Conflict, Refused, Unavailable) as error:
            log.warning("event not written", release=release.name, reason=event.reason, error=str(error))


def _refused(release: Release, memory: Memory, world: World, step: Step, why: str) -> tuple[Memory, Step]:
    """Without its migration a release cannot go on; without a purge it can."""
    if isinstance(step, Purge):
        memory = unpurged(memory, release, step.prefix, f"Kubernetes does not make Job {step.job}: {why}")
        return memory, next_step(release, memory, world)
    job = step.job if isinstance(step, Migrate) else ""
    return memory, Stall("JobRefused", f"Kubernetes does not make Job {job}: {why}")
