"""An operator without kopf: a look at the stand-in each time that a test asks for one."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from parkingspots_operator.kubernetes import Kubernetes
from parkingspots_operator.metrics import Metrics
from parkingspots_operator.reconcile import Reconciler
from parkingspots_operator.rounds import Rounds
from parkingspots_operator.watched import Watched

PATIENCE = 30.0
"""Seconds that a busy machine may take."""


async def until(condition: Callable[[], object]) -> None:
    """Wait for what a test cannot be told of."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - it may hold in another process
            await asyncio.sleep(0.02)


@dataclass(frozen=True)
class Operator:
    rounds: Rounds
    metrics: Metrics
    watched: Watched

    async def look(self, times: int = 1) -> float:
        """The seconds until the next look."""
        pause = 0.0
        for _ in range(times):
            pause = await self.rounds.once()
        return pause

    def metric(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"parkingspots_operator_{name}", labels)


def made_of(api: Kubernetes) -> Operator:
    watched, metrics = Watched(), Metrics()
    return Operator(Rounds(api, Reconciler(api, lambda: datetime.now(UTC)), watched, metrics), metrics, watched)


@asynccontextmanager
async def started() -> AsyncIterator[Operator]:
    """A process that knows nothing but the cluster."""
    async with Kubernetes("ps") as api:
        yield made_of(api)
