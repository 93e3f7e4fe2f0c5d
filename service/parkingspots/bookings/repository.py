"""SQL of bookings."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Update, delete, func, literal_column, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload
from sqlalchemy.orm.attributes import set_committed_value

from parkingspots.bookings.models import Booking, RefundDue
from parkingspots.bookings.rules import Status
from parkingspots.kit.paging import Page, newest_by_age
from parkingspots.kit.timing import timed

LAPSED = "payment not received in time"


async def of_party(
    session: AsyncSession, booking_id: UUID, user_id: UUID | None, *, lock: bool = False
) -> Booking | None:
    """The booking with its spot where the user is its renter or its owner; anybody's where no user is given.

    With `lock`, the row is locked against other changes until the transaction ends (FOR NO KEY UPDATE).
    """
    query = select(Booking).options(joinedload(Booking.spot)).where(Booking.id == booking_id)
    if lock:
        query = query.with_for_update(of=Booking, key_share=True)
    if user_id is not None:
        query = query.where(or_(Booking.user_id == user_id, Booking.owner_id == user_id))
    return await session.scalar(query.execution_options(populate_existing=True))


def of_renter(user_id: UUID, status: Status | None) -> list[ColumnElement[bool]]:
    """That a booking is the renter's, and in that status where one is given."""
    return [Booking.user_id == user_id, *([] if status is None else [Booking.status == status])]


def of_owner(owner_id: UUID, status: Status | None) -> list[ColumnElement[bool]]:
    """That a booking is of one of the owner's spots, and in that status where one is given."""
    return [Booking.owner_id == owner_id, *([] if status is None else [Booking.status == status])]


async def count(session: AsyncSession, which: list[ColumnElement[bool]]) -> int:
    return (await session.scalar(select(func.count()).select_from(Booking).where(*which))) or 0


async def listed(session: AsyncSession, which: list[ColumnElement[bool]], page: Page) -> Sequence[Booking]:
    """Those bookings, newest first; those of the page and one more, where there is one."""
    query = select(Booking).options(joinedload(Booking.spot)).where(*which)
    return (await session.scalars(newest_by_age(query, Booking.created_at, Booking.id, page))).all()


async def move(session: AsyncSession, booking: Booking, new: Status, **changes: Any) -> bool:  # noqa: ANN401 - columns
    """Move the booking on in one statement, `changes` with it; False where it is no longer what it was read as."""
    return await _if_unmoved(session, booking, update(Booking).values(status=new, expires_at=None, **changes))


async def check_in(session: AsyncSession, booking: Booking, now: datetime) -> bool:
    """Start the booking, or note the arrival where the minute job has started it; False where somebody was faster."""
    arrival = update(Booking).values(status=Status.IN_PROGRESS, checked_in_at=now)
    return await _if_unmoved(session, booking, arrival.where(Booking.checked_in_at.is_(None)))


async def _if_unmoved(session: AsyncSession, booking: Booking, change: Update) -> bool:
    """Carry out `change` where the booking still is in the status in which it was read."""
    spot = booking.spot
    changed = await session.scalar(
        change.where(Booking.id == booking.id, Booking.status == booking.status)
        .returning(Booking)
        .execution_options(populate_existing=True)
    )
    set_committed_value(booking, "spot", spot)  # populate_existing forgets it
    return changed is not None


async def forget_renter(session: AsyncSession, user_id: UUID) -> None:
    """Empty what the renter said in words, in all of the renter's bookings, locked in the order of their ids."""
    said = ("vehicle_plate", "vehicle_make", "vehicle_model", "vehicle_color", "special_requests")
    theirs = Booking.user_id == user_id
    await session.execute(select(Booking.id).where(theirs).order_by(Booking.id).with_for_update(key_share=True))
    await session.execute(update(Booking).where(theirs).values(dict.fromkeys(said)))
    reasons = update(Booking).where(theirs, Booking.cancellation_reason.is_distinct_from(LAPSED))
    await session.execute(reasons.values(cancellation_reason=None))


def lapsed(now: Any) -> tuple[ColumnElement[bool], ...]:  # noqa: ANN401 - a time, or SQL for one
    """That a booking is an unpaid hold whose time is over."""
    return Booking.status == literal_column(f"'{Status.PENDING}'"), Booking.expires_at <= now


def cancelled_as_lapsed() -> Update:
    return update(Booking).values(status=Status.CANCELLED, expires_at=None, cancellation_reason=LAPSED)


async def note_refund_due(session: AsyncSession, booking: Booking, amount: int) -> None:
    session.add(RefundDue(booking_id=booking.id, amount=amount))
    await session.flush()


async def take_refund_due(session: AsyncSession) -> RefundDue | None:
    """One, deleted; those that others are taking are passed over."""
    first = select(RefundDue.booking_id).order_by(RefundDue.booking_id).limit(1).with_for_update(skip_locked=True)
    taken = delete(RefundDue).where(RefundDue.booking_id == first.scalar_subquery()).returning(RefundDue)
    found: RefundDue | None = await session.scalar(taken)
    return found


timed(__name__)
