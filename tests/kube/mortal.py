"""An operator that dies at one of its writes, and a life in which it makes all of them."""

import json
from collections.abc import Awaitable, Callable

from kube.cluster import Cluster
from kube.objects import Body
from kube.process import made_of
from parkingspots_operator.kubernetes import Kubernetes
from parkingspots_operator.objects import Object
from parkingspots_operator.release import Release

SAID = json.dumps({"from": "0018", "to": "0019"})
WRITES = 17
"""As many as an install and an upgrade make."""
WELL = {
    "Ready": "True",
    "Reconciling": "False",
    "Stalled": "False",
    "Migrated": "True",
    "RolledOut": "True",
    "CachePurged": "True",
}


class Killed(BaseException):
    """The process ends here, like this one would: nothing catches it."""


class Mortal(Kubernetes):
    """Dies at one of its writes: before it was sent, or after it was done and before the answer came."""

    def __init__(self, dies_at: int, *, having_written: bool) -> None:
        super().__init__("ps")
        self._left, self._having_written = dies_at, having_written

    async def create_job(self, job: Object) -> None:
        await self._write(lambda: super(Mortal, self).create_job(job))

    async def patch_status(self, release: Release, status: Object) -> None:
        await self._write(lambda: super(Mortal, self).patch_status(release, status))

    async def create_event(self, event: Object) -> None:
        await self._write(lambda: super(Mortal, self).create_event(event))

    async def _write(self, write: Callable[[], Awaitable[None]]) -> None:
        self._left -= 1
        if self._left == 0 and not self._having_written:
            raise Killed
        await write()
        if self._left == 0:
            raise Killed


async def live(cluster: Cluster, api: Kubernetes) -> None:
    """Install one release and upgrade to the next, doing what the cluster's controllers do."""
    async with api:
        operator = made_of(api)
        while cluster.phase() != "Ready" or cluster.status()["cache"]["current"] != "two":
            await operator.look()
            for job in cluster.unfinished():
                await cluster.finish(job, SAID)
            if cluster.phase() == "RollingOut":
                await cluster.roll_out(cluster.status()["cache"]["current"])
            elif cluster.phase() == "Ready" and cluster.status()["cache"]["current"] == "one":
                await cluster.upgrade(image="parkingspots:2", prefix="two", revision="0020")


async def live_and_be_killed(cluster: Cluster, write: int, *, having_written: bool) -> None:
    """Killed at that write, and started anew."""
    await cluster.install()
    try:
        await live(cluster, Mortal(write, having_written=having_written))
    except Killed:
        await live(cluster, Kubernetes("ps"))


def end(cluster: Cluster) -> Body:
    """What must be the same: everything but the times."""
    status = cluster.status()
    conditions = {each["type"]: each["status"] for each in status["conditions"]}
    history = [(entry["revision"], entry["result"]) for entry in status["history"]]
    return {"jobs": len(cluster.jobs()), "conditions": conditions, "history": history, "cache": status["cache"]}


GOOD_END: Body = {
    "jobs": 3,
    "conditions": WELL,
    "history": [("0019", "Succeeded"), ("0020", "Succeeded")],
    "cache": {"current": "two", "stale": [], "failed": []},
}
