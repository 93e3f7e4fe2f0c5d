"""A short life of the product: people search, book, pay and change their minds, and time goes by."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from itertools import count

from parkingspots.kit.database import Database
from parkingspots.settings import Settings
from payments.cardholder import Cardholder
from payments.product_at_stripe import run_job
from payments.standin import StandIn
from payments.time_goes_by import everything_is_due, the_booking_is_over, the_hold_has_lapsed
from product import Api, Person, until

WEBHOOK = "/api/v1/payments/webhook"
WRONG = 11
"""Wrong passwords, one more than the limit allows."""


@dataclass
class Town:
    api: Api
    settings: Settings
    stripe: StandIn
    card: Cardholder
    database: Database
    owner: Person
    renter: Person
    spot: str

    def __post_init__(self) -> None:
        self._hours = count(24)

    async def look(self) -> None:
        """What visitors do, and what is wrong with what they ask."""
        for _ in range(3):
            await self.api.get("/parking-spots/search", latitude=37.9755, longitude=23.7348)
            await self.api.get("/parking-spots/", city="Athens")
            await self.api.get(f"/parking-spots/{self.spot}")
            await self.api.get(f"/parking-spots/{self.spot}/availability")
            await self.api.get(f"/reviews/spot/{self.spot}")
        await self.api.client.get("/no/such/page")
        await self.api.get("/bookings/", expect=401)

    async def book(self) -> str:
        """A booking that waits for its payment, and somebody who comes too late for it."""
        start = next(self._hours)
        booking = await self.api.book(self.renter, self.spot, start, start + 1)
        await self.api.book(self.renter, self.spot, start, start + 1, expect=409)
        return str(booking["id"])

    async def pay(self, booking: str) -> None:
        """By card; the webhook tells."""
        intent = await self.api.post("/payments/create-payment-intent", self.renter, booking_id=booking)
        await self.card.pay(intent)

        async def is_confirmed() -> bool:
            return bool((await self.api.get(f"/bookings/{booking}", self.renter))["status"] == "confirmed")

        await until(is_confirmed)

    async def let_a_hold_run_out(self) -> None:
        """Once for the minute job, and once for a booking that needs the slot."""
        start = next(self._hours)
        for at in (start, next(self._hours)):
            left = await self.api.book(self.renter, self.spot, at, at + 1)
            async with self.database.reader() as session:
                await the_hold_has_lapsed(session, left["id"])
        await self.api.book(self.renter, self.spot, start, start + 1)

    async def live(self) -> None:
        """All of it once, with a booking that is over and paid out and one that is cancelled and paid back."""
        await self.api.sign_in(self.owner.id, self.owner.email)
        over, cancelled = await self.book(), await self.book()
        for booking in (over, cancelled):
            await self.look()
            await self.pay(booking)
        await self.api.post(f"/bookings/{cancelled}/cancel", self.renter)
        await self.let_a_hold_run_out()
        async with self.database.reader() as session:
            await the_booking_is_over(session, over)
        await self.let_time_go_by()

    async def let_time_go_by(self) -> None:
        """The minute job, before and after everything has become due."""
        await run_job(self.settings)
        await self.look()
        async with self.database.reader() as session:
            await everything_is_due(session)
        await run_job(self.settings)

    async def guess(self) -> None:
        """Somebody guesses a password until no more guesses are taken."""
        wrong = {"email": self.renter.email, "password": "a guess"}
        for _ in range(WRONG):
            await self.api.client.post("/api/v1/auth/login", json=wrong)

    async def go_on(self, over: asyncio.Event) -> None:
        """Until it is over: counters that stand still show nothing."""
        while not over.is_set():
            with suppress(AssertionError):  # a busy machine may keep a step from its end: the next one makes up for it
                await self.live()


async def founded(
    api: Api, url: str, settings: Settings, stripe: StandIn, card: Cardholder, database: Database
) -> Town:
    """Somebody who owns a spot and takes payouts, somebody who rents, and a Stripe that tells what happens."""
    owner, renter = await api.person("olga", role="owner"), await api.person("rena")
    spot = await api.list_spot(owner)
    assert settings.stripe_webhook_secret is not None
    await stripe.tell(f"{url}{WEBHOOK}", settings.stripe_webhook_secret.get_secret_value())
    opened = await api.post("/payments/connect/create-account", owner, country="GR", business_type="individual")
    await stripe.activate(str(opened["account_id"]))
    return Town(api, settings, stripe, card, database, owner, renter, spot)
