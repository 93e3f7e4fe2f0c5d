"""What may become of a booking, who may do it, and what it costs. Imports no framework and no database."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from parkingspots.spots.rules import CancellationPolicy


class Status(StrEnum):
    PENDING = "pending"
    CONFIRMED = "confirmed"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"


class PaymentStatus(StrEnum):
    PENDING = "pending"
    COMPLETED = "completed"
    FAILED = "failed"
    REFUNDED = "refunded"
    PARTIALLY_REFUNDED = "partially_refunded"


HOLDING = frozenset({Status.PENDING, Status.CONFIRMED, Status.IN_PROGRESS})
"""These keep others out of the slot."""

NEXT: Mapping[Status, frozenset[Status]] = {
    Status.PENDING: frozenset({Status.CONFIRMED, Status.CANCELLED}),
    Status.CONFIRMED: frozenset({Status.IN_PROGRESS, Status.COMPLETED, Status.CANCELLED}),
    Status.IN_PROGRESS: frozenset({Status.COMPLETED, Status.CANCELLED}),
    Status.COMPLETED: frozenset({Status.REFUNDED}),
    Status.CANCELLED: frozenset(),
    Status.REFUNDED: frozenset(),
}
"""The state machine. The database's trigger and docs/bookings.md say the same; tests hold them together."""

MINUTE = timedelta(minutes=1)
DAY_MINUTES = 24 * 60
MONTH_MINUTES = 30 * DAY_MINUTES
BASIS_POINTS = 10_000
"""Of a whole: 1,000 are 10 %."""


class Party(StrEnum):
    """Whose word it is."""

    RENTER = "renter"
    OWNER = "owner"
    ADMIN = "admin"


MAY_ASK_FOR: Mapping[Party, frozenset[Status]] = {
    Party.RENTER: frozenset({Status.CANCELLED}),
    Party.OWNER: frozenset({Status.CONFIRMED, Status.CANCELLED}),
    Party.ADMIN: frozenset(Status),
}
MAY_CHECK_IN_AND_OUT = frozenset({Party.RENTER, Party.ADMIN})


def may_become(current: Status, wanted: Status) -> bool:
    """Whether a booking that is `current` may become `wanted`."""
    return wanted in NEXT[current]


def may_cancel(party: Party, end: datetime, now: datetime) -> bool:
    """Until the end; afterwards an admin alone, whether or not the minute job has completed the booking already."""
    return party is Party.ADMIN or now < end


def has_lapsed(expires_at: datetime | None, now: datetime) -> bool:
    """Whether a hold that was good until `expires_at` has ended unpaid."""
    return expires_at is not None and expires_at <= now


def may_check_in(
    status: Status, arrived_at: datetime | None, start: datetime, end: datetime, now: datetime, early: timedelta
) -> bool:
    """Once, from `early` before the start to the end; the minute job may have started the booking already."""
    return arrived_at is None and status in {Status.CONFIRMED, Status.IN_PROGRESS} and start - early <= now < end


def may_check_out(status: Status, start: datetime, now: datetime) -> bool:
    """From the start on, checked in or not."""
    return Status.COMPLETED in NEXT[status] and start <= now


GIVEN_BACK: Mapping[CancellationPolicy, tuple[tuple[timedelta, int], ...]] = {
    CancellationPolicy.FLEXIBLE: ((timedelta(0), BASIS_POINTS),),
    CancellationPolicy.MODERATE: ((timedelta(hours=24), BASIS_POINTS), (timedelta(0), BASIS_POINTS // 2)),
    CancellationPolicy.STRICT: ((timedelta(days=7), BASIS_POINTS), (timedelta(days=2), BASIS_POINTS // 2)),
}
"""What a renter gets back who cancels so long before the start, in basis points of the total; later: nothing."""


def given_back(
    policy: CancellationPolicy, party: Party, total: int, start: datetime, now: datetime, step: int = 1
) -> int:
    """What of a paid `total` goes back when `party` cancels, in minor units: all of it, unless the renter does.

    A multiple of `step` as `total` is one; see `quote`.
    """
    if party is not Party.RENTER:
        return total
    share = next((share for before, share in GIVEN_BACK[policy] if start - now >= before), 0)
    return _half_up(total * share, BASIS_POINTS * step) * step


def payment_after_giving_back(paid: PaymentStatus, total: int, back: int) -> PaymentStatus:
    """How a payment stands of which `back` has been given back in all."""
    if paid in {PaymentStatus.PENDING, PaymentStatus.FAILED} or back == 0:
        return paid
    return PaymentStatus.REFUNDED if back == total else PaymentStatus.PARTIALLY_REFUNDED


LONGEST_HOLD = 3
"""Times the usual hold, for a payment that goes on."""


def hold_while_paying(expires_at: datetime, created_at: datetime, hold: timedelta, now: datetime) -> datetime:
    """Until when a hold is good whose payment goes on `now`: one more hold, within bounds."""
    return max(expires_at, min(now + hold, created_at + LONGEST_HOLD * hold))


@dataclass(frozen=True)
class Bounds:
    """How long a booking may be, and how far ahead it may start."""

    shortest: timedelta
    longest: timedelta
    horizon: timedelta


class Fault(StrEnum):
    """What is wrong with the time of a booking."""

    EMPTY = "empty"
    PAST = "past"
    SHORT = "short"
    LONG = "long"
    FAR = "far"


def fault(start: datetime, end: datetime, now: datetime, bounds: Bounds) -> Fault | None:
    """What is wrong with [start, end) as the time of a booking made `now`, or None."""
    if end <= start:
        return Fault.EMPTY
    if start < now:
        return Fault.PAST
    if end - start < bounds.shortest:
        return Fault.SHORT
    if end - start > bounds.longest:
        return Fault.LONG
    if start - now > bounds.horizon:
        return Fault.FAR
    return None


@dataclass(frozen=True)
class Rates:
    """Minor units for an hour, for a day of 24 hours and for a month of 30 days, where the spot has such a rate."""

    hourly: int
    daily: int | None
    monthly: int | None


@dataclass(frozen=True)
class Quote:
    """Minor units: what the owner gets, what the service takes on top, what the renter pays."""

    subtotal: int
    service_fee: int

    @property
    def total(self) -> int:
        return self.subtotal + self.service_fee


def quote(rates: Rates, duration: timedelta, fee_basis_points: int, step: int = 1) -> Quote:
    """What a booking of `duration` costs: at least one `step`, as what is free cannot be paid for.

    `step` is the least amount that can be charged in the currency, in minor units; all amounts are multiples of it.
    """
    subtotal = max(_stepped(price(rates, duration), step), step)
    return Quote(subtotal, _stepped(_half_up(subtotal * fee_basis_points, BASIS_POINTS), step))


def _stepped(amount: int, step: int) -> int:
    return _half_up(amount, step) * step


def price(rates: Rates, duration: timedelta) -> int:
    """The least that any split of `duration` into months, days and begun minutes costs at `rates`, in minor units.

    A rest may be paid as one more of a larger unit where that is cheaper.
    """
    minutes = -(-duration // MINUTE)
    return min(
        months * (rates.monthly or 0) + days * (rates.daily or 0) + _by_the_minute(rates.hourly, rest)
        for months, days, rest in _splits(rates, minutes)
    )


def _splits(rates: Rates, minutes: int) -> Iterator[tuple[int, int, int]]:
    for months in range(_units(rates.monthly, minutes, MONTH_MINUTES) + 1):
        after_months = max(minutes - months * MONTH_MINUTES, 0)
        for days in range(_units(rates.daily, after_months, DAY_MINUTES) + 1):
            yield months, days, max(after_months - days * DAY_MINUTES, 0)


def _units(rate: int | None, minutes: int, unit: int) -> int:
    """The most units that `minutes` begin, or none where there is no such rate."""
    return 0 if rate is None else -(-minutes // unit)


def _by_the_minute(hourly: int, minutes: int) -> int:
    return _half_up(hourly * minutes, 60)


def _half_up(amount: int, parts: int) -> int:
    """`amount` / `parts`, rounded half up, in integers."""
    return (2 * amount + parts) // (2 * parts)
