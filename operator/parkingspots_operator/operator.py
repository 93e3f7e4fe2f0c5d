"""The process: the rounds, kopf's streams beside them, and what is asked from outside."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import kopf
import structlog

from parkingspots_operator import __version__, watching
from parkingspots_operator.kubernetes import Kubernetes, Missing, Refused, Unavailable
from parkingspots_operator.metrics import Metrics
from parkingspots_operator.reconcile import Reconciler
from parkingspots_operator.rounds import Pace, Rounds
from parkingspots_operator.serving import serving
from parkingspots_operator.watched import Watched

IDENTITY: Any = "parkingspots-operator"
"""kopf would look up the user's name, which a pod's user has not."""

log = structlog.get_logger(__name__)


class NoDefinition(Exception):  # noqa: N818 - a sentence for a person at a terminal
    """The cluster does not know what a Release is."""


@dataclass(frozen=True)
class Settings:
    namespace: str
    liveness_port: int = 8080
    metrics_port: int = 9090
    pace: Pace = field(default_factory=Pace)


async def run(settings: Settings, stop: asyncio.Event | None = None) -> None:
    """Until a signal comes or `stop` is set. Raises NoDefinition, NoCluster, or OSError where a port is taken."""
    watched, metrics = Watched(), Metrics()
    async with Kubernetes(settings.namespace) as api:
        rounds = Rounds(api, Reconciler(api), watched, metrics, settings.pace)
        await _require_definition(api)
        async with serving(rounds, watched, metrics, settings.liveness_port, settings.metrics_port):
            log.info("operator started", namespace=settings.namespace, version=__version__)
            await _side_by_side(rounds, watched, settings.namespace, stop)
    log.info("operator stopped")


async def _require_definition(api: Kubernetes) -> None:
    """kopf looks for what it may watch once, so a definition that comes later would not be seen."""
    try:
        await api.releases()
    except Missing as error:
        raise NoDefinition(
            "The cluster has no CustomResourceDefinition releases.parkingspots.dev: "
            "kubectl apply --server-side --field-manager helm --force-conflicts -f charts/parkingspots/crds/"
        ) from error
    except (Unavailable, Refused) as error:
        log.warning("the API server cannot be used yet", error=str(error))


async def _side_by_side(rounds: Rounds, watched: Watched, namespace: str, stop: asyncio.Event | None) -> None:
    """Whichever of the two ends, ends the other."""
    working = asyncio.create_task(rounds.run(), name="rounds")
    streams = asyncio.create_task(
        kopf.operator(
            registry=watching.registry(watched, rounds.mark),
            settings=watching.settings(),
            namespaces=[namespace],
            standalone=True,
            identity=IDENTITY,
            stop_flag=stop,
        ),
        name="streams",
    )
    try:
        await asyncio.wait({working, streams}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (working, streams):
            task.cancel()
        ended = await asyncio.gather(working, streams, return_exceptions=True)
    if error := next((each for each in ended if isinstance(each, Exception)), None):
        raise error
