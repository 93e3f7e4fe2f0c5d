"""No secret of the product or of its users turns up where it is not meant to: not in logs, answers, metrics or `ps`.

One run of everything, with what goes wrong in real life, under the most talkative log level.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import make_url

from conftest import empty
from gate import Gate, with_gate
from parkingspots.dev.ports import free_port
from parkingspots.kit.database import Database
from parkingspots.settings import Settings
from payments.listening import listening
from product import SPOT
from security.canaries import Canaries, Stripe, angry_smtp, canary, command_lines
from security.programs import run, serving

JOB = ("parkingspots_lifecycle", "run")


@dataclass
class Evidence:
    """All that the run has left, by where it can be read."""

    canaries: Canaries = field(default_factory=Canaries)
    logs: str = ""
    answers: str = ""
    """But for those that give tokens, or a client's secret of a payment."""
    metrics: str = ""
    processes: str = ""
    terminals: dict[str, str] = field(default_factory=dict)


@dataclass
class Visitor:
    """Sends what people send, and keeps what they get."""

    client: httpx.AsyncClient
    evidence: Evidence
    statuses: set[int] = field(default_factory=set)

    async def send(self, method: str, path: str, **how: Any) -> httpx.Response:
        answer = await self.client.request(method, f"/api/v1{path}", **how)
        self.statuses.add(answer.status_code)
        return answer

    async def keep(self, method: str, path: str, **how: Any) -> Any:
        """The same where nothing secret may come back."""
        answer = await self.send(method, path, **how)
        self.evidence.answers += f"{method} {path} {answer.status_code} {answer.headers} {answer.text}\n"
        return answer.json()


def _environment(settings: Settings, canaries: Canaries, **of_servers: str) -> dict[str, str]:
    """Every secret setting is a canary; those of the two servers are what the servers ask for."""
    canaries.plant("database", str(make_url(settings.database_url.get_secret_value()).password))
    canaries.plant("cache", str(make_url(settings.cache_url).password))
    secret = {
        name: canaries.plant(name)
        for name in (
            *("SECRET_KEY", "SECRET_KEY_PREVIOUS", "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"),
            *("DATABASE_PASSWORD", "REDIS_PASSWORD"),
        )
    }
    smtp, collector = canaries.plant("smtp"), canaries.plant("collector")
    return {
        **os.environ,
        **secret,
        **of_servers,
        "SMTP_URL": f"smtp://maria:{smtp}@{of_servers['SMTP_URL']}",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"maria:{collector}@127.0.0.1:4318",
        "OTEL_EXPORTER_OTLP_HEADERS": f"api-key={canaries.plant('collector key')}",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "ENVIRONMENT": "evaluation",
        "SKIP_PAYMENT_PROCESSING": "false",
        "RATE_LIMIT_LOGINS": "100 per minute",
        "LOG_LEVEL": "debug",
        "REQUEST_LOG_SHARE": "1",
    }


@pytest.fixture(scope="module")
async def evidence(
    settings: Settings, database: Database, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Evidence]:
    evidence, folder = Evidence(), tmp_path_factory.mktemp("secrets")
    stripe = Stripe(evidence.canaries.plant("client's secret of a payment"))
    async with AsyncExitStack() as stack:
        of_database, near = await stack.enter_async_context(
            with_gate(settings.database_url.get_secret_value(), free_port())
        )
        of_valkey, cache = await stack.enter_async_context(with_gate(settings.cache_url, free_port()))
        environment = _environment(
            settings,
            evidence.canaries,
            DATABASE_URL=near,
            REDIS_URL=cache,
            STRIPE_API_BASE=await stack.enter_async_context(listening(stripe.application())),
            SMTP_URL=await stack.enter_async_context(angry_smtp()),
        )
        async with serving(environment, folder) as (client, process, server):
            visitor = Visitor(client, evidence)
            await _live(visitor, stripe)
            await _break(visitor, of_database, of_valkey)
            await _run_programs(environment, folder, evidence, str(client.base_url))
            evidence.metrics = (await client.get("/metrics")).text
            evidence.processes += command_lines(os.getpid(), process)
        evidence.logs = server.written
    assert {200, 201, 400, 401, 409, 422, 503} <= visitor.statuses
    yield evidence
    async with database.reader() as session:
        await empty(session)


async def _live(visitor: Visitor, stripe: Stripe) -> None:
    """What people do, and do wrong."""
    plant, keep = visitor.evidence.canaries.plant, visitor.keep
    account = {"email": "maria@example.com", "password": plant("password"), "full_name": "Maria"}
    await keep("POST", "/auth/register", json=account)
    await keep("POST", "/auth/register", json=account)
    await keep("POST", "/auth/register", json=account | {"email": 7, "phone_number": account["password"]})
    await keep("POST", "/auth/login", json=account | {"password": plant("wrong password")})
    await keep("POST", "/auth/login", data={"username": plant("wrong name"), "password": plant("password in a form")})
    await keep("POST", "/auth/login", content=f'{{"email": "a", "password": "{plant("password in no JSON")}"')
    await keep("POST", "/auth/login", json=[plant("password in a list")])
    await keep("GET", "/users/me", params={"access_token": plant("token in a query")})
    await keep("GET", "/users/me", headers={"Authorization": f"Bearer {plant('token of nobody')}"})
    await keep("GET", "/users/me", headers={"Cookie": f"session={plant('cookie')}"})
    tokens = (await visitor.send("POST", "/auth/login", json=account)).json()
    headers = {"Authorization": f"Bearer {plant('access token', tokens['access_token'])}"}
    await keep("POST", "/auth/forgot-password", json={"email": account["email"]})
    for path in ("reset-password", "verify-email"):
        await keep("POST", f"/auth/{path}", json={"token": plant(path), "new_password": plant(f"new, {path}")})
    await keep("POST", "/auth/refresh", json={"refresh_token": plant("token to refresh of nobody")})
    change = {"current_password": plant("wrong current password"), "new_password": plant("new password")}
    await keep("POST", "/users/me/change-password", json=change, headers=headers)
    await keep("POST", "/users/me/change-password", json=change | {"new_password": ["x"]}, headers=headers)
    await _pay(visitor, stripe, account, headers)
    await visitor.send("POST", "/auth/refresh", json={"refresh_token": plant("refresh", tokens["refresh_token"])})
    await keep("POST", "/auth/logout", json={"refresh_token": tokens["refresh_token"]}, headers=headers)


async def _pay(visitor: Visitor, stripe: Stripe, owner: dict[str, str], headers: dict[str, str]) -> None:
    keep = visitor.keep
    spot = await keep("POST", "/parking-spots/", json=SPOT, headers=headers)
    renter = owner | {"email": "nikos@example.com"}
    await keep("POST", "/auth/register", json=renter)
    token = (await visitor.send("POST", "/auth/login", json=renter)).json()["access_token"]
    mine = {"Authorization": f"Bearer {token}"}
    start = datetime.now(UTC) + timedelta(hours=1)
    times = {"start_time": start.isoformat(), "end_time": (start + timedelta(hours=1)).isoformat()}
    booking = await keep("POST", "/bookings/", json={"parking_spot_id": spot["id"], **times}, headers=mine)
    wish = {"json": {"booking_id": booking["id"]}, "headers": mine}
    begun = await visitor.send("POST", "/payments/create-payment-intent", **wish)
    assert begun.json()["client_secret"] == stripe.client_secret
    await keep("POST", "/payments/confirm-payment?payment_intent_id=pi_1", headers=mine)
    stripe.is_angry = True
    await keep("POST", "/payments/create-payment-intent", **wish)
    await keep("POST", "/payments/confirm-payment?payment_intent_id=pi_1", headers=mine)
    account = {"country": "GR", "business_type": "individual"}
    await keep("POST", "/payments/connect/create-account", json=account, headers=headers)
    signature = {"Stripe-Signature": f"t=1,v1={visitor.evidence.canaries.plant('signature')}"}
    await keep("POST", "/payments/webhook", content="{}", headers=signature)


async def _break(visitor: Visitor, *gates: Gate) -> None:
    """Each server goes away for some requests."""
    guess = {"email": "maria@example.com", "password": visitor.evidence.canaries.plant("password in an outage")}
    headers = {"Authorization": f"Bearer {visitor.evidence.canaries.known['access token']}"}
    for gate in gates:
        gate.close()
        await visitor.keep("POST", "/auth/login", json=guess)
        await visitor.keep("GET", "/users/me", headers=headers)
        await visitor.keep("GET", "/parking-spots/")
        for path in ("/health", "/readyz", "/livez"):
            visitor.evidence.answers += (await visitor.client.get(path)).text
        gate.open()


async def _run_programs(environment: dict[str, str], folder: Path, evidence: Evidence, url: str) -> None:
    """Those of the product that end by themselves, with what they need and without it."""
    port = str(make_url(environment["DATABASE_URL"]).port)
    password = evidence.canaries.plant("refused password")
    refused = environment | {"DATABASE_URL": f"postgresql://maria:{password}@127.0.0.1:{port}/parkingspots"}
    programs: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
        "minute job": (environment, JOB),
        "ledger check": (environment, ("parkingspots", "ledger", "check")),
        "monitor": (environment, ("parkingspots", "monitor", "--once", "--interval", "0.5", url)),
        "minute job, refused": (refused, JOB),
        "doctor, refused": (refused, ("parkingspots", "doctor", "--json")),
        "migrate, refused": (refused, ("parkingspots", "migrate", "upgrade")),
    }
    ended = await asyncio.gather(*(run(with_what, folder, *module) for with_what, module in programs.values()))
    for name, ran in zip(programs, ended, strict=True):
        evidence.terminals[name] = ran.written
        evidence.processes += ran.shown


def test_the_run_went_wrong_in_all_the_ways_that_were_meant(evidence: Evidence) -> None:
    for said in ("letter not sent", "traces cannot be delivered", "database unreachable", "counts alone until Valkey"):
        assert said in evidence.logs
    assert 'outcome="away"' in evidence.metrics
    assert "password authentication failed" in evidence.terminals["migrate, refused"]
    assert all(evidence.terminals.values())


def test_no_secret_is_in_the_log(evidence: Evidence) -> None:
    assert evidence.canaries.found_in(evidence.logs) == set()
    assert "token=" not in evidence.logs


def test_no_secret_is_in_an_answer_that_is_not_about_it(evidence: Evidence) -> None:
    assert evidence.canaries.found_in(evidence.answers) == set()


def test_no_secret_is_in_the_metrics(evidence: Evidence) -> None:
    assert evidence.canaries.found_in(evidence.metrics) == set()


def test_no_program_writes_a_secret(evidence: Evidence) -> None:
    found = {name: evidence.canaries.found_in(said) for name, said in evidence.terminals.items()}
    assert {name: secrets for name, secrets in found.items() if secrets} == {}


def test_ps_shows_no_secret(evidence: Evidence) -> None:
    assert "parkingspots serve" in evidence.processes
    assert evidence.canaries.found_in(evidence.processes) == set()


def test_canaries_are_found_however_they_are_written() -> None:
    canaries = Canaries()
    secret = canaries.plant("one", canary("a/b c"))
    assert canaries.found_in(f"x{secret}y") == {"one"}
    assert canaries.found_in(secret.replace("/", "%2F").replace(" ", "%20")) == {"one"}
    assert canaries.found_in(secret[1:]) == set()
