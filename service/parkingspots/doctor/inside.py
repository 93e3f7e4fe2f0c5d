"""The settings of a cluster's pods are in the pods: there the doctor is called in, and what it finds is told here."""

import asyncio
import json
from collections.abc import Sequence

from parkingspots.doctor import cluster
from parkingspots.doctor.cluster import Several
from parkingspots.doctor.examining import Line
from parkingspots.doctor.finding import Finding, State, ended, fail
from parkingspots.doctor.kubectl import Kubectl, KubectlError
from parkingspots.doctor.world import World

NAME = "pod"
PATIENCE = 90.0  # seconds for all of it: a node that has gone away is never heard of again


async def examine(world: World, groups: Sequence[str]) -> list[Line]:
    """What the doctor finds from inside a pod of the API; one line where it cannot get there."""
    client = cluster.kubectl(world)
    try:
        async with asyncio.timeout(PATIENCE):
            return await _examine(client, world, groups)
    except TimeoutError:
        says = f"The checks inside a pod were given up after {PATIENCE:g} s."
        return [_one_line(fail(says, client.command("get", "pods", "--output=wide")))]


async def _examine(client: Kubectl, world: World, groups: Sequence[str]) -> list[Line]:
    try:
        api = await world.once(cluster.deployment)
        target = f"deployment/{api['metadata']['name']}"
        pods = world.options.pods or await cluster.most_pods(world)
        code, output, errors = await client.inside(target, "api", _command(groups, pods, online=world.options.online))
    except (KubectlError, Several) as error:
        mend = client.command("get", "deployments", "--selector", cluster.PART_OF)
        return [_one_line(fail(ended(f"No pod could be looked for: {error}"), mend))]
    try:
        checks = json.loads(output)["checks"]
        return [_line(each) for each in checks]
    except (ValueError, KeyError, TypeError):
        said = (errors.strip().splitlines() or [f"exit code {code}"])[-1].removeprefix("error: ")
        logs = client.command("logs", target, "--all-containers", "--tail=20")
        return [_one_line(fail(ended(f"The checks inside a pod could not be made: {said}"), logs))]


def _command(groups: Sequence[str], pods: int | None, *, online: bool) -> list[str]:
    only = [word for group in groups for word in ("--only", group)]
    sizes = ["--pods", str(pods)] if pods else []
    return ["parkingspots", "doctor", "--json", *sizes, *(["--online"] if online else []), *only]


def _line(check: dict[str, str]) -> Line:
    finding = Finding(State(check["state"]), str(check["says"]), check["mend"])
    return Line(check["group"], check["check"], finding)


def _one_line(finding: Finding) -> Line:
    return Line(NAME, NAME, finding)
