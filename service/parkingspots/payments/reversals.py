"""What owners bear of refunds: what is not paid out yet is lessened, and what is comes back."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.kit.database import retried
from parkingspots.payments import books, ledger, repository, rules
from parkingspots.payments.gateway import AwayError
from parkingspots.payments.models import Payment, Payout, Refund
from parkingspots.payments.rules import PayoutStatus, RefundStatus
from parkingspots.payments.till import Till


async def take_from_payout(session: AsyncSession, payment: Payment, refund: Refund, amount: int) -> None:
    """Take what the owner bears of a refund of the locked payment from its payout, once for each refund."""
    payout = await repository.lock_payout_of(session, payment.id)
    if payout is None or amount == 0:
        return
    if payout.status is PayoutStatus.PENDING and not payout.is_in_doubt:
        _lessen(payout, amount)
    elif payout.status in {PayoutStatus.PENDING, PayoutStatus.PAID}:
        refund.reversal_amount = amount
    await session.flush()


async def forget(session: AsyncSession, payment: Payment, payout: Payout) -> None:
    """Nothing of the locked payout was paid, so that nothing has to come back: it is lessened instead."""
    for refund in await repository.reversals_owed(session, payment.id):
        _lessen(payout, refund.reversal_amount)
        refund.reversal_amount = 0
        if refund.status is not RefundStatus.PENDING:
            refund.act_at, refund.failure = None, None
    await session.flush()


def _lessen(payout: Payout, amount: int) -> None:
    """Where nothing is left, nothing is paid."""
    payout.amount -= amount
    if payout.amount == 0:
        payout.status, payout.act_at = PayoutStatus.CANCELLED, None


def when_due(refund: Refund, now: datetime) -> datetime | None:
    """Of a refund that is made, or not any more: now, where a part of the payout has to come back and has not."""
    return now if refund.reversal_amount > 0 and refund.reversal_id is None else None


async def carry_out(till: Till, payment: Payment, refund: Refund, now: datetime) -> None:
    """Take back what the owner bears of a refund that is made; raises AwayError while the payout is in doubt."""
    async with till.database.reader() as session:
        payout = await repository.payout_of(session, payment.id)
    if payout is None or payout.transfer_id is None:
        raise AwayError("the payout is still on its way")
    reversal_id = None
    if refund.attempts > 1:
        reversal_id = await till.gateway.find_reversal(payout.transfer_id, refund.id)
    if reversal_id is None:
        key = f"reversal-{refund.id}-{refund.refusals}"
        amount = refund.reversal_amount
        reversal_id = await till.gateway.reverse(payout.transfer_id, amount, payment.currency, refund.id, key)
    async with till.database.transaction() as session:
        await _record(session, payment.id, refund.id, reversal_id, now)


@retried
async def _record(session: AsyncSession, payment_id: UUID, refund_id: UUID, reversal_id: str, now: datetime) -> None:
    _, payment = await books.locked(session, payment_id)
    refund = await repository.lock_refund(session, refund_id)
    payout = await repository.lock_payout_of(session, payment_id)
    if payout is None or refund.reversal_id is not None:
        return
    refund.reversal_id = reversal_id
    if refund.status is not RefundStatus.PENDING:  # it may have failed at the bank meanwhile, and be due again
        refund.act_at, refund.failure = None, None
    payout.reversed_amount += refund.reversal_amount
    if payout.reversed_amount == payout.amount:
        payout.status = PayoutStatus.REVERSED
    await session.flush()
    entries = rules.undone(rules.paid_out(refund.reversal_amount))
    await ledger.post(session, payment, f"payout-reversed:{refund.id}", entries, now)
