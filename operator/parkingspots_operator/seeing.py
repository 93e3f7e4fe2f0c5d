"""One look at the cluster, for all Releases of the namespace."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from parkingspots_operator.jobs import is_owned
from parkingspots_operator.kubernetes import Kubernetes
from parkingspots_operator.objects import Object
from parkingspots_operator.release import RELEASE_LABEL, Release
from parkingspots_operator.watched import Watched
from parkingspots_operator.world import EARLIEST, Deployment, Job, Pod, World


@dataclass(frozen=True)
class Look:
    """What concerns every Release alike."""

    releases: Sequence[Release]
    jobs: Sequence[Object]
    pods: Sequence[Pod]


async def look(api: Kubernetes, watched: Watched) -> Look:
    """The Jobs are read before their pods, so that the pods know at least as much."""
    releases, jobs = await api.releases(), await api.jobs(RELEASE_LABEL)
    pods = await api.pods(RELEASE_LABEL)
    for kind, bodies in (("releases", releases), ("jobs", jobs), ("pods", pods)):
        watched.compare(kind, bodies)
    known = [Release.of(body) for body in releases]
    return Look([each for each in known if not each.deleting], jobs, [Pod.of(body) for body in pods])


async def world_of(api: Kubernetes, release: Release, seen: Look, now: datetime) -> World:
    """What matters to this one."""
    body = await api.deployment(release.deployment) if release.deployment else None
    deployment = Deployment.of(body) if body else None
    selector = ",".join(f"{key}={value}" for key, value in deployment.selector.items()) if deployment else ""
    serving = [Pod.of(pod) for pod in await api.pods(selector)] if selector else []
    jobs = [Job.of(job) for job in seen.jobs if is_owned(job, release)]
    return World(
        now=now,
        jobs={job.name: job for job in jobs},
        pods=seen.pods,
        deployment=deployment,
        serving=[pod for pod in serving if not pod.job],
        holder=holder(release, seen.releases),
    )


def holder(release: Release, releases: Sequence[Release]) -> str | None:
    """The Release that has the same Deployment and came first, if that is another one."""
    rivals = [each for each in releases if each.deployment == release.deployment]
    first = min(rivals, key=lambda each: (each.created or EARLIEST, each.name), default=release)
    return None if first.name == release.name else first.name
