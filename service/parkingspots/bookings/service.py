"""Use cases of bookings: one function each, one transaction each. Locks in the order user, spot, booking, counters."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from asyncpg import ExclusionViolationError
from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.accounts.models import User
from parkingspots.accounts.problems import NotSignedIn
from parkingspots.accounts.rules import Role
from parkingspots.bookings import counts, repository, rules, slots
from parkingspots.bookings.models import Booking
from parkingspots.bookings.problems import (
    AlreadyCancelled,
    BookingNotFound,
    IllegalTransition,
    IsOver,
    NoCheckIn,
    NoCheckOut,
    NotPaid,
    NotRefunded,
    NotYours,
    OwnSpot,
    SlotTaken,
    SpotNotOpen,
    SpotUnavailable,
    StartsInThePast,
)
from parkingspots.bookings.rules import Bounds, Fault, Party, PaymentStatus, Quote, Rates, Status
from parkingspots.bookings.slots import Place
from parkingspots.kit import audit
from parkingspots.kit.attempts import Connect, attempted
from parkingspots.kit.counting import counted
from parkingspots.kit.currencies import least_charge
from parkingspots.kit.database import RawConnection, retried
from parkingspots.kit.paging import Page
from parkingspots.kit.problems import Invalid
from parkingspots.settings import Settings
from parkingspots.spots import service as spots
from parkingspots.spots.models import Spot
from parkingspots.spots.problems import SpotNotFound
from parkingspots.spots.search import Window

PAID = frozenset({PaymentStatus.COMPLETED, PaymentStatus.PARTIALLY_REFUNDED})


@dataclass(frozen=True)
class Wish:
    """A spot, a time for it, and what the renter says about the vehicle, by column."""

    spot_id: UUID
    window: Window
    about: Mapping[str, str | None]


@dataclass(frozen=True)
class Taken:
    """A booking, by column, its spot, and what it took."""

    booking: Mapping[str, Any]
    spot: Place
    released: int
    """Holds that were over, and gave way to it."""


@dataclass(frozen=True)
class Decision:
    """What a party wants to become of a booking; `unchanged` raises where the locked one is not what they have seen."""

    wanted: Status
    reason: str | None
    unchanged: Callable[[Booking], None]


async def quote(session: AsyncSession, settings: Settings, spot_id: UUID, window: Window, now: datetime) -> Quote:
    """What booking the spot for the window would cost."""
    _require_bookable(settings, window, now)
    return _priced(settings, await spots.read(session, spot_id), window)


async def book(connect: Connect, settings: Settings, renter_id: UUID, wish: Wish, now: datetime) -> Taken:
    """Take the slot for the renter, or raise SlotTaken, SpotNotOpen, SpotUnavailable, OwnSpot or SpotNotFound."""
    _require_bookable(settings, wish.window, now)
    taken = await _taken(connect, settings, renter_id, wish, now)
    counts.TRANSITIONS.labels(taken.booking["status"]).inc()
    counts.EXPIRED.inc(taken.released)
    return taken


@attempted
async def _taken(connection: RawConnection, settings: Settings, renter_id: UUID, wish: Wish, now: datetime) -> Taken:
    if await slots.is_lost(connection, renter_id, wish.spot_id, wish.window, now):
        raise _conflict(counts.LOOKUP)
    async with connection.transaction():
        spot = await _locked(connection, renter_id, wish.spot_id)
        if spot.owner_id == renter_id:
            raise OwnSpot
        if not spot.is_available:
            raise SpotUnavailable
        slot = await slots.look(connection, spot.id, wish.window, now)
        if not slot.is_open:
            raise SpotNotOpen
        if slot.is_taken:
            raise _conflict(counts.LOOKUP)
        released = await slots.release_lapsed(connection, spot.id, now) if slot.has_lapsed else 0
        return Taken(await _added(connection, _drafted(settings, renter_id, spot, wish, now)), spot, released)


async def _locked(connection: RawConnection, renter_id: UUID, spot_id: UUID) -> Place:
    spot = await slots.lock(connection, renter_id, spot_id)
    if spot is None:
        raise SpotNotFound if await slots.is_active(connection, renter_id) else NotSignedIn
    return spot


def _require_bookable(settings: Settings, window: Window, now: datetime) -> None:
    bounds = Bounds(
        shortest=timedelta(minutes=settings.booking_min_minutes),
        longest=timedelta(days=settings.booking_max_days),
        horizon=timedelta(days=settings.booking_horizon_days),
    )
    match rules.fault(window.start, window.end, now, bounds):
        case Fault.PAST:
            raise StartsInThePast
        case Fault.EMPTY:
            raise Invalid.field("/end_time", "must lie after start_time")
        case Fault.SHORT:
            raise Invalid.field(
                "/end_time", f"must lie at least {settings.booking_min_minutes} minutes after start_time"
            )
        case Fault.LONG:
            raise Invalid.field("/end_time", f"must lie at most {settings.booking_max_days} days after start_time")
        case Fault.FAR:
            raise Invalid.field("/start_time", f"must lie at most {settings.booking_horizon_days} days ahead")


def _priced(settings: Settings, spot: Spot | Place, window: Window) -> Quote:
    rates = Rates(spot.hourly_rate, spot.daily_rate, spot.monthly_rate)
    return rules.quote(rates, window.end - window.start, settings.fee_basis_points, least_charge(spot.currency))


def _drafted(settings: Settings, renter_id: UUID, spot: Place, wish: Wish, now: datetime) -> slots.Draft:
    """The booking by column."""
    cost = _priced(settings, spot, wish.window)
    booking = dict(
        spot_id=spot.id,
        user_id=renter_id,
        owner_id=spot.owner_id,
        start_time=wish.window.start,
        end_time=wish.window.end,
        total_amount=cost.total,
        service_fee=cost.service_fee,
        owner_payout=cost.subtotal,
        currency=spot.currency,
        cancellation_policy=spot.cancellation_policy,
        **wish.about,
    )
    if settings.skip_payment_processing:
        return booking | {"status": Status.CONFIRMED, "payment_status": PaymentStatus.COMPLETED}
    expires_at = now + timedelta(minutes=settings.hold_minutes)
    return booking | {"status": Status.PENDING, "payment_status": PaymentStatus.PENDING, "expires_at": expires_at}


async def _added(connection: RawConnection, draft: slots.Draft) -> Mapping[str, Any]:
    """The booking once it is in the table; the exclusion constraint is the backstop of the checks before."""
    try:
        return await slots.add(connection, draft)
    except ExclusionViolationError:
        raise _conflict(counts.CONSTRAINT) from None


def _conflict(found: str) -> SlotTaken:
    counts.CONFLICTS.labels(found).inc()
    return SlotTaken()


async def read(session: AsyncSession, user: User, booking_id: UUID, *, lock: bool = False) -> Booking:
    """The booking with its spot, for its renter, its owner and admins; with `lock`, as it stays until it is changed."""
    booking = await repository.of_party(session, booking_id, None if user.role is Role.ADMIN else user.id, lock=lock)
    if booking is None:
        raise BookingNotFound
    return booking


@dataclass(frozen=True)
class Listed:
    """The bookings of a page and one more, where there is one, and how many the whole list has."""

    bookings: Sequence[Booking]
    total: int


async def every_of_renter(session: AsyncSession, renter: User, page: Page) -> Sequence[Booking]:
    """As `of_renter`, uncounted."""
    return await repository.listed(session, repository.of_renter(renter.id, None), page)


async def every_of_owner(session: AsyncSession, owner: User, page: Page) -> Sequence[Booking]:
    """As `of_owner`, uncounted."""
    return await repository.listed(session, repository.of_owner(owner.id, None), page)


async def of_renter(session: AsyncSession, renter: User, status: Status | None, page: Page) -> Listed:
    """The renter's bookings, newest first."""
    return await _listed(session, repository.of_renter(renter.id, status), page)


async def of_owner(session: AsyncSession, owner: User, status: Status | None, page: Page) -> Listed:
    """The bookings of the owner's spots, newest first."""
    return await _listed(session, repository.of_owner(owner.id, status), page)


async def _listed(session: AsyncSession, which: list[ColumnElement[bool]], page: Page) -> Listed:
    return Listed(await repository.listed(session, which, page), await repository.count(session, which))


@retried
async def change_status(
    session: AsyncSession,
    settings: Settings,
    user: User,
    booking_id: UUID,
    decision: Decision,
    now: datetime,
) -> Booking:
    """The booking after a party's decision; raises NotYours, before it looks at the lifecycle, or IllegalTransition."""
    booking = await read(session, user, booking_id, lock=True)
    if decision.wanted not in rules.MAY_ASK_FOR[_party(user, booking)]:
        raise NotYours
    decision.unchanged(booking)
    await _note_act_of_staff(session, user, booking, f"set {decision.wanted}", decision.reason)
    match decision.wanted:
        case Status.CANCELLED:
            return await _cancelled(session, user, booking, decision.reason, now)
        case Status.CONFIRMED:
            return await _confirmed(session, settings, booking, now)
        case Status.COMPLETED:
            return await _completed(session, booking, now)
        case Status.REFUNDED:
            return await _refunded(session, settings, booking)
        case _:
            return await _moved(session, booking, decision.wanted)


@retried
async def cancel(session: AsyncSession, user: User, booking_id: UUID, reason: str | None, now: datetime) -> Booking:
    """Cancel for any party; what was paid is given back. Raises AlreadyCancelled, IsOver or IllegalTransition."""
    booking = await read(session, user, booking_id, lock=True)
    await _note_act_of_staff(session, user, booking, "set cancelled", reason)
    return await _cancelled(session, user, booking, reason, now)


@retried
async def check_in(session: AsyncSession, settings: Settings, user: User, booking_id: UUID, now: datetime) -> Booking:
    """Note that the renter has arrived, once; raises NotYours or NoCheckIn."""
    booking = await _as_guest(session, user, booking_id)
    early = timedelta(minutes=settings.check_in_early_minutes)
    arrived_at = booking.checked_in_at
    if not rules.may_check_in(booking.status, arrived_at, booking.start_time, booking.end_time, now, early):
        raise NoCheckIn
    await _note_act_of_staff(session, user, booking, "check in")
    started = booking.status is not Status.IN_PROGRESS
    if not await repository.check_in(session, booking, now):
        raise NoCheckIn
    if started:
        counted(session, counts.TRANSITIONS.labels(Status.IN_PROGRESS))
    return booking


@retried
async def check_out(session: AsyncSession, user: User, booking_id: UUID, now: datetime) -> Booking:
    """Complete the booking as the renter leaves; raises NotYours or NoCheckOut."""
    booking = await _as_guest(session, user, booking_id)
    if not rules.may_check_out(booking.status, booking.start_time, now):
        raise NoCheckOut
    await _note_act_of_staff(session, user, booking, "check out")
    return await _completed(session, booking, now, checked_out_at=now)


async def _as_guest(session: AsyncSession, user: User, booking_id: UUID) -> Booking:
    booking = await read(session, user, booking_id, lock=True)
    if _party(user, booking) not in rules.MAY_CHECK_IN_AND_OUT:
        raise NotYours
    return booking


async def _note_act_of_staff(
    session: AsyncSession, user: User, booking: Booking, act: str, reason: str | None = None
) -> None:
    """Where an admin acts, also on a booking of their own. Undone with the act, where that is refused."""
    if user.role is Role.ADMIN:
        await audit.record(
            session,
            actor_id=user.id,
            action=act,
            subject="booking",
            subject_id=booking.id,
            reason=reason,
            status_before=booking.status,
        )


def _party(user: User, booking: Booking) -> Party:
    if user.role is Role.ADMIN:
        return Party.ADMIN
    return Party.RENTER if user.id == booking.user_id else Party.OWNER


async def _cancelled(session: AsyncSession, user: User, booking: Booking, reason: str | None, now: datetime) -> Booking:
    if booking.status is Status.CANCELLED:
        raise AlreadyCancelled
    if not rules.may_cancel(_party(user, booking), booking.end_time, now):
        raise IsOver
    changes: dict[str, object] = {"cancellation_reason": reason}
    if booking.payment_status in PAID:
        party, total = _party(user, booking), booking.total_amount
        step = least_charge(booking.currency)
        back = rules.given_back(booking.cancellation_policy, party, total, booking.start_time, now, step)
        changes["refund_amount"] = back
        if booking.payment_intent_id is None:  # it was skipped
            changes["payment_status"] = rules.payment_after_giving_back(booking.payment_status, total, back)
        elif back > 0:
            await repository.note_refund_due(session, booking, back)
    return await _moved(session, booking, Status.CANCELLED, **changes)


async def _confirmed(session: AsyncSession, settings: Settings, booking: Booking, now: datetime) -> Booking:
    paid = settings.skip_payment_processing or booking.payment_status is PaymentStatus.COMPLETED
    if not paid and rules.may_become(booking.status, Status.CONFIRMED):
        raise NotPaid
    if rules.has_lapsed(booking.expires_at, now):
        raise IllegalTransition("The hold of this booking has lapsed. Book the spot again.")
    return await _moved(session, booking, Status.CONFIRMED, payment_status=PaymentStatus.COMPLETED)


async def _completed(session: AsyncSession, booking: Booking, now: datetime, **changes: datetime) -> Booking:
    """Completed and counted, in one transaction, so that each completion counts once however it comes about."""
    if not rules.may_check_out(booking.status, booking.start_time, now):
        raise IllegalTransition
    await _moved(session, booking, Status.COMPLETED, **changes)
    await spots.count_completed(session, booking.spot_id)
    return booking


async def _refunded(session: AsyncSession, settings: Settings, booking: Booking) -> Booking:
    given_back = settings.skip_payment_processing or booking.payment_status is PaymentStatus.REFUNDED
    if not given_back and rules.may_become(booking.status, Status.REFUNDED):
        raise NotRefunded
    return await _moved(session, booking, Status.REFUNDED, payment_status=PaymentStatus.REFUNDED)


async def _moved(session: AsyncSession, booking: Booking, new: Status, **changes: object) -> Booking:
    """The booking in its new status; raises IllegalTransition, also where somebody else was faster."""
    if not rules.may_become(booking.status, new):
        raise IllegalTransition
    if not await repository.move(session, booking, new, **changes):
        raise IllegalTransition
    counted(session, counts.TRANSITIONS.labels(new))
    return booking


async def forget_renter(session: AsyncSession, user_id: UUID) -> None:
    """Forget what somebody who leaves said about their vehicle and wishes. What was paid stays in the history."""
    await repository.forget_renter(session, user_id)
