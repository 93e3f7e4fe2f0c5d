"""What an account may do in a time, where that costs others something: money, somebody else's service, letters."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from memory_gateway import MemoryGateway
from parkingspots.settings import Settings
from paying import an_event, begun, send
from product import PASSWORD, Api, Clock, Person, running

NOWHERE = "0198c0de-7a10-7000-8000-000000000009"
PAYMENTS: dict[str, dict[str, Any]] = {
    "create-payment-intent": {"booking_id": NOWHERE},
    "confirm-payment?payment_intent_id=pi_nothing": {},
    "refund": {"payment_id": NOWHERE},
    "connect/create-account": {"country": "GR", "business_type": "individual"},
}


@pytest.fixture
async def limited(settings: Settings, api: Api, clock: Clock, money: MemoryGateway) -> AsyncIterator[Api]:
    """The product that takes payments: four requests about them a minute, and two letters an hour."""
    del api  # empties the tables
    async with Redis.from_url(settings.cache_url) as valkey:
        await valkey.flushdb()
    few = {
        "skip_payment_processing": False,
        "rate_limits_enabled": True,
        "rate_limit_payments": "4 per minute",
        "rate_limit_resets": "2 per hour",
    }
    async with running(settings.model_copy(update=few), clock, money) as limited:
        yield limited


async def pay(api: Api, who: Person, what: str, **headers: str) -> httpx.Response:
    path, body = f"/api/v1/payments/{what}", PAYMENTS[what]
    return await api.client.post(path, json=body, headers=who.headers | headers)


async def test_payments_are_limited_by_account_all_of_them_together(limited: Api) -> None:
    renter, other = [await limited.person(name) for name in ("renter", "other")]
    for what in PAYMENTS:
        assert (await pay(limited, renter, what)).status_code in {404, 409}
    for what in PAYMENTS:
        refusal = await pay(limited, renter, what)
        assert (refusal.status_code, refusal.headers["ratelimit-policy"]) == (429, '"payments";q=4;w=60')
        assert refusal.json()["detail"].startswith("The limit is 4 payments in 60 seconds.")
    assert (await pay(limited, other, "refund")).status_code == 404


async def test_what_is_too_much_does_not_reach_the_payment_provider(limited: Api, money: MemoryGateway) -> None:
    owner, renter = [await limited.person(name) for name in ("owner", "renter")]
    spot = await limited.list_spot(owner)
    bookings = [(await limited.book(renter, spot, number, number + 1))["id"] for number in range(1, 6)]
    for booking in bookings[:4]:
        await begun(limited, renter, booking)
    await limited.post("/payments/create-payment-intent", renter, expect=429, booking_id=bookings[4])
    assert len(money.intents) == 4


async def test_a_repeat_with_a_key_counts_and_one_that_was_refused_may_be_sent_again(limited: Api) -> None:
    renter = await limited.person("renter")
    statuses = [
        (await pay(limited, renter, "refund", **{"Idempotency-Key": f"key-{number % 2}"})).status_code
        for number in range(6)
    ]
    assert statuses == [404] * 4 + [429] * 2


async def test_stripe_tells_as_much_as_it_likes(limited: Api) -> None:
    for number in range(6):
        await send(limited, an_event("payment_intent.created", f"pi_{number}", limited.clock.now()))


async def test_reading_about_payments_is_no_payment(limited: Api) -> None:
    renter = await limited.person("renter")
    for _ in range(3):
        for path in ("my-payments", "owner/payouts", "owner/summary"):
            await limited.get(f"/payments/{path}", renter)


async def test_twenty_a_minute_is_what_an_account_has_by_default() -> None:
    assert Settings(_env_file=None).rate_limit_payments == "20 per minute"


async def test_an_account_changes_its_password_and_sends_the_letter_about_it_only_so_often(limited: Api) -> None:
    """Whoever registers with another's e-mail must not fill their mailbox."""
    renter = await limited.person("renter")
    passwords = [PASSWORD, "battery staple", "purple monkey", "dish washer"]
    for number, expect in enumerate((200, 200, 429)):
        wish = {"current_password": passwords[number], "new_password": passwords[number + 1]}
        await limited.post("/users/me/change-password", renter, expect=expect, **wish)
    assert len([each for each in limited.outbox.letters if each.subject == "Your password was changed"]) == 2
    await limited.sign_in(renter.id, renter.email, passwords[2])
