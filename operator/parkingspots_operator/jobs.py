"""The Jobs of a Release: their names, and what they are made of."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Protocol

from parkingspots_operator.objects import Object, mapping
from parkingspots_operator.release import API_VERSION, JOB_LABEL, KIND, RELEASE_LABEL, Release, digest

LONGEST_NAME = 63
"""Kubernetes labels a Job's pods with its name."""
KEPT_SECONDS = 86_400


class Numbered(Protocol):
    """A rollout, as far as names depend on it."""

    @property
    def generation(self) -> int: ...

    @property
    def attempt(self) -> int: ...


def migration_job(release: Release, rollout: Numbered) -> str:
    """The same for the same migration, rollout and attempt, whoever computes it."""
    return _name(release, "migrate", release.key, rollout.generation, rollout.attempt)


def purge_job(release: Release, rollout: Numbered, prefix: str) -> str:
    """A prefix may be purged again by a later rollout."""
    return _name(release, "purge", prefix, rollout.generation, rollout.attempt)


def asked_purge_job(release: Release) -> str:
    """Of the purge that the annotation asks for."""
    return _name(release, "purge", release.prefix, release.purge_token)


def _name(release: Release, what: str, *of: object) -> str:
    tail = f"-{what}-{digest(release.uid, what, *of)}"
    return release.name[: LONGEST_NAME - len(tail)].rstrip("-.") + tail


def migration(release: Release, name: str) -> dict[str, Any]:
    return _manifest(release, name, release.migration, "migration")


def purge(release: Release, name: str, prefix: str) -> dict[str, Any]:
    job = _manifest(release, name, release.purge or {}, "purge")
    container = job["spec"]["template"]["spec"]["containers"][0]
    container["args"] = [*(container.get("args") or []), "--prefix", prefix]
    return job


def _manifest(release: Release, name: str, template: Object, what: str) -> dict[str, Any]:
    """The chart's template with our name and labels, bounded in time, and gone with the Release."""
    ours = {RELEASE_LABEL: release.name, JOB_LABEL: what}
    spec: dict[str, Any] = deepcopy(dict(mapping(template, "spec")))
    spec.setdefault("activeDeadlineSeconds", int(release.deadline.total_seconds()))
    spec.setdefault("ttlSecondsAfterFinished", KEPT_SECONDS)
    spec["template"] = {**spec["template"], "metadata": _labelled(mapping(spec, "template", "metadata"), ours)}
    owner = {"apiVersion": API_VERSION, "kind": KIND, "name": release.name, "uid": release.uid, "controller": True}
    metadata = _labelled(mapping(template, "metadata"), ours) | {
        "name": name,
        "namespace": release.namespace,
        "ownerReferences": [owner | {"blockOwnerDeletion": False}],
    }
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}


def _labelled(metadata: Object, labels: Mapping[str, str]) -> dict[str, Any]:
    named = {**mapping(metadata, "labels"), **labels}
    annotations = mapping(metadata, "annotations")
    return {"labels": named, **({"annotations": dict(annotations)} if annotations else {})}


def is_owned(job: Object, release: Release) -> bool:
    owners = mapping(job, "metadata").get("ownerReferences") or []
    return any(mapping(owner).get("uid") == release.uid for owner in owners)
