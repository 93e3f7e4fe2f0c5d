"""What the demo data promises, whatever the seed."""

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import chain, pairwise
from uuid import UUID

import pytest

from parkingspots.bookings import rules
from parkingspots.bookings.rules import PaymentStatus, Rates, Status
from parkingspots.seed.bookings import BookingRow
from parkingspots.seed.opening import DAYS
from parkingspots.seed.people import OWNER_EMAIL, OWNER_ID, RENTER_EMAIL, RENTER_ID, People, Person
from parkingspots.seed.plan import ZONE, Plan
from parkingspots.seed.rows import SPOTS_A_BATCH, Batch, batches, crowds
from parkingspots.seed.spots import DEMO_SPOTS, SpotRow
from parkingspots.seed.towns import TOWNS
from parkingspots.spots.rules import SpotType, VehicleSize
from parkingspots.spots.schemas import SpotIn

WINTER = datetime(2026, 11, 22, 14, 30, tzinfo=UTC)
CLOCKS_GO_FORWARD = datetime(2026, 3, 20, 23, 59, tzinfo=UTC)
CLOCKS_GO_BACK = datetime(2026, 10, 20, 4, 0, tzinfo=UTC)
MOMENTS = pytest.mark.parametrize("now", [WINTER, CLOCKS_GO_FORWARD, CLOCKS_GO_BACK])


Hours = dict[str, dict[str, str]]


def plan(now: datetime = WINTER, *, seed: int = 1, spots: int = 600, bookings: int = 6_000) -> Plan:
    return Plan(seed, now, spots, bookings, fee_basis_points=1_000)


@cache
def made(plan: Plan) -> Batch:
    """All rows of the plan but the people, as one batch."""
    whole = Batch()
    for batch in batches(plan, People(plan)):
        whole.spots.extend(batch.spots)
        whole.spot_stats.extend(batch.spot_stats)
        whole.availability_slots.extend(batch.availability_slots)
        whole.bookings.extend(batch.bookings)
    return whole


def hours_of(spot: SpotRow) -> Hours | None:
    return json.loads(spot.operating_hours) if spot.operating_hours else None


def everybody(plan: Plan) -> list[Person]:
    return list(chain.from_iterable(crowds(People(plan), "a hash")))


def by_spot(bookings: Sequence[BookingRow]) -> dict[UUID, list[BookingRow]]:
    found = defaultdict(list)
    for booking in bookings:
        found[booking.spot_id].append(booking)
    return found


FINGERPRINT = """
from datetime import UTC, datetime
from hashlib import sha256
from parkingspots.seed.people import People
from parkingspots.seed.plan import Plan
from parkingspots.seed.rows import batches, crowds

plan = Plan(seed=1, now=datetime(2026, 11, 22, 14, 30, tzinfo=UTC), spots=40, bookings=400, fee_basis_points=1_000)
rows = [*batches(plan, People(plan)), *crowds(People(plan), "a hash")]
print(sha256(repr(rows).encode()).hexdigest())
"""


def test_equal_plans_give_equal_rows_in_every_process() -> None:
    def fingerprint(hash_seed: str) -> str:
        environment = {"PYTHONHASHSEED": hash_seed}
        return subprocess.check_output([sys.executable, "-c", FINGERPRINT], text=True, env=environment)

    assert fingerprint("1") == fingerprint("2")


def test_another_seed_gives_other_rows() -> None:
    assert {spot.id for spot in made(plan()).spots}.isdisjoint(spot.id for spot in made(plan(seed=2)).spots)


@pytest.mark.parametrize(("spots", "bookings"), [(1, 0), (1, 50), (7, 100), (600, 6_000), (1_001, 333)])
def test_as_many_rows_come_out_as_were_asked_for(spots: int, bookings: int) -> None:
    rows = made(plan(spots=spots, bookings=bookings))
    assert len(rows.spots) == len(rows.spot_stats) == spots
    assert len(rows.bookings) == bookings


def test_a_batch_stays_small() -> None:
    large = plan(spots=1_000_000, bookings=10_000_000)
    first = next(batches(large, People(large)))
    assert len(first.spots) == SPOTS_A_BATCH
    assert len(first.bookings) == 10 * SPOTS_A_BATCH


@MOMENTS
def test_no_two_bookings_of_a_spot_overlap(now: datetime) -> None:
    for bookings in by_spot(made(plan(now)).bookings).values():
        assert all(earlier.end_time <= later.start_time for earlier, later in pairwise(bookings))


@MOMENTS
def test_every_booking_could_have_been_made(now: datetime) -> None:
    bounds = rules.Bounds(timedelta(minutes=15), timedelta(days=90), timedelta(days=365))
    for booking in made(plan(now)).bookings:
        assert booking.created_at <= now
        assert rules.fault(booking.start_time, booking.end_time, booking.created_at, bounds) is None
        assert booking.created_at <= booking.updated_at


@MOMENTS
def test_a_booking_is_where_its_time_has_brought_it(now: datetime) -> None:
    for booking in made(plan(now)).bookings:
        if booking.status in {Status.COMPLETED, Status.REFUNDED}:
            assert booking.end_time <= now
        elif booking.status is Status.IN_PROGRESS:
            assert booking.start_time <= now < booking.end_time
        elif booking.status is Status.CONFIRMED:
            assert now < booking.start_time
        else:
            assert booking.status is Status.CANCELLED
            assert booking.cancellation_reason


def test_bookings_of_every_kind_are_there() -> None:
    found = {(booking.status, booking.start_time > WINTER) for booking in made(plan()).bookings}
    assert found == {
        (Status.COMPLETED, False),
        (Status.REFUNDED, False),
        (Status.CANCELLED, False),
        (Status.IN_PROGRESS, False),
        (Status.CONFIRMED, True),
        (Status.CANCELLED, True),
    }


def test_what_was_cancelled_or_refunded_was_paid_back() -> None:
    for booking in made(plan()).bookings:
        is_over = booking.status in {Status.CANCELLED, Status.REFUNDED}
        assert booking.payment_status is (PaymentStatus.REFUNDED if is_over else PaymentStatus.COMPLETED)


def test_a_spots_counter_is_the_number_of_its_completed_bookings() -> None:
    rows = made(plan())
    bookings = by_spot(rows.bookings)
    for stats in rows.spot_stats:
        completed = [b for b in bookings[stats.spot_id] if b.status in {Status.COMPLETED, Status.REFUNDED}]
        assert stats.total_bookings == len(completed)


def test_each_booking_costs_what_its_time_costs_at_the_rates_of_the_spot() -> None:
    rows = made(plan())
    rates = {spot.id: Rates(spot.hourly_rate, spot.daily_rate, spot.monthly_rate) for spot in rows.spots}
    for booking in rows.bookings:
        cost = rules.quote(rates[booking.spot_id], booking.end_time - booking.start_time, 1_000)
        assert (booking.total_amount, booking.service_fee) == (cost.total, cost.service_fee)
        assert booking.owner_payout == cost.subtotal


def test_nobody_books_a_spot_of_their_own() -> None:
    assert all(booking.user_id != booking.owner_id for booking in made(plan()).bookings)


def test_renters_check_in_and_out_within_the_time_they_booked() -> None:
    came = [booking for booking in made(plan()).bookings if booking.checked_in_at]
    assert {booking.status for booking in came} == {Status.IN_PROGRESS, Status.COMPLETED}
    for booking in came:
        assert booking.checked_in_at
        assert booking.start_time <= booking.checked_in_at <= (booking.checked_out_at or WINTER)
        assert (booking.checked_out_at or booking.start_time) <= booking.end_time


def test_spots_lie_near_their_town() -> None:
    towns = {town.name: town for town in TOWNS}
    for spot in made(plan()).spots:
        town = towns[spot.city]
        assert town.metres_to(spot.latitude, spot.longitude) <= town.radius + 2
        assert spot.prefecture == town.prefecture
        assert any((spot.zip_code, spot.address.split(", ")[-1]) == (area.zip_code, area.name) for area in town.areas)


def test_every_town_type_and_size_is_there() -> None:
    spots = made(plan(spots=2_000)).spots
    assert {spot.city for spot in spots} == {town.name for town in TOWNS}
    assert {spot.spot_type for spot in spots} == set(SpotType)
    assert {spot.vehicle_size for spot in spots} == set(VehicleSize)
    assert sum(town.share for town in TOWNS) == 100


def test_a_day_costs_less_than_its_hours_and_a_month_less_than_its_days() -> None:
    for spot in made(plan()).spots:
        assert spot.hourly_rate > 0
        assert spot.daily_rate is None or spot.hourly_rate < spot.daily_rate < 24 * spot.hourly_rate
        if spot.monthly_rate is not None:
            assert spot.daily_rate is not None
            assert spot.daily_rate < spot.monthly_rate < 30 * spot.daily_rate


def test_an_owner_could_have_listed_every_spot() -> None:
    for spot in made(plan()).spots:
        SpotIn.model_validate(spot._asdict() | {"operating_hours": hours_of(spot)})


def test_most_spots_never_close_and_the_others_in_several_ways() -> None:
    rows = made(plan(spots=2_000))
    limited = [hours for spot in rows.spots if (hours := hours_of(spot))]
    assert 0.15 < len(limited) / len(rows.spots) < 0.35
    kinds = {_kind(hours) for hours in limited}
    assert kinds == {"daytime", "working days", "past midnight", "not on Sunday"}
    assert {(slot.day_of_week is None, slot.is_available) for slot in rows.availability_slots} == {
        (True, True),
        (True, False),
        (False, True),
    }


def _kind(hours: Hours) -> str:
    assert hours.keys() <= set(DAYS)
    monday = hours["monday"]
    if monday["open"] == monday["close"]:
        return "not on Sunday"
    if monday["close"] < monday["open"]:
        return "past midnight"
    return "daytime" if len(hours) == 7 else "working days"


def test_a_booking_counts_for_an_account_that_was_there_before_it() -> None:
    people = {person.id: person for person in everybody(plan())}
    rows = made(plan())
    assert all(people[spot.owner_id].created_at < spot.created_at for spot in rows.spots)
    assert all(people[booking.user_id].created_at < booking.created_at for booking in rows.bookings)


def test_accounts_have_addresses_of_their_own_and_greek_names() -> None:
    people = everybody(plan())
    assert len({person.email for person in people}) == len({person.id for person in people}) == len(people)
    in_greek = [person for person in people if not person.full_name.isascii()]
    assert 0 < len(in_greek) < len(people) / 3


def test_only_the_two_demo_accounts_have_a_password() -> None:
    known = {person.email: person.id for person in everybody(plan()) if person.password_hash != "!"}
    assert known == {OWNER_EMAIL: OWNER_ID, RENTER_EMAIL: RENTER_ID}


def test_the_demo_owner_has_spots_in_athens_and_the_demo_renter_bookings() -> None:
    rows = made(plan())
    owned: list[SpotRow] = [spot for spot in rows.spots if spot.owner_id == OWNER_ID]
    assert [(spot.city, spot.is_available) for spot in owned] == [("Athens", True)] * DEMO_SPOTS
    booked = [booking for booking in rows.bookings if booking.user_id == RENTER_ID]
    assert {booking.start_time > WINTER for booking in booked} == {True, False}
    assert len(booked) >= 8


@MOMENTS
def test_every_booking_lies_within_the_opening(now: datetime) -> None:
    """Of operating hours; what slots mean is the database's to say, and its test's."""
    rows = made(plan(now))
    hours = {spot.id: hours_of(spot) for spot in rows.spots}
    for booking in rows.bookings:
        if week := hours[booking.spot_id]:
            assert _is_open(week, booking.start_time.astimezone(ZONE), booking.end_time.astimezone(ZONE))


def _is_open(week: Hours, start: datetime, end: datetime) -> bool:
    """Whether the hours of the day it starts on, or those of the day before, hold the whole time."""
    return any(_holds(week, start.date() - timedelta(days=ago), start, end) for ago in (0, 1))


def _holds(week: Hours, day: date, start: datetime, end: datetime) -> bool:
    entry = week.get(DAYS[day.weekday()])
    if entry is None:
        return False
    opens, closes = (datetime.combine(day, time.fromisoformat(entry[key]), ZONE) for key in ("open", "close"))
    return opens <= start and end <= (closes if opens < closes else closes + timedelta(days=1))
