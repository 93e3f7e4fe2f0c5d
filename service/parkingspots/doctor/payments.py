"""Stripe: its keys against the environment, and with --online what Stripe says of them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx

from parkingspots.doctor import mending
from parkingspots.doctor.checks import Check, Group, of_settings
from parkingspots.doctor.finding import Finding, Skip, fail, ok, warn
from parkingspots.doctor.world import World
from parkingspots.settings import EXAMPLES, LEAST_WEBHOOK_SECRET, Environment, Settings

API = "https://api.stripe.com"
DASHBOARD = "https://dashboard.stripe.com"
PATH = "/api/v1/payments/webhook"
EVENTS = ("payment_intent.succeeded", "refund.updated", "charge.dispute.created", "account.updated")
"""One of each kind that is listened to."""
SECRET_KEY = re.compile(r"(sk|rk)_(test|live)_\w+")
PUBLISHABLE_KEY = re.compile(r"pk_(test|live)_\w+")
KEYS = f"{DASHBOARD}/apikeys"
WEBHOOKS = f"{DASHBOARD}/webhooks"


def of_secret_key(key: str | None, environment: Environment) -> Finding:
    production = environment is Environment.PRODUCTION
    mend = f"{mending.setting('STRIPE_SECRET_KEY', '…')}, from {KEYS}"
    if key is None:
        return fail("STRIPE_SECRET_KEY is not set: bookings wait for payments that nobody can make.", mend)
    form = SECRET_KEY.fullmatch(key)
    if form is None:
        return fail("STRIPE_SECRET_KEY is no secret key of Stripe's: those begin with sk_test_ or sk_live_.", mend)
    if form[2] == "live" and not production:
        return fail(f"STRIPE_SECRET_KEY is a live one, and ENVIRONMENT is {environment}: real money would move.", mend)
    if form[2] == "test" and production:
        return warn("STRIPE_SECRET_KEY is a test one, and ENVIRONMENT is production: nobody is charged.", mend)
    return ok(f"STRIPE_SECRET_KEY is a {form[2]} one, as ENVIRONMENT {environment} wants it.")


def of_publishable_key(key: str | None, secret_key: str | None) -> Finding:
    mend = f"{mending.setting('STRIPE_PUBLISHABLE_KEY', '…')}, from {KEYS}"
    if key is None:
        return ok("STRIPE_PUBLISHABLE_KEY is not set. Nothing here needs it: it would be held against the other.")
    form, other = PUBLISHABLE_KEY.fullmatch(key), SECRET_KEY.fullmatch(secret_key or "")
    if form is None:
        return fail("STRIPE_PUBLISHABLE_KEY is none of Stripe's: those begin with pk_test_ or pk_live_.", mend)
    if other is not None and form[1] != other[2]:
        return fail(f"STRIPE_PUBLISHABLE_KEY is a {form[1]} one and STRIPE_SECRET_KEY a {other[2]} one.", mend)
    return ok(f"STRIPE_PUBLISHABLE_KEY is a {form[1]} one.")


def of_webhook_secrets(given: str | None) -> Finding:
    mend = f"{mending.setting('STRIPE_WEBHOOK_SECRET', 'whsec_…')}, from {WEBHOOKS}"
    secrets = [each.strip() for each in (given or "").split(",") if each.strip()]
    if not secrets:
        return fail("STRIPE_WEBHOOK_SECRET is not set: payments are heard of minutes late.", mend)
    for secret in secrets:
        if secret in EXAMPLES or len(secret) < LEAST_WEBHOOK_SECRET:
            return fail("STRIPE_WEBHOOK_SECRET is too short or an example: the endpoint would be switched off.", mend)
        if not secret.startswith("whsec_"):
            return warn("STRIPE_WEBHOOK_SECRET is none of Stripe's: those begin with whsec_.", mend)
    return ok(f"STRIPE_WEBHOOK_SECRET has {len(secrets)} of Stripe's form.")


def of_address(base: str | None, environment: Environment) -> Finding:
    if base is not None and environment is Environment.PRODUCTION:
        mend = "unset STRIPE_API_BASE    # and take it out of .env"
        return fail(f"STRIPE_API_BASE is {base}: an emulator is asked, and nobody is charged.", mend)
    return ok(f"Payments go to {base or API}.")


@dataclass(frozen=True)
class Answer:
    """Of Stripe: a status, and JSON where it is 200."""

    status: int
    body: Mapping[str, Any]


def of_account(answer: Answer) -> Finding:
    if answer.status == HTTPStatus.UNAUTHORIZED:
        mend = f"{mending.setting('STRIPE_SECRET_KEY', '…')}, from {KEYS}"
        return fail("Stripe does not know the key: it was revoked, or is another account's.", mend)
    if answer.status == HTTPStatus.FORBIDDEN:
        return warn("The key may not read the account: nobody can tell more from here.", KEYS)
    if answer.status != HTTPStatus.OK:
        return fail(f"Stripe answers {answer.status} when it is asked for the account.", "https://status.stripe.com")
    if not answer.body.get("charges_enabled", False):
        return fail("Stripe takes no payments for this account yet.", f"{DASHBOARD}/account")
    if not answer.body.get("payouts_enabled", False):
        return warn("Stripe pays this account's balance to no bank yet.", f"{DASHBOARD}/account")
    return ok(f"Stripe knows the account {answer.body.get('id', '')} and takes payments for it.")


def of_endpoints(answer: Answer) -> Finding:
    if answer.status == HTTPStatus.FORBIDDEN:
        return warn("The key may not list webhook endpoints: nobody can tell more from here.", WEBHOOKS)
    if answer.status != HTTPStatus.OK:
        return fail(f"Stripe answers {answer.status} when it is asked for the webhook endpoints.", WEBHOOKS)
    ours = [each for each in answer.body.get("data", []) if str(each.get("url", "")).rstrip("/").endswith(PATH)]
    if not ours:
        mend = f"stripe webhook_endpoints create --url https://…{PATH} {_events(EVENTS)}"
        return warn(f"No webhook endpoint leads to {PATH}: payments are heard of minutes late.", mend)
    enabled = [each for each in ours if each.get("status") == "enabled"]
    if not enabled:
        mend = f"stripe webhook_endpoints update {ours[0].get('id')} --disabled=false"
        return fail("Stripe has switched the webhook endpoint off, mostly as it failed for days.", mend)
    told = {event for each in enabled for event in each.get("enabled_events", [])}
    missing = [event for event in EVENTS if not told & {event, "*"}]
    if missing:
        mend = f"stripe webhook_endpoints update {enabled[0].get('id')} {_events((*sorted(told), *missing))}"
        return warn(f"The webhook endpoint is not told of {', '.join(missing)}.", mend)
    return ok(f"Stripe sends events to {enabled[0]['url']}.")


def _events(events: Sequence[str]) -> str:
    return " ".join(f"--enabled-events={event}" for event in events)


def _why_not(world: World) -> str | None:
    if world.settings.skip_payment_processing and world.settings.stripe_secret_key is None:
        return "Payments are skipped (SKIP_PAYMENT_PROCESSING=true)."
    return None


def _secret_key(settings: Settings) -> Finding:
    return of_secret_key(_secret(settings), settings.environment)


def _publishable_key(settings: Settings) -> Finding:
    return of_publishable_key(settings.stripe_publishable_key, _secret(settings))


def _webhook_secrets(settings: Settings) -> Finding:
    secret = settings.stripe_webhook_secret
    return of_webhook_secrets(secret.get_secret_value() if secret else None)


def _address(settings: Settings) -> Finding:
    return of_address(settings.stripe_api_base, settings.environment)


def _secret(settings: Settings) -> str | None:
    key = settings.stripe_secret_key
    return key.get_secret_value() if key else None


async def _ask(world: World, path: str) -> Answer:
    if not world.options.online:
        raise Skip("Stripe itself is asked with --online.")
    key = _secret(world.settings)
    if key is None:
        raise Skip("There is no key to ask with.")
    from parkingspots.payments.stripe_gateway import API_VERSION  # noqa: PLC0415 - 25 MB that nobody else needs

    headers = {"Authorization": f"Bearer {key}", "Stripe-Version": API_VERSION}
    base = world.settings.stripe_api_base or API
    async with httpx.AsyncClient(timeout=world.settings.stripe_timeout_seconds) as client:
        try:
            answer = await client.get(f"{base}{path}", headers=headers)
            body = answer.json() if answer.status_code == HTTPStatus.OK else {}
        except (httpx.HTTPError, ValueError) as error:
            raise ConnectionError(f"Stripe at {base} cannot be asked ({type(error).__name__})") from None
    return Answer(answer.status_code, body)


async def _account(world: World) -> Finding:
    return of_account(await _ask(world, "/v1/account"))


async def _endpoints(world: World) -> Finding:
    return of_endpoints(await _ask(world, "/v1/webhook_endpoints?limit=100"))


GROUP = Group(
    "payments",
    (
        Check("secret-key", of_settings(_secret_key)),
        Check("publishable-key", of_settings(_publishable_key)),
        Check("webhook-secret", of_settings(_webhook_secrets)),
        Check("address", of_settings(_address)),
        Check("account", _account, seconds=20),
        Check("webhook-endpoint", _endpoints, seconds=20),
    ),
    _why_not,
)
