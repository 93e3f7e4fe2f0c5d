"""A card is declined, a bank wants to be asked, Stripe is away: nobody loses money or their slot by it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from conftest import SetClock
from gate import Gate, with_gate
from parkingspots.dev.ports import free_port
from parkingspots.payments.stripe_gateway import StripeGateway
from parkingspots.settings import Settings
from paying import rest, work_through
from payments.cardholder import DECLINED, GUARDED, Cardholder
from payments.standin import StandIn
from product import Api, Person, running, until

CREATE = "/payments/create-payment-intent"
IN_TRANSACTION = text("""
    SELECT count(*) FROM pg_stat_activity
    WHERE application_name = 'parkingspots' AND state LIKE 'idle in transaction%'
        AND clock_timestamp() - state_change > interval '50 ms' AND pid <> pg_backend_pid()
""")
"""For longer than between two statements, and for less than the wait for Stripe."""
BUSY = {"error": {"type": "invalid_request_error", "code": "rate_limit", "message": "Too many requests."}}
BROKEN = {"error": {"type": "api_error", "message": "Something is wrong at Stripe."}}
TROUBLES = {
    "busy": JSONResponse(BUSY, 429),
    "broken": JSONResponse(BROKEN, 500),
    "in maintenance": PlainTextResponse("<html>Back soon</html>", 503),
    "another's page": PlainTextResponse("<html>Sign in to the hotel's network</html>"),
    "elsewhere": RedirectResponse("http://127.0.0.1:9/"),
    "an empty object": JSONResponse({}),
    "a list": JSONResponse([1, 2]),
    "an error without words": JSONResponse({"error": "oh"}, 400),
    "half an object": PlainTextResponse('{"id": "pi_1", ', media_type="application/json"),
    "nothing at all": Response(b""),
}
Trouble = Callable[[], None]
SOON = 2.0  # seconds; far more than an answer takes on a busy machine, where nobody holds it back


@pytest.fixture
async def gate(stripe: StandIn) -> AsyncIterator[tuple[Gate, str]]:
    """A way to the stand-in that can be shut, and its URL."""
    async with with_gate(stripe.url, free_port()) as (gate, url):
        yield gate, url


@pytest.fixture
async def api(
    paid_settings: Settings, gate: tuple[Gate, str], session: AsyncSession, clock: SetClock
) -> AsyncIterator[Api]:
    """The application in this process, which is soon tired of waiting for Stripe."""
    del session  # empties the tables
    own = paid_settings.model_copy(update={"stripe_api_base": gate[1], "stripe_timeout_seconds": SOON})
    async with running(own, clock, StripeGateway(own)) as api:
        yield api


@pytest.fixture
async def booking(api: Api, renter: Person, spot: str) -> Any:
    return await api.book(renter, spot, 1, 3)


@pytest.fixture(params=["away", "slow", *TROUBLES])
def trouble(request: pytest.FixtureRequest, stripe: StandIn, gate: tuple[Gate, str]) -> Trouble:
    """Begins when it is called, and ends when Stripe is well."""

    def begin() -> None:
        match request.param:
            case "away":
                gate[0].close()
            case "slow":
                stripe.is_slow = True
            case name:
                stripe.trouble = TROUBLES[name]

    return begin


@pytest.fixture
def all_is_well(stripe: StandIn, gate: tuple[Gate, str]) -> Trouble:
    def end() -> None:
        gate[0].open()
        stripe.be_well()

    return end


async def begin(api: Api, renter: Person, booking: Any) -> Any:
    return await api.post(CREATE, renter, booking_id=booking["id"])


async def confirm(api: Api, renter: Person, intent: Any, *, expect: int = 200) -> Any:
    path = f"/payments/confirm-payment?payment_intent_id={intent['payment_intent_id']}"
    return await api.post(path, renter, expect=expect)


async def status(api: Api, renter: Person, booking: Any) -> Any:
    return (await api.get(f"/bookings/{booking['id']}", renter))["status"]


async def test_a_card_that_is_declined_is_told_of_and_the_slot_waits(
    api: Api, card: Cardholder, renter: Person, other_renter: Person, spot: str, booking: Any
) -> None:
    intent = await begin(api, renter, booking)
    await card.pay(intent, DECLINED, expect=402)
    assert (await confirm(api, renter, intent, expect=402))["title"] == "Payment declined"
    assert await status(api, renter, booking) == "pending"
    await api.book(other_renter, spot, 2, 4, expect=409)
    assert await begin(api, renter, booking) == intent


async def test_after_a_bank_has_not_known_its_customer_another_card_pays(
    api: Api, card: Cardholder, renter: Person, booking: Any
) -> None:
    """So it does after a card was declined, which localstripe does not know."""
    intent = await begin(api, renter, booking)
    await card.pay(intent, GUARDED)
    await card.authenticate(intent, success=False)
    assert (await confirm(api, renter, intent, expect=402))["title"] == "Payment declined"
    await card.pay(intent)
    assert (await confirm(api, renter, intent))["status"] == "succeeded"
    assert await status(api, renter, booking) == "confirmed"


async def test_a_card_whose_bank_wants_to_be_asked_pays_when_it_was(
    api: Api, card: Cardholder, renter: Person, booking: Any
) -> None:
    intent = await begin(api, renter, booking)
    assert (await confirm(api, renter, intent, expect=409))["title"] == "Not paid yet"
    await card.pay(intent, GUARDED)
    assert (await confirm(api, renter, intent, expect=409))["title"] == "Authentication needed"
    assert await status(api, renter, booking) == "pending"
    await card.authenticate(intent)
    await confirm(api, renter, intent)
    assert await status(api, renter, booking) == "confirmed"


async def test_in_stripes_trouble_a_renter_is_told_when_to_come_again_and_pays_then(
    api: Api,
    stripe: StandIn,
    card: Cardholder,
    renter: Person,
    booking: Any,
    trouble: Trouble,
    all_is_well: Trouble,
) -> None:
    trouble()
    refusal = await api.request("POST", CREATE, renter, json={"booking_id": booking["id"]}, expect=503)
    assert 1 <= int(refusal.headers["Retry-After"]) <= 60
    all_is_well()
    intent = await begin(api, renter, booking)
    assert len(await stripe.intents_of(booking["id"])) == 1
    await card.pay(intent)

    trouble()
    path = f"/payments/confirm-payment?payment_intent_id={intent['payment_intent_id']}"
    refusal = await api.request("POST", path, renter, expect=503)
    assert 1 <= int(refusal.headers["Retry-After"]) <= 60
    assert await status(api, renter, booking) == "pending"
    all_is_well()
    await confirm(api, renter, intent)
    assert await status(api, renter, booking) == "confirmed"


async def test_a_refund_that_comes_upon_trouble_is_made_afterwards_and_once(
    api: Api,
    stripe: StandIn,
    card: Cardholder,
    clock: SetClock,
    renter: Person,
    booking: Any,
    trouble: Trouble,
    all_is_well: Trouble,
) -> None:
    intent = await begin(api, renter, booking)
    await card.pay(intent)
    await confirm(api, renter, intent)
    trouble()
    await api.post(f"/bookings/{booking['id']}/cancel", renter)
    await rest(api)
    (payment,) = await api.get("/payments/my-payments", renter)
    assert (payment["status"], payment["refunded_amount"]) == ("completed", 0)
    all_is_well()
    stripe.forget_keys()
    clock.pass_by(hours=7)
    await work_through(api)
    renter = await api.sign_in(renter.id, renter.email)
    (payment,) = await api.get("/payments/my-payments", renter)
    assert (payment["status"], payment["refunded_amount"]) == ("refunded", 770)
    assert await stripe.given_back(intent["payment_intent_id"]) == [770]


async def test_while_stripe_lets_us_wait_no_transaction_is_open_and_no_connection_taken(
    api: Api, stripe: StandIn, session: AsyncSession, renter: Person, booking: Any
) -> None:
    stripe.is_slow = True
    before, looks = len(stripe.asked), 0
    waiting = asyncio.create_task(api.post(CREATE, renter, booking_id=booking["id"], expect=503))

    async def has_asked() -> bool:
        return len(stripe.asked) > before

    await until(has_asked)
    while not waiting.done():
        assert await session.scalar(IN_TRANSACTION) == 0
        assert api.app.state.database.engine.pool.checkedout() == 0
        looks += 1
    assert looks > 3
    await waiting
