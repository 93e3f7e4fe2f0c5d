"""The demo spots: where they are, what they offer, what they cost."""

import json
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import NamedTuple
from uuid import UUID

from parkingspots.bookings.rules import Rates
from parkingspots.seed import listings
from parkingspots.seed.opening import ALWAYS, Opening, an_opening
from parkingspots.seed.people import People
from parkingspots.seed.plan import ZONE, Plan, moment, pick, uuid7
from parkingspots.seed.towns import ATHENS, Town, a_town
from parkingspots.spots.rules import SpotType, VehicleSize

DEMO_SPOTS = 6
"""The first ones belong to the demo owner; they are in central Athens and always open."""
OLDEST = 900  # days
TYPES = tuple(SpotType)
SIZES = tuple(VehicleSize)
ROOFED = frozenset({SpotType.INDOOR, SpotType.COVERED, SpotType.GARAGE})
HOURLY_RATE = {  # cents, in Athens
    SpotType.INDOOR: 300,
    SpotType.OUTDOOR: 180,
    SpotType.COVERED: 250,
    SpotType.GARAGE: 350,
    SpotType.DRIVEWAY: 160,
    SpotType.LOT: 220,
}
SIZE_PERCENT = dict(zip(VehicleSize, (50, 85, 100, 120, 160), strict=True))
CHARGING_EXTRA = 60  # cents an hour
OF_THE_HUNDRED_SIZES = (6, 28, 75, 93, 100)  # cumulative, in the order of VehicleSize


@dataclass(frozen=True)
class Spot:
    """A spot and what its bookings need to know of it."""

    index: int
    id: UUID
    owner_id: UUID
    created_at: datetime
    created_day: int
    rates: Rates
    opening: Opening


class SpotRow(NamedTuple):
    """A row of `spots`."""

    id: UUID
    owner_id: UUID
    title: str
    description: str
    spot_type: SpotType
    vehicle_size: VehicleSize
    address: str
    city: str
    prefecture: str
    zip_code: str
    country: str
    latitude: float
    longitude: float
    hourly_rate: int
    daily_rate: int | None
    monthly_rate: int | None
    currency: str
    is_covered: bool
    has_ev_charging: bool
    has_security: bool
    has_lighting: bool
    is_handicap_accessible: bool
    access_instructions: str | None
    operating_hours: str | None
    images: list[str]
    time_zone: str
    is_available: bool
    created_at: datetime
    updated_at: datetime


def a_spot(plan: Plan, people: People, index: int) -> tuple[Spot, SpotRow]:
    """The spot at `index`, and its row."""
    rng = Random(f"{plan.seed}/spot/{index}")
    is_demo = index < DEMO_SPOTS
    town = ATHENS if is_demo else a_town(rng)
    size = _a_size(rng)
    spot_type = TYPES[pick(rng, len(TYPES))]
    charges = rng.random() < 0.18
    age = max(1 + int(OLDEST * rng.random() ** 1.5), 2 * plan.bookings_of(index))
    created_day = plan.today - min(age, OLDEST)
    created_at = moment(created_day, 480 + pick(rng, 720))
    owner = 0 if is_demo else _an_owner(rng, plan.owners)
    spot = Spot(
        index=index,
        id=uuid7(created_at, rng.getrandbits(74)),
        owner_id=people.owner_id(owner),
        created_at=created_at,
        created_day=created_day,
        rates=_rates(rng, town, spot_type, size, charges=charges),
        opening=ALWAYS if is_demo else an_opening(rng, plan.today),
    )
    return spot, _row(rng, spot, town, spot_type, size, charges=charges)


def _an_owner(rng: Random, owners: int) -> int:
    """Not the demo owner where there are others; few owners have many spots."""
    return min(1 + int((owners - 1) * rng.random() ** 2), owners - 1)


def _a_size(rng: Random) -> VehicleSize:
    chance = pick(rng, 100)
    return next(size for size, below in zip(SIZES, OF_THE_HUNDRED_SIZES, strict=True) if chance < below)


def _rates(rng: Random, town: Town, spot_type: SpotType, size: VehicleSize, *, charges: bool) -> Rates:
    """A day costs less than its hours, a month less than its days."""
    asked = HOURLY_RATE[spot_type] * SIZE_PERCENT[size] * town.price // 10_000 * (80 + pick(rng, 45)) // 100
    hourly = asked // 10 * 10 + CHARGING_EXTRA * charges
    daily = hourly * (6 + pick(rng, 6)) // 50 * 50 or hourly
    monthly = daily * (9 + pick(rng, 7)) // 500 * 500 or daily
    has_daily, has_monthly = rng.random() < 0.85, rng.random() < 0.6
    return Rates(hourly, daily if has_daily else None, monthly if has_daily and has_monthly else None)


def _row(rng: Random, spot: Spot, town: Town, spot_type: SpotType, size: VehicleSize, *, charges: bool) -> SpotRow:
    area = town.areas[spot.index if spot.index < DEMO_SPOTS else pick(rng, len(town.areas))]
    street = town.streets[pick(rng, len(town.streets))]
    latitude, longitude = area.point(rng)
    return SpotRow(
        id=spot.id,
        owner_id=spot.owner_id,
        title=listings.title(rng, spot_type, town, area, street),
        description=listings.description(rng, spot_type, size, town, area),
        spot_type=spot_type,
        vehicle_size=size,
        address=f"{street} {1 + pick(rng, 140)}, {area.name}",
        city=town.name,
        prefecture=town.prefecture,
        zip_code=area.zip_code,
        country="Greece",
        latitude=latitude,
        longitude=longitude,
        hourly_rate=spot.rates.hourly,
        daily_rate=spot.rates.daily,
        monthly_rate=spot.rates.monthly,
        currency="EUR",
        is_covered=spot_type in ROOFED,
        has_ev_charging=charges,
        has_security=rng.random() < 0.4,
        has_lighting=rng.random() < 0.7,
        is_handicap_accessible=rng.random() < 0.25,
        access_instructions=listings.access_instructions(rng, street) if rng.random() < 0.7 else None,
        operating_hours=json.dumps(hours) if (hours := spot.opening.hours) else None,
        images=[f"https://images.example.com/spots/{spot.id}/{number}.jpg" for number in range(1, 1 + pick(rng, 4))],
        time_zone=ZONE.key,
        is_available=spot.index < DEMO_SPOTS or rng.random() < 0.97,
        created_at=spot.created_at,
        updated_at=spot.created_at,
    )
