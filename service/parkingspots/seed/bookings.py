"""The demo bookings of a spot: before, during and after the plan's moment, never two at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple
from uuid import UUID

from parkingspots.bookings import rules
from parkingspots.bookings.rules import PaymentStatus, Status
from parkingspots.seed.people import People
from parkingspots.seed.plan import Plan, moment, pick, uuid7
from parkingspots.seed.spots import DEMO_SPOTS, Spot
from parkingspots.seed.word_lists import forms

PAST, FUTURE = 240, 45  # days
DEMO_RENTER_SPOTS = range(DEMO_SPOTS, DEMO_SPOTS + 8)
"""The first and the last booking of these are the demo renter's."""
# Between three and four in the morning clocks change: no wall clock's time lies there.
EARLIEST, LATEST = 5 * 60, 26 * 60
MONTH = 30  # days
CARS = forms("""
    Toyota/Yaris, Peugeot/208, Opel/Corsa, Fiat/Panda, Nissan/Qashqai, Hyundai/i20, Citroën/C3, Volkswagen/Golf,
    Dacia/Duster, Suzuki/Swift, Ford/Fiesta, Skoda/Fabia, Tesla/Model 3, BMW/X1, Renault/Clio, Kia/Stonic
""")
COLORS = ("white", "black", "grey", "silver", "blue", "red")
PLATES = ("ABE", "ZKA", "IMX", "NHT", "YYE", "PKB", "TOK", "XNA")
REASONS = ("plans changed", "found another spot", "the car is in repair", "cancelled by the owner")
REQUESTS = ("May I come a quarter of an hour earlier?", "Please leave the gate unlocked.", "I need to charge the car.")
PAID = {Status.CANCELLED: PaymentStatus.REFUNDED, Status.REFUNDED: PaymentStatus.REFUNDED}
COUNTED = frozenset({Status.COMPLETED, Status.REFUNDED})
"""These were completed once, and so stand in the spot's `total_bookings`."""


class BookingRow(NamedTuple):
    """A row of `bookings`."""

    id: UUID
    spot_id: UUID
    user_id: UUID
    owner_id: UUID
    start_time: datetime
    end_time: datetime
    status: Status
    payment_status: PaymentStatus
    total_amount: int
    service_fee: int
    owner_payout: int
    currency: str
    vehicle_plate: str | None
    vehicle_make: str | None
    vehicle_model: str | None
    vehicle_color: str | None
    special_requests: str | None
    cancellation_reason: str | None
    checked_in_at: datetime | None
    checked_out_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class Course:
    """How a booking went."""

    status: Status
    updated_at: datetime
    checked_in_at: datetime | None = None
    checked_out_at: datetime | None = None
    cancellation_reason: str | None = None


def bookings_of(plan: Plan, people: People, spot: Spot) -> Iterator[BookingRow]:
    """The spot's bookings in the order of time."""
    count = plan.bookings_of(spot.index)
    rng = Random(f"{plan.seed}/bookings/{spot.index}")
    days = spot.opening.days(max(plan.today - PAST, spot.created_day + 1), plan.today + FUTURE)
    for number in range(count):
        # Each booking has days of its own, so that none overlaps another.
        own = days[number * len(days) // count : (number + 1) * len(days) // count]
        start, end = _window(rng, spot, own)
        is_demo = spot.index in DEMO_RENTER_SPOTS and number in {0, count - 1}
        renter = 0 if is_demo else min(1 + pick(rng, plan.renters - 1), plan.renters - 1)
        yield _row(rng, plan, spot, people.renter_id(renter), start, end)


def _window(rng: Random, spot: Spot, own: Sequence[int]) -> tuple[datetime, datetime]:
    """A time within the opening on one or some of the days of its own."""
    chance = rng.random()
    if not spot.opening.is_always or len(own) <= 1 or chance > 0.3:
        return _hours(rng, spot, own[pick(rng, len(own))])
    longest = MONTH if len(own) > MONTH and chance < 0.1 else 0
    days = longest or 1 + pick(rng, min(6, len(own) - 1))
    first, minute = own[pick(rng, len(own) - days)], 6 * 60 + 30 * pick(rng, 28)
    return moment(first, minute), moment(first + days, minute)


def _hours(rng: Random, spot: Spot, day: int) -> tuple[datetime, datetime]:
    opens, closes = spot.opening.on(day) or (0, 0)
    opens, closes = max(opens, EARLIEST), min(closes, LATEST)
    minutes = 60 + 30 * pick(rng, min(18, (closes - opens) // 30 - 2))
    start = opens + 15 * pick(rng, (closes - opens - minutes) // 15 + 1)
    return moment(day, start), moment(day, start + minutes)


def _row(rng: Random, plan: Plan, spot: Spot, renter: UUID, start: datetime, end: datetime) -> BookingRow:
    lead = timedelta(minutes=30 + int(30_000 * rng.random() ** 3))
    booked = min(max(start - lead, spot.created_at), plan.now - timedelta(minutes=5 + pick(rng, 4_000)))
    created_at = max(booked, spot.created_at)
    course = _course(rng, plan.now, created_at, start, end)
    cost = rules.quote(spot.rates, end - start, plan.fee_basis_points)
    make, model = CARS[pick(rng, len(CARS))] if rng.random() < 0.8 else (None, None)
    return BookingRow(
        id=uuid7(created_at, rng.getrandbits(74)),
        spot_id=spot.id,
        user_id=renter,
        owner_id=spot.owner_id,
        start_time=start,
        end_time=end,
        status=course.status,
        payment_status=PAID.get(course.status, PaymentStatus.COMPLETED),
        total_amount=cost.total,
        service_fee=cost.service_fee,
        owner_payout=cost.subtotal,
        currency="EUR",
        vehicle_plate=f"{PLATES[pick(rng, len(PLATES))]}-{1000 + pick(rng, 9000)}",
        vehicle_make=make,
        vehicle_model=model,
        vehicle_color=COLORS[pick(rng, len(COLORS))] if make else None,
        special_requests=REQUESTS[pick(rng, len(REQUESTS))] if rng.random() < 0.05 else None,
        cancellation_reason=course.cancellation_reason,
        checked_in_at=course.checked_in_at,
        checked_out_at=course.checked_out_at,
        created_at=created_at,
        updated_at=course.updated_at,
    )


def _course(rng: Random, now: datetime, created_at: datetime, start: datetime, end: datetime) -> Course:
    chance = rng.random()
    if chance < 0.1:
        until = min(start, now)
        cancelled_at = created_at + max(until - created_at, timedelta()) * rng.random()
        return Course(
            Status.CANCELLED, cancelled_at.replace(microsecond=0), cancellation_reason=REASONS[pick(rng, len(REASONS))]
        )
    if start > now:
        return Course(Status.CONFIRMED, created_at)
    arrived = start + timedelta(minutes=pick(rng, 20)) if chance < 0.85 else None
    if end > now:
        return Course(Status.IN_PROGRESS, start, checked_in_at=arrived and min(arrived, now))
    left = end - timedelta(minutes=pick(rng, 20)) if arrived else None
    status = Status.REFUNDED if chance > 0.98 else Status.COMPLETED
    return Course(status, left or end, arrived, left)
