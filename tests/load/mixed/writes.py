"""The writes of the mix, and what each of them makes true of a spot in answers that were kept before it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from load.mixed.queries import around, free_around, page_of
from parkingspots.app import PREFIX

AN_HOUR = timedelta(hours=1)
STEPS = range(10, 100)  # cents
SOON, LATE = 24, 24 * 60  # hours ahead

Request = tuple[str, str, str, Mapping[str, Any]]
"""Method, target, access token and content."""
Prices = Mapping[str, int | None]
"""By target the price that its answer shows for a spot, or None where the spot is not in it."""


@dataclass(frozen=True)
class Listing:
    """A spot that is always open, and the access token of its owner."""

    id: UUID
    latitude: float
    longitude: float
    token: str


@dataclass(frozen=True)
class PriceChange:
    spot: Listing
    price: int
    price_after: int
    start: datetime
    """Of the hour for which a search is kept."""

    @classmethod
    def of(cls, rng: Random, spot: Listing, price: int) -> "PriceChange":
        step = rng.choice(STEPS)
        cheaper = price > 2 * step and rng.random() < 0.5
        return cls(spot, price, price - step if cheaper else price + step, _a_start(rng))

    @property
    def request(self) -> Request:
        return "PUT", page_of(self.spot.id), self.spot.token, {"hourly_rate": self.price_after}

    def before(self) -> Prices:
        shown = dict.fromkeys(_shown_by(self.spot, self.start), self.price)
        return shown | {self._capped: self.price if self.price < self.price_after else None}

    def after(self) -> Prices:
        shown = dict.fromkeys(_shown_by(self.spot, self.start), self.price_after)
        return shown | {self._capped: self.price_after if self.price_after < self.price else None}

    @property
    def _capped(self) -> str:
        """A list that has the spot at the lower of its two prices alone."""
        cap = min(self.price, self.price_after)
        return around(self.spot.latitude, self.spot.longitude, max_hourly_rate=cap)


@dataclass(frozen=True)
class Booking:
    spot: Listing
    price: int
    token: str
    """The renter's."""
    start: datetime

    @classmethod
    def of(cls, rng: Random, spot: Listing, price: int, token: str) -> "Booking":
        return cls(spot, price, token, _a_start(rng))

    @property
    def price_after(self) -> int:
        return self.price

    @property
    def request(self) -> Request:
        wish = {
            "parking_spot_id": str(self.spot.id),
            "start_time": self.start.isoformat(),
            "end_time": (self.start + AN_HOUR).isoformat(),
        }
        return "POST", f"{PREFIX}/bookings/", self.token, wish

    def before(self) -> Prices:
        return dict.fromkeys(_shown_by(self.spot, self.start), self.price)

    def after(self) -> Prices:
        """The spot is gone from the search for its time, and from nothing else."""
        return {**self.before(), _search(self.spot, self.start): None}


Write = PriceChange | Booking


def price_in(answer: Any, spot_id: UUID) -> int | None:
    """The spot's price in its own page or in a list, or None where that does not have the spot."""
    items = answer if isinstance(answer, list) else [answer]
    return next((item["hourly_rate"] for item in items if item["id"] == str(spot_id)), None)


def _shown_by(spot: Listing, start: datetime) -> list[str]:
    return [page_of(spot.id), around(spot.latitude, spot.longitude), _search(spot, start)]


def _search(spot: Listing, start: datetime) -> str:
    return free_around(spot.latitude, spot.longitude, start, start + AN_HOUR)


def _a_start(rng: Random) -> datetime:
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    return now + AN_HOUR * rng.randrange(SOON, LATE)
