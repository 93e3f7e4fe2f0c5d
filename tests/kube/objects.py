"""Objects as the Kubernetes API shows them, as short as a test needs them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from parkingspots_operator.release import PREFIX_ANNOTATION, RELEASE_LABEL

Body = dict[str, Any]
NOON = datetime(2040, 1, 2, 12, 0, tzinfo=UTC)
NAME, DEPLOYMENT = "ps-parkingspots", "ps-parkingspots-api"


def at(seconds: float = 0) -> str:
    """So long after noon."""
    return (NOON + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def template(image: str = "parkingspots:1", *command: str) -> Body:
    """What the chart puts into a Release for a Job."""
    container = {"name": "main", "image": image, "args": list(command or ("parkingspots", "migrate", "upgrade"))}
    pod = {"metadata": {"labels": {"app": "job"}}, "spec": {"restartPolicy": "Never", "containers": [container]}}
    return {"metadata": {"labels": {"chart": "ps"}}, "spec": {"backoffLimit": 0, "template": pod}}


def release(name: str = NAME, *, image: str = "parkingspots:1", prefix: str = "one", **spec: Any) -> Body:
    wanted: Body = {
        "revision": "0019",
        "deployment": DEPLOYMENT,
        "migration": {"template": template(image)},
        "cache": {"prefix": prefix, "template": template(image, "parkingspots", "cache", "purge")},
    }
    metadata = {"name": name, "namespace": "ps", "uid": f"uid-of-{name}", "generation": 1, "resourceVersion": "7"}
    return {
        "apiVersion": "parkingspots.dev/v1alpha1",
        "kind": "Release",
        "metadata": {**metadata, "creationTimestamp": at()},
        "spec": {**wanted, **spec},
        "status": {"observedGeneration": -1},
    }


def deployment(
    prefix: str = "one", desired: int = 2, name: str = DEPLOYMENT, *, paused: bool = False, **status: Any
) -> Body:
    """Rolled out, unless its status says otherwise."""
    done = {"observedGeneration": 1, "replicas": desired, "updatedReplicas": desired, "availableReplicas": desired}
    pod = {"metadata": {"annotations": {PREFIX_ANNOTATION: prefix}, "labels": {"app": "api"}}}
    return {
        "metadata": {"name": name, "namespace": "ps", "generation": 1},
        "spec": {"replicas": desired, "selector": {"matchLabels": {"app": "api"}}, "template": pod, "paused": paused},
        "status": {**done, **status},
    }


def serving_pod(name: str, prefix: str, **status: Any) -> Body:
    metadata = {"name": name, "labels": {"app": "api"}, "annotations": {PREFIX_ANNOTATION: prefix}}
    return {"metadata": {**metadata, "creationTimestamp": at()}, "status": {"phase": "Running", **status}}


def job_pod(
    job: str, *, created: float = 0, phase: str = "Pending", state: Body | None = None, owner: str = NAME
) -> Body:
    status = {"name": "main", "image": "parkingspots:1", "state": state or {}}
    labels = {"batch.kubernetes.io/job-name": job, RELEASE_LABEL: owner}
    return {
        "metadata": {"name": f"{job}-pod", "labels": labels, "creationTimestamp": at(created)},
        "status": {"phase": phase, "containerStatuses": [status]},
    }


def waiting(reason: str, message: str = "") -> Body:
    return {"waiting": {"reason": reason, "message": message}}


def ended(message: str, code: int = 0) -> Body:
    return {"terminated": {"exitCode": code, "message": message}}


def job_status(state: str, message: str = "", seconds: float = 3) -> Body:
    """Of a Job that has ended so: Complete or Failed."""
    condition = {"type": state, "status": "True", "message": message}
    times = {"startTime": at(), **({"completionTime": at(seconds)} if state == "Complete" else {})}
    return {"conditions": [condition], **times}
