"""What a look at the world adds to the memory: rollouts begin, Jobs end, pods go."""

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from parkingspots_operator import rolling
from parkingspots_operator.jobs import asked_purge_job, migration_job, purge_job
from parkingspots_operator.memory import Memory, Outcome, Rollout
from parkingspots_operator.objects import Object, mapping, text, without_nothing, written
from parkingspots_operator.release import Release
from parkingspots_operator.world import Job, JobState, Trouble, World, last_lines


def remember(memory: Memory, release: Release, world: World) -> Memory:
    """The memory after this look. A spec that cannot be followed, or may not, changes nothing."""
    if release.problem or world.holder:
        return replace(memory, observed=release.generation)
    memory = _begun(memory, release, world.now)
    memory = _retried(memory, release, world.now)
    memory = _migrated(memory, release, world)
    memory = _rolled_out(memory, release, world)
    memory = _purged(memory, release, world)
    return replace(memory, observed=release.generation)


def concluded(memory: Memory, now: datetime) -> Memory:
    """The memory once nothing is left to do."""
    rollout = memory.begun
    if rollout.completed:
        return memory
    return replace(memory, rollout=replace(rollout, completed=now)).kept(rollout.entry("Succeeded", now))


def unpurged(memory: Memory, release: Release, prefix: str, why: str) -> Memory:
    """The memory of a purge that is given up; the next rollout tries again."""
    asked = prefix == release.prefix
    token = release.purge_token if asked else memory.purge_token
    return replace(memory, unpurged={**memory.unpurged, prefix: why}, purge_token=token)


def _begun(memory: Memory, release: Release, now: datetime) -> Memory:
    """A new spec begins a new rollout; what the one before left in the cache becomes stale."""
    old = memory.rollout
    if old is not None and old.is_of(release):
        edited = not old.completed and memory.observed != release.generation
        return replace(memory, rollout=replace(old, started=now)) if edited else memory
    if old is not None and not old.completed:
        memory = memory.kept(old.entry("Failed" if old.has_failed else "Superseded", now))
    rollout = Rollout(
        generation=release.generation,
        key=release.key,
        revision=release.revision,
        prefix=release.prefix,
        deployment=release.deployment,
        started=now,
        migration=old.migration if old is not None and old.is_migrated and old.key == release.key else None,
    )
    return replace(
        memory,
        rollout=rollout,
        prefix=release.prefix,
        stale=_others(release, (*memory.stale, memory.prefix)),
        unpurged={},
        retry=release.retry or memory.retry,
        retry_annotation=release.retry_annotation or memory.retry_annotation,
    )


def _others(release: Release, prefixes: Iterable[str]) -> tuple[str, ...]:
    """Each once, and never the one that the release itself uses."""
    return tuple(prefix for prefix in dict.fromkeys(prefixes) if prefix and prefix != release.prefix)


def _retried(memory: Memory, release: Release, now: datetime) -> Memory:
    """A token not seen before runs everything again: a migration that has nothing to do does nothing."""
    retry, annotation = release.retry or memory.retry, release.retry_annotation or memory.retry_annotation
    if (retry, annotation) == (memory.retry, memory.retry_annotation):
        return memory
    rollout = memory.begun
    rollout = replace(
        rollout,
        attempt=rollout.attempt + 1,
        started=rollout.started if rollout.completed else now,
        trouble="",
        migration=None,
    )
    return replace(memory, rollout=rollout, unpurged={}, retry=retry, retry_annotation=annotation)


def _migrated(memory: Memory, release: Release, world: World) -> Memory:
    rollout = memory.begun
    name = migration_job(release, rollout)
    job = world.jobs.get(name)
    if rollout.migration is not None or job is None:
        return memory
    if job.state is JobState.RUNNING:
        return replace(memory, rollout=replace(rollout, trouble=_lasting(rollout.trouble, world.trouble_of(name))))
    said = world.said_by(name)
    if job.state is JobState.FAILED:
        message = f"Job {name} failed: {last_lines(said) or _complaint(job, rollout.trouble)}"
        return replace(memory, rollout=replace(rollout, migration=Outcome(name, succeeded=False, message=message)))
    told = _told(said)
    migration = _migration(job, told, release.revision)
    outcome = Outcome(name, succeeded=True, message=_sentence(migration, told))
    return replace(memory, rollout=replace(rollout, migration=outcome, trouble=""), last_migration=migration)


def _lasting(before: str, trouble: Trouble | None) -> str:
    """The kubelet words the same trouble differently each time it tries: the first words stand."""
    if trouble is None or before.startswith(trouble.head):
        return before
    return str(trouble)


def _complaint(job: Job, trouble: str) -> str:
    said = job.complaint or "Kubernetes does not say why."
    return f"{said} Before that: {trouble}" if trouble else said


def _told(said: str) -> Object:
    """What the Job left as its last words; nothing where it left none that we understand."""
    try:
        return mapping(json.loads(said))
    except ValueError:
        return {}


def _migration(job: Job, told: Object, revision: str) -> Object:
    ended, started = job.completed, job.started or job.created
    return without_nothing(
        {
            "from": text(told, "from") or None,
            "to": text(told, "to") or revision,
            "job": job.name,
            "seconds": max(int((ended - started).total_seconds()), 0) if ended else None,
            "startedAt": written(started),
            "completedAt": written(ended) if ended else None,
        }
    )


def _sentence(migration: Object, told: Object) -> str:
    before, after, seconds = migration.get("from"), migration["to"], migration.get("seconds")
    took = "" if seconds is None else f" in {seconds} s"
    if not told:
        return f"Job {migration['job']} brought the schema to revision {after}{took}."
    if before == after:
        return f"The schema is at revision {after}, which this release can work with: nothing was to be done."
    return f"The schema went from {f'revision {before}' if before else 'nothing'} to revision {after}{took}."


def _rolled_out(memory: Memory, release: Release, world: World) -> Memory:
    """Once rolled out, a release stays so: what happens to single pods later is the Deployment's matter."""
    rollout = memory.begun
    if rollout.rolled_out:
        return memory
    memory = replace(memory, stale=_others(release, (*memory.stale, *rolling.other_prefixes(release, world))))
    if rollout.is_migrated and rolling.missing(release, world) is None:
        return replace(memory, rollout=replace(rollout, rolled_out=world.now))
    return memory


def _purged(memory: Memory, release: Release, world: World) -> Memory:
    rollout = memory.begun
    if not rollout.rolled_out:
        return memory
    if release.purge is None:
        return replace(memory, stale=(), unpurged={}, purge_token=release.purge_token or memory.purge_token)
    for prefix in memory.stale:
        memory = _ended(memory, prefix, world.jobs.get(purge_job(release, rollout, prefix)), world)
    if release.purge_token and release.purge_token != memory.purge_token:
        job = world.jobs.get(asked_purge_job(release))
        if job is not None and job.state is not JobState.RUNNING:
            memory = replace(_ended(memory, release.prefix, job, world), purge_token=release.purge_token)
    return memory


def _ended(memory: Memory, prefix: str, job: Job | None, world: World) -> Memory:
    if job is None or job.state is JobState.RUNNING:
        return memory
    others = {name: message for name, message in memory.unpurged.items() if name != prefix}
    if job.state is JobState.SUCCEEDED:
        return replace(memory, stale=tuple(each for each in memory.stale if each != prefix), unpurged=others)
    message = f"Job {job.name} failed: {last_lines(world.said_by(job.name)) or _complaint(job, '')}"
    return replace(memory, unpurged={**others, prefix: message})
