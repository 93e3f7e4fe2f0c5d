"""The process as a pod runs it: kopf's streams, probes, signals, and an API server that comes and goes."""

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from kube.cluster import Cluster
from kube.objects import NAME
from kube.process import PATIENCE, until
from parkingspots.dev.ports import free_port

ROOT = Path(__file__).parents[2]


@dataclass
class Process:
    running: asyncio.subprocess.Process
    liveness: int
    metrics: int
    said: list[str] = field(default_factory=list)

    async def read(self) -> None:
        assert self.running.stdout is not None
        async for line in self.running.stdout:
            self.said.append(line.decode())

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.said]

    async def ask(self, port: int, path: str) -> tuple[int, str]:
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}{path}") as response:
            return response.status, await response.text()

    async def end(self) -> int:
        self.running.terminate()
        async with asyncio.timeout(PATIENCE):
            return await self.running.wait()


@asynccontextmanager
async def running() -> AsyncIterator[Process]:
    """One process, which has begun."""
    liveness, metrics = free_port(), free_port()
    environment = {**os.environ, "POD_NAMESPACE": "ps", "LIVENESS_PORT": str(liveness), "METRICS_PORT": str(metrics)}
    command = (sys.executable, "-m", "parkingspots_operator")
    started = await asyncio.create_subprocess_exec(
        *command, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    process = Process(started, liveness, metrics)
    reading = asyncio.create_task(process.read())
    try:
        await until(lambda: any("operator started" in line for line in process.said) or started.returncode is not None)
        yield process
    finally:
        if started.returncode is None:
            started.kill()
            await started.wait()
        await reading


async def test_changes_are_taken_up_at_once_and_only_what_the_role_allows_is_asked(cluster: Cluster) -> None:
    async with running() as process:
        await cluster.install()
        await until(lambda: cluster.phase() == "Migrating")
        await cluster.finish(cluster.unfinished()[0])
        await until(lambda: cluster.phase() == "RollingOut")
        await cluster.roll_out("one")
        await until(lambda: cluster.phase() == "Ready")
        await cluster.annotate("purge-cache", "monday")
        await until(cluster.unfinished)
        await cluster.finish(cluster.unfinished()[0])
        await until(lambda: cluster.status()["tokens"]["purgeCache"] == "monday")
        assert await process.ask(process.liveness, "/healthz") == (200, '{"complaints": []}')
        _, metrics = await process.ask(process.metrics, "/metrics")
        assert f'release_phase{{phase="Ready",release="{NAME}"}} 1.0' in metrics
        assert await process.end() == 0
    rules = yaml.safe_load((ROOT / "operator" / "rbac.yaml").read_text())["rules"]
    allowed = {
        (verb, group, resource)
        for rule in rules
        for verb in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
    assert cluster.api.verbs() == allowed
    assert "Traceback" not in "".join(process.said)
    metadata = cluster.api.objects["releases"][NAME]["metadata"]
    assert "finalizers" not in metadata
    assert set(metadata["annotations"]) == {"parkingspots.dev/purge-cache"}


async def test_the_api_server_may_be_away_without_a_restart_or_a_traceback(cluster: Cluster) -> None:
    async with running() as process:
        await cluster.install()
        await until(lambda: cluster.phase() == "Migrating")
        await cluster.api.go_away()
        await cluster.api.edit("jobs", cluster.jobs()[0], lambda body: body.update(status=_complete()))
        await until(lambda: cluster.api.turned_away > 15)
        assert (await process.ask(process.liveness, "/healthz"))[0] == 200
        cluster.api.come_back()
        await until(lambda: cluster.phase() == "RollingOut")
        await cluster.roll_out("one")
        await until(lambda: cluster.phase() == "Ready")
        assert await process.end() == 0
    said = [line for line in process.lines() if "cannot be used" in line["event"]]
    assert len(said) <= 1
    assert "Traceback" not in "".join(process.said)


def _complete() -> dict[str, Any]:
    return {"conditions": [{"type": "Complete", "status": "True"}]}


async def test_a_process_that_was_killed_is_followed_by_one_that_goes_on(cluster: Cluster) -> None:
    async with running() as process:
        await cluster.install()
        await until(lambda: cluster.phase() == "Migrating")
        process.running.kill()
    await cluster.finish(cluster.jobs()[0])
    await cluster.roll_out("one")
    async with running():
        await until(lambda: cluster.phase() == "Ready")
    assert len(cluster.jobs()) == 1


async def test_logs_are_lines_of_json(cluster: Cluster) -> None:
    async with running() as process:
        await until(lambda: ("watch", "", "pods") in cluster.api.calls)
        await process.end()
    assert [line["event"] for line in process.lines()] == ["operator started", "operator stopped"]
    assert all(re.fullmatch(r"\d{4}-.*Z", line["timestamp"]) for line in process.lines())


async def test_without_the_definition_it_says_what_to_do(cluster: Cluster) -> None:
    cluster.api.is_defined = False
    async with running() as process:
        assert await process.running.wait() == 1
    assert "".join(process.said) == (
        "parkingspots-operator: The cluster has no CustomResourceDefinition releases.parkingspots.dev: "
        "kubectl apply --server-side --field-manager helm --force-conflicts -f charts/parkingspots/crds/\n"
    )


async def test_it_may_start_while_the_api_server_is_away(cluster: Cluster) -> None:
    await cluster.install()
    await cluster.api.go_away()
    async with running() as process:
        await until(lambda: cluster.api.turned_away > 5)
        cluster.api.come_back()
        await until(lambda: cluster.phase() == "Migrating")
    assert "Traceback" not in "".join(process.said)
