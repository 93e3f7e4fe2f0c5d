"""One Release and the world around it, as values: what the operator decides is looked at without a cluster."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from kube.api import merged
from kube.objects import NOON, Body, deployment, job_pod, release
from parkingspots_operator import jobs
from parkingspots_operator.decide import Rest, Step, next_step
from parkingspots_operator.memory import Memory
from parkingspots_operator.release import JOB_LABEL, Release
from parkingspots_operator.remember import concluded, remember
from parkingspots_operator.status import changes, status_of
from parkingspots_operator.world import Deployment, Job, Pod, World


@dataclass
class Story:
    """A Release, and what happens to it. `look` decides once and writes the status, as the operator does."""

    body: Body = field(default_factory=release)
    world: World = field(default_factory=lambda: World(now=NOON))

    @property
    def release(self) -> Release:
        return Release.of(self.body)

    @property
    def memory(self) -> Memory:
        return Memory.of(self.body["status"])

    def look(self) -> Step:
        memory = remember(self.memory, self.release, self.world)
        step = next_step(self.release, memory, self.world)
        if isinstance(step, Rest):
            memory = concluded(memory, self.world.now)
        status = status_of(self.release, memory, step, self.world.now)
        self.body["status"] = merged(self.body["status"], changes(self.release, status))
        return step

    def condition(self, name: str) -> Body:
        found: Body = next(each for each in self.body["status"]["conditions"] if each["type"] == name)
        return found

    def edit(self, body: Body) -> None:
        """The same Release with another spec."""
        self.body = {**self.body, "spec": body["spec"]}
        self.body["metadata"] = {**self.body["metadata"], "generation": self.body["metadata"]["generation"] + 1}

    def annotate(self, name: str, token: str) -> None:
        annotations = {**self.body["metadata"].get("annotations", {}), f"parkingspots.dev/{name}": token}
        self.body["metadata"] = {**self.body["metadata"], "annotations": annotations}

    def pass_by(self, **time: float) -> None:
        self.world = replace(self.world, now=self.world.now + timedelta(**time))

    def job(self, name: str, status: Body | None = None, kind: str = "migration", **metadata: Any) -> None:
        """There is a Job of that name, still at work unless the status says otherwise."""
        now = self.world.now.strftime("%Y-%m-%dT%H:%M:%SZ")
        body = {"metadata": {"name": name, "labels": {JOB_LABEL: kind}, "creationTimestamp": now, **metadata}}
        job = Job.of({**body, "status": status or {}})
        self.world = replace(self.world, jobs={**self.world.jobs, name: job})

    def without_job(self, name: str) -> None:
        self.world = replace(self.world, jobs={each: job for each, job in self.world.jobs.items() if each != name})

    def pod(self, job: str, **about: Any) -> None:
        """The Job has a pod in that state, and no other."""
        others = [pod for pod in self.world.pods if pod.job != job]
        self.world = replace(self.world, pods=[*others, Pod.of(job_pod(job, **about))])

    def deploy(self, *pods: Body, **about: Any) -> None:
        """The Deployment is so, and has these pods."""
        found = Deployment.of(deployment(**about))
        self.world = replace(self.world, deployment=found, serving=[Pod.of(pod) for pod in pods])

    @property
    def migration(self) -> str:
        """The name of the Job that migrates for this spec."""
        return jobs.migration_job(self.release, remember(self.memory, self.release, self.world).begun)

    def purge_of(self, prefix: str) -> str:
        return jobs.purge_job(self.release, remember(self.memory, self.release, self.world).begun, prefix)
