"""An application that keeps answers and one that does not say the same, SAME_BYTES_CASES requests long."""

import os
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as some
from prometheus_client import REGISTRY
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from conftest import Record
from parkingspots.kit.wire import lowered
from product import Api, Person

CASES = int(os.environ.get("SAME_BYTES_CASES", "200"))
A_WRITE_EVERY = 5
Choices = tuple[tuple[str, str], ...]
OF_THE_FORM = {"content-encoding", "content-length", "x-request-id", "vary"}
"""Headers that a compressed answer has otherwise, and the request's own name."""
UNKNOWN = "00000000-0000-4000-8000-000000000000"
ENCODINGS = ("identity", "gzip", "br, gzip;q=0.5", "gzip;q=0", "*", "")
KNOWN = ("*", '"something"', "W/{etag}", "{etag}", '"a", {etag}', '"', "")
PAGING: Choices = (
    ("page", "1 2 0 x 10001 10002"),
    ("page_size", "1 2 200 201 -1"),
    ("limit", "1 3 0"),
    ("cursor", "W10 x"),
)
LISTS: Choices = (
    *PAGING,
    ("latitude", "37.9755 37.97550 38 91 nan -0"),
    ("longitude", "23.7348 23.7348 180 -180 true"),
    ("radius_km", "1 1.0 10 50 500 501 0 1e2"),
    ("q", "Syntagma SYNTAGMA ΑΘΉΝΑ % nothing"),
    ("city", "athens Αθηνα"),
    ("prefecture", "attica"),
    ("state", "ATTICA nowhere"),
    ("zip_code", "10563 1"),
    ("spot_type", "covered garage COVERED"),
    ("vehicle_size", "compact large huge"),
    ("max_hourly_rate", "100 350 1000 -1 1.5"),
    ("max_price", "350 99999999999"),
    ("has_ev_charging", "true 1 no maybe"),
    ("is_covered", "false 0 on"),
    ("start_time", "2040-01-02T12:00:00Z 2040-01-02T12:00:00 2040-01-02T14:00:00.000+02:00"),
    ("end_time", "2040-01-02T14:00:00Z 2041-01-02T14:00:00Z 2040-01-02T16:00:00+02:00"),
    ("utm_source", "mail 1"),
)
MORE: tuple[dict[str, Any], ...] = ({"images": ["https://example.com/a.jpg"]}, {"vehicle_size": "large"}, {})
ODDITIES = ("%ff=1", "q=%00", "q=%ed%a0%80", "&&", "=", "q", "page=1&page=2", "q=a;q=b", "latitude", "%71=syntagma")


@dataclass
class Request:
    method: str
    path: str
    parameters: list[tuple[str, str]]
    raw: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def url(self, source: random.Random) -> str:
        """In one of the ways in which it may be written."""
        parameters = source.sample(self.parameters, len(self.parameters))
        query = "&".join(filter(None, (urlencode(parameters), self.raw)))
        return f"/api/v1{self.path}?{query}"


class World:
    """Spots and those who look at them, and what they do in between."""

    def __init__(self, api: Api, owner: Person, renter: Person) -> None:
        self.api, self.owner, self.renter = api, owner, renter
        self.spots: list[str] = []
        self.reviews: list[str] = []

    async def grow(self, record: Record, spot: str, stranger: Person) -> None:
        self.visitors = (self.owner, self.renter, stranger)
        guarded = await self.api.list_spot(self.owner, access_instructions="The code is 4711.", description="Αθήνα")
        hidden = await self.api.list_spot(self.owner)
        gone = await self.api.list_spot(self.owner)
        more = [
            await self.api.list_spot(self.owner, latitude=37.98 + number / 100, hourly_rate=300 + number, **extra)
            for number, extra in enumerate(MORE)
        ]
        await self.api.put(f"/parking-spots/{hidden}", self.owner, is_available=False)
        await self.api.delete(f"/parking-spots/{gone}", self.owner)
        await self.api.book(self.renter, guarded, 2, 4)
        for stars in (5, 4, 3):
            said = {"booking_id": await record("completed", -30 * stars, -30 * stars + 1), "overall_rating": stars}
            review = await self.api.post("/reviews/", self.renter, expect=201, comment="Fine.", **said)
            self.reviews.append(review["id"])
        self.spots = [spot, guarded, hidden, gone, *more, UNKNOWN]

    async def write(self, source: random.Random) -> None:
        spot = f"/parking-spots/{source.choice((*self.spots[:3], *self.spots[4:7]))}"
        hour = source.randrange(2, 200)
        match source.randrange(5):
            case 0:
                await self.api.put(spot, self.owner, **source.choice(self.changes(source)))
            case 1:
                await self.close_and_perhaps_open(source, spot)
            case 2:
                await self.api.put("/users/me", self.renter, full_name=source.choice(("Ann", "Ben")))
            case 3:
                await self.api.post(f"/reviews/{source.choice(self.reviews)}/response", self.owner, response=f"{hour}")
            case _:
                await self.book_and_perhaps_cancel(source, spot.rpartition("/")[2], hour)

    def changes(self, source: random.Random) -> list[dict[str, Any]]:
        return [
            {"hourly_rate": source.randint(200, 500)},
            {"is_available": source.random() < 0.7},
            {"latitude": 37.97 + source.random() / 10},
            {"access_instructions": source.choice((None, "Ring twice."))},
        ]

    async def close_and_perhaps_open(self, source: random.Random, spot: str) -> None:
        slot = {"day_of_week": 0, "start_time": "08:00", "end_time": "20:00", "is_available": False}
        created = await self.api.post(f"{spot}/availability", self.owner, expect=201, **slot)
        if source.random() < 0.7:
            await self.api.delete(f"{spot}/availability/{created['id']}", self.owner)

    async def book_and_perhaps_cancel(self, source: random.Random, spot: str, hour: int) -> None:
        times = {"start_time": self.api.at(hour), "end_time": self.api.at(hour + 1)}
        answer = await self.api.client.post(
            "/api/v1/bookings/", headers=self.renter.headers, json=times | {"parking_spot_id": spot}
        )
        if answer.status_code == httpx.codes.CREATED and source.random() < 0.5:
            await self.api.post(f"/bookings/{answer.json()['id']}/cancel", self.renter)

    def request(self, source: random.Random) -> Request:
        method = "HEAD" if source.random() < 0.15 else "GET"
        if source.random() < 0.6:
            path, known = source.choice(("/parking-spots", "/parking-spots/search")), LISTS
        else:
            spot = source.choice(self.spots)
            spot = source.choice((spot, spot, spot, spot.upper(), spot.replace("-", ""), f"{spot}x"))
            path, known = self.path_of(source, spot), PAGING
        path += source.choice(("", "", "/", "//"))
        names = source.sample(known, min(len(known), source.choice((0, 0, 1, 2, 2, 3, 4))))
        if known is LISTS and source.random() < 0.4:  # a place, which halves would seldom make
            names = [*(each for each in names if each[0] not in {"latitude", "longitude"}), *LISTS[4:6]]
        parameters = [(name, chosen(source, values.split())) for name, values in names]
        if source.random() < 0.1 and parameters:
            parameters.append(source.choice(parameters))
        raw = source.choice(ODDITIES) if source.random() < 0.08 else ""
        return Request(method, path, parameters, raw, self.headers(source))

    def path_of(self, source: random.Random, spot: str) -> str:
        return source.choice(
            (
                f"/parking-spots/{spot}",
                f"/parking-spots/{spot}",
                f"/parking-spots/{spot}/availability",
                f"/reviews/spot/{spot}",
                f"/reviews/parking-spot/{spot}",
                f"/reviews/spot/{spot}/summary",
                f"/reviews/parking-spot/{spot}/summary",
            )
        )

    def headers(self, source: random.Random) -> dict[str, str]:
        headers = {"Accept-Encoding": source.choice(ENCODINGS)}
        if source.random() < 0.5:
            token = source.choice(self.visitors).access_token
            forms = (f"Bearer {token}", f"bearer {token}", f"Bearer  {token}", f"Basic {token}", f"Bearer {token}x", "")
            headers["Authorization"] = source.choice((forms[0], forms[0], *forms))
        if source.random() < 0.3:
            headers["If-None-Match"] = source.choice(KNOWN)
        return headers


def chosen(source: random.Random, values: Sequence[str]) -> str:
    """Mostly the first ones, which are the right ones."""
    return values[0] if source.random() < 0.5 else source.choice(values)


async def test_kept_answers_are_those_of_the_route(
    api: Api, keeping_api: Api, world: World, seed: int, clock: Any
) -> None:
    source = random.Random(seed)
    statuses = set()
    served = count("hit")
    for number in range(CASES):
        if number % A_WRITE_EVERY == 0:
            await world.write(source)
        if number % 50 == 49:
            clock.pass_by(minutes=0.4)
        request = world.request(source)
        tag = (await send(api, request, source)).headers.get("etag", "")
        truth = await send(api, request, source, tag)
        for _ in ("a miss, perhaps", "a hit, perhaps"):
            kept = await send(keeping_api, request, source, tag)
            assert told(kept) == told(truth), request
        statuses.add(truth.status_code)
    assert statuses >= {200, 304, 404, 422}
    assert count("hit") - served > CASES / 4, "much of it should be kept"


async def send(api: Api, request: Request, source: random.Random, tag: str = "") -> httpx.Response:
    """The answer; `tag` is what the client may have read before."""
    headers = dict(request.headers)
    if "If-None-Match" in headers:
        headers["If-None-Match"] = headers["If-None-Match"].replace("{etag}", tag)
    return await api.client.request(request.method, request.url(source), headers=headers)


def told(answer: httpx.Response) -> tuple[int, bytes, dict[str, str]]:
    """What a client is told, in whatever form."""
    headers = {name: value for name, value in answer.headers.items() if name not in OF_THE_FORM}
    if "etag" in headers:
        headers["etag"] = headers["etag"].replace('-gzip"', '"')
    path, query, rest = headers.get("link", "").partition("?")
    headers["link"] = path.lower() + query + rest  # an id may be in capitals
    return answer.status_code, answer.content, headers


def count(outcome: str) -> float:
    return sum(
        sample.value
        for metric in REGISTRY.collect()
        for sample in metric.samples
        if sample.name == "parkingspots_reads_total" and sample.labels["outcome"] == outcome
    )


@pytest.fixture
def seed() -> int:
    return int(os.environ.get("SAME_BYTES_SEED", "20400102"))


@pytest.fixture
async def world(
    keeping_api: Api, owner: Person, renter: Person, other_renter: Person, spot: str, record: Record
) -> World:
    world = World(keeping_api, owner, renter)
    await world.grow(record, spot, other_renter)
    return world


async def test_the_database_finds_the_same_with_words_in_lower_case(session: AsyncSession) -> None:
    """What a client writes in capitals is kept under the same key: the database folds both alike."""
    words = texts(1_000)
    asked = text("SELECT folded(word) FROM unnest(cast(:words AS text[])) WITH ORDINALITY AS w (word, n) ORDER BY n")
    plain = (await session.scalars(asked, {"words": words})).all()
    small = (await session.scalars(asked, {"words": [lowered(word) for word in words]})).all()
    different = [word for word, one, other in zip(words, plain, small, strict=True) if one != other]
    assert different == []


def texts(number: int) -> list[str]:
    """Any, and every single letter that has a small form."""
    collected = [letter for letter in map(chr, range(0x20, 0x30000)) if letter.lower() != letter]

    @settings(max_examples=number, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(some.text(some.characters(exclude_categories=["Cs", "Cc"])))
    @example("İSTANBUL")
    @example("ΟΔΥΣΣΕΥΣ ΌΔΟΣ.")
    def collect(word: str) -> None:
        collected.append(word)

    collect()
    return collected
