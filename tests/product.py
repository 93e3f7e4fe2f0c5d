"""The product as its clients use it, in the words of its users."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import httpx
from fastapi import FastAPI

from parkingspots.app import create
from parkingspots.front import front
from parkingspots.kit.mail import Letter
from parkingspots.payments.gateway import PaymentGateway
from parkingspots.settings import Settings

SPOT: dict[str, Any] = {
    "title": "Covered spot near Syntagma",
    "spot_type": "covered",
    "vehicle_size": "standard",
    "address": "Ermou 12",
    "city": "Athens",
    "prefecture": "Attica",
    "zip_code": "10563",
    "latitude": 37.9755,
    "longitude": 23.7348,
    "hourly_rate": 350,
}
PASSWORD = "correct horse"
PATIENCE = 30.0  # seconds until a test gives up; far more than anything takes
LOOK_EVERY = 0.01  # seconds


class Clock(Protocol):
    def now(self) -> datetime: ...

    def pass_by(self, **time: float) -> None: ...


@dataclass(frozen=True)
class Person:
    """Somebody with an account, signed in."""

    id: str
    email: str
    access_token: str
    refresh_token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access_token}"}


class Outbox:
    """A mailer that keeps what it is given."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []

    async def send(self, letter: Letter) -> bool:
        self.letters.append(letter)
        return True


class Api:
    """Requests to /api/v1; each says which status it expects, and shows the answer where it got another."""

    def __init__(self, app: FastAPI, client: httpx.AsyncClient, clock: Clock, outbox: Outbox) -> None:
        self.app = app
        self.client = client
        self.clock = clock
        self.outbox = outbox

    async def request(
        self, method: str, path: str, who: Person | None = None, *, expect: int = 200, **rest: Any
    ) -> httpx.Response:
        """The answer to a request by `who`."""
        headers = (who.headers if who else {}) | rest.pop("headers", {})
        answer = await self.client.request(method, f"/api/v1{path}", headers=headers, **rest)
        assert answer.status_code == expect, f"{method} {path}: {answer.status_code} {answer.text}"
        if expect >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
            assert isinstance(answer.json()["detail"], str)
        return answer

    async def get(self, path: str, who: Person | None = None, *, expect: int = 200, **params: Any) -> Any:
        return (await self.request("GET", path, who, expect=expect, params=params)).json()

    async def post(self, path: str, who: Person | None = None, *, expect: int = 200, **body: Any) -> Any:
        return (await self.request("POST", path, who, expect=expect, json=body)).json()

    async def put(self, path: str, who: Person | None = None, *, expect: int = 200, **body: Any) -> Any:
        return (await self.request("PUT", path, who, expect=expect, json=body)).json()

    async def delete(self, path: str, who: Person | None = None, *, expect: int = 200) -> Any:
        return (await self.request("DELETE", path, who, expect=expect)).json()

    async def person(self, name: str, **details: Any) -> Person:
        """Somebody who has registered and signed in."""
        email = f"{name}@example.com"
        user = await self.post(
            "/auth/register",
            expect=201,
            **({"email": email, "password": PASSWORD, "full_name": name.title()} | details),
        )
        return await self.sign_in(user["id"], email)

    async def sign_in(self, user_id: str, email: str, password: str = PASSWORD) -> Person:
        tokens = await self.post("/auth/login", email=email, password=password)
        return Person(user_id, email, tokens["access_token"], tokens["refresh_token"])

    async def list_spot(self, owner: Person, **details: Any) -> str:
        """The id of a new spot."""
        spot_id: str = (await self.post("/parking-spots/", owner, expect=201, **(SPOT | details)))["id"]
        return spot_id

    async def is_keeping(self) -> bool:
        """Whether answers are kept by now."""
        return bool(self.app.state.follower.is_current())

    def at(self, hours: float) -> str:
        """The moment so many hours from now, as it goes over the wire."""
        return (self.clock.now() + timedelta(hours=hours)).astimezone(UTC).isoformat()

    async def book(
        self, renter: Person, spot_id: str, start: float, end: float, *, expect: int = 201, **details: Any
    ) -> Any:
        """Book from `start` to `end`, both in hours from now."""
        times = {"start_time": self.at(start), "end_time": self.at(end)}
        return await self.post("/bookings/", renter, expect=expect, parking_spot_id=spot_id, **times, **details)


@asynccontextmanager
async def running(settings: Settings, clock: Clock, money: PaymentGateway | None = None) -> AsyncIterator[Api]:
    """The application as `settings` say, asked over its HTTP interface in this process; `money` moves it, if any."""
    app = create(settings, clock, lambda _: money)
    async with app.router.lifespan_context(app), asked(app, clock) as api:
        yield api


@asynccontextmanager
async def asked(app: FastAPI, clock: Clock) -> AsyncIterator[Api]:
    """The running application's HTTP interface. Its letters are kept, not sent."""
    app.state.mailer = outbox = Outbox()
    app.state.till = app.state.till and replace(app.state.till, mailer=outbox)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(front(app)), base_url="http://parkingspots.test"
    ) as client:
        yield Api(app, client, clock, outbox)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for `condition`, looking again and again; TimeoutError where it does not come about."""
    async with asyncio.timeout(PATIENCE):
        while not await condition():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(LOOK_EVERY)
