"""Disputes: the bank takes the money back, the payout waits, and in the end one side has it."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.kit.database import retried
from parkingspots.payments import books, ledger, repository, reversals, rules, sharing
from parkingspots.payments.gateway import Dispute
from parkingspots.payments.models import Disputed, Payment
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
    """What the bank gave back counts as given back; owner and platform bear what was not given back before."""
    counted = min(dispute.amount, payment.amount - payment.refunded_amount)
    owner_amount = 0
    if counted > 0:
        why = "The bank gave it back after a dispute."
        refund = await sharing.add_made_elsewhere(session, payment, counted, f"dispute:{dispute.id}", why, now)
        refund.status, refund.stripe_id, refund.refunded_at = RefundStatus.SUCCEEDED, dispute.id, now
        refund.act_at, owner_amount = reversals.when_due(refund, now), refund.owner_amount
        payment.refunded_amount += counted
    await session.flush()
    await ledger.post(session, payment, f"dispute-lost:{dispute.id}", rules.lost(dispute.amount, owner_amount), now)
