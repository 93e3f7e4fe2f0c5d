"""Paying for a booking, and what Stripe tells of it, in the words of tests."""

import json
from datetime import datetime
from itertools import count
from typing import Any

from stripe import WebhookSignature

from memory_gateway import MemoryGateway
from parkingspots.payments import work
from parkingspots.payments.till import Till
from product import Api, Person

WEBHOOK = "/payments/webhook"
SECRET = "whsec_of_the_tests_000000"
"""With which `paid_api` knows Stripe's events."""
_numbers = count(1)


async def begun(api: Api, renter: Person, booking_id: str) -> str:
    """The id of the intent to pay for the booking."""
    intent = await api.post("/payments/create-payment-intent", renter, booking_id=booking_id)
    return str(intent["payment_intent_id"])


async def booked(api: Api, money: MemoryGateway, renter: Person, spot: str, start: float = 1, end: float = 3) -> Any:
    """A booking from `start` to `end`, in hours from now, that is paid and confirmed."""
    intent_id = await begun(api, renter, (await api.book(renter, spot, start, end))["id"])
    money.pay(intent_id)
    await api.post(f"/payments/confirm-payment?payment_intent_id={intent_id}", renter)
    return (await api.get("/bookings/", renter))[0]


async def payment_of(api: Api, renter: Person, booking: Any) -> Any:
    """How the renter sees what was paid for the booking."""
    return next(each for each in await api.get("/payments/my-payments", renter) if each["booking_id"] == booking["id"])


def signed(body: str, secret: str = SECRET, at: float | None = None) -> dict[str, str]:
    """The headers under which Stripe sends the body."""
    return {"Stripe-Signature": WebhookSignature.generate_signature_header(body, secret, at and int(at))}


def an_event(kind: str, subject_id: str, created: datetime, **other: Any) -> dict[str, Any]:
    """An event as Stripe writes it, as far as anybody reads it here."""
    subject = {"id": subject_id}
    return {
        "id": f"evt_{next(_numbers)}",
        "object": "event",
        "type": kind,
        "created": int(created.timestamp()),
        "data": {"object": subject},
        **other,
    }


async def send(api: Api, event: Any, *, expect: int = 200) -> Any:
    body = json.dumps(event)
    return (await api.request("POST", WEBHOOK, content=body, headers=signed(body), expect=expect)).json()


async def tell(api: Api, kind: str, subject_id: str) -> None:
    """Stripe tells that something has happened, and is heard."""
    await send(api, an_event(kind, subject_id, api.clock.now()))
    await rest(api)


async def rest(api: Api) -> None:
    """Wait until the API has done what it began at once."""
    if api.app.state.errand is not None:
        await api.app.state.errand.done()


async def work_through(api: Api) -> None:
    """What the minute job does about money."""
    till: Till = api.app.state.till
    await work.run(till, api.clock.now())


async def opened_account(api: Api, money: MemoryGateway, owner: Person) -> str:
    """The id of the owner's account, which takes payouts."""
    asked: dict[str, Any] = {"country": "GR", "business_type": "individual"}
    account_id: str = (await api.post("/payments/connect/create-account", owner, **asked))["account_id"]
    money.take_payouts(account_id)
    await tell(api, "account.updated", account_id)
    return account_id
