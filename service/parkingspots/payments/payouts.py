"""Paying owners: decided once, when a booking is over and its delay too; done until the gateway has done it."""

from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.bookings import settling as bookings
from parkingspots.bookings.models import Booking
from parkingspots.bookings.rules import HOLDING
from parkingspots.kit.counting import counted
from parkingspots.kit.database import retried
from parkingspots.payments import books, connect, counts, ledger, repository, reversals, rules
from parkingspots.payments.gateway import BrokenError, GatewayError, RefusedError
from parkingspots.payments.models import Connected, Payment, Payout
from parkingspots.payments.rules import Attempt, PayoutStatus
from parkingspots.payments.till import Till

SHORTLY = timedelta(minutes=15)

log = structlog.get_logger(__name__)


async def release(session: AsyncSession, booking: Booking, payment: Payment, now: datetime) -> None:
    """Decide what the owner gets of the locked payment, or look again where that is too soon."""
    is_settled = booking.status not in HOLDING and payment.dispute_status not in rules.FREEZING
    if not is_settled or await bookings.is_refund_due(session, booking):
        payment.look_at = now + SHORTLY
        return
    await books.show(session, booking, payment)  # it has ended since, and is refunded where everything went back
    refunds = await repository.refunds_of(session, [payment.id])
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


async def carry_out_next(till: Till, now: datetime) -> Attempt:
    """Attempt one payout that is due."""
    async with till.database.transaction() as session:
        payout = await repository.claim(session, Payout, Payout.act_at, Payout.attempts, now)
    if payout is None:
        return Attempt.NONE
    try:
        return await _carry_out(till, payout, now)
    except Exception as error:
        if not isinstance(error, GatewayError):
            log.exception("a payout could not be carried out", id=str(payout.id))
        await _put_off(till, payout, error, now)
    return Attempt.FAILED


async def _carry_out(till: Till, claimed: Payout, now: datetime) -> Attempt:
    await _hear_of_account(till, claimed.owner_id, now)
    transfer_id = await till.gateway.find_transfer(claimed.id) if claimed.is_in_doubt else None
    if transfer_id is None:
        async with till.database.transaction() as session:
            transfer = await _begun(session, claimed, now)
        if transfer is None:
            return Attempt.WAITS
        try:
            transfer_id = await till.gateway.transfer(*transfer)
        except RefusedError as error:
            async with till.database.transaction() as session:
                await _refused(session, claimed, str(error), now)
            return Attempt.FAILED
    async with till.database.transaction() as session:
        await _record(session, claimed, transfer_id, now)
    return Attempt.DONE


async def _hear_of_account(till: Till, owner_id: UUID, now: datetime) -> None:
    """Ask whether an account takes payouts by now; the event that tells it may not have come."""
    async with till.database.reader() as session:
        known = await session.get(Connected, owner_id)
    if known is not None and known.account_id is not None and not known.takes_payouts:
        account = await till.gateway.account(known.account_id)
        async with till.database.transaction() as session:
            await connect.note(session, account, now)


@retried
async def _begun(session: AsyncSession, claimed: Payout, now: datetime) -> tuple[str, int, str, UUID, str, str] | None:
    """What to transfer, from now on in doubt and not to be lessened; None where it has to wait, or is not due any more.

    As the gateway's `transfer` takes it. Whoever frees what the payout waits for locks the same rows.
    """
    _, payment = await books.locked(session, claimed.payment_id)
    account = await repository.share_connected(session, payment.owner_id)
    payout = await repository.lock_payout_of(session, payment.id)
    if payout is None or payout.status is not PayoutStatus.PENDING:
        return None
    why = rules.DISPUTED if payment.dispute_status in rules.FREEZING else rules.NO_ACCOUNT
    if why == rules.DISPUTED or account is None or account.account_id is None or not account.takes_payouts:
        payout.failure, payout.act_at, payout.attempts = why, now + rules.LATEST, payout.attempts - 1
        await session.flush()
        return None
    payout.is_in_doubt = True
    await session.flush()
    key, charge_id = f"payout-{payout.id}-{payout.refusals}", payment.charge_id or ""
    return account.account_id, payout.amount, payout.currency, payout.id, charge_id, key


@retried
async def _record(session: AsyncSession, claimed: Payout, transfer_id: str, now: datetime) -> None:
    _, payment = await books.locked(session, claimed.payment_id)
    payout = await repository.lock_payout_of(session, payment.id)
    if payout is None or payout.status is not PayoutStatus.PENDING:
        return
    payout.status, payout.transfer_id, payout.processed_at = PayoutStatus.PAID, transfer_id, now
    payout.act_at, payout.failure, payout.is_in_doubt = None, None, False
    await session.flush()
    await ledger.post(session, payment, f"payout:{payout.id}", rules.paid_out(payout.amount), now)
    counted(session, counts.PAID_OUT.labels(payout.currency), payout.amount)


@retried
async def _refused(session: AsyncSession, claimed: Payout, why: str, now: datetime) -> None:
    """Nothing was paid, so what was to come back of it is not paid at all. Another attempt is another transfer."""
    _, payment = await books.locked(session, claimed.payment_id)
    payout = await repository.lock_payout_of(session, payment.id)
    if payout is None or payout.status is not PayoutStatus.PENDING or payout.attempts != claimed.attempts:
        return
    payout.failure, payout.act_at = why, rules.next_attempt(payout.attempts, now)
    payout.refusals, payout.is_in_doubt = payout.refusals + 1, False
    await reversals.forget(session, payment, payout)


async def _put_off(till: Till, claimed: Payout, error: Exception, now: datetime) -> None:
    """Where Stripe keeps its answer for the key, the next attempt takes another."""
    async with till.database.transaction() as session:
        payout = await session.get_one(Payout, claimed.id, with_for_update=True)
        if payout.status is PayoutStatus.PENDING and payout.attempts == claimed.attempts:
            payout.failure = str(error) or type(error).__name__
            payout.act_at = rules.next_attempt(payout.attempts, now)
            payout.refusals += isinstance(error, BrokenError)
