"""The reconciler: what nobody has told of is asked for, and what is due because time has gone by is decided."""

from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.bookings import settling as bookings
from parkingspots.bookings.models import Booking
from parkingspots.bookings.rules import PaymentStatus, Status
from parkingspots.kit.database import retried
from parkingspots.payments import books, payouts, repository, rules, service
from parkingspots.payments.gateway import GatewayError, Intent, IntentStatus, RefusedError
from parkingspots.payments.models import Payment
from parkingspots.payments.rules import Attempt, Road
from parkingspots.payments.till import Till

CANCELLABLE = frozenset({IntentStatus.OPEN, IntentStatus.NEEDS_ACTION})

log = structlog.get_logger(__name__)


async def look_at_next(till: Till, now: datetime) -> Attempt:
    """Look at one payment that is due."""
    async with till.database.transaction() as session:
        payment = await repository.claim(session, Payment, Payment.look_at, Payment.looks, now)
    if payment is None:
        return Attempt.NONE
    try:
        if payment.status is PaymentStatus.PENDING:
            await _reconcile(till, payment, now)
        else:
            async with till.database.transaction() as session:
                await _release(session, payment, now)
    except Exception as error:
        if not isinstance(error, GatewayError):
            log.exception("a payment could not be looked at", id=str(payment.id))
        await _again(till, payment, now)
        return Attempt.FAILED
    return Attempt.DONE


@retried
async def _release(session: AsyncSession, claimed: Payment, now: datetime) -> None:
    booking, payment = await books.locked(session, claimed.id)
    await payouts.release(session, booking, payment, now)


async def _reconcile(till: Till, payment: Payment, now: datetime) -> None:
    """Ask what became of the intent; one whose booking is over is cancelled, so that nobody pays for nothing."""
    async with till.database.reader() as session:
        booking = await session.get_one(Booking, payment.booking_id)
    is_over = booking.status is not Status.PENDING
    if payment.intent_id is None:
        if is_over:
            async with till.database.transaction() as session:
                await _never_paid(session, payment)
            return
        await _again(till, payment, now)
        return
    intent = await till.gateway.intent(payment.intent_id)
    if is_over and intent.status in CANCELLABLE:
        intent = await _cancelled(till, payment.intent_id)
    found = await service.settled(till, payment.id, intent, Road.RECONCILER, now)
    if found.payment.status is PaymentStatus.PENDING:
        await _again(till, payment, now)


async def _cancelled(till: Till, intent_id: str) -> Intent:
    try:
        return await till.gateway.cancel_intent(intent_id)
    except RefusedError:  # it was paid at the last moment
        return await till.gateway.intent(intent_id)


@retried
async def _never_paid(session: AsyncSession, claimed: Payment) -> None:
    booking, payment = await books.locked(session, claimed.id)
    if payment.intent_id is None and payment.status is PaymentStatus.PENDING:
        payment.status, payment.look_at = PaymentStatus.FAILED, None
        await bookings.show_payment(session, booking, PaymentStatus.FAILED)


async def _again(till: Till, claimed: Payment, now: datetime) -> None:
    async with till.database.transaction() as session:
        payment = await repository.lock(session, claimed.id)
        if payment.look_at is not None and payment.looks == claimed.looks:
            payment.look_at = rules.next_attempt(payment.looks, now)
