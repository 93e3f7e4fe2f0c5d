"""Releases on a real cluster, whose Jobs and pods are a line of Python each."""

import json
import os
import time
from dataclasses import dataclass
from typing import Any

import yaml

from cluster.kube import ROOT, KubeError, Namespace, until

CRD = ROOT / "charts" / "parkingspots" / "crds" / "releases.parkingspots.dev.yaml"
RULES = yaml.safe_load((ROOT / "operator" / "rbac.yaml").read_text())["rules"]
PREFIX = os.environ.get("IMAGE_PREFIX", "")
OPERATOR, STAND_IN = f"{PREFIX}parkingspots-operator:dev", f"{PREFIX}parkingspots:dev"
"""Of the stand-in's image only its Python is used."""
PATIENCE = 120.0  # seconds
Body = dict[str, Any]

UNPRIVILEGED = {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}}
CONFINED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": True}
SERVE = "import signal; signal.signal(signal.SIGTERM, lambda *_: exit()); signal.pause()"
MIGRATE = 'open(\'/dev/termination-log\', \'w\').write(\'{"from": "0018", "to": "0019"}\')'
FAIL = "exit('connecting\\nlock timeout: another transaction holds table spots')"


def pod(code: str, *, image: str = STAND_IN, **more: Any) -> Body:
    """A pod's spec that runs this under the restricted Pod Security Standard."""
    container = {
        "name": "main",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "-c", code],
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": CONFINED,
        **more,
    }
    return {"securityContext": UNPRIVILEGED, "terminationGracePeriodSeconds": 1, "containers": [container]}


def job(code: str, **about: Any) -> Body:
    spec = {"restartPolicy": "Never", **pod(code, **about)}
    return {"spec": {"backoffLimit": 0, "activeDeadlineSeconds": 120, "template": {"spec": spec}}}


@dataclass(frozen=True)
class Releases:
    """One Release and its Deployment."""

    place: Namespace
    name: str

    def apply(self, prefix: str, code: str = MIGRATE, *, image: str = STAND_IN, **spec: Any) -> None:
        """As `helm upgrade` does: the Deployment first."""
        self.place.kubectl("apply", "--filename", "-", given=json.dumps(self.deployment(prefix)))
        self.place.kubectl("apply", "--filename", "-", given=json.dumps(self.body(prefix, code, image=image, **spec)))

    def body(self, prefix: str, code: str = MIGRATE, *, image: str = STAND_IN, **spec: Any) -> Body:
        purge = "import sys; print(sys.argv[1:])"
        wanted = {
            "revision": "0019",
            "deployment": self.name,
            "migration": {"template": job(code, image=image)},
            "cache": {"prefix": prefix, "template": job(purge)},
        }
        kind = {"apiVersion": "parkingspots.dev/v1alpha1", "kind": "Release"}
        return {**kind, "metadata": {"name": self.name}, "spec": {**wanted, **spec}}

    def deployment(self, prefix: str) -> Body:
        labels = {"app": self.name}
        annotations = {"parkingspots.dev/cache-prefix": prefix}
        rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
        template = {"metadata": {"labels": labels, "annotations": annotations}, "spec": pod(SERVE)}
        spec = {"replicas": 2, "selector": {"matchLabels": labels}, "strategy": rolling, "template": template}
        return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": self.name}, "spec": spec}

    def patch(self, **spec: Any) -> None:
        self.place.kubectl("patch", "psrel", self.name, "--type", "merge", "--patch", json.dumps({"spec": spec}))

    def annotate(self, what: str, token: str) -> None:
        self.place.kubectl("annotate", "--overwrite", "psrel", self.name, f"parkingspots.dev/{what}={token}")

    def status(self) -> Body:
        found: Body = self.place.get("psrel", self.name)
        return {"generation": found["metadata"]["generation"], **found["status"]}

    def conditions(self) -> dict[str, Body]:
        return {each["type"]: each for each in self.status().get("conditions", [])}

    def phase(self) -> str:
        """Of the spec as it is now."""
        status = self.status()
        if status["observedGeneration"] != status["generation"]:
            return "Unobserved"
        return str(self.conditions()["Ready"]["reason"])

    def until(self, *phases: str, within: float = PATIENCE) -> str:
        """Wait for one of the phases; the message that it comes with."""
        try:
            until(lambda: self.phase() in phases, within, f"{self.name} is {' or '.join(phases)}")
        except KubeError as error:
            raise KubeError(f"{error}: {json.dumps(self.status(), indent=1)}") from error
        return str(self.conditions()["Ready"]["message"])

    def jobs(self, kind: str) -> list[Body]:
        selector = f"parkingspots.dev/release={self.name},parkingspots.dev/job={kind}"
        found: list[Body] = self.place.get("jobs", "--selector", selector)["items"]
        return sorted(found, key=lambda each: each["metadata"]["creationTimestamp"])

    def pods(self) -> dict[str, str]:
        """The pods that serve, with their prefixes."""
        found = self.place.get("pods", "--selector", f"app={self.name}")["items"]
        return {
            each["metadata"]["name"]: each["metadata"]["annotations"]["parkingspots.dev/cache-prefix"]
            for each in found
            if "deletionTimestamp" not in each["metadata"]
        }

    def told(self) -> list[str]:
        """The reasons of its events, in order."""
        found = self.place.get(
            "events", "--field-selector", f"involvedObject.name={self.name},involvedObject.kind=Release"
        )
        return [
            each["reason"] for each in sorted(found["items"], key=lambda each: int(each["metadata"]["resourceVersion"]))
        ]

    def delete(self) -> None:
        self.place.kubectl("delete", "psrel,deployment", self.name, "--ignore-not-found", "--wait=false")


def rights(place: Namespace) -> None:
    """The operator's account, with its Role."""
    name = {"name": "operator"}
    subject = {"kind": "ServiceAccount", **name, "namespace": place.name}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", **name}
    rbac = "rbac.authorization.k8s.io/v1"
    objects = [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": name},
        {"apiVersion": rbac, "kind": "Role", "metadata": name, "rules": RULES},
        {"apiVersion": rbac, "kind": "RoleBinding", "metadata": name, "roleRef": role, "subjects": [subject]},
    ]
    place.kubectl("apply", "--filename", "-", given=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))


def operator(place: Namespace) -> None:
    """The operator as the chart runs it, ready."""
    rights(place)
    live = {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 1}
    fields = {"valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}}
    spec = pod("", image=OPERATOR, env=[{"name": "POD_NAMESPACE", **fields}], readinessProbe=live)
    del spec["containers"][0]["command"]
    labels = {"app": "operator"}
    template = {"metadata": {"labels": labels}, "spec": {**spec, "serviceAccountName": "operator"}}
    deployed = {"selector": {"matchLabels": labels}, "strategy": {"type": "Recreate"}, "template": template}
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "operator"}, "spec": deployed}
    place.kubectl("apply", "--filename", "-", given=json.dumps(body))
    place.kubectl("rollout", "status", "deployment/operator", "--timeout", "120s")


def kill(place: Namespace) -> None:
    """End the operator's pod without a word; another takes its place."""
    place.kubectl("delete", "pod", "--selector", "app=operator", "--grace-period=0", "--force", "--wait=false")


def metrics(place: Namespace) -> str:
    """What the operator tells Prometheus."""
    ask = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:9090/metrics').read().decode())"
    return place.kubectl("exec", "deployment/operator", "--", "python3", "-c", ask)


def sample(text: str, name: str) -> float:
    return next(float(line.split()[1]) for line in text.splitlines() if line.startswith(f"{name} "))


def seconds() -> float:
    return time.monotonic()
