"""A small marketplace in which everybody has something that is nobody else's, and requests to it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncSession

from conftest import empty
from operations import Operation
from parkingspots.accounts import passwords, tokens
from parkingspots.accounts.models import OneTimeToken, Session, User
from parkingspots.accounts.tokens import Claims, Use
from parkingspots.bookings.models import Booking
from parkingspots.bookings.rules import PaymentStatus, Status
from parkingspots.payments.models import Payment
from parkingspots.reviews.models import Review
from parkingspots.settings import Settings
from parkingspots.spots.models import AvailabilitySlot, Spot, SpotStats
from product import PASSWORD, SPOT, Api

NOBODY, DISABLED = "nobody", "disabled"
PEOPLE = (NOBODY, "renter", "other_renter", "owner", "other_owner", "admin", DISABLED)
ROLES = {"renter": "renter", "other_renter": "renter", "owner": "owner", "other_owner": "owner"}
"""Of the others: admin. So is the one who was disabled, who could do the most."""


def _id(number: int) -> UUID:
    return UUID(f"0198c0de-7a10-7000-8000-{number:012}")


PERSON = {name: _id(100 + number) for number, name in enumerate(PEOPLE)}
SESSION = {name: _id(200 + number) for number, name in enumerate(PEOPLE)}
RENTERS_OTHER_SESSION = _id(300)
OWNERS_SPOT, OWNERS_FREE_SPOT, OWNERS_DISABLED_SPOT, OTHER_OWNERS_SPOT = (_id(400 + number) for number in range(4))
SLOT, OTHER_OWNERS_SLOT = _id(500), _id(501)
AHEAD, NEAR, RUNNING, UNCONFIRMED, COMPLETED, REVIEWED, OTHER_RENTERS = (_id(600 + number) for number in range(7))
"""Bookings: all but the last by the renter at the owner's spot."""
REVIEW = _id(700)
PAYMENT, PAID_INTENT = _id(900), "pi_of_the_renter"
"""Of the booking ahead."""
STARS = 4
COUNTED = {"total_bookings": 2, "total_reviews": 1, "average_rating": STARS}
IDS = {
    "spot_id": OWNERS_SPOT,
    "slot_id": SLOT,
    "booking_id": AHEAD,
    "review_id": REVIEW,
    "user_id": PERSON["renter"],
    "session_id": RENTERS_OTHER_SESSION,
}
"""What a path names, unless a request says otherwise: what is the renter's or the owner's."""

RESET, VERIFICATION, RESET_OF_DISABLED = "a token to reset", "a token to verify", "a token of the disabled account"


def email(name: str) -> str:
    return f"{name}@example.com"


def token_id(name: str) -> UUID:
    """The id of the person's refresh token."""
    return _id(800 + PEOPLE.index(name))


@dataclass(frozen=True)
class RefreshToken:
    """In a body: the refresh token of somebody."""

    of: str


@dataclass(frozen=True)
class Request:
    """What is sent beside the operation's name.

    In the body, a timedelta is the moment so long from now. `done_by` are those for whom a success does something; by
    default, it may for everybody.
    """

    body: Mapping[str, Any] | None = None
    ids: Mapping[str, UUID] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    done_by: tuple[str, ...] = PEOPLE


SECRETS: Mapping[str, set[str]] = {
    **{f'"{email(name)}"': {name, "admin"} for name in PERSON},
    **{f"phone of {name}": {name, "admin"} for name in PERSON},
    **{f"browser of {name}": {name} for name in PERSON},
    "argon2": set(),
    "way into the owner's spot": {"owner", "renter"},  # one of the renter's bookings is near
    "way into the other owner's spot": {"other_owner"},
    "plate of the renter": {"renter", "owner", "admin"},
    "plate of the other renter": {"other_renter", "other_owner", "admin"},
}
"""Words that stand in the world, and to whom alone they may be shown."""


class World:
    """The marketplace, written straight into the tables; the same whenever it is built."""

    def __init__(self, api: Api, session: AsyncSession, settings: Settings) -> None:
        self.api, self.session, self.settings = api, session, settings
        self.now: datetime = api.clock.now()
        self.password_hash = passwords.HASHER.hash(PASSWORD)
        self._tables: Sequence[str] = ()

    async def build(self) -> None:
        """Make it anew, whatever was there."""
        if self.api.app.state.errand is not None:
            await self.api.app.state.errand.done()  # of what was asked before
        await empty(self.session)
        for table, rows in self._rows().items():
            await self.session.execute(insert(table), rows)
        if self.api.app.state.till is not None:
            self.api.app.state.till.gateway.know_as_paid(PAID_INTENT, 385)

    def _rows(self) -> dict[type[Any], list[dict[str, Any]]]:
        spots = [
            self._spot(OWNERS_SPOT, "owner", access_instructions="way into the owner's spot"),
            self._spot(OWNERS_FREE_SPOT, "owner"),
            self._spot(OWNERS_DISABLED_SPOT, "owner", is_active=False, disabled_at=self.now),
            self._spot(OTHER_OWNERS_SPOT, "other_owner", access_instructions="way into the other owner's spot"),
        ]
        return {
            User: [self._person(name) for name in PEOPLE if name != NOBODY],
            Session: [
                *(self._session(SESSION[name], name) for name in PEOPLE if name != NOBODY),
                self._session(RENTERS_OTHER_SESSION, "renter"),
            ],
            OneTimeToken: [
                self._token(RESET, "reset", "renter"),
                self._token(VERIFICATION, "verification", "renter"),
                self._token(RESET_OF_DISABLED, "reset", DISABLED),
            ],
            Spot: spots,
            SpotStats: [
                {"spot_id": spot["id"]} | (COUNTED if spot["id"] == OWNERS_SPOT else dict.fromkeys(COUNTED, 0))
                for spot in spots
            ],
            AvailabilitySlot: [self._slot(SLOT, OWNERS_SPOT), self._slot(OTHER_OWNERS_SLOT, OTHER_OWNERS_SPOT)],
            Booking: [
                self._booking(AHEAD, Status.CONFIRMED, 48),
                self._booking(NEAR, Status.CONFIRMED, 0.25),
                self._booking(RUNNING, Status.IN_PROGRESS, -0.75),
                self._booking(UNCONFIRMED, Status.PENDING, 72),
                self._booking(COMPLETED, Status.COMPLETED, -48),
                self._booking(REVIEWED, Status.COMPLETED, -72),
                self._booking(OTHER_RENTERS, Status.CONFIRMED, 48, "other_renter", "other_owner", OTHER_OWNERS_SPOT),
            ],
            Payment: [self._payment()],
            Review: [self._review()],
        }

    def _person(self, name: str) -> dict[str, Any]:
        return {
            "id": PERSON[name],
            "email": email(name),
            "password_hash": self.password_hash,
            "full_name": name,
            "phone_number": f"phone of {name}",
            "role": ROLES.get(name, "admin"),
            "is_active": name != DISABLED,
            "disabled_at": self.now if name == DISABLED else None,
        }

    def _session(self, session_id: UUID, name: str) -> dict[str, Any]:
        """That of the disabled account too goes on: the account alone must keep it out."""
        return {
            "id": session_id,
            "user_id": PERSON[name],
            "token_id": token_id(name),
            "user_agent": f"browser of {name}",
            "address": "192.0.2.1",
            "created_at": self.now,
            "refreshed_at": self.now,
            "expires_at": self.now + timedelta(days=1),
        }

    def _token(self, token: str, purpose: str, name: str) -> dict[str, Any]:
        return {
            "user_id": PERSON[name],
            "purpose": purpose,
            "email": email(name),
            "digest": hashlib.sha256(token.encode()).digest(),
            "created_at": self.now,
            "expires_at": self.now + timedelta(hours=1),
        }

    def _spot(self, spot_id: UUID, owner: str, **details: Any) -> dict[str, Any]:
        own = {"id": spot_id, "owner_id": PERSON[owner], "access_instructions": None}
        state = {"is_active": True, "disabled_at": None}
        return SPOT | own | state | {"country": "Greece", "currency": "EUR", "time_zone": "Europe/Athens"} | details

    def _slot(self, slot_id: UUID, spot_id: UUID) -> dict[str, Any]:
        day = {"day_of_week": 6, "start_minute": 0, "end_minute": 60, "is_available": False}
        return {"id": slot_id, "spot_id": spot_id} | day

    def _booking(
        self,
        booking_id: UUID,
        status: Status,
        start: float,
        renter: str = "renter",
        owner: str = "owner",
        spot_id: UUID = OWNERS_SPOT,
    ) -> dict[str, Any]:
        """For an hour from `start`, in hours from now."""
        begins = self.now + timedelta(hours=start)
        return {
            "id": booking_id,
            "spot_id": spot_id,
            "user_id": PERSON[renter],
            "owner_id": PERSON[owner],
            "status": status,
            "payment_status": PaymentStatus.COMPLETED,
            "start_time": begins,
            "end_time": begins + timedelta(hours=1),
            "expires_at": self.now + timedelta(hours=1) if status is Status.PENDING else None,
            "total_amount": 385,
            "service_fee": 35,
            "owner_payout": 350,
            "currency": "EUR",
            "vehicle_plate": f"plate of the {renter.replace('_', ' ')}",
        }

    def _payment(self) -> dict[str, Any]:
        return {
            "id": PAYMENT,
            "booking_id": AHEAD,
            "payer_id": PERSON["renter"],
            "owner_id": PERSON["owner"],
            "amount": 385,
            "owner_amount": 350,
            "currency": "EUR",
            "status": PaymentStatus.COMPLETED,
            "intent_id": PAID_INTENT,
            "paid_at": self.now,
            "created_at": self.now,
        }

    def _review(self) -> dict[str, Any]:
        about = {"booking_id": REVIEWED, "spot_id": OWNERS_SPOT, "reviewer_id": PERSON["renter"]}
        return {"id": REVIEW, "overall_rating": STARS, "created_at": self.now, "updated_at": self.now} | about

    async def ask(self, operation: Operation, request: Request, who: str) -> httpx.Response:
        """The answer to the request by that person."""
        headers = dict(request.headers)
        if who != NOBODY:
            headers["Authorization"] = f"Bearer {self._signed('access', who)}"
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        path = operation.url(**{name: str(thing) for name, thing in (IDS | dict(request.ids)).items()})
        return await self.api.client.request(
            operation.method, path, headers=headers, params=request.query, content=self._rendered(request.body)
        )

    def _rendered(self, body: Mapping[str, Any] | None) -> str | None:
        return None if body is None else json.dumps(body, default=self._meant)

    def _meant(self, value: object) -> str:
        match value:
            case timedelta():
                return (self.now + value).isoformat()
            case RefreshToken():
                return self._signed("refresh", value.of)
            case _:
                return str(value)

    def _signed(self, use: Use, name: str) -> str:
        return tokens.issue(self.settings, use, Claims(PERSON[name], SESSION[name], token_id(name)), self.now)

    async def digest(self) -> str:
        """Of every row of every table: the same where nothing has changed."""
        if not self._tables:
            names = await self.session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
            self._tables = names.all()
        rows = " UNION ALL ".join(f"SELECT '{table}' || t::text AS line FROM {table} t" for table in self._tables)
        digest = await self.session.scalar(text(f"SELECT md5(string_agg(line, ',' ORDER BY line)) FROM ({rows})"))
        return str(digest)
