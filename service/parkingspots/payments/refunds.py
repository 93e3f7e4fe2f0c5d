"""Who may have what given back: decided in a transaction, once for each cause, and done afterwards."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.accounts.models import User
from parkingspots.accounts.rules import Role
from parkingspots.bookings import settling as bookings
from parkingspots.bookings.rules import HOLDING
from parkingspots.kit import audit
from parkingspots.kit.currencies import least_charge
from parkingspots.kit.database import retried
from parkingspots.kit.idempotency_keys import KeyReused
from parkingspots.kit.problems import Invalid
from parkingspots.payments import books, giving_back, repository, sharing
from parkingspots.payments.models import Payment, Refund
from parkingspots.payments.problems import NothingToRefund, NotYoursToRefund, PaymentNotFound, StillBooked
from parkingspots.payments.till import Till

CANCELLATION, LATE = "cancellation", "late"
"""Causes of refunds that nobody has to ask for."""

log = structlog.get_logger(__name__)


@retried
async def decide_due(session: AsyncSession, now: datetime) -> bool:
    """Decide what one cancelled booking's policy gives back; False where none is due."""
    due = await bookings.take_refund_due(session)
    if due is None:
        return False
    booking = await bookings.lock(session, due.booking_id)
    payment = await repository.lock(session, (await repository.of_booking(session, booking, now)).id)
    left = due.amount - await repository.asked_back(session, payment.id)
    if payment.paid_at is None:  # it was confirmed while payments were off
        log.warning("nothing was paid that could be given back", booking=str(booking.id))
    elif left > 0:
        await sharing.decide(session, payment, left, CANCELLATION, booking.cancellation_reason, now)
    return True


@dataclass(frozen=True)
class Asked:
    """What somebody wants to go back: all that is left, where `amount` is None. One cause is one refund."""

    payment_id: UUID
    amount: int | None
    reason: str | None
    cause: str


async def ask(till: Till, user: User, asked: Asked, now: datetime) -> tuple[Refund, Payment]:
    """A refund that the owner or an admin decides, after an attempt at it.

    The renter of a cancelled booking gets what its policy has decided. Raises PaymentNotFound, NotYoursToRefund,
    StillBooked, NothingToRefund, Invalid or KeyReused.
    """
    async with till.database.transaction() as session:
        refund, payment = await _asked(session, user, asked, now)
    return await giving_back.carry_out(till, refund.id, now), payment


@retried
async def _asked(session: AsyncSession, user: User, asked: Asked, now: datetime) -> tuple[Refund, Payment]:
    payment = await repository.by_id(session, asked.payment_id)
    if payment is None or (user.id not in {payment.payer_id, payment.owner_id} and user.role is not Role.ADMIN):
        raise PaymentNotFound
    booking, payment = await books.locked(session, payment.id)
    if user.role is not Role.ADMIN and user.id != payment.owner_id:
        return await _of_policy(session, payment), payment
    known = await repository.refund_for(session, payment.id, asked.cause)
    if known is not None and asked.amount in {None, known.amount}:
        return known, payment
    if known is not None:
        raise KeyReused
    left = payment.amount - await repository.asked_back(session, payment.id)
    wanted = left if asked.amount is None else asked.amount
    if wanted == 0:
        raise NothingToRefund
    if wanted % (step := least_charge(payment.currency)):
        raise Invalid.field(
            "/amount", f"must be a multiple of {step}: less than that of {payment.currency} cannot be moved"
        )
    if booking.status in HOLDING and wanted >= left:
        raise StillBooked
    await _note_act_of_staff(session, user, asked, wanted)
    return await sharing.decide(session, payment, wanted, asked.cause, asked.reason, now), payment


async def _note_act_of_staff(session: AsyncSession, user: User, asked: Asked, amount: int) -> None:
    if user.role is Role.ADMIN:
        await audit.record(
            session,
            actor_id=user.id,
            action="refund",
            subject="payment",
            subject_id=asked.payment_id,
            reason=asked.reason,
            amount=amount,
        )


async def _of_policy(session: AsyncSession, payment: Payment) -> Refund:
    for cause in (CANCELLATION, LATE):
        if (decided := await repository.refund_for(session, payment.id, cause)) is not None:
            return decided
    raise NotYoursToRefund
