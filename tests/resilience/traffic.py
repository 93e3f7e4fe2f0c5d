"""People who search, look, book, cancel, stay, review and change prices, for as long as a block lasts."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from itertools import count, cycle
from random import Random
from time import monotonic
from typing import Any
from uuid import UUID

from load.mixed.queries import SPOTS, around, free_around, page_of
from parkingspots.app import PREFIX
from resilience.client import Answer, Client
from resilience.told import Stale, Taken, Told
from resilience.town import PRICE, Place, Town

BOUND = 1.0
"""Seconds after a write was answered for which another process may still show what was before."""
READERS, BOOKERS = 16, 7
"""The first spots are the bookers', one each; then comes the guest's, and the owner changes the prices of others."""
KEPT = "kept"
"""A look at a page that was read before, and that nobody changes."""
STAYS_AFTER = 1.5
"""Seconds from a booking to its start, for somebody who waits for it."""
AN_HOUR, A_STAY = timedelta(hours=1), timedelta(minutes=15)
DONE = frozenset({HTTPStatus.OK, HTTPStatus.CREATED})
SETTLED = DONE | {HTTPStatus.CONFLICT}
"""Of what has no key: done now, or by an earlier sending whose answer was lost."""


@dataclass
class Prices:
    """Of one spot: each price, from its sending until another one was acknowledged."""

    known: list[tuple[int, float]] = field(default_factory=lambda: [(PRICE, float("inf"))])

    def sent(self, price: int) -> None:
        self.known.append((price, float("inf")))

    def acknowledged(self, at: float) -> None:
        """The last one is the only one now."""
        self.known = [(price, min(until, at)) for price, until in self.known[:-1]] + self.known[-1:]

    def may_be_shown(self, began: float) -> set[int]:
        """To a read that began then."""
        return {price for price, until in self.known if until + BOUND >= began}


@dataclass
class Scene:
    """What all of them share. The last spot is everybody's: who comes first has the hour."""

    port: int
    town: Town
    told: Told = field(default_factory=Told)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    random: Random = field(default_factory=lambda: Random(1))

    def __post_init__(self) -> None:
        self.prices = {place.id: Prices() for place in self.town.places}
        self.known: set[UUID] = set()
        """Spots whose pages were read."""
        self.contested = (number // 3 for number in count(24))
        self.today = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)

    def client(self, number: int | None = None) -> Client:
        """Of the renter of that number, or of nobody who is signed in."""
        return Client(self.port, self.told, "" if number is None else self.town.renters[number].token)

    def look(self, answer: Answer | None, place: Place, began: float) -> None:
        """Whether the price is one that may be shown."""
        if answer is None or answer.status != HTTPStatus.OK:
            return
        self.known.add(place.id)
        price, allowed = answer.json()["hourly_rate"], self.prices[place.id].may_be_shown(began)
        if price not in allowed:
            self.told.stale.append(Stale(began, f"the price {price} of {place.id}, which is one of {sorted(allowed)}"))


@dataclass
class Pace:
    """Which may change while the traffic flows."""

    rate: float
    """Requests a second, of all together; where it is more than can be answered, each follows upon the last one."""

    @property
    def pause(self) -> float:
        return (READERS + BOOKERS) / self.rate


SOMETIMES = Pace((READERS + BOOKERS) / 0.5)


@asynccontextmanager
async def flowing(port: int, town: Town, rate: float) -> AsyncIterator[Told]:
    """Together about so many requests a second; what has begun when the block ends is brought to its end."""
    async with flowing_at(port, town, Pace(rate)) as told:
        yield told


@asynccontextmanager
async def flowing_at(port: int, town: Town, pace: Pace) -> AsyncIterator[Told]:
    scene = Scene(port, town)
    people: list[Callable[[], Coroutine[Any, Any, None]]] = [
        *(Reader(scene, scene.client(number if number % 2 else None), pace).live for number in range(READERS)),
        *(Booker(scene, scene.client(number), town.places[number], pace).live for number in range(BOOKERS)),
        Guest(scene, scene.client(BOOKERS), town.places[BOOKERS]).live,
        Owner(scene, Client(port, scene.told, town.owner.token)).live,
    ]
    async with asyncio.TaskGroup() as living:
        for live in people:
            living.create_task(live())
        try:
            yield scene.told
        finally:
            scene.ended.set()
    scene.told.ended = monotonic()


async def _paced(ended: asyncio.Event, pace: Pace) -> AsyncIterator[int]:
    """Numbers, one each so many seconds, or as soon as the last one is done, until it is over."""
    due = monotonic()
    for number in count():
        if ended.is_set():
            return
        yield number
        due = max(due + pace.pause, monotonic() - pace.pause)
        try:
            async with asyncio.timeout(max(due - monotonic(), 0)):
                await ended.wait()
        except TimeoutError:
            continue


@dataclass
class Reader:
    """Searches and looks."""

    scene: Scene
    client: Client
    pace: Pace

    async def live(self) -> None:
        async for number in _paced(self.scene.ended, self.pace):
            place = self.scene.random.choice(self.scene.town.places)
            began = monotonic()
            if number % 3 == 0:
                await self.client.read("search", around(place.latitude, place.longitude, radius_km=1))
            elif number % 3 == 1:
                start = self.scene.today + AN_HOUR * self.scene.random.randrange(24, 48)
                found = free_around(place.latitude, place.longitude, start, start + AN_HOUR)
                await self.client.read("search", found)
            else:
                kind = KEPT if self._is_kept(place) else "look"
                self.scene.look(await self.client.read(kind, page_of(place.id)), place, began)
        self.client.close()

    def _is_kept(self, place: Place) -> bool:
        return place in self.scene.town.places[:BOOKERS] and place.id in self.scene.known


@dataclass
class Booker:
    """Books hour after hour of one spot, and now and then an hour that others want too; every second is cancelled."""

    scene: Scene
    client: Client
    place: Place
    pace: Pace
    hours: "count[int]" = field(default_factory=lambda: count(24))
    mine: list[str] = field(default_factory=list)
    last: datetime | None = None
    """The hour that is mine, of those the latest."""
    since: float = 0.0

    async def live(self) -> None:
        turns = cycle((self._book, self._look, self._book_what_others_want, self._search, self._cancel))
        async for _ in _paced(self.scene.ended, self.pace):
            await next(turns)()
        self.client.close()

    async def _book(self) -> None:
        start = self.scene.today + AN_HOUR * next(self.hours)
        answer = await book(self.scene.told, self.client, self.place.id, start, start + AN_HOUR)
        if answer is not None and answer.status == HTTPStatus.CREATED:
            self.mine.append(answer.json()["id"])
            self.last, self.since = start, monotonic()
        elif answer is not None:
            self.scene.told.wrong.append(f"a booking of a free hour is answered {answer.status}: {answer.body!r:.120}")

    async def _look(self) -> None:
        """At my own booking."""
        if not self.mine:
            return
        answer = await self.client.read("booking", f"{PREFIX}/bookings/{self.mine[-1]}")
        if answer is not None and answer.status == HTTPStatus.NOT_FOUND:
            self.scene.told.wrong.append(f"the booking {self.mine[-1]} was acknowledged and is not found")

    async def _book_what_others_want(self) -> None:
        start = self.scene.today + AN_HOUR * (24 + next(self.scene.contested))
        await book(self.scene.told, self.client, self.scene.town.places[-1].id, start, start + AN_HOUR)

    async def _search(self) -> None:
        """For the hour that I have: nobody else may be offered it."""
        if self.last is None or monotonic() - self.since < BOUND:
            return
        began = monotonic()
        target = free_around(self.place.latitude, self.place.longitude, self.last, self.last + AN_HOUR)
        answer = await self.client.read("search", target)
        if answer is None or answer.status != HTTPStatus.OK:
            return
        if str(self.place.id) in [item["id"] for item in answer.json()]:
            self.scene.told.stale.append(Stale(began, f"{self.place.id} is offered at {self.last}, which is booked"))

    async def _cancel(self) -> None:
        """The booking before the last."""
        if len(self.mine) < 3 or len(self.mine) % 2:
            return
        booking = self.mine[-3]
        answer = await self.client.insist("cancel", "POST", f"{PREFIX}/bookings/{booking}/cancel", {})
        _note(self.scene.told.cancelled, booking, answer, self.scene.told)


@dataclass
class Guest:
    """Books from the next moment on, arrives, leaves, and reviews."""

    scene: Scene
    client: Client
    place: Place

    async def live(self) -> None:
        while not self.scene.ended.is_set():
            await self._stay()
        self.client.close()

    async def _stay(self) -> None:
        told = self.scene.told
        start = datetime.now(UTC) + timedelta(seconds=STAYS_AFTER)
        answer = await book(told, self.client, self.place.id, start, start + A_STAY)
        if answer is None or answer.status != HTTPStatus.CREATED:
            await asyncio.sleep(STAYS_AFTER)  # it was sent so often that its start is over
            return
        booking = answer.json()["id"]
        await self.client.insist("check in", "POST", f"{PREFIX}/bookings/{booking}/check-in")
        await asyncio.sleep(max((start - datetime.now(UTC)).total_seconds(), 0) + 0.1)
        left = await self.client.insist("check out", "POST", f"{PREFIX}/bookings/{booking}/check-out")
        _note(told.completed, booking, left, told)
        stars = self.scene.random.randrange(1, 6)
        said = await self.client.insist(
            "review", "POST", f"{PREFIX}/reviews/", {"booking_id": booking, "overall_rating": stars}
        )
        _note(told.reviewed, booking, said, told)


@dataclass
class Owner:
    """Makes one spot after the other dearer, twice a second."""

    scene: Scene
    client: Client

    async def live(self) -> None:
        places, price = cycle(self.scene.town.places[BOOKERS + 1 : -1]), count(PRICE + 1)
        async for _ in _paced(self.scene.ended, SOMETIMES):
            place, wish = next(places), next(price)
            prices = self.scene.prices[place.id]
            prices.sent(wish)
            answer = await self.client.insist("price", "PUT", f"{SPOTS}/{place.id}", {"hourly_rate": wish})
            if answer is None:
                continue
            prices.acknowledged(monotonic())
            if answer.status != HTTPStatus.OK:
                self.scene.told.wrong.append(f"a new price is answered {answer.status}: {answer.body!r:.120}")
        self.client.close()


async def book(told: Told, client: Client, spot: UUID, start: datetime, end: datetime) -> Answer | None:
    """Until it is answered; written down where it is acknowledged."""
    wish = {"parking_spot_id": str(spot), "start_time": start.isoformat(), "end_time": end.isoformat()}
    answer = await client.insist("book", "POST", f"{PREFIX}/bookings/", wish)
    if answer is not None and answer.status == HTTPStatus.CREATED:
        booking = answer.json()["id"]
        if told.booked.setdefault(booking, Taken(spot, start)) != Taken(spot, start):
            told.wrong.append(f"the booking {booking} was acknowledged for two slots")
    return answer


def _note(done: set[str], booking: str, answer: Answer | None, told: Told) -> None:
    if answer is not None and answer.status in SETTLED:
        done.add(booking)
    elif answer is not None:
        told.wrong.append(f"the booking {booking} is answered {answer.status}: {answer.body!r:.120}")
