"""What payments may do to a booking: let it wait for the money, confirm it, say how the money stands."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.accounts.models import User
from parkingspots.bookings import counts, repository, rules, service
from parkingspots.bookings.models import Booking, RefundDue
from parkingspots.bookings.problems import NotPayable, NotYours
from parkingspots.bookings.rules import PaymentStatus, Status
from parkingspots.kit.counting import counted
from parkingspots.kit.job_runs import Due
from parkingspots.settings import Settings


async def hold_for_payment(
    session: AsyncSession, settings: Settings, renter: User, booking_id: UUID, now: datetime
) -> Booking:
    """The renter's unpaid booking, locked, its hold good for a while longer.

    Raises BookingNotFound, NotYours where somebody else's word is asked for, or NotPayable.
    """
    booking = await service.read(session, renter, booking_id, lock=True)
    if booking.user_id != renter.id:
        raise NotYours
    if booking.status is not Status.PENDING or booking.expires_at is None:
        raise NotPayable
    if rules.has_lapsed(booking.expires_at, now):
        raise NotPayable("The hold of this booking has lapsed. Book the spot again.")
    await extend_hold(session, settings, booking, now)
    return booking


async def extend_hold(session: AsyncSession, settings: Settings, booking: Booking, now: datetime) -> None:
    """Let the hold of a locked booking last a while longer, as its payment goes on; one that has lapsed is over."""
    if booking.expires_at is not None and not rules.has_lapsed(booking.expires_at, now):
        hold = timedelta(minutes=settings.hold_minutes)
        booking.expires_at = rules.hold_while_paying(booking.expires_at, booking.created_at, hold, now)
        await session.flush()


async def lock(session: AsyncSession, booking_id: UUID) -> Booking:
    """The booking with its spot, locked until the transaction ends; for those whom nobody sends."""
    booking = await repository.of_party(session, booking_id, None, lock=True)
    assert booking is not None  # noqa: S101 - bookings are not deleted, and payments refer to them
    return booking


async def confirm_paid(session: AsyncSession, booking: Booking, receipt: Mapping[str, Any], now: datetime) -> bool:
    """Confirm a locked booking that has been paid; False where its time is over, and the money goes back."""
    if booking.status is not Status.PENDING or rules.has_lapsed(booking.expires_at, now):
        return False
    paid = {"payment_status": PaymentStatus.COMPLETED, "receipt": dict(receipt)}
    confirmed = await repository.move(session, booking, Status.CONFIRMED, **paid)
    if confirmed:
        counted(session, counts.TRANSITIONS.labels(Status.CONFIRMED))
    return confirmed


async def show_payment(
    session: AsyncSession, booking: Booking, status: PaymentStatus, receipt: Mapping[str, Any] | None = None
) -> None:
    """Say on a locked booking how its payment stands. One that was completed ends when all of it was given back."""
    booking.payment_status = status
    booking.receipt = dict(receipt) if receipt is not None else booking.receipt
    if booking.status is Status.COMPLETED and status is PaymentStatus.REFUNDED:
        booking.status = Status.REFUNDED
        counted(session, counts.TRANSITIONS.labels(Status.REFUNDED))
    await session.flush()


async def take_refund_due(session: AsyncSession) -> RefundDue | None:
    """A cancelled booking whose payment has to be asked for what goes back. Whoever commits has taken it."""
    return await repository.take_refund_due(session)


async def refunds_due(session: AsyncSession) -> Due:
    """How many cancelled bookings wait for `take_refund_due`."""
    return Due((await session.execute(select(func.count()).select_from(RefundDue))).scalar_one())


async def is_refund_due(session: AsyncSession, booking: Booking) -> bool:
    """Whether it is yet to be decided what goes back for a locked booking."""
    return await session.get(RefundDue, booking.id) is not None
