"""Stripe's keys against the environment, and against Stripe, in whose place an emulator and a stand-in answer."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from doctor.examined import examined, says
from parkingspots.dev.ports import HOST, free_port
from parkingspots.doctor import payments
from parkingspots.doctor.finding import State
from parkingspots.settings import Environment, Settings
from payments.emulators import stripe_mock
from payments.listening import listening

KEY, LIVE_KEY = "sk_test_51Planted0Secret0Key", "sk_live_51Planted0Secret0Key"
WEBHOOK = "whsec_planted_secret_0123456789"
ENDPOINT = {
    "id": "we_1",
    "url": "https://parking.example.com/api/v1/payments/webhook",
    "status": "enabled",
    "enabled_events": ["*"],
}
ACCOUNT = {"id": "acct_1", "charges_enabled": True, "payouts_enabled": True}


class Stripe:
    """Answers what a test sets."""

    def __init__(self) -> None:
        self.url = ""
        self.account: dict[str, Any] = dict(ACCOUNT)
        self.endpoints: list[dict[str, Any]] = [dict(ENDPOINT)]
        self.status = 200
        self.keys: list[str] = []

    async def answer(self, request: Request) -> Response:
        self.keys.append(request.headers["authorization"])
        if self.status != 200:
            return JSONResponse({"error": {"message": f"Invalid API Key: {self.keys[-1]}"}}, self.status)
        if request.url.path == "/v1/account":
            return JSONResponse(self.account)
        return JSONResponse({"object": "list", "data": self.endpoints, "has_more": False})


@pytest.fixture
async def stripe() -> AsyncIterator[Stripe]:
    stand_in = Stripe()
    app = Starlette(routes=[Route("/v1/{path:path}", stand_in.answer)])
    async with listening(app) as stand_in.url:
        yield stand_in


@pytest.fixture(scope="session")
def stripe_mock_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with stripe_mock(tmp_path_factory.mktemp("stripe-mock")) as url:
        yield url


def paying(base: str | None = None, **other: Any) -> Settings:
    own: dict[str, Any] = {
        "skip_payment_processing": False,
        "stripe_secret_key": SecretStr(KEY),
        "stripe_publishable_key": "pk_test_51Planted",
        "stripe_webhook_secret": SecretStr(WEBHOOK),
        "stripe_api_base": base,
    }
    return Settings(_env_file=None).model_copy(update=own | other)


async def test_keys_as_they_should_be_are_well_and_stripe_is_not_asked_unasked(stripe: Stripe) -> None:
    found = await examined(paying(stripe.url), "payments")
    assert {name: finding.state for (_, name), finding in found.items()} == {
        "secret-key": State.OK,
        "publishable-key": State.OK,
        "webhook-secret": State.OK,
        "address": State.OK,
        "account": State.SKIPPED,
        "webhook-endpoint": State.SKIPPED,
    }
    assert stripe.keys == []


async def test_a_live_key_outside_production_fails() -> None:
    found = await examined(paying(stripe_secret_key=SecretStr(LIVE_KEY)), "payments")
    assert says(found["payments", "secret-key"], State.FAIL, "real money", mend="STRIPE_SECRET_KEY=")
    assert says(found["payments", "publishable-key"], State.FAIL, "a test one", "a live one")
    assert LIVE_KEY not in str(found)


@pytest.mark.parametrize(
    ("key", "environment", "state"),
    [
        (KEY, Environment.PRODUCTION, State.WARN),
        (LIVE_KEY, Environment.PRODUCTION, State.OK),
        ("rk_live_51Restricted", Environment.PRODUCTION, State.OK),
        ("pk_test_51Publishable", Environment.DEVELOPMENT, State.FAIL),
        ("hunter2", Environment.DEVELOPMENT, State.FAIL),
        (None, Environment.DEVELOPMENT, State.FAIL),
    ],
)
def test_the_secret_key_has_stripes_form_and_the_environments_mode(
    key: str | None, environment: Environment, state: State
) -> None:
    assert payments.of_secret_key(key, environment).state is state


@pytest.mark.parametrize(
    ("given", "state"),
    [
        (WEBHOOK, State.OK),
        (f"{WEBHOOK},whsec_another_secret_000", State.OK),
        ("whsec_change_me_change_me", State.FAIL),
        ("whsec_short", State.FAIL),
        ("a-secret-of-no-form-of-stripes", State.WARN),
        ("", State.FAIL),
        (None, State.FAIL),
    ],
)
def test_the_webhook_secret_has_stripes_form_and_is_no_example(given: str | None, state: State) -> None:
    assert payments.of_webhook_secrets(given).state is state


def test_an_emulator_in_production_fails() -> None:
    found = payments.of_address("http://127.0.0.1:8420", Environment.PRODUCTION)
    assert says(found, State.FAIL, "emulator", mend="unset STRIPE_API_BASE")


async def test_online_stripe_is_asked_for_the_account_and_the_endpoint(stripe: Stripe) -> None:
    found = await examined(paying(stripe.url), "payments", online=True)
    assert says(found["payments", "account"], State.OK, "acct_1")
    assert says(found["payments", "webhook-endpoint"], State.OK, ENDPOINT["url"])  # type: ignore[arg-type]
    assert stripe.keys == [f"Bearer {KEY}"] * 2


@pytest.mark.parametrize(
    ("status", "state", "word"),
    [(401, State.FAIL, "does not know"), (403, State.WARN, "may not"), (500, State.FAIL, "500")],
)
async def test_what_stripe_refuses_is_told_and_not_repeated(
    stripe: Stripe, status: int, state: State, word: str
) -> None:
    stripe.status = status
    found = await examined(paying(stripe.url), "payments", online=True)
    assert says(found["payments", "account"], state, word)
    assert KEY not in str(found)


async def test_an_account_that_takes_no_payments_yet_fails(stripe: Stripe) -> None:
    stripe.account["charges_enabled"] = False
    found = await examined(paying(stripe.url), "payments", online=True)
    assert says(found["payments", "account"], State.FAIL, mend="dashboard.stripe.com")


@pytest.mark.parametrize(
    ("change", "state", "word", "mend"),
    [
        ({"url": "https://parking.example.com/old"}, State.WARN, "No webhook endpoint", "webhook_endpoints create"),
        ({"status": "disabled"}, State.FAIL, "switched the webhook endpoint off", "--disabled=false"),
        ({"enabled_events": ["payment_intent.succeeded"]}, State.WARN, "not told of refund.updated", "account.updated"),
    ],
)
async def test_a_webhook_that_stripe_does_not_call_is_told(
    stripe: Stripe, change: dict[str, Any], state: State, word: str, mend: str
) -> None:
    stripe.endpoints[0].update(change)
    found = await examined(paying(stripe.url), "payments", online=True)
    assert says(found["payments", "webhook-endpoint"], state, word, mend=mend)


async def test_stripe_away_is_a_sentence() -> None:
    found = await examined(paying(f"http://{HOST}:{free_port()}"), "payments", online=True)
    assert says(found["payments", "account"], State.FAIL, "cannot be asked", mend="--only payments")


async def test_the_questions_are_those_of_stripes_own_description(stripe_mock_url: str) -> None:
    """Its account takes no payments, and its endpoint is somebody else's."""
    found = await examined(paying(stripe_mock_url), "payments", online=True)
    assert says(found["payments", "account"], State.FAIL, "takes no payments")
    assert says(found["payments", "webhook-endpoint"], State.WARN, "No webhook endpoint")
