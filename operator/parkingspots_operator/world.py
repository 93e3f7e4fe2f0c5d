"""What of the cluster matters to a Release, read from the API's answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum

from parkingspots_operator.objects import Object, mapping, moment, number, objects, text
from parkingspots_operator.release import JOB_LABEL, PREFIX_ANNOTATION

JOB_NAMES = ("batch.kubernetes.io/job-name", "job-name")
PULLING = frozenset({"ErrImagePull", "ImagePullBackOff"})
"""The kubelet goes on trying these, so a registry's hiccup is not yet a trouble."""
NO_IMAGE = PULLING | {"InvalidImageName", "ErrImageNeverPull", "ImageInspectError", "RegistryUnavailable"}
NO_CONTAINER = frozenset({"CreateContainerConfigError", "CreateContainerError"})
PULL_PATIENCE = timedelta(seconds=20)
CRASHES = 2
"""So often a container may end before it counts as one that does nothing else."""
LAST_LINES, LAST_CHARACTERS = 10, 1_000
EARLIEST = datetime.min.replace(tzinfo=UTC)


class JobState(Enum):
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True)
class Trouble:
    """Why a pod does not begin."""

    reason: str
    head: str
    """Stays the same while the trouble lasts."""
    detail: str
    passing: bool = False
    """It may go by itself within moments."""

    def __str__(self) -> str:
        return f"{self.head}: {self.detail}" if self.detail else f"{self.head}."


@dataclass(frozen=True)
class Pod:
    name: str
    job: str
    prefix: str
    template: str
    """Which of the Deployment's templates it was made of."""
    created: datetime
    over: bool
    """It has ended, well or not."""
    deleting: bool
    working: bool
    """One of its containers runs."""
    trouble: Trouble | None
    homeless: str
    """Why no node takes it."""
    said: str
    """What its last container said when it ended."""

    @classmethod
    def of(cls, body: Object) -> "Pod":
        labels = mapping(body, "metadata", "labels")
        containers = objects(body, "status", "containerStatuses")
        statuses = [*containers, *objects(body, "status", "initContainerStatuses")]
        ended = [text(status, *where, "terminated", "message") for where in (("state",), ("lastState",))
                 for status in statuses]  # fmt: skip
        return cls(
            name=text(body, "metadata", "name"),
            job=next((text(labels, name) for name in JOB_NAMES if text(labels, name)), ""),
            prefix=text(body, "metadata", "annotations", PREFIX_ANNOTATION),
            template=text(labels, "pod-template-hash"),
            created=moment(body, "metadata", "creationTimestamp") or EARLIEST,
            deleting=bool(text(body, "metadata", "deletionTimestamp")),
            homeless=_homeless(body),
            over=text(body, "status", "phase") in {"Succeeded", "Failed"},
            working=any(mapping(status, "state", "running") for status in statuses),
            trouble=next((found for status in statuses if (found := _trouble(status))), None),
            said=next((message for message in ended if message.strip()), ""),
        )


def _trouble(status: Object) -> Trouble | None:
    reason = text(status, "state", "waiting", "reason")
    detail = text(status, "state", "waiting", "message")
    if reason in NO_IMAGE:
        head = f"The image {text(status, 'image')} cannot be pulled"
        return Trouble("ImageUnavailable", head, detail or reason, passing=reason in PULLING)
    if reason in NO_CONTAINER:
        return Trouble("ContainerUnavailable", f"The container {text(status, 'name')} cannot be made", detail or reason)
    if number(status, "restartCount") >= CRASHES and not mapping(status).get("ready"):
        return Trouble(
            "ContainerCrashes", f"The container {text(status, 'name')} ends again and again", _last_end(status)
        )
    return None


def _last_end(status: Object) -> str:
    """As Kubernetes saw the container end: with its last words, where it had any."""
    end = mapping(status, "lastState", "terminated")
    why = f"exit code {number(end, 'exitCode')}" + (f", {reason}" if (reason := text(end, "reason")) else "")
    said = last_lines(text(end, "message"))
    return f"{why}\n{said}" if said else f"{why}."


def _homeless(body: Object) -> str:
    placed = (each for each in objects(body, "status", "conditions") if each.get("type") == "PodScheduled")
    return next((text(each, "message") for each in placed if text(each, "reason") == "Unschedulable"), "")


@dataclass(frozen=True)
class Job:
    name: str
    migrates: bool
    state: JobState
    deleting: bool
    created: datetime
    started: datetime | None
    completed: datetime | None
    complaint: str
    """Why it failed, in the words of Kubernetes."""

    @classmethod
    def of(cls, body: Object) -> "Job":
        conditions = {
            text(each, "type"): each for each in objects(body, "status", "conditions") if each.get("status") == "True"
        }
        failed = conditions.get("Failed")
        state = JobState.SUCCEEDED if "Complete" in conditions else JobState.FAILED if failed else JobState.RUNNING
        return cls(
            name=text(body, "metadata", "name"),
            migrates=text(body, "metadata", "labels", JOB_LABEL) == "migration",
            state=state,
            deleting=bool(text(body, "metadata", "deletionTimestamp")),
            created=moment(body, "metadata", "creationTimestamp") or EARLIEST,
            started=moment(body, "status", "startTime"),
            completed=moment(body, "status", "completionTime"),
            complaint=text(failed, "message") or text(failed, "reason"),
        )


@dataclass(frozen=True)
class Deployment:
    name: str
    prefix: str
    generation: int
    observed: int
    desired: int
    total: int
    updated: int
    available: int
    unavailable: int
    paused: bool
    late: str
    """What Kubernetes says where the rollout has made no progress for too long."""
    selector: Mapping[str, str]

    @classmethod
    def of(cls, body: Object) -> "Deployment":
        progressing = next(
            (each for each in objects(body, "status", "conditions") if each.get("type") == "Progressing"), {}
        )
        late = progressing.get("status") == "False" and text(progressing, "reason") == "ProgressDeadlineExceeded"
        return cls(
            name=text(body, "metadata", "name"),
            prefix=text(body, "spec", "template", "metadata", "annotations", PREFIX_ANNOTATION),
            generation=number(body, "metadata", "generation"),
            observed=number(body, "status", "observedGeneration"),
            desired=number(body, "spec", "replicas", default=1),
            total=number(body, "status", "replicas"),
            updated=number(body, "status", "updatedReplicas"),
            available=number(body, "status", "availableReplicas"),
            unavailable=number(body, "status", "unavailableReplicas"),
            paused=mapping(body, "spec").get("paused") is True,
            late=(text(progressing, "message") or "it has made no progress in time") if late else "",
            selector={key: str(value) for key, value in mapping(body, "spec", "selector", "matchLabels").items()},
        )


@dataclass(frozen=True)
class World:
    """What was seen at one moment."""

    now: datetime
    jobs: Mapping[str, Job] = field(default_factory=dict)
    """Those that the Release owns, by name."""
    pods: Sequence[Pod] = ()
    """Those of these Jobs."""
    deployment: Deployment | None = None
    serving: Sequence[Pod] = ()
    """Those of the Deployment, also those that are shutting down."""
    holder: str | None = None
    """Another Release that had the same Deployment first."""

    def pods_of(self, job: str) -> list[Pod]:
        """The newest first."""
        return sorted((pod for pod in self.pods if pod.job == job), key=lambda pod: pod.created, reverse=True)

    def trouble_of(self, job: str) -> Trouble | None:
        """What keeps the Job from beginning."""
        return next((pod.trouble for pod in self.pods_of(job) if pod.trouble and not pod.over), None)

    def is_stuck(self, job: str) -> bool:
        """It does not begin, and that does not look as if it passed within moments."""
        return any(self.lasts(pod) for pod in self.pods_of(job))

    def lasts(self, pod: Pod) -> bool:
        """Something keeps the pod from beginning, and does not look as if it passed within moments."""
        if pod.trouble is None or pod.over:
            return False
        return not pod.trouble.passing or self.now - pod.created > PULL_PATIENCE

    def is_working(self, job: str) -> bool:
        return any(pod.working for pod in self.pods_of(job))

    def said_by(self, job: str) -> str:
        """What the newest pod of the Job that said anything said at its end."""
        return next((pod.said for pod in self.pods_of(job) if pod.said), "")


def last_lines(log: str) -> str:
    """The end of a log, short enough for a condition's message."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    return "\n".join(lines[-LAST_LINES:])[-LAST_CHARACTERS:]
