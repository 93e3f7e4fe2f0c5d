"""What becomes of releases: a migration fails, and a pod ends again and again.

The operator is a process of its own, at a stand-in for the API server. kube-state-metrics looks at a whole cluster, so
that there is none here: what stands in for it tells what its documentation says of such a pod.
"""

import os
import signal
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from drills.drill import Drill, Promise, Scene
from drills.sight import Rows, Shown
from drills.stage import NAMESPACE, Stage
from kube.api import kubeconfig, standing_in
from kube.cluster import Cluster
from kube.process import until
from parkingspots.dev import processes
from parkingspots.dev.ports import HOST, free_port
from payments.listening import listening

PATIENCE = 60.0  # seconds
NOTICED_WITHIN = 2.0
"""Seconds until the operator has seen that a Job has ended."""
SAID = "canceling statement due to lock timeout: table spots is held"
POD = ("drills", "parkingspots-api-7c9f-x2x7k", "api")
OF_POD = ["namespace", "pod", "container"]
RUNS_EACH = 5
"""Of so many looks one comes upon the container while it runs; at the others it waits to be started again."""


@asynccontextmanager
async def a_release(stage: Stage) -> AsyncIterator[Scene]:
    """It is Ready, until its next one's migration fails."""
    async with standing_in() as api, looked_after(stage, api.url) as metrics:
        cluster = Cluster(api)
        await cluster.install()
        await migrated(cluster, "one")

        @asynccontextmanager
        async def migration_fails() -> AsyncIterator[None]:
            await cluster.upgrade(image="parkingspots:2", prefix="two")
            await until(cluster.unfinished)
            await cluster.fail(cluster.unfinished()[0], SAID)
            yield
            await cluster.annotate("retry", "the-lock-is-gone")
            await migrated(cluster, "two")

        labels = {"namespace": NAMESPACE, "pod": "parkingspots-operator-1"}
        yield Scene(migration_fails, [job("parkingspots-operator", metrics, labels)])


async def migrated(cluster: Cluster, prefix: str) -> None:
    """The migration ends well, and so does the rollout. What an earlier release has kept is purged then."""
    await until(cluster.unfinished)
    await cluster.finish(cluster.unfinished()[0])
    await until(lambda: cluster.phase() == "RollingOut")
    await cluster.roll_out(prefix)
    await until(lambda: cluster.phase() in {"Ready", "Purging"})


@asynccontextmanager
async def looked_after(stage: Stage, api: str) -> AsyncIterator[str]:
    """By an operator in a process of its own; where it is scraped."""
    metrics = free_port()
    environment = {name: value for name, value in os.environ.items() if name != "KUBERNETES_SERVICE_HOST"} | {
        "KUBECONFIG": str(kubeconfig(stage.folder, api)),
        "POD_NAMESPACE": "ps",
        "LIVENESS_PORT": str(free_port()),
        "METRICS_PORT": str(metrics),
    }
    with (stage.folder / "operator.log").open("wb") as output:
        process = processes.start(
            [sys.executable, "-m", "parkingspots_operator"], output=output, environment=environment
        )
    try:
        yield f"{HOST}:{metrics}"
    finally:
        processes.stop(process, [(signal.SIGTERM, PATIENCE)])


class Pods(Collector):
    """What kube-state-metrics tells of the containers of one pod."""

    def __init__(self) -> None:
        self.is_broken = False
        self._looks, self._restarts = count(), 0

    def collect(self) -> Iterable[Metric]:
        waiting = GaugeMetricFamily("kube_pod_container_status_waiting_reason", "1.", labels=[*OF_POD, "reason"])
        ended = GaugeMetricFamily("kube_pod_container_status_last_terminated_reason", "1.", labels=[*OF_POD, "reason"])
        restarts = CounterMetricFamily("kube_pod_container_status_restarts", "So far.", labels=OF_POD)
        if self.is_broken and next(self._looks) % RUNS_EACH == 0:
            self._restarts += 1
        elif self.is_broken:
            waiting.add_metric([*POD, "CrashLoopBackOff"], 1)
        if self._restarts:
            ended.add_metric([*POD, "OOMKilled"], 1)
        restarts.add_metric(POD, self._restarts)
        return waiting, ended, restarts


@asynccontextmanager
async def a_pod(_: Stage) -> AsyncIterator[Scene]:
    pods, registry = Pods(), CollectorRegistry()
    registry.register(pods)

    async def tell(_: Request) -> PlainTextResponse:
        return PlainTextResponse(generate_latest(registry))

    @asynccontextmanager
    async def it_ends_again_and_again() -> AsyncIterator[None]:
        pods.is_broken = True
        yield
        pods.is_broken = False

    async with listening(Starlette(routes=[Route("/metrics", tell)])) as url:
        scraped = job("kube-state-metrics", url.removeprefix("http://"), {})
        yield Scene(it_ends_again_and_again, [{**scraped, "honor_labels": True}])


def job(name: str, address: str, labels: Mapping[str, str]) -> Mapping[str, Any]:
    return {"job_name": name, "static_configs": [{"targets": [address], "labels": labels}]}


DRILLS = (
    Drill(
        "migration",
        "a release's migration fails, as somebody holds a lock",
        "ParkingSpotsReleaseIsStalled",
        {"severity": "warning"},
        Promise(of_product=NOTICED_WITHIN),
        Shown("rollouts", "Releases that stand still"),
        Rows({"phase": "MigrationFailed"}, above=0),
        a_release,
    ),
    Drill(
        "crash",
        "a pod ends again and again",
        "ParkingSpotsPodsCrashLoop",
        {"severity": "warning"},
        Promise(of_rule=30),
        Shown("rollouts", "Containers that were restarted", Rows({"pod": POD[1]}, above=0)),
        Rows({"pod": POD[1], "container": POD[2]}, above=0),
        a_pod,
    ),
)
