"""A stand-in for the API server, which kubectl itself asks: what the chart renders, as controllers bring it to life."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import yaml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from chart.rendering import CHART, Manifest, of_kind
from kube.api import _selects
from payments.listening import listening

NAMESPACE = "parking"
CRD = "customresourcedefinitions"
KINDS = {
    "deployments": "Deployment",
    "horizontalpodautoscalers": "HorizontalPodAutoscaler",
    "cronjobs": "CronJob",
    "releases": "Release",
}


class ApiServer:
    """Holds the objects of a release; a test changes them with `edit`."""

    def __init__(self, manifests: list[Manifest]) -> None:
        self.url = ""
        self.objects = {plural: deepcopy(of_kind(manifests, kind)) for plural, kind in KINDS.items()}
        self.objects["pods"] = []
        definition = (CHART / "crds" / "releases.parkingspots.dev.yaml").read_text()
        self.definition: Manifest | None = yaml.safe_load(definition)
        self.refusals: dict[str, tuple[int, str]] = {}
        """By plural: the status and reason to answer with."""
        for deployment in self.objects["deployments"]:
            self._roll_out(deployment)
        for cronjob in self.objects["cronjobs"]:
            cronjob["status"] = {"lastSuccessfulTime": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"}
        for release in self.objects["releases"]:
            release["metadata"]["generation"] = 1
            ready = {"type": "Ready", "status": "True", "reason": "Succeeded", "message": "All is done."}
            release["status"] = {"observedGeneration": 1, "conditions": [ready]}

    def _roll_out(self, deployment: Manifest) -> None:
        spec = deployment["spec"]
        wanted = spec.setdefault("replicas", 2)
        deployment["metadata"]["generation"] = 1
        counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
        deployment["status"] = {"observedGeneration": 1, **dict.fromkeys(counts, wanted)}
        for number in range(wanted):
            name = f"{deployment['metadata']['name']}-{number}"
            containers = [{"name": each["name"], "restartCount": 0} for each in spec["template"]["spec"]["containers"]]
            metadata = {**deepcopy(spec["template"]["metadata"]), "name": name}
            status = {"phase": "Running", "containerStatuses": containers}
            self.objects["pods"].append({"metadata": metadata, "spec": spec["template"]["spec"], "status": status})

    def edit(self, plural: str, name: str, change: Callable[[Manifest], object]) -> None:
        """Change the one object whose name ends so."""
        (found,) = [each for each in self.objects[plural] if each["metadata"]["name"].endswith(name)]
        index = self.objects[plural].index(found)
        changed = deepcopy(found)
        change(changed)
        self.objects[plural][index] = changed

    async def answer(self, request: Request) -> Response:
        path = request.url.path.strip("/").split("/")
        plural = CRD if CRD in path else path[-1]
        if plural in self.refusals:
            return _status(*self.refusals[plural])
        if plural == "version":
            return JSONResponse({"gitVersion": "v1.34.0"})
        if plural == CRD and self.definition is not None:
            return JSONResponse(self.definition)
        if plural in self.objects and path[-3:-1] == ["namespaces", NAMESPACE]:
            matches = _selects(request.query_params.get("labelSelector", ""))
            return JSONResponse({"items": [each for each in self.objects[plural] if matches(each)]})
        if plural in self.objects:
            return JSONResponse({"items": []})
        return _status(404, "NotFound")


def _status(code: int, reason: str) -> Response:
    said: dict[str, Any] = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason}
    return JSONResponse({**said, "message": f"the server answers {reason}", "metadata": {}}, code)


@asynccontextmanager
async def serving(manifests: list[Manifest]) -> AsyncIterator[ApiServer]:
    server = ApiServer(manifests)
    async with listening(Starlette(routes=[Route("/{path:path}", server.answer)])) as server.url:
        yield server
