"""People who look for spots and book them all the time, whatever they are answered."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import count

import httpx

from product import Api, Person

LOOKS = (
    "/parking-spots/search?latitude=37.9755&longitude=23.7348",
    "/parking-spots/?city=Athens",
    "/parking-spots/{spot}",
)
"""Between two bookings: every fourth request is one."""
THINKS = 0.25
"""Seconds between two requests of one of them."""
PEOPLE = 6
ELSEWHERE = {"city": "Patras", "prefecture": "Achaea", "latitude": 38.2466, "longitude": 21.7346}
"""Where they book, so that what is kept of Athens stays."""


class Crowd:
    def __init__(self, api: Api, renter: Person, seen: str, spots: Sequence[str]) -> None:
        self.spots = spots
        self._api, self._renter, self._seen = api, renter, seen
        self._hours = count(24)

    async def visit(self, spot: str) -> None:
        """One of them, until it is cancelled."""
        while True:
            for path in LOOKS:
                await self._ask("GET", path.format(spot=self._seen))
            await self.book(spot)

    async def book(self, spot: str) -> None:
        start = next(self._hours)
        wish = {"parking_spot_id": spot, "start_time": self._api.at(start), "end_time": self._api.at(start + 1)}
        await self._ask("POST", "/bookings/", wish)

    async def _ask(self, method: str, path: str, wish: dict[str, str] | None = None) -> None:
        with suppress(httpx.HTTPError):
            await self._api.client.request(method, f"/api/v1{path}", headers=self._renter.headers, json=wish)
        await asyncio.sleep(THINKS)

    async def insist(self) -> None:
        """Somebody who wants the first spot, again and again."""
        while True:
            await self.book(self.spots[0])


@asynccontextmanager
async def crowding(crowd: Crowd) -> AsyncIterator[None]:
    async with many(*(crowd.visit(spot) for spot in crowd.spots)):
        yield


@asynccontextmanager
async def many(*doings: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """All of them, while the block lasts."""
    going = {asyncio.create_task(doing) for doing in doings}
    try:
        yield
    finally:
        while going:
            for task in going:
                task.cancel()  # again, as one may be lost in a request that fails at the same moment
            _, going = await asyncio.wait(going, timeout=1)


async def gathered(api: Api, owner: Person, seen: str) -> Crowd:
    """Each with a spot of their own."""
    renter = await api.person("cora")
    spots = [await api.list_spot(owner, **ELSEWHERE) for _ in range(PEOPLE)]
    return Crowd(api, renter, seen, spots)
