"""A payment and its booking together: both locked, and the one saying how the other stands."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.bookings import rules
from parkingspots.bookings import settling as bookings
from parkingspots.bookings.models import Booking
from parkingspots.bookings.rules import PaymentStatus
from parkingspots.kit.wire import rendered
from parkingspots.payments import repository
from parkingspots.payments.models import Payment


async def locked(session: AsyncSession, payment_id: UUID) -> tuple[Booking, Payment]:
    """In the order in which everybody locks."""
    booking = await bookings.lock(session, await repository.booking_of(session, payment_id))
    return booking, await repository.lock(session, payment_id)


async def show(session: AsyncSession, booking: Booking, payment: Payment) -> None:
    """How a payment that was made stands now, on itself and on its booking."""
    payment.status = rules.payment_after_giving_back(PaymentStatus.COMPLETED, payment.amount, payment.refunded_amount)
    await session.flush()
    await bookings.show_payment(session, booking, payment.status, receipt(payment))


def receipt(payment: Payment) -> dict[str, Any]:
    return {
        "amount": payment.amount,
        "currency": payment.currency,
        "paid_at": rendered(payment.paid_at) if payment.paid_at else None,
        "payment_method": payment.payment_method,
        "card_brand": payment.card_brand,
        "last_four": payment.last_four,
        "refunded_amount": payment.refunded_amount,
    }
