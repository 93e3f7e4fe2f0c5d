"""Who lives where the scenarios play: an owner with spots, and renters, all signed in."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import httpx

from load.bookings import Renter, crowd
from parkingspots.app import PREFIX
from parkingspots.settings import Settings
from product import SPOT

SPOTS = 24
PRICE = 300
"""Minor units an hour, of each spot at first."""


@dataclass(frozen=True)
class Place:
    """A spot, far enough from the others to be alone within a kilometre."""

    id: UUID
    latitude: float
    longitude: float


@dataclass(frozen=True)
class Town:
    owner: Renter
    renters: Sequence[Renter]
    places: Sequence[Place]


async def founded(settings: Settings, url: str) -> Town:
    owner, *renters = await crowd(settings)
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {owner.token}"}, timeout=30) as api:
        return Town(owner, renters, [await _listed(api, number) for number in range(SPOTS)])


async def _listed(api: httpx.AsyncClient, number: int) -> Place:
    latitude, longitude = 38.0 + number / 20, 23.7
    spot = SPOT | {"latitude": latitude, "longitude": longitude, "hourly_rate": PRICE}
    answer = await api.post(f"{PREFIX}/parking-spots/", json=spot)
    answer.raise_for_status()
    return Place(UUID(answer.json()["id"]), latitude, longitude)
