"""Disputes: the bank takes the money back, the payout waits, and in the end one side has it."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.kit.database import retried
from parkingspots.payments import books, ledger, refunds, repository, rules
from parkingspots.payments.gateway import Dispute, DisputeState
from parkingspots.payments.models import Payment, Refund
from parkingspots.payments.rules import DisputeStatus, RefundStatus


@retried
async def note(session: AsyncSession, dispute: Dispute, now: datetime) -> None:
    """Write down how a dispute stands, whatever of it is known already."""
    payment = await repository.by_intent(session, dispute.intent_id) if dispute.intent_id else None
    if payment is None:
        return
    booking, payment = await books.locked(session, payment.id)
    if payment.dispute_status in {DisputeStatus.WON, DisputeStatus.LOST} and payment.dispute_id == dispute.id:
        return
    amount = min(dispute.amount, payment.amount)
    payment.dispute_id, payment.dispute_status = dispute.id, DisputeStatus(dispute.state)
    await session.flush()
    await ledger.post(session, payment, f"dispute:{dispute.id}", rules.withdrawn(amount), now)
    if dispute.state is DisputeState.WON:
        await ledger.post(session, payment, f"dispute-won:{dispute.id}", rules.undone(rules.withdrawn(amount)), now)
    if dispute.state is DisputeState.LOST:
        await _lost(session, payment, dispute, amount, now)
        await books.show(session, booking, payment)
    if dispute.state is not DisputeState.OPEN:
        await repository.hasten_payouts(session, payment.owner_id, now)
    await session.flush()


async def _lost(session: AsyncSession, payment: Payment, dispute: Dispute, amount: int, now: datetime) -> None:
    """What the bank gave back counts as given back. Owner and platform bear what was not given back before."""
    before = await repository.asked_back(session, payment.id)
    covered = await _covered(session, payment, amount, now)
    counted = min(amount - sum(refund.amount for refund in covered), payment.amount - before)
    owner_amount = refunds.owner_part(payment, before + counted) - refunds.owner_part(payment, before)
    entries = rules.lost(amount, owner_amount + sum(refund.owner_amount for refund in covered))
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
    await refunds.take_from_payout(session, payment, refund)
    refund.act_at = refunds.when_to_reverse(refund, now)


async def _covered(session: AsyncSession, payment: Payment, amount: int, now: datetime) -> Sequence[Refund]:
    """Refunds that were decided, and that Stripe does not make any more: with `amount` the bank has made them."""
    left, covered = payment.amount - payment.refunded_amount - amount, []
    for refund in await repository.refunds_of(session, [payment.id]):
        if refund.status is RefundStatus.PENDING and left < refund.amount <= amount:
            amount -= refund.amount
            covered.append(refund)
            refund.status, refund.refunded_at, refund.failure = RefundStatus.SUCCEEDED, now, None
            refund.act_at = refunds.when_to_reverse(refund, now)
            payment.refunded_amount += refund.amount
        elif refund.status is RefundStatus.PENDING:
            left -= refund.amount
    return covered
