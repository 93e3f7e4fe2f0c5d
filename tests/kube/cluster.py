"""The stand-in with what users, the Job controller and the Deployment controller do to it."""

from dataclasses import dataclass
from typing import Any

from kube.api import StandIn
from kube.objects import NAME, Body, deployment, ended, job_pod, job_status, release, serving_pod
from parkingspots_operator.release import JOB_LABEL


@dataclass(frozen=True)
class Cluster:
    api: StandIn

    async def install(self, name: str = NAME, **about: Any) -> None:
        await self.api.put("releases", _new(release(name, **about)))

    async def upgrade(self, name: str = NAME, **about: Any) -> None:
        await self.api.edit("releases", name, lambda body: body.update(spec=release(name, **about)["spec"]))

    async def annotate(self, what: str, token: str, name: str = NAME) -> None:
        def change(body: Body) -> None:
            body["metadata"]["annotations"] = {f"parkingspots.dev/{what}": token}

        await self.api.edit("releases", name, change)

    async def roll_out(self, prefix: str, **about: Any) -> None:
        """The Deployment is of this prefix, with a pod, and no other pod is left."""
        for name, pod in list(self.api.objects["pods"].items()):
            if pod["metadata"]["labels"].get("app") == "api":
                await self.api.delete("pods", name)
        await self.api.put("pods", serving_pod(f"pod-{prefix}", prefix))
        await self.api.put("deployments", deployment(prefix=prefix, **about))

    async def finish(self, job: str, said: str = "") -> None:
        await self._end(job, job_status("Complete"), "Succeeded", said)

    async def fail(self, job: str, said: str = "it went wrong") -> None:
        await self._end(job, job_status("Failed"), "Failed", said)

    async def _end(self, job: str, status: Body, phase: str, said: str) -> None:
        await self.api.put("pods", job_pod(job, phase=phase, state=ended(said)))
        await self.api.edit("jobs", job, lambda body: body.update(status=status))

    def status(self, name: str = NAME) -> Body:
        found: Body = self.api.objects["releases"][name]["status"]
        return found

    def condition(self, kind: str, name: str = NAME) -> Body:
        found: list[Body] = [each for each in self.status(name).get("conditions", []) if each["type"] == kind]
        return found[0] if found else {}

    def phase(self, name: str = NAME) -> str | None:
        return self.condition("Ready", name).get("reason")

    def jobs(self, kind: str = "") -> list[str]:
        """In the order in which they were made."""
        of = self.api.objects["jobs"].items()
        return [name for name, body in of if kind in {"", body["metadata"]["labels"].get(JOB_LABEL)}]

    def unfinished(self) -> list[str]:
        return [name for name, body in self.api.objects["jobs"].items() if not body.get("status")]

    def told(self) -> list[str]:
        """The reasons of the events, in order."""
        return [body["reason"] for body in self.api.objects["events"].values()]


def _new(body: Body) -> Body:
    metadata = {key: value for key, value in body["metadata"].items() if key not in {"uid", "resourceVersion"}}
    return {**body, "metadata": metadata}
