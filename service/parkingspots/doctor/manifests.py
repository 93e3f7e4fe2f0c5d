"""What the objects of a release say. Pure: they come from kubectl.py."""

from collections.abc import Sequence
from datetime import UTC, datetime
from math import ceil
from pathlib import Path
from typing import Any

from parkingspots.doctor.finding import Finding, fail, ok, warn
from parkingspots.doctor.job import STALE, written
from parkingspots.doctor.kubectl import Kubectl

Manifest = dict[str, Any]
CHART = Path(__file__).parents[3] / "charts" / "parkingspots"
"""In a checkout."""
CRD = CHART / "crds" / "releases.parkingspots.dev.yaml"
INSTALL_CRD = f"kubectl apply --server-side --field-manager helm --force-conflicts --filename {CRD.parent}"
MOST_RESTARTS = 3
TROUBLES = frozenset({
    *("CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "InvalidImageName"),
    *("CreateContainerConfigError", "CreateContainerError", "RunContainerError"),
})  # fmt: skip
"""Reasons for which a container does not begin, and will not by itself."""


def most_pods(api: Manifest, scalers: Sequence[Manifest]) -> int:
    """That there may be at a time: what is wanted at most, and what a rollout adds."""
    name, spec = api["metadata"]["name"], api["spec"]
    limits = [each["spec"]["maxReplicas"] for each in scalers if each["spec"]["scaleTargetRef"]["name"] == name]
    wanted = max([*limits, spec.get("replicas", 1)])
    surge = spec.get("strategy", {}).get("rollingUpdate", {}).get("maxSurge", "25%")
    more = ceil(wanted * int(surge.removesuffix("%")) / 100) if isinstance(surge, str) else surge
    return int(wanted + more)


def of_version(api: Manifest, version: str) -> Finding:
    labels = api["metadata"]["labels"]
    theirs, chart = labels.get("app.kubernetes.io/version", "unknown"), labels.get("helm.sh/chart", "unknown")
    name = labels["app.kubernetes.io/instance"]
    if theirs != version:
        says = f"The release {name} is version {theirs} ({chart}), this doctor {version}: it judges by another's needs."
        return warn(says, f"git switch --detach v{theirs}")
    return ok(f"The release {name} is version {theirs} ({chart}).")


def of_release(client: Kubectl, release: Manifest) -> Finding:
    """What the operator says of it."""
    name = release["metadata"]["name"]
    status = release.get("status", {})
    conditions = {each["type"]: each for each in status.get("conditions", [])}
    describe = client.command("describe", "psrel", name)
    if status.get("observedGeneration", -1) < release["metadata"]["generation"]:
        return warn(f"The operator has not looked at the Release {name} yet.", client.command("get", "pods"))
    if (stalled := conditions.get("Stalled", {})).get("status") == "True":
        return fail(f"The Release {name} is stalled ({stalled.get('reason')}): {_ended(stalled)}", describe)
    ready = conditions.get("Ready", {})
    if ready.get("status") != "True":
        return warn(f"The Release {name} is not ready ({ready.get('reason')}): {_ended(ready)}", describe)
    if (purged := conditions.get("CachePurged", {})).get("status") == "False":
        return warn(f"The Release {name} is ready, its old cache is not purged: {_ended(purged)}", describe)
    return ok(f"The Release {name} is ready at revision {release['spec']['revision']}.")


def _ended(condition: Manifest) -> str:
    return f"{str(condition.get('message', 'no reason is given')).strip().splitlines()[0].rstrip('.')}."


def of_definition(client: Kubectl, theirs: Manifest | None, ours: Manifest) -> Finding:
    """Helm installs the definition of a Release once, and never upgrades it."""
    mend = INSTALL_CRD.replace("kubectl", f"kubectl --context {client.context}") if client.context else INSTALL_CRD
    if theirs is None:
        return fail("The cluster does not know the kind Release, which the operator works with.", mend)
    if _essence(theirs) != _essence(ours):
        return fail("The cluster's definition of a Release is not this release's: Helm never upgrades it.", mend)
    return ok("The cluster's definition of a Release is this release's.")


def _essence(definition: Manifest) -> Any:  # noqa: ANN401 - a part of a manifest
    """What the chart says of each version; the API server adds nothing there."""
    parts = ("schema", "subresources", "additionalPrinterColumns")
    return {version["name"]: {name: version.get(name) for name in parts} for version in definition["spec"]["versions"]}


def of_deployment(client: Kubectl, api: Manifest) -> Finding:
    name, wanted, status = api["metadata"]["name"], api["spec"].get("replicas", 1), api.get("status", {})
    available, updated = status.get("availableReplicas", 0), status.get("updatedReplicas", 0)
    follow = client.command("rollout", "status", f"deployment/{name}")
    conditions = {each["type"]: each for each in status.get("conditions", [])}
    if wanted == 0:
        return fail(
            f"{name} is scaled to 0: nobody serves.", client.command("scale", f"deployment/{name}", "--replicas=2")
        )
    if available == 0:
        return fail(f"No pod of {name} is available, {wanted} are wanted.", client.command("describe", "pods"))
    if conditions.get("Progressing", {}).get("reason") == "ProgressDeadlineExceeded":
        return fail(f"The rollout of {name} makes no progress; {available} of {wanted} pods are available.", follow)
    if updated < wanted or status.get("observedGeneration", 0) < api["metadata"]["generation"]:
        return warn(f"{name} is being rolled out: {updated} of {wanted} pods are new.", follow)
    if available < wanted:
        return warn(f"{available} of {wanted} pods of {name} are available.", follow)
    return ok(f"All {wanted} pods of {name} are new and available.")


def of_pods(client: Kubectl, pods: Sequence[Manifest]) -> Finding:
    """The worst of them."""
    alive = [pod for pod in pods if pod["status"].get("phase") not in {"Succeeded", "Failed"}]
    for pod in alive:
        if trouble := _trouble(pod):
            name = pod["metadata"]["name"]
            return fail(f"The pod {name} does not run: {trouble}.", client.command("describe", "pod", name))
    for pod in alive:
        for container in pod["status"].get("containerStatuses", []):
            if container.get("restartCount", 0) > MOST_RESTARTS:
                return _restarts(client, pod["metadata"]["name"], container)
    return ok(f"Of {len(alive)} pods none is in trouble.")


def _restarts(client: Kubectl, pod: str, container: Manifest) -> Finding:
    reason = container.get("lastState", {}).get("terminated", {}).get("reason", "unknown")
    says = f"The pod {pod} has started {container['restartCount']} times again, the last time as of {reason}."
    return warn(says, client.command("logs", "--previous", pod, "--container", container["name"]))


def _trouble(pod: Manifest) -> str | None:
    status = pod["status"]
    for container in [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]:
        waiting = container.get("state", {}).get("waiting", {})
        if waiting.get("reason") in TROUBLES:
            return str(waiting["reason"])
    for condition in status.get("conditions", []):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return f"no node takes it ({condition.get('message', 'no reason is given').rstrip('.')})"
    return None


def of_images(client: Kubectl, api: Manifest, cronjobs: Sequence[Manifest], pods: Sequence[Manifest]) -> Finding:
    """One image serves, works each minute and migrates."""
    image = _image(api["spec"]["template"])
    others = {_image(each["spec"]["jobTemplate"]["spec"]["template"]) for each in cronjobs} - {image}
    if others:
        says = f"The API's image is {image}, the minute job's {', '.join(sorted(others))}."
        return fail(says, f"helm upgrade --namespace {client.namespace} …")
    old = [each["metadata"]["name"] for each in pods if _image(each) != image]
    if old:
        return warn(f"{', '.join(sorted(old))} still runs another image than {image}.", client.command("get", "pods"))
    return ok(f"The API and the minute job run {image}.")


def _image(pod: Manifest) -> str:
    return str(pod["spec"]["containers"][0]["image"])


def of_cronjob(client: Kubectl, cronjobs: Sequence[Manifest], now: datetime) -> Finding:
    if not cronjobs:
        mend = f"helm upgrade --namespace {client.namespace} --reset-then-reuse-values --set lifecycle.enabled=true …"
        return warn("The release has no minute job: something else has to run it.", mend)
    job = cronjobs[0]
    name = job["metadata"]["name"]
    if job["spec"].get("suspend"):
        mend = client.command("patch", "cronjob", name, "--patch", '{"spec": {"suspend": false}}')
        return fail(f"The minute job {name} is suspended: bookings neither start, end nor lapse.", mend)
    last = job.get("status", {}).get("lastSuccessfulTime")
    if last is None:
        return warn(f"The minute job {name} has not succeeded yet.", client.command("get", "jobs"))
    moment = datetime.fromisoformat(last).astimezone(UTC)
    age = max(0.0, (now - moment).total_seconds())  # the cluster's clock may be ahead of this machine's
    says = f"The minute job {name} is on, and last succeeded {written(age)} ago, at {moment:%Y-%m-%d %H:%M} UTC"
    if age > STALE:
        return fail(f"{says}: bookings neither start, end nor lapse.", client.command("describe", "cronjob", name))
    return ok(f"{says}.")
