"""The Release resource: what the chart asks for."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from hashlib import sha256

from parkingspots_operator.objects import Object, inside, mapping, moment, number, text

GROUP, VERSION, PLURAL, KIND = "parkingspots.dev", "v1alpha1", "releases", "Release"
API_VERSION = f"{GROUP}/{VERSION}"

RELEASE_LABEL, JOB_LABEL = f"{GROUP}/release", f"{GROUP}/job"
PREFIX_ANNOTATION = f"{GROUP}/cache-prefix"
"""On pods: the prefix of the keys that they write."""
PURGE_ANNOTATION, RETRY_ANNOTATION = f"{GROUP}/purge-cache", f"{GROUP}/retry"

DEADLINE = 900
"""Seconds that a rollout may take where the Release does not say."""


@dataclass(frozen=True)
class Release:
    name: str
    namespace: str
    uid: str
    generation: int
    resource_version: str
    created: datetime | None
    deleting: bool
    revision: str
    deployment: str
    migration: Object
    """`metadata` and `spec` of the Job that migrates."""
    purge: Object | None
    """The same of the Job that purges; without it nothing is purged."""
    prefix: str
    suspended: bool
    deadline: timedelta
    retry: str
    retry_annotation: str
    purge_token: str
    status: Object

    @classmethod
    def of(cls, body: Object) -> "Release":
        annotations = mapping(body, "metadata", "annotations")
        purge = mapping(body, "spec", "cache", "template")
        return cls(
            name=text(body, "metadata", "name"),
            namespace=text(body, "metadata", "namespace"),
            uid=text(body, "metadata", "uid"),
            generation=number(body, "metadata", "generation"),
            resource_version=text(body, "metadata", "resourceVersion"),
            created=moment(body, "metadata", "creationTimestamp"),
            deleting=bool(text(body, "metadata", "deletionTimestamp")),
            revision=text(body, "spec", "revision"),
            deployment=text(body, "spec", "deployment"),
            migration=mapping(body, "spec", "migration", "template"),
            purge=purge or None,
            prefix=text(body, "spec", "cache", "prefix"),
            suspended=inside(body, "spec", "suspend") is True,
            deadline=timedelta(seconds=number(body, "spec", "deadlineSeconds", default=DEADLINE)),
            retry=text(body, "spec", "retry"),
            retry_annotation=text(annotations, RETRY_ANNOTATION),
            purge_token=text(annotations, PURGE_ANNOTATION),
            status=mapping(body, "status"),
        )

    @cached_property
    def key(self) -> str:
        """The same for two specs whose migrations are the same."""
        return digest(self.migration, self.revision)

    @cached_property
    def problem(self) -> str | None:
        """What must be mended in the spec before anything can be done."""
        wanted = {"revision": self.revision, "deployment": self.deployment, "cache.prefix": self.prefix}
        if missing := [f"spec.{name}" for name, value in wanted.items() if not value]:
            return f"{' and '.join(missing)} must be given."
        templates = {"migration": self.migration, "cache": self.purge}
        for name, template in templates.items():
            if template is not None and not has_a_container(template):
                return f"spec.{name}.template.spec.template.spec.containers must name at least one container."
        return None


def has_a_container(template: Object) -> bool:
    containers = inside(template, "spec", "template", "spec", "containers")
    return isinstance(containers, list) and bool(containers) and isinstance(containers[0], dict)


def digest(*values: object) -> str:
    """Ten characters that stand for the values."""
    return sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()[:10]
