"""The product under a short life, a Prometheus that watches it, and the chart."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import httpx
import pytest
from prometheus_client import generate_latest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from chart.conftest import chart, helm_program  # noqa: F401 - fixtures
from e2e.test_journey import served
from monitoring.mint import Mint
from monitoring.prometheus import Prometheus, program, watching
from monitoring.town import Town, founded
from parkingspots.dev.ports import free_port
from parkingspots.dev.postgres import postgres
from parkingspots.dev.valkey import valkey
from parkingspots.kit import migrating
from parkingspots.kit.database import Database
from parkingspots.settings import Settings
from parkingspots_operator.metrics import Metrics
from parkingspots_operator.reconcile import Result
from payments.cardholder import Cardholder
from payments.emulators import localstripe
from payments.listening import listening
from payments.product_at_stripe import asked_at, paying
from payments.standin import KEY, StandIn, standing_in

API, OPERATOR = {"namespace": "town", "pod": "api-1", "container": "api"}, {"namespace": "town", "pod": "operator-1"}
"""The labels that a cluster adds. A machine of its own adds none."""


@pytest.fixture(scope="session")
def prometheus_program() -> str:
    return program()


@pytest.fixture(scope="session")
def stripe_of_the_town(prometheus_program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    del prometheus_program  # without it there is nobody to watch
    with localstripe(tmp_path_factory.mktemp("stripe")) as url:
        yield url


@pytest.fixture(scope="session")
async def stripe(stripe_of_the_town: str) -> AsyncIterator[StandIn]:
    async with standing_in(stripe_of_the_town) as stand_in:
        yield stand_in


@pytest.fixture(scope="session")
def servers_of_the_town(prometheus_program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings with a PostgreSQL and a Valkey of its own: it lives on while other tests empty theirs."""
    del prometheus_program
    with postgres(tmp_path_factory.mktemp("pg"), durable=False) as data, valkey(tmp_path_factory.mktemp("vk")) as kept:
        settings = Settings(
            _env_file=None,
            database_url=data.url,
            redis_url=kept.url,
            skip_payment_processing=False,
            stripe_secret_key=SecretStr(KEY),
            stripe_webhook_secret=SecretStr("whsec_of_the_town_000000"),
            metrics_port=free_port(),
        )
        asyncio.run(migrating.upgrade(settings))
        yield settings


@pytest.fixture(scope="session")
async def town(
    servers_of_the_town: Settings, stripe: StandIn, stripe_of_the_town: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Town]:
    """Served by a process as in a pod, with its metrics on a port of their own."""
    settings = servers_of_the_town.model_copy(update={"stripe_api_base": stripe.url})
    environment = paying(settings) | {
        "METRICS_PORT": str(settings.metrics_port),
        "RATE_LIMIT_BOOKINGS": "900 per minute",
    }
    log = tmp_path_factory.mktemp("town") / "server.log"
    asked = httpx.AsyncClient(base_url=stripe_of_the_town, headers={"Authorization": f"Bearer {KEY}"})
    database = Database(settings)
    with served(settings, log, **environment) as (url, _):
        async with asked_at(url) as api, asked:
            yield await founded(api, url, settings, stripe, Cardholder(asked), database)
    await database.aclose()


@pytest.fixture(scope="session")
def operator_metrics() -> Metrics:
    """What an operator tells that has one release at rest and one that is being migrated."""
    metrics = Metrics()
    metrics.in_phase("parkingspots", "Ready")
    metrics.in_phase("other", "Migrating")
    return metrics


@pytest.fixture(scope="module")
async def watched(
    town: Town, operator_metrics: Metrics, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Prometheus]:
    """It has seen all of it, and the town lives on."""
    mint = Mint()

    async def tell_operator(_: Request) -> PlainTextResponse:
        for result in Result:
            operator_metrics.reconciled(result, 0.02)
        return PlainTextResponse(generate_latest(operator_metrics.registry))

    async def tell_mint(request: Request) -> PlainTextResponse:
        return PlainTextResponse(generate_latest(mint.registry(request.path_params["pod"])))

    others = Starlette(routes=[Route("/operator", tell_operator), Route("/mint/{pod}", tell_mint)])
    async with listening(others) as url:
        there = url.removeprefix("http://")
        api = f"127.0.0.1:{town.settings.metrics_port}"
        jobs = [
            {"job_name": "parkingspots", "static_configs": [{"targets": [api], "labels": API}]},
            {
                "job_name": "operator",
                "metrics_path": "/operator",
                "static_configs": [{"targets": [there], "labels": OPERATOR}],
            },
            {"job_name": "one-machine", "static_configs": [{"targets": [api]}]},
            {"job_name": "mint", "static_configs": [minting(there, pod) for pod in Mint.PODS]},
        ]
        with watching(tmp_path_factory.mktemp("prometheus"), jobs) as prometheus:
            await town.look()
            await town.guess()
            await town.live()
            over = asyncio.Event()
            life = asyncio.create_task(town.go_on(over))
            yield prometheus
            over.set()  # a cancellation may be lost in a step that fails at the same moment
            await life


def minting(there: str, pod: str) -> Mapping[str, Any]:
    """A pod that is scraped at a path of its own."""
    return {"targets": [there], "labels": {"namespace": "mint", "pod": pod, "__metrics_path__": f"/mint/{pod}"}}
