"""What a Release's status remembers from one look at the world to the next."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from parkingspots_operator.objects import (
    Object,
    inside,
    mapping,
    moment,
    number,
    objects,
    text,
    without_nothing,
    written,
)
from parkingspots_operator.release import Release

KEPT_ROLLOUTS = 10


@dataclass(frozen=True)
class Outcome:
    """How a Job ended."""

    job: str
    succeeded: bool
    message: str


@dataclass(frozen=True)
class Rollout:
    """One release on its way, from the first look at its spec."""

    generation: int
    """Of the Release when this rollout began."""
    key: str
    revision: str
    prefix: str
    deployment: str
    started: datetime
    attempt: int = 1
    """Each retry token makes another one."""
    trouble: str = ""
    """What last kept the migration from beginning."""
    migration: Outcome | None = None
    rolled_out: datetime | None = None
    completed: datetime | None = None

    @property
    def is_migrated(self) -> bool:
        return self.migration is not None and self.migration.succeeded

    @property
    def has_failed(self) -> bool:
        return self.migration is not None and not self.migration.succeeded

    def is_of(self, release: Release) -> bool:
        wanted = (release.key, release.prefix, release.deployment)
        return (self.key, self.prefix, self.deployment) == wanted

    def entry(self, result: str, at: datetime) -> dict[str, Any]:
        """What the history keeps of it."""
        return without_nothing(
            {
                "revision": self.revision,
                "prefix": self.prefix,
                "generation": self.generation,
                "result": result,
                "message": self.migration.message if self.migration else None,
                "startedAt": written(self.started),
                "rolledOutAt": written(self.rolled_out) if self.rolled_out else None,
                "completedAt": written(at),
            }
        )

    def as_status(self) -> dict[str, Any]:
        migration = self.migration
        outcome = migration and {"job": migration.job, "succeeded": migration.succeeded, "message": migration.message}
        return without_nothing(
            {
                "generation": self.generation,
                "key": self.key,
                "revision": self.revision,
                "prefix": self.prefix,
                "deployment": self.deployment,
                "attempt": self.attempt,
                "startedAt": written(self.started),
                "trouble": self.trouble or None,
                "migration": outcome,
                "rolledOutAt": written(self.rolled_out) if self.rolled_out else None,
                "completedAt": written(self.completed) if self.completed else None,
            }
        )

    @classmethod
    def of(cls, status: Object) -> "Rollout | None":
        """None where the status says too little, as one of an older operator may."""
        started, key = moment(status, "startedAt"), text(status, "key")
        if started is None or not key:
            return None
        job, succeeded = text(status, "migration", "job"), inside(status, "migration", "succeeded")
        return cls(
            generation=number(status, "generation"),
            key=key,
            revision=text(status, "revision"),
            prefix=text(status, "prefix"),
            deployment=text(status, "deployment"),
            started=started,
            attempt=number(status, "attempt", default=1),
            trouble=text(status, "trouble"),
            migration=Outcome(job, succeeded, text(status, "migration", "message"))
            if succeeded in (True, False)
            else None,
            rolled_out=moment(status, "rolledOutAt"),
            completed=moment(status, "completedAt"),
        )


@dataclass(frozen=True)
class Memory:
    observed: int = -1
    """The generation that was last seen."""
    rollout: Rollout | None = None
    prefix: str = ""
    """The one of the spec that was last seen."""
    stale: tuple[str, ...] = ()
    """Prefixes of earlier releases that are still to be purged."""
    unpurged: Mapping[str, str] = field(default_factory=dict)
    """Why, for each prefix whose purge failed; not tried again by this rollout."""
    retry: str = ""
    retry_annotation: str = ""
    purge_token: str = ""
    """The tokens that were seen and dealt with."""
    last_migration: Object = field(default_factory=dict)
    history: tuple[Object, ...] = ()

    @classmethod
    def of(cls, status: Object) -> "Memory":
        stale = inside(status, "cache", "stale")
        return cls(
            observed=number(status, "observedGeneration", default=-1),
            rollout=Rollout.of(mapping(status, "rollout")),
            prefix=text(status, "cache", "current"),
            stale=tuple(each for each in stale if isinstance(each, str)) if isinstance(stale, list) else (),
            unpurged={text(each, "prefix"): text(each, "message") for each in objects(status, "cache", "failed")},
            retry=text(status, "tokens", "retry"),
            retry_annotation=text(status, "tokens", "retryAnnotation"),
            purge_token=text(status, "tokens", "purgeCache"),
            last_migration=mapping(status, "lastMigration"),
            history=tuple(objects(status, "history")),
        )

    def as_status(self) -> dict[str, Any]:
        failed = [{"prefix": prefix, "message": message} for prefix, message in self.unpurged.items()]
        tokens = {"retry": self.retry, "retryAnnotation": self.retry_annotation, "purgeCache": self.purge_token}
        return without_nothing(
            {
                "rollout": self.rollout and self.rollout.as_status(),
                "cache": {"current": self.prefix, "stale": list(self.stale), "failed": failed},
                "tokens": tokens,
                "lastMigration": dict(self.last_migration) or None,
                "history": [dict(entry) for entry in self.history],
            }
        )

    @property
    def begun(self) -> Rollout:
        if self.rollout is None:
            raise LookupError("no rollout has begun")
        return self.rollout

    def kept(self, entry: Object) -> "Memory":
        """With one more rollout in the history."""
        return replace(self, history=(*self.history, entry)[-KEPT_ROLLOUTS:])
