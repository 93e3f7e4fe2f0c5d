"""What to do now for a Release: decided from what it asks, what is remembered and what is seen, never from an event."""

from dataclasses import dataclass
from datetime import timedelta

from parkingspots_operator import rolling
from parkingspots_operator.jobs import asked_purge_job, migration_job, purge_job
from parkingspots_operator.memory import Memory, Rollout
from parkingspots_operator.release import Release
from parkingspots_operator.world import JobState, World

PURGE_PATIENCE = timedelta(minutes=2)
"""A release does not wait for its purge for longer: entries are dated and expire, so a purge only frees memory."""


@dataclass(frozen=True)
class Migrate:
    """Start the Job that migrates the database."""

    job: str


@dataclass(frozen=True)
class AwaitMigration:
    message: str


@dataclass(frozen=True)
class AwaitRollout:
    message: str


@dataclass(frozen=True)
class Purge:
    """Start the Job that deletes the keys with this prefix."""

    job: str
    prefix: str


@dataclass(frozen=True)
class AwaitPurge:
    job: str
    prefix: str


@dataclass(frozen=True)
class Rest:
    """Nothing is to be done."""


@dataclass(frozen=True)
class Stall:
    """Nothing can be done until somebody mends what the message names, or it mends itself."""

    reason: str
    message: str


Step = Migrate | AwaitMigration | AwaitRollout | Purge | AwaitPurge | Rest | Stall


def next_step(release: Release, memory: Memory, world: World) -> Step:
    """What to do now. A suspended Release starts nothing, but what runs is still followed."""
    step = _step(release, memory, world)
    if not release.suspended or not isinstance(step, Migrate | Purge):
        return step
    if memory.begun.completed:
        return Rest()
    what = "migrated" if isinstance(step, Migrate) else "purged"
    return Stall("Suspended", f"Nothing is {what} while spec.suspend is true: set it to false to go on.")


def _step(release: Release, memory: Memory, world: World) -> Step:
    if release.problem:
        return Stall("InvalidSpec", release.problem)
    if world.holder:
        taken = (
            f"Deployment {release.deployment} belongs to Release {world.holder}, which is older: delete one of the two."
        )
        return Stall("DeploymentTaken", taken)
    rollout = memory.begun
    if not rollout.is_migrated:
        return _migrating(release, rollout, world)
    if not rollout.rolled_out:
        return _rolling_out(release, rollout, world)
    return _purging(release, memory, world)


def _migrating(release: Release, rollout: Rollout, world: World) -> Step:
    if rollout.migration is not None:
        return Stall("MigrationFailed", f"{rollout.migration.message}{_what_to_do(release)}")
    name = migration_job(release, rollout)
    job = world.jobs.get(name)
    if job is None:
        earlier = _at_work(world)
        return AwaitMigration(f"Job {earlier} of an earlier spec is still at work.") if earlier else Migrate(name)
    if job.deleting:
        return AwaitMigration(f"Job {name} is being deleted, and will be made again.")
    trouble = world.trouble_of(name)
    if trouble is not None and world.is_stuck(name):
        return Stall(trouble.reason, f"Job {name} cannot begin: {rollout.trouble or trouble}")
    waiting = f"Job {name} brings the schema to revision {release.revision}."
    return _in_time(release, rollout, world, waiting) or AwaitMigration(waiting)


def _what_to_do(release: Release) -> str:
    return (
        "\nThe pods that served go on serving. Mend it and upgrade again, or annotate"
        f" Release {release.name}: parkingspots.dev/retry=again."
    )


def _at_work(world: World) -> str | None:
    """A Job whose pod runs. One that does not get that far is not waited for: the advisory lock keeps them apart."""
    running = sorted(name for name, job in world.jobs.items() if job.migrates and job.state is JobState.RUNNING)
    return next((name for name in running if world.is_working(name)), None)


def _rolling_out(release: Release, rollout: Rollout, world: World) -> Step:
    waiting = rolling.missing(release, world)
    if waiting is None:
        raise AssertionError("remembered as rolled out")
    if why := rolling.hindrance(release, world):
        return Stall("RolloutStalled", f"{waiting} {why}")
    waiting += rolling.homeless(release, world)
    return _in_time(release, rollout, world, waiting) or AwaitRollout(waiting)


def _in_time(release: Release, rollout: Rollout, world: World, waiting: str) -> Stall | None:
    """A stall where the rollout takes too long. It still goes on, and ends the stall when it gets there."""
    if world.now - rollout.started <= release.deadline:
        return None
    return Stall("DeadlineExceeded", f"Not done within {release.deadline.total_seconds():.0f} s: {waiting}")


def _purging(release: Release, memory: Memory, world: World) -> Step:
    wanted = [
        (purge_job(release, memory.begun, prefix), prefix) for prefix in memory.stale if prefix not in memory.unpurged
    ]
    if release.purge_token and release.purge_token != memory.purge_token:
        wanted.append((asked_purge_job(release), release.prefix))
    for name, prefix in wanted:
        job = world.jobs.get(name)
        if job is None:
            return Purge(name, prefix)
        if world.now - job.created <= PURGE_PATIENCE and not world.is_stuck(name):
            return AwaitPurge(name, prefix)
    return Rest()
