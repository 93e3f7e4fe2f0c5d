"""Whether the service lives, is ready, and how it is."""

from functools import partial
from typing import Annotated, Literal, cast

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import ConfigDict
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from parkingspots import __version__
from parkingspots.kit.cache import Cache
from parkingspots.kit.database import Database
from parkingspots.kit.dependencies import ProbeDatabase
from parkingspots.kit.exposition import exposition
from parkingspots.kit.job_runs import FIGURES
from parkingspots.kit.problems import Unavailable, problems
from parkingspots.kit.schema import objection
from parkingspots.kit.single_flight import SingleFlight
from parkingspots.kit.wire import Wire

UNREACHABLE = "The database cannot be reached."

router = APIRouter(tags=["service"])
metrics = APIRouter()
"""With METRICS_PORT on a port of its own, that no Ingress leads to."""


class Health:
    """What is looked at for all who ask: nobody counts how often that is, and one connection is there for it."""

    def __init__(self, database: Database, cache: Cache) -> None:
        self.objection = SingleFlight(partial(_objection, database))
        """None where the database can be used, or a sentence."""
        self.cache_is_there = SingleFlight(cache.is_there)


def install(app: FastAPI, database: Database, cache: Cache) -> None:
    app.state.health = Health(database, cache)


async def _health(request: Request) -> Health:
    return cast("Health", request.app.state.health)


CurrentHealth = Annotated[Health, Depends(_health)]


class ServiceOut(Wire):
    model_config = ConfigDict(
        title="Service",
        json_schema_extra={
            "examples": [{"name": "ParkingSpots API", "version": __version__, "docs": "/docs", "api": "/api/v1"}]
        },
    )

    name: str = "ParkingSpots API"
    version: str = __version__
    docs: str = "/docs"
    api: str = "/api/v1"


class StatusOut(Wire):
    model_config = ConfigDict(title="Alive", json_schema_extra={"examples": [{"status": "ok"}]})

    status: Literal["ok"] = "ok"


class HealthOut(Wire):
    """`degraded`: slower, but every answer is right. `down`: requests that need the database get 503."""

    model_config = ConfigDict(
        title="Health",
        json_schema_extra={
            "examples": [{"status": "healthy", "database": "ok", "cache": "ok", "detail": None, "version": __version__}]
        },
    )

    status: Literal["healthy", "degraded", "down"]
    database: Literal["ok", "down"]
    cache: Literal["ok", "down"]
    detail: str | None
    version: str = __version__


@router.get("/")
async def read_service() -> ServiceOut:
    """What this is, and where its documentation lies."""
    return ServiceOut()


@router.get("/livez")
async def read_liveness() -> StatusOut:
    """The process answers. Looks at neither the database nor the cache: restarting would not mend them."""
    return StatusOut()


@router.get("/readyz", responses=problems(Unavailable))
async def read_readiness(health: CurrentHealth) -> StatusOut:
    """Requests may come: the database can be reached and has a schema that this release knows."""
    reason = await health.objection()
    if reason:
        raise Unavailable(reason)
    return StatusOut()


@router.get("/health")
async def read_health(health: CurrentHealth) -> HealthOut:
    """How the service and what it stands on are. Always 200: it reports, /readyz decides."""
    reason, cached = await health.objection(), await health.cache_is_there()
    return HealthOut(
        status="down" if reason else "healthy" if cached else "degraded",
        database="down" if reason else "ok",
        cache="ok" if cached else "down",
        detail=reason,
    )


@metrics.get("/metrics", include_in_schema=False)
async def read_metrics(database: ProbeDatabase) -> Response:
    """What this process counts, and how the minute job does, for Prometheus."""
    await FIGURES.refresh(database)
    return Response(exposition(FIGURES), media_type=CONTENT_TYPE_LATEST)


async def _objection(database: Database) -> str | None:
    try:
        async with database.reader() as session:
            return await objection(session)
    except (DBAPIError, PoolTimeout, OSError):
        return UNREACHABLE
