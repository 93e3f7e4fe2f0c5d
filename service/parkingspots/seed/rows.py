"""The rows of every table, in batches that stay small however many spots there are."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from random import Random
from typing import NamedTuple
from uuid import UUID

from parkingspots.seed.bookings import COUNTED, BookingRow, bookings_of
from parkingspots.seed.people import People, Person
from parkingspots.seed.plan import Plan, uuid7
from parkingspots.seed.spots import Spot, SpotRow, a_spot

PEOPLE_A_BATCH = 5_000
SPOTS_A_BATCH = 500


class StatsRow(NamedTuple):
    """A row of `spot_stats`."""

    spot_id: UUID
    total_bookings: int


class SlotRow(NamedTuple):
    """A row of `availability_slots`."""

    id: UUID
    spot_id: UUID
    day_of_week: int | None
    specific_date: date | None
    start_minute: int
    end_minute: int
    is_available: bool


@dataclass(frozen=True)
class Batch:
    """The rows that belong to some of the spots; its fields are tables, in the order of their references."""

    spots: list[SpotRow] = field(default_factory=list)
    spot_stats: list[StatsRow] = field(default_factory=list)
    availability_slots: list[SlotRow] = field(default_factory=list)
    bookings: list[BookingRow] = field(default_factory=list)

    def add(self, plan: Plan, people: People, index: int) -> None:
        """Append the spot at `index` and all that belongs to it."""
        spot, row = a_spot(plan, people, index)
        booked = list(bookings_of(plan, people, spot))
        self.spots.append(row)
        self.spot_stats.append(StatsRow(spot.id, sum(booking.status in COUNTED for booking in booked)))
        self.availability_slots.extend(_slots(plan, spot))
        self.bookings.extend(booked)


def batches(plan: Plan, people: People) -> Iterator[Batch]:
    """All spots of the plan and what belongs to them, some at a time."""
    for first in range(0, plan.spots, SPOTS_A_BATCH):
        batch = Batch()
        for index in range(first, min(first + SPOTS_A_BATCH, plan.spots)):
            batch.add(plan, people, index)
        yield batch


def crowds(people: People, password_hash: str) -> Iterator[Sequence[Person]]:
    """Everybody, some at a time."""
    everybody = people.everybody(password_hash)
    while crowd := list(islice(everybody, PEOPLE_A_BATCH)):
        yield crowd


def _slots(plan: Plan, spot: Spot) -> Iterator[SlotRow]:
    rng = Random(f"{plan.seed}/slots/{spot.index}")
    for slot in spot.opening.slots:
        yield SlotRow(
            id=uuid7(spot.created_at, rng.getrandbits(74)),
            spot_id=spot.id,
            day_of_week=slot.day_of_week,
            specific_date=None if slot.specific_day is None else date.fromordinal(slot.specific_day),
            start_minute=slot.start_minute,
            end_minute=slot.end_minute,
            is_available=slot.is_available,
        )
