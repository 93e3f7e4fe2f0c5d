"""Use cases of paying. Locks in the order booking, payment, refund, payout; none is held while Stripe is asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.accounts.models import User
from parkingspots.bookings import settling as bookings
from parkingspots.bookings.models import Booking
from parkingspots.bookings.problems import NotPayable
from parkingspots.bookings.rules import PaymentStatus, Status
from parkingspots.kit.database import retried
from parkingspots.kit.paging import Page
from parkingspots.payments import books, counts, ledger, refunds, repository, rules, sharing
from parkingspots.payments.gateway import Charge, Intent, IntentStatus, even_if_broken
from parkingspots.payments.models import Payment, Refund
from parkingspots.payments.problems import PaymentNotFound
from parkingspots.payments.rules import Road
from parkingspots.payments.till import Till

FIRST_LOOK = timedelta(minutes=2)
"""After which the job asks what became of an intent that nobody has told of."""
PAYABLE = frozenset({PaymentStatus.PENDING, PaymentStatus.FAILED})


@dataclass(frozen=True)
class Settled:
    """A payment after what its intent said; which of it was new."""

    payment: Payment
    booking: Booking
    is_confirmed: bool = False
    is_late: bool = False


async def begin(till: Till, renter: User, booking_id: UUID, now: datetime) -> Intent:
    """The intent to pay for the renter's booking, the same one each time.

    Raises BookingNotFound, NotYours, NotPayable, and what the gateway does.
    """
    async with till.database.transaction() as session:
        payment = await _opened(session, till, renter, booking_id, now)
    if payment.intent_id is not None:
        intent = await till.gateway.intent(payment.intent_id)
    else:
        wanted = booking_id, payment.amount, payment.currency
        intent = await even_if_broken(lambda key: till.gateway.create_intent(*wanted, key), f"intent-{payment.id}")
        async with till.database.transaction() as session:
            tied = await _tied(session, payment.id, intent)
        counts.INTENTS.inc()
        intent = intent if tied == intent.id else await till.gateway.intent(tied)
    if intent.status in {IntentStatus.PAID, IntentStatus.CANCELLED}:
        await settled(till, payment.id, intent, Road.CLIENT, now)
        raise NotPayable
    return intent


@retried
async def _opened(session: AsyncSession, till: Till, renter: User, booking_id: UUID, now: datetime) -> Payment:
    booking = await bookings.hold_for_payment(session, till.settings, renter, booking_id, now)
    payment = await repository.of_booking(session, booking, now + FIRST_LOOK)
    if payment.status is not PaymentStatus.PENDING:
        raise NotPayable
    return payment


@retried
async def _tied(session: AsyncSession, payment_id: UUID, intent: Intent) -> str:
    """The id of the intent that is the payment's from now on: this one, unless another was tied before.

    Until this is committed nobody has the client secret, so an intent that is not tied is never paid.
    """
    booking, payment = await books.locked(session, payment_id)
    if payment.status is not PaymentStatus.PENDING:
        raise NotPayable
    payment.intent_id = booking.payment_intent_id = payment.intent_id or intent.id
    await session.flush()
    return payment.intent_id


async def confirm(till: Till, payer: User, intent_id: str, now: datetime) -> tuple[Status, Intent]:
    """How the payer's booking stands after what the gateway says of its payment now; raises PaymentNotFound."""
    async with till.database.reader() as session:
        payment = await repository.by_intent(session, intent_id)
    if payment is None or payment.payer_id != payer.id:
        raise PaymentNotFound
    intent = await till.gateway.intent(intent_id)
    return (await settled(till, payment.id, intent, Road.CLIENT, now)).booking.status, intent


async def settled(till: Till, payment_id: UUID, intent: Intent, road: Road, now: datetime) -> Settled:
    """Move the payment, and its booking, to where the intent is: forward only, and once, on whatever road."""
    async with till.database.transaction() as session:
        found = await _settled(session, till, payment_id, intent, now)
    if found.is_confirmed or found.is_late:
        counts.TAKEN.labels(found.payment.currency).inc(found.payment.amount)
    if found.is_confirmed:
        counts.CONFIRMATIONS.labels(road).inc()
    if found.is_late:
        counts.LATE.inc()
    return found


@retried
async def _settled(session: AsyncSession, till: Till, payment_id: UUID, intent: Intent, now: datetime) -> Settled:
    booking, payment = await books.locked(session, payment_id)
    if payment.status in PAYABLE and intent.status is IntentStatus.PAID:
        return await _taken(session, till, booking, payment, intent.charge, now)
    if payment.status is PaymentStatus.PENDING and intent.status is IntentStatus.CANCELLED:
        payment.status, payment.look_at = PaymentStatus.FAILED, None
        await bookings.show_payment(session, booking, PaymentStatus.FAILED)
    elif payment.status is PaymentStatus.PENDING:
        payment.failure = intent.declined
        if intent.status is IntentStatus.PROCESSING:
            await bookings.extend_hold(session, till.settings, booking, now)
    await session.flush()
    return Settled(payment, booking)


async def _taken(
    session: AsyncSession, till: Till, booking: Booking, payment: Payment, charge: Charge | None, now: datetime
) -> Settled:
    """The money is there. Where the booking is over it goes back, all of it."""
    payment.status, payment.paid_at, payment.failure = PaymentStatus.COMPLETED, now, None
    if charge is not None:
        payment.charge_id, payment.payment_method = charge.id, charge.method
        payment.card_brand, payment.last_four = charge.card_brand, charge.last_four
    payment.look_at = max(now, booking.end_time + timedelta(hours=till.settings.payout_delay_hours))
    await session.flush()
    entries = rules.charged(payment.amount, payment.owner_amount)
    await ledger.post(session, payment, f"charge:{payment.id}", entries, now)
    if await bookings.confirm_paid(session, booking, books.receipt(payment), now):
        return Settled(payment, booking, is_confirmed=True)
    await bookings.show_payment(session, booking, PaymentStatus.COMPLETED, books.receipt(payment))
    why = "The payment came when the booking was over."
    refund = await sharing.decide(session, payment, payment.amount, refunds.LATE, why, now)
    refund.tell_at = now
    await session.flush()
    return Settled(payment, booking, is_late=True)


Paid: TypeAlias = tuple[Payment, Sequence[Refund]]
"""A payment and what of it went back."""


async def every_of_payer(session: AsyncSession, payer: User, page: Page) -> Sequence[Paid]:
    """The payer's payments, newest first; those of the page and one more, where there is one."""
    payments = await repository.of_payer(session, payer.id, page)
    refunds_of = await repository.refunds_of(session, [payment.id for payment in payments]) if payments else []
    return [(payment, [each for each in refunds_of if each.payment_id == payment.id]) for payment in payments]


async def of_payer(session: AsyncSession, payer: User, page: Page) -> tuple[Sequence[Paid], int]:
    """As `every_of_payer`, and how many the whole list has."""
    return await every_of_payer(session, payer, page), await repository.count_of_payer(session, payer.id)
