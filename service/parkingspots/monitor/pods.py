"""The API's pods in a namespace, by kubectl, as they come and go."""

import asyncio
import json
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any

from parkingspots.monitor.forward import Forward
from parkingspots.monitor.targets import NoTarget, Target

SELECTOR = "app.kubernetes.io/part-of=parkingspots,app.kubernetes.io/component=api"
LOOK_EVERY = 5.0  # seconds between two looks at which pods there are
PATIENCE = 10.0  # seconds for kubectl to list pods
CONNECTING = 5.0  # seconds that a look waits for new pods to be connected


class Pods:
    """Targets by kubectl: one pod each, through a port of this machine."""

    def __init__(self, namespace: str, context: str | None = None) -> None:
        chosen = [f"--context={context}"] if context else []
        self._kubectl = ["kubectl", *chosen, f"--namespace={namespace}"]
        self._namespace = namespace
        self._phases: Mapping[str, str] = {}
        self._forwards: dict[str, Forward] = {}
        self._looked_at = float("-inf")

    async def targets(self) -> Sequence[Target]:
        if monotonic() - self._looked_at >= LOOK_EVERY:
            self._phases = await self._list()
            self._looked_at = monotonic()
            await self._follow()
        return [self._target(pod) for pod in sorted(self._phases)]

    async def aclose(self) -> None:
        await asyncio.gather(*(forward.aclose() for forward in self._forwards.values()))

    async def _follow(self) -> None:
        """Connect those that run, and let go of those that are gone."""
        running = {pod for pod, phase in self._phases.items() if phase == "Running"}
        over = [pod for pod, forward in self._forwards.items() if pod not in running or forward.has_ended]
        await asyncio.gather(*(self._forwards.pop(pod).aclose() for pod in over))
        new = {pod: Forward(self._kubectl, pod) for pod in running - self._forwards.keys()}
        self._forwards |= new
        if new:
            await asyncio.wait([asyncio.create_task(each.settle()) for each in new.values()], timeout=CONNECTING)

    def _target(self, pod: str) -> Target:
        forward = self._forwards.get(pod)
        if forward is None:
            return Target(pod, "", trouble=f"it is {self._phases[pod].lower()}")
        if forward.port is None:
            return Target(pod, "", trouble=forward.trouble or "it is being connected")
        return Target(pod, f"http://127.0.0.1:{forward.port}/metrics")

    async def _list(self) -> Mapping[str, str]:
        """The pods' phases by their names."""
        command = [*self._kubectl, "get", "pods", f"--selector={SELECTOR}", "--output=json"]
        try:
            process = await asyncio.create_subprocess_exec(*command, stdin=DEVNULL, stdout=PIPE, stderr=PIPE)
        except OSError as error:
            raise NoTarget(f"--namespace needs kubectl, which cannot be run: {error.strerror}.") from None
        try:
            async with asyncio.timeout(PATIENCE):
                output, errors = await process.communicate()
        except TimeoutError:
            raise NoTarget(f"kubectl did not list the pods within {PATIENCE:g} s.") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            said = (errors.decode(errors="replace").strip().splitlines() or ["it says nothing"])[-1]
            raise NoTarget(f"kubectl cannot list the pods of namespace {self._namespace}: {said}")
        pods: list[dict[str, Any]] = json.loads(output)["items"]
        if not pods:
            raise NoTarget(f"There are no pods of ParkingSpots' API in namespace {self._namespace}.")
        return {pod["metadata"]["name"]: _phase(pod) for pod in pods}


def _phase(pod: Mapping[str, Any]) -> str:
    return str(pod.get("status", {}).get("phase", "Unknown"))
