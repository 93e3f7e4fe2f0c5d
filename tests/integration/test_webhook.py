"""The door at which Stripe knocks: nothing passes that is not signed, and nothing breaks it."""

import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from conftest import SetClock
from memory_gateway import MemoryGateway
from parkingspots.settings import EXAMPLES, Settings
from paying import SECRET, WEBHOOK, an_event, signed
from product import Api, running

BODY = json.dumps(an_event("payment_intent.succeeded", "pi_of_somebody", datetime(2040, 1, 2, tzinfo=UTC)))
OTHER_SECRET = "whsec_that_comes_next_00000"
Receiving = Callable[[str | None], AbstractAsyncContextManager[Api]]


@pytest.fixture
def receiving(settings: Settings, session: AsyncSession, clock: SetClock, money: MemoryGateway) -> Receiving:
    """The application with other webhook secrets."""
    del session  # empties the tables

    @asynccontextmanager
    async def with_secret(secret: str | None) -> AsyncIterator[Api]:
        own = {"skip_payment_processing": False, "stripe_webhook_secret": secret and SecretStr(secret)}
        async with running(settings.model_copy(update=own), clock, money) as api:
            yield api

    return with_secret


async def receive(api: Api, body: str | bytes, headers: dict[str, str], *, expect: int) -> Any:
    return (await api.request("POST", WEBHOOK, content=body, headers=headers, expect=expect)).json()


async def stored(session: AsyncSession) -> list[str]:
    return [*(await session.scalars(text("SELECT id FROM stripe_events ORDER BY id"))).all()]


@pytest.mark.parametrize("secret", [None, "", " ", ",", "short", *sorted(EXAMPLES)])
async def test_without_a_secret_worth_the_name_there_is_no_webhook(receiving: Receiving, secret: str | None) -> None:
    async with receiving(secret) as api:
        for sent in (signed(BODY, secret or "x"), signed(BODY, ""), {}):
            await receive(api, BODY, sent, expect=404)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        signed(BODY, OTHER_SECRET),
        signed(BODY, ""),
        signed(BODY, at=time.time() - 3600),
        signed(BODY.replace("succeeded", "canceled")),
        {"Stripe-Signature": ""},
        {"Stripe-Signature": "nonsense"},
        {"Stripe-Signature": "t=,v1="},
        {"Stripe-Signature": "t=1,v0=00"},
        {"Stripe-Signature": f"t={'9' * 5000},v1=00"},
        {"Stripe-Signature": "t=1e400,v1=00"},
        {"Stripe-Signature": b"t=1,v1=\xe9\xff"},
    ],
)
async def test_what_is_not_signed_for_this_body_is_refused(
    paid_api: Api, session: AsyncSession, headers: dict[str, str]
) -> None:
    answer = await receive(paid_api, BODY, headers, expect=400)
    assert answer["title"] == "Bad signature"
    assert await stored(session) == []


async def test_a_signature_is_good_for_five_minutes(paid_api: Api) -> None:
    await receive(paid_api, BODY, signed(BODY, at=time.time() - 310), expect=400)
    await receive(paid_api, BODY, signed(BODY, at=time.time() - 280), expect=200)


async def test_while_one_secret_replaces_another_both_are_good(receiving: Receiving) -> None:
    async with receiving(f"{OTHER_SECRET}, {SECRET}") as api:
        for secret in (SECRET, OTHER_SECRET):
            await receive(api, BODY, signed(BODY, secret), expect=200)
        await receive(api, BODY, signed(BODY, f"{OTHER_SECRET}, {SECRET}"), expect=400)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "null",
        "[]",
        "7",
        '"event"',
        "{",
        "{}",
        "[" * 100_000,
        BODY.replace('"id": "evt', '"no": "evt'),
        json.dumps(json.loads(BODY) | {"data": {"object": "pi_1"}}),
        json.dumps(json.loads(BODY) | {"data": {"object": {"id": ["pi_1"]}}}),
        json.dumps(json.loads(BODY) | {"data": {"object": {"id": "pi_\0"}}}),
        json.dumps(json.loads(BODY) | {"id": "evt_\0"}),
        json.dumps(json.loads(BODY) | {"id": "evt_\ud800"}),
        json.dumps(json.loads(BODY) | {"id": "e" * 5000}),
        json.dumps(json.loads(BODY) | {"id": ""}),
        json.dumps(json.loads(BODY) | {"type": 7}),
        json.dumps(json.loads(BODY) | {"type": "payment_intent.\0"}),
        *(json.dumps(json.loads(BODY) | {"created": each}) for each in (1 << 62, 10**30, -1, 1e300, "soon")),
        BODY.replace('"created": ', '"created": NaN, "was": '),
        BODY.replace('"created": ', f'"created": {"9" * 5000}, "was": '),
    ],
)
async def test_what_is_signed_and_no_event_is_refused(paid_api: Api, session: AsyncSession, body: str) -> None:
    answer = await receive(paid_api, body, signed(body), expect=400)
    assert answer["title"] == "Not an event"
    assert await stored(session) == []


async def test_what_is_no_text_is_refused(paid_api: Api) -> None:
    await receive(paid_api, b"\xff\xfe" + BODY.encode(), signed(BODY), expect=400)


async def test_what_is_too_large_is_refused_before_it_is_looked_at(paid_api: Api) -> None:
    body = BODY + " " * (1 << 20)
    await receive(paid_api, body, signed(body), expect=413)


@pytest.mark.parametrize("rest", [{}, {"created": None, "data": None}, {"data": {"thing": {"id": "acct_1"}}}])
async def test_an_event_of_another_shape_is_acknowledged(
    paid_api: Api, session: AsyncSession, rest: dict[str, Any]
) -> None:
    body = json.dumps({"id": "evt_thin", "object": "v2.core.event", "type": "payment_intent.made_up"} | rest)
    await receive(paid_api, body, signed(body), expect=200)
    assert await stored(session) == ["evt_thin"]


async def test_stripe_may_knock_as_often_as_it_likes(
    settings: Settings, session: AsyncSession, clock: SetClock, money: MemoryGateway
) -> None:
    del session
    own = {"skip_payment_processing": False, "rate_limits_enabled": True, "rate_limit_requests": "2 per hour"}
    async with running(settings.model_copy(update=own), clock, money) as api:
        for _ in range(5):
            await receive(api, BODY, signed(BODY), expect=200)
