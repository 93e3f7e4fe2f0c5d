"""The search in SQL and a naive one in Python find the same spots in the same order."""

import random
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncSession

from distances import haversine
from parkingspots.spots.models import Spot
from parkingspots.spots.rules import SpotType, VehicleSize
from product import SPOT, Api, Person

SPOTS = 200
CITIES = ("Αθήνα", "ΑΘΗΝΑ", "Πύργος", "Thessaloníki", "100% City", "New_Town")
TITLES = ("Yard near the sea", "Αυλή στο κέντρο", "Garage 50% off", "Covered lot")
CORNERS = ((0.0, 0.0), (0.0, 179.99), (89.9, 10.0), (37.9755, 23.7348))
NOON = datetime(2040, 1, 2, 12, tzinfo=UTC)
DAY = [NOON + timedelta(hours=hour) for hour in range(12)]
words = some.none() | some.sampled_from(["αθη", "ΠΥΡΓΟΣ", "niki", "%", "_", "yard", "ΑΥΛΗ", "0% ", "", "nothing"])
Fields = dict[str, Any]


@dataclass(frozen=True)
class Wish:
    """The parameters of a search, and what they mean."""

    parameters: Fields
    place: tuple[float, float] | None
    window: tuple[datetime, datetime] | None


@some.composite
def wishes(draw: some.DrawFn) -> Wish:
    parameters = {
        "q": draw(words),
        "city": draw(words),
        "spot_type": draw(some.none() | some.sampled_from(SpotType)),
        "vehicle_size": draw(some.none() | some.sampled_from(VehicleSize)),
        "max_hourly_rate": draw(some.none() | some.integers(0, 12)),
        "has_ev_charging": draw(some.none() | some.booleans()),
        "is_covered": draw(some.none() | some.booleans()),
    }
    place = draw(some.none() | some.sampled_from(CORNERS))
    window = draw(some.none() | some.lists(some.sampled_from(DAY), min_size=2, max_size=2, unique=True).map(sorted))
    if place:
        parameters |= {"latitude": place[0], "longitude": place[1], "radius_km": draw(some.floats(0.1, 500))}
    if window:
        parameters |= {"start_time": window[0].isoformat(), "end_time": window[1].isoformat()}
    asked = {name: value for name, value in parameters.items() if value is not None}
    return Wish(asked, place, (window[0], window[1]) if window else None)


@pytest.fixture
async def market(owner: Person, session: AsyncSession) -> Sequence[Fields]:
    """Spots of all kinds around some places, several of them equally old or equally far, with bookings."""
    source = random.Random(2040)
    spots = [random_spot(source, owner) for _ in range(SPOTS)]
    ids = await session.scalars(insert(Spot).returning(Spot.id, sort_by_parameter_order=True), spots)
    spots = [spot | {"id": spot_id, "taken": []} for spot, spot_id in zip(spots, ids.all(), strict=True)]
    await session.execute(text("INSERT INTO spot_stats (spot_id) SELECT id FROM spots"))
    for spot in source.sample(spots, 120):
        await take(session, spot, source.choice(DAY[:8]), source.choice(("confirmed", "in_progress", "cancelled")))
    return spots


def random_spot(source: random.Random, owner: Person) -> Fields:
    latitude, longitude = source.choice(CORNERS)
    east = longitude + source.choice((0, 0.01, 0.5, -0.02))
    return SPOT | {
        "owner_id": UUID(owner.id),
        "country": "Greece",
        "currency": "EUR",
        "time_zone": "UTC",
        "title": source.choice(TITLES),
        "description": source.choice((None, "Μεγάλη αυλή", "50 % cheaper")),
        "city": source.choice(CITIES),
        "spot_type": source.choice(list(SpotType)),
        "vehicle_size": source.choice(list(VehicleSize)),
        "hourly_rate": source.randint(1, 12),
        "latitude": latitude - source.choice((0, 0.013, 0.3, 1.5)),
        "longitude": east - 360 if east > 180 else east,
        "has_ev_charging": source.random() < 0.5,
        "is_covered": source.random() < 0.5,
        "is_available": source.random() < 0.9,
        "is_active": source.random() < 0.9,
        "created_at": NOON - timedelta(days=source.randint(1, 20)),
    }


async def take(session: AsyncSession, spot: Fields, start: datetime, status: str) -> None:
    """Book the spot for three hours."""
    end = start + timedelta(hours=3)
    await session.execute(
        text(
            "INSERT INTO bookings (spot_id, user_id, owner_id, start_time, end_time, status, payment_status,"
            " total_amount, service_fee, owner_payout, currency)"
            " VALUES (:spot, :owner, :owner, :start, :end, :status, 'completed', 110, 10, 100, 'EUR')"
        ),
        {"spot": spot["id"], "owner": spot["owner_id"], "start": start, "end": end, "status": status},
    )
    if status != "cancelled":
        spot["taken"].append((start, end))


async def test_the_search_finds_what_a_naive_search_finds(api: Api, market: Sequence[Fields]) -> None:
    counts = set()
    for wish in drawn(150):
        items = await api.get("/parking-spots/", page_size=200, **wish.parameters)
        expected = naive(market, wish)
        assert [item["id"] for item in items] == [str(spot["id"]) for spot in expected], wish
        counts.add(len(items))
    assert len(counts) > 10, "the wishes should find now more and now less"


def drawn(number: int) -> list[Wish]:
    collected: list[Wish] = []

    @settings(max_examples=number, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(wishes())
    def collect(wish: Wish) -> None:
        collected.append(wish)

    collect()
    return collected


def naive(market: Sequence[Fields], wish: Wish) -> list[Fields]:
    fitting = [spot for spot in market if fits(spot, wish)]
    if wish.place is None:
        return sorted(fitting, key=lambda spot: (-spot["created_at"].timestamp(), spot["id"]))
    return sorted(fitting, key=lambda spot: (away(wish, spot), spot["id"]))


def away(wish: Wish, spot: Fields) -> float:
    """Kilometres from the place asked for; none where there is no such place."""
    return haversine(*wish.place, spot["latitude"], spot["longitude"]) if wish.place else 0


def fits(spot: Fields, wish: Wish) -> bool:
    asked = wish.parameters
    sizes = list(VehicleSize)
    written = " ".join((spot["title"], spot["description"] or "", spot["address"], spot["city"]))
    return all(
        (
            spot["is_active"] and spot["is_available"],
            folded(asked.get("q", "").strip()) in folded(written),
            folded(asked.get("city", "").strip()) in folded(spot["city"]),
            asked.get("spot_type", spot["spot_type"]) == spot["spot_type"],
            sizes.index(spot["vehicle_size"]) >= sizes.index(asked.get("vehicle_size", sizes[0])),
            spot["hourly_rate"] <= asked.get("max_hourly_rate", spot["hourly_rate"]),
            asked.get("has_ev_charging", spot["has_ev_charging"]) == spot["has_ev_charging"],
            asked.get("is_covered", spot["is_covered"]) == spot["is_covered"],
            away(wish, spot) <= asked.get("radius_km", 0),
            not any(wish.window and start < wish.window[1] and wish.window[0] < end for start, end in spot["taken"]),
        )
    )


def folded(written: str) -> str:
    bare = "".join(each for each in unicodedata.normalize("NFD", written) if not unicodedata.combining(each))
    return bare.lower().translate({ord("ς"): "\N{GREEK SMALL LETTER SIGMA}"})
