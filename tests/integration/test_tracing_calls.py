"""Calls of others' services in a trace: what they are told, and what is told of them."""

import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from collector import Collector, collector
from parkingspots.dev.ports import HOST
from parkingspots.kit import tracing
from parkingspots.kit.database import Database
from parkingspots.kit.tracing.spans import Spans
from parkingspots.payments.gateway import AwayError, BrokenError, RefusedError
from parkingspots.payments.stripe_gateway import StripeGateway
from parkingspots.settings import Settings

ID = UUID("0198c0de-7a10-7000-8000-000000000004")
INTENT = {"id": "pi_1", "object": "payment_intent", "amount": 770, "currency": "eur", "status": "succeeded"}
INTENT |= {"client_secret": "pi_1_secret", "latest_charge": None}
CALLER = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "baggage": "email=olga@example.com"}


class Stripe:
    """Answers everything with one answer, and keeps the headers of what it was asked."""

    def __init__(self) -> None:
        self.status, self.answer = 200, INTENT
        self.headers: list[dict[str, str]] = []


@contextmanager
def listening(stripe: Stripe) -> Iterator[str]:
    """Its URL."""

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            stripe.headers.append({name.lower(): value for name, value in self.headers.items()})
            body = json.dumps(stripe.answer).encode()
            self.send_response(stripe.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Not into the tests' output."""

    server = ThreadingHTTPServer((HOST, 0), Answers)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield f"http://{HOST}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def collecting(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with collector() as there:
        for name, value in there.environment.items():
            monkeypatch.setenv(name, value)
        yield there


def at(url: str, settings: Settings) -> Any:
    own = {"stripe_secret_key": SecretStr("sk_test_123"), "stripe_api_base": url}
    return aclosing(StripeGateway(settings.model_copy(update=own)))


def spans() -> Spans:
    """Those that are made now."""
    made = tracing.current()
    assert made is not None
    return made


async def test_a_call_of_stripe_is_a_span_and_carries_the_trace_on_and_no_baggage(
    settings: Settings, collecting: Collector
) -> None:
    stripe = Stripe()
    with listening(stripe) as url:
        async with tracing.traced("parkingspots"), at(url, settings) as gateway:
            with spans().request("POST", {}, CALLER):
                await gateway.create_intent(ID, 770, "EUR", "a-key")
    call = collecting.named("Stripe create_intent")
    assert call.kind == "client"
    assert call.trace == "0af7651916cd43dd8448eb211c80319c"
    assert call.parent == collecting.named("POST").id
    assert call.attributes == {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "server.address": HOST,
    }
    (headers,) = stripe.headers
    assert headers["traceparent"] == f"00-{call.trace}-{call.id}-01"
    assert "baggage" not in headers


@pytest.mark.parametrize(
    ("status", "raised", "kind"), [(402, RefusedError, "CardError"), (500, BrokenError, "APIError")]
)
async def test_a_call_that_stripe_refuses_is_an_error_of_its_kind_without_its_words(
    settings: Settings, collecting: Collector, status: int, raised: type[Exception], kind: str
) -> None:
    stripe = Stripe()
    stripe.status, stripe.answer = status, {"error": {"type": "card_error", "message": "Olga's card was declined."}}
    with listening(stripe) as url:
        async with tracing.traced("parkingspots"), at(url, settings) as gateway:
            with tracing.step("a step"), pytest.raises(raised):
                await gateway.create_intent(ID, 770, "EUR", "a-key")
    call = collecting.named("Stripe create_intent")
    assert call.failed
    assert (call.attributes["error.type"], call.attributes["http.response.status_code"]) == (kind, status)
    assert b"Olga" not in b"".join(collecting.bodies)


async def test_a_stripe_that_is_away_is_an_error_too(settings: Settings, collecting: Collector) -> None:
    with listening(Stripe()) as url:
        pass
    async with tracing.traced("parkingspots"), at(url, settings) as gateway:
        with tracing.step("a step"), pytest.raises(AwayError):
            await gateway.create_intent(ID, 770, "EUR", "a-key")
    call = collecting.named("Stripe create_intent")
    assert (call.failed, call.attributes["error.type"]) == (True, "APIConnectionError")


async def test_while_nothing_is_traced_stripe_is_told_of_no_trace(settings: Settings) -> None:
    stripe = Stripe()
    with listening(stripe) as url:
        async with tracing.traced("parkingspots"), at(url, settings) as gateway:
            await gateway.create_intent(ID, 770, "EUR", "a-key")
    assert not {"traceparent", "baggage"} & stripe.headers[0].keys()


async def by_the_session(database: Database, statement: str) -> None:
    async with database.reader() as session:
        await session.execute(text(statement))


async def by_the_driver(database: Database, statement: str) -> None:
    async with database.raw() as connection:
        await connection.fetch(statement)


@pytest.mark.parametrize("asked", [by_the_session, by_the_driver])
async def test_a_statement_that_fails_is_marked_by_postgresqls_code_and_not_by_its_words(
    settings: Settings, collecting: Collector, asked: Callable[[Database, str], Awaitable[None]]
) -> None:
    refused = "SELECT id::int FROM (VALUES ('olga@example.com')) AS of_somebody (id)"
    async with tracing.traced("parkingspots"), aclosing(Database(settings)) as database:
        with tracing.step("a step"), pytest.raises(DBAPIError):
            await asked(database, refused)
    statement = collecting.named("SELECT")
    assert statement.failed
    assert statement.attributes["error.type"] == statement.attributes["db.response.status_code"] == "22P02"
    assert b"olga" not in b"".join(collecting.bodies)
