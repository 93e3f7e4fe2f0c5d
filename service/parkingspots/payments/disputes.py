"""Disputes: the bank takes the money back, the payout waits, and in the end one side has it."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.kit.database import retried
from parkingspots.payments import books, ledger, refunds, repository, reversals, rules
from parkingspots.payments.gateway import Dispute
from parkingspots.payments.models import Disputed, Payment, Refund
from parkingspots.payments.rules import DisputeStatus, RefundStatus


@retried
async def note(session: AsyncSession, dispute: Dispute, now: datetime) -> None:
    """Write down how a dispute stands, whatever of it is known already: it only goes on, and each by itself."""
    payment = await repository.by_intent(session, dispute.intent_id) if dispute.intent_id else None
    if payment is None:
        return
    booking, payment = await books.locked(session, payment.id)
    disputes = {each.id: each for each in await repository.disputes_of(session, payment.id)}
    known = disputes.get(dispute.id)
    if known is not None and rules.STAGES[known.status] >= rules.STAGES[dispute.status]:
        return
    was_taken = known is not None and known.status is DisputeStatus.OPEN
    if known is None:
        known = Disputed(id=dispute.id, payment_id=payment.id, amount=min(dispute.amount, payment.amount))
        disputes[dispute.id] = known
        session.add(known)
    known.status = dispute.status
    payment.dispute_id = dispute.id
    payment.dispute_status = rules.heaviest({each.status for each in disputes.values()})
    await session.flush()
    await _post(session, payment, known, now, was_taken=was_taken)
    if dispute.status is DisputeStatus.LOST:
        await _lost(session, payment, known, now)
        await books.show(session, booking, payment)
    if payment.dispute_status not in rules.FREEZING:
        await repository.hasten_payout_of(session, payment.id, now)
    await session.flush()


async def _post(session: AsyncSession, payment: Payment, dispute: Disputed, now: datetime, *, was_taken: bool) -> None:
    """What the bank has taken, and what it has brought back; of an inquiry neither."""
    taken, is_taken = rules.withdrawn(dispute.amount), dispute.status in rules.WITHDRAWING
    if is_taken:
        await ledger.post(session, payment, f"dispute:{dispute.id}", taken, now)
    if (is_taken or was_taken) and dispute.status in {DisputeStatus.WON, DisputeStatus.CLOSED}:
        await ledger.post(session, payment, f"dispute-won:{dispute.id}", rules.undone(taken), now)


async def _lost(session: AsyncSession, payment: Payment, dispute: Disputed, now: datetime) -> None:
    """What the bank gave back counts as given back. Owner and platform bear what was not given back before."""
    before = await repository.asked_back(session, payment.id)
    covered = await _covered(session, payment, dispute.amount, now)
    counted = min(dispute.amount - sum(refund.amount for refund in covered), payment.amount - before)
    owner_amount = refunds.owner_part(payment, before + counted) - refunds.owner_part(payment, before)
    entries = rules.lost(dispute.amount, owner_amount + sum(refund.owner_amount for refund in covered))
    await ledger.post(session, payment, f"dispute-lost:{dispute.id}", entries, now)
    if counted == 0:
        return
    refund = Refund(
        payment_id=payment.id,
        cause=f"dispute:{dispute.id}",
        amount=counted,
        owner_amount=owner_amount,
        reason="The bank gave it back after a dispute.",
        status=RefundStatus.SUCCEEDED,
        stripe_id=dispute.id,
        refunded_at=now,
    )
    session.add(refund)
    await session.flush()
    payment.refunded_amount += counted
    await reversals.take_from_payout(session, payment, refund)
    refund.act_at = reversals.when_due(refund, now)


async def _covered(session: AsyncSession, payment: Payment, amount: int, now: datetime) -> Sequence[Refund]:
    """Refunds that were decided, and that Stripe does not make any more: with `amount` the bank has made them."""
    left, covered = payment.amount - payment.refunded_amount - amount, []
    for refund in await repository.refunds_of(session, [payment.id]):
        if refund.status is RefundStatus.PENDING and left < refund.amount <= amount:
            amount -= refund.amount
            covered.append(refund)
            refund.status, refund.refunded_at, refund.failure = RefundStatus.SUCCEEDED, now, None
            refund.act_at = reversals.when_due(refund, now)
            payment.refunded_amount += refund.amount
        elif refund.status is RefundStatus.PENDING:
            left -= refund.amount
    return covered
