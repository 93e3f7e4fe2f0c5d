"""Paying owners: decided once, when a booking is over and its delay too; done until the gateway has done it."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.bookings import settling as bookings
from parkingspots.bookings.models import Booking
from parkingspots.bookings.rules import HOLDING
from parkingspots.kit.database import retried
from parkingspots.payments import books, counts, ledger, repository, rules
from parkingspots.payments.gateway import AwayError, RefusedError
from parkingspots.payments.models import Connected, Payment, Payout
from parkingspots.payments.rules import DisputeStatus, PayoutStatus, RefundStatus
from parkingspots.payments.till import Till

SHORTLY = timedelta(minutes=15)
NO_ACCOUNT = "The owner has no account yet that takes payouts."
DISPUTED = "The payment is disputed."


async def release(session: AsyncSession, booking: Booking, payment: Payment, now: datetime) -> None:
    """Decide what the owner gets of the locked payment, or look again where that is too soon."""
    if booking.status in HOLDING or payment.dispute_status is DisputeStatus.OPEN:
        payment.look_at = now + SHORTLY
        return
    await books.show(session, booking, payment)  # it has ended since, and is refunded where everything went back
    refunds = await repository.refunds_of(session, [payment.id])
    is_pending = any(refund.status is RefundStatus.PENDING for refund in refunds)
    if is_pending or await bookings.is_refund_due(session, booking):
        payment.look_at = now + SHORTLY
        return
    payment.look_at = None
    amount = payment.owner_amount - sum(refund.owner_amount for refund in refunds)
    if amount > 0 and await repository.lock_payout_of(session, payment.id) is None:
        session.add(
            Payout(
                payment_id=payment.id,
                booking_id=payment.booking_id,
                owner_id=payment.owner_id,
                amount=amount,
                currency=payment.currency,
                status=PayoutStatus.PENDING,
                act_at=now,
            )
        )
    await session.flush()


async def carry_out_next(till: Till, now: datetime) -> bool:
    """Attempt one payout that is due; False where none is."""
    async with till.database.transaction() as session:
        payout = await repository.claim(session, Payout, Payout.act_at, Payout.attempts, now)
    if payout is None:
        return False
    try:
        await _carry_out(till, payout, now)
    except RefusedError as error:
        await _put_off(till, payout.id, str(error), now, refused=True)
    except AwayError as error:
        await _put_off(till, payout.id, str(error), now, refused=False)
    return True


async def _carry_out(till: Till, payout: Payout, now: datetime) -> None:
    async with till.database.reader() as session:
        payment = await session.get_one(Payment, payout.payment_id)
        account = await session.get(Connected, payout.owner_id)
    if payment.dispute_status is DisputeStatus.OPEN:
        await _wait(till, payout.id, DISPUTED, now)
        return
    if account is None or account.account_id is None or not account.takes_payouts:
        await _wait(till, payout.id, NO_ACCOUNT, now)
        return
    transfer_id = await till.gateway.find_transfer(payout.id) if payout.attempts > 1 else None
    if transfer_id is None:
        key, charge_id = f"payout-{payout.id}-{payout.refusals}", payment.charge_id or ""
        transfer_id = await till.gateway.transfer(
            account.account_id, payout.amount, payout.currency, payout.id, charge_id, key
        )
    async with till.database.transaction() as session:
        await _record(session, payout, transfer_id, now)


@retried
async def _record(session: AsyncSession, claimed: Payout, transfer_id: str, now: datetime) -> None:
    _, payment = await books.locked(session, claimed.payment_id)
    payout = await repository.lock_payout_of(session, payment.id)
    if payout is None or payout.status is not PayoutStatus.PENDING:
        return
    payout.status, payout.transfer_id, payout.processed_at = PayoutStatus.PAID, transfer_id, now
    payout.act_at, payout.failure = None, None
    await session.flush()
    await ledger.post(session, payment, f"payout:{payout.id}", rules.paid_out(payout.amount), now)
    counts.PAID_OUT.labels(payout.currency).inc(payout.amount)


async def _wait(till: Till, payout_id: UUID, why: str, now: datetime) -> None:
    """Nothing was attempted: it may still be lessened, and is hastened when what it waits for has come."""
    async with till.database.transaction() as session:
        payout = await session.get_one(Payout, payout_id, with_for_update=True)
        payout.failure, payout.act_at, payout.attempts = why, now + rules.LATEST, payout.attempts - 1


async def _put_off(till: Till, payout_id: UUID, why: str, now: datetime, *, refused: bool) -> None:
    async with till.database.transaction() as session:
        payout = await session.get_one(Payout, payout_id, with_for_update=True)
        if payout.status is PayoutStatus.PENDING:
            payout.failure, payout.act_at = why, rules.next_attempt(payout.attempts, now)
            payout.refusals += refused
