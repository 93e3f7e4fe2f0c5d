"""What a Release's status says of a step: conditions by kstatus, and what is remembered."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from parkingspots_operator.decide import (
    AwaitMigration,
    AwaitPurge,
    AwaitRollout,
    Migrate,
    Purge,
    Rest,
    Stall,
    Step,
)
from parkingspots_operator.memory import Memory, Rollout
from parkingspots_operator.objects import Object, merge_patch, objects, text, written
from parkingspots_operator.release import Release

PHASES: Mapping[type[Step], str] = {
    Migrate: "Migrating",
    AwaitMigration: "Migrating",
    AwaitRollout: "RollingOut",
    Purge: "Purging",
    AwaitPurge: "Purging",
    Rest: "Ready",
}
READY, RECONCILING, STALLED = "Ready", "Reconciling", "Stalled"
MIGRATED, ROLLED_OUT, CACHE_PURGED = "Migrated", "RolledOut", "CachePurged"
YES, NO, UNKNOWN = "True", "False", "Unknown"

Condition = tuple[str, str, str]
"""Status, reason, message."""


def phase(memory: Memory, step: Step) -> str:
    """One word. A release that is complete stays Ready while its cache is purged on demand."""
    if isinstance(step, Stall):
        return step.reason
    return "Ready" if is_ready(memory, step) else PHASES[type(step)]


def is_ready(memory: Memory, step: Step) -> bool:
    complete = memory.rollout is not None and memory.rollout.completed is not None
    return isinstance(step, Rest) or (complete and isinstance(step, Purge | AwaitPurge))


def status_of(release: Release, memory: Memory, step: Step, now: datetime) -> dict[str, Any]:
    return {
        "observedGeneration": release.generation,
        "conditions": _conditions(release, memory, step, now),
        **memory.as_status(),
    }


def changes(release: Release, status: Mapping[str, Any]) -> dict[str, Any]:
    """The merge patch that brings the Release's status there. Fields that a newer operator wrote are left alone."""
    ours = {name: value for name, value in release.status.items() if name in {*status, *Memory().as_status()}}
    return merge_patch(ours, status)


def _conditions(release: Release, memory: Memory, step: Step, now: datetime) -> list[dict[str, Any]]:
    before = {text(each, "type"): each for each in objects(release.status, "conditions")}
    rollout = memory.rollout if memory.rollout and memory.rollout.is_of(release) else None
    found = {
        **_overall(release, memory, step),
        MIGRATED: _is_migrated(rollout, memory, step),
        ROLLED_OUT: _is_rolled_out(rollout, memory, step),
        CACHE_PURGED: _is_purged(release, rollout, memory, step),
    }
    return [_condition(release, name, each, before.get(name, {}), now) for name, each in found.items()]


def _condition(release: Release, name: str, found: Condition, before: Object, now: datetime) -> dict[str, Any]:
    status, reason, message = found
    since = text(before, "lastTransitionTime") if text(before, "status") == status else ""
    return {
        "type": name,
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": since or written(now),
        "observedGeneration": release.generation,
    }


def _overall(release: Release, memory: Memory, step: Step) -> dict[str, Condition]:
    """Exactly one of the three is True."""
    reason = phase(memory, step)
    if isinstance(step, Stall):
        said = step.message
    elif is_ready(memory, step):
        said = f"Revision {release.revision} is migrated and Deployment {release.deployment} is rolled out."
    else:
        said = _doing(release, step)
    ready, stalled = is_ready(memory, step), isinstance(step, Stall)
    return {
        READY: (YES if ready else NO, reason, said),
        RECONCILING: (NO if ready or stalled else YES, reason, said),
        STALLED: (YES if stalled else NO, reason, said),
    }


def _doing(release: Release, step: Step) -> str:
    match step:
        case Migrate(job):
            return f"Job {job} brings the schema to revision {release.revision}."
        case Purge(job, prefix) | AwaitPurge(job, prefix):
            return f"Job {job} purges the cache prefix {prefix}."
        case AwaitMigration(message) | AwaitRollout(message):
            return message
    raise AssertionError(step)


def _is_migrated(rollout: Rollout | None, memory: Memory, step: Step) -> Condition:
    migration = rollout.migration if rollout else None
    if migration is not None:
        return (
            (YES, "Migrated", migration.message) if migration.succeeded else (NO, "MigrationFailed", migration.message)
        )
    message = step.message if isinstance(step, Stall | AwaitMigration) else "The migration has been started."
    return NO, phase(memory, step), message


def _is_rolled_out(rollout: Rollout | None, memory: Memory, step: Step) -> Condition:
    if rollout is None or not rollout.is_migrated:
        return NO, "WaitsForMigration", "New pods begin to serve when the schema is migrated."
    if rollout.rolled_out is not None:
        return YES, "RolledOut", "The new pods serve and the old ones are gone."
    message = step.message if isinstance(step, AwaitRollout | Stall) else "The rollout has not been looked at yet."
    return NO, phase(memory, step), message


def _is_purged(release: Release, rollout: Rollout | None, memory: Memory, step: Step) -> Condition:
    if memory.unpurged:
        said = " ".join(f"Prefix {prefix}: {message}" for prefix, message in memory.unpurged.items())
        return (
            NO,
            "PurgeFailed",
            f"{said}\nThe entries expire by themselves; the next rollout or a retry token tries again.",
        )
    if isinstance(step, Purge | AwaitPurge):
        return NO, "Purging", _doing(release, step)
    rolled_out = rollout is not None and rollout.rolled_out is not None
    asked = [release.prefix] if rolled_out and release.purge_token not in {"", memory.purge_token} else []
    if waiting := ", ".join([*memory.stale, *asked]):
        if rolled_out:
            return NO, "PurgeUnfinished", f"Not purged yet, and not waited for: {waiting}."
        return NO, "WaitsForRollout", f"To be purged when the old pods are gone: {waiting}."
    return YES, "Purged", "Nothing of an earlier release is left to purge."
