"""What demo data to make: everything that decides a row."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from random import Random
from uuid import UUID
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/Athens")
MOST_BOOKINGS_A_SPOT = 50
"""On average; more would not fit into the days that a spot has."""
POPULARITY = (12, 4, 19, 0, 7, 27, 2, 10, 5, 14)
"""Of every ten spots: how a hundred bookings fall to them."""
SHARES = (0, *accumulate(POPULARITY))
MILLISECOND = timedelta(milliseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Plan:
    """How much to make, from which seed, as of which moment. Equal plans give equal rows, ids included."""

    seed: int
    now: datetime
    spots: int
    bookings: int
    fee_basis_points: int

    @property
    def owners(self) -> int:
        return max(self.spots // 4, 1)

    @property
    def renters(self) -> int:
        return max(self.bookings // 10, 1)

    @property
    def today(self) -> int:
        """The local day of `now`, as a proleptic Gregorian ordinal."""
        return self.now.astimezone(ZONE).toordinal()

    def bookings_of(self, spot: int) -> int:
        """How many bookings fall to the spot at index `spot`; over all spots they add up to `bookings`."""
        return self._bookings_before(spot + 1) - self._bookings_before(spot)

    def _bookings_before(self, spot: int) -> int:
        if spot == self.spots:
            return self.bookings
        return self.bookings * _share_before(spot) // max(_share_before(self.spots), 1)


def _share_before(spot: int) -> int:
    tens, rest = divmod(spot, len(POPULARITY))
    return tens * SHARES[-1] + SHARES[rest]


def moment(day: int, minute: int) -> datetime:
    """The instant, in UTC, of a minute of a local day given as an ordinal; 1440 and more lie on the days after."""
    days, minutes = divmod(minute, 1440)
    hour, minute = divmod(minutes, 60)
    date = datetime.fromordinal(day + days)
    return date.replace(hour=hour, minute=minute, tzinfo=ZONE).astimezone(UTC)


def pick(rng: Random, below: int) -> int:
    """A number from 0 to below - 1, several times faster than `randrange`."""
    return int(rng.random() * below)


def uuid7(created_at: datetime, bits: int) -> UUID:
    """The time-ordered UUID (RFC 9562, version 7) of a moment and 74 bits that stand in for chance."""
    milliseconds = (created_at - EPOCH) // MILLISECOND
    high, low = bits >> 62 & 0xFFF, bits & (1 << 62) - 1
    return UUID(int=milliseconds << 80 | 7 << 76 | high << 64 | 2 << 62 | low)
