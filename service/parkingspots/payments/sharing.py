"""How refunds share a payment, with what goes back past us: never more than was paid, of which owners bear a part."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.kit.currencies import least_charge
from parkingspots.payments import repository, reversals, rules
from parkingspots.payments.models import Payment, Refund
from parkingspots.payments.problems import NothingToRefund
from parkingspots.payments.rules import RefundStatus


async def decide(
    session: AsyncSession, payment: Payment, amount: int, cause: str, reason: str | None, now: datetime
) -> Refund:
    """Give `amount` of the locked payment back for that cause, or what was decided for it before.

    Raises NothingToRefund where more is asked for than is left.
    """
    known = await repository.refund_for(session, payment.id, cause)
    if known is not None:
        return known
    asked = await repository.asked_back(session, payment.id)
    if amount > payment.amount - asked or payment.paid_at is None:
        raise NothingToRefund
    owner_amount = owner_part(payment, asked + amount) - owner_part(payment, asked)
    refund = await _added(session, payment, amount, owner_amount, cause, reason, now)
    await reversals.take_from_payout(session, payment, refund, owner_amount)
    return refund


async def add_made_elsewhere(
    session: AsyncSession,
    payment: Payment,
    amount: int,
    cause: str,
    reason: str,
    now: datetime,
    instead_of: Refund | None = None,
) -> Refund:
    """What the bank, or somebody in Stripe's own pages, has given back of the locked payment, at most what is left.

    Refunds that are pending go as far as it leaves nothing for them. What the owner was to bear of those is taken from
    the payout already.
    """
    before = owner_part(payment, await repository.asked_back(session, payment.id))
    released = await _cancel(session, instead_of, now) if instead_of is not None else 0
    released += await _make_room(session, payment, amount, now)
    after = owner_part(payment, await repository.asked_back(session, payment.id) + amount)
    refund = await _added(session, payment, amount, after - before + released, cause, reason, now)
    await reversals.take_from_payout(session, payment, refund, after - before)
    return refund


async def _make_room(session: AsyncSession, payment: Payment, amount: int, now: datetime) -> int:
    """What owners do not bear any more of pending refunds that cannot be made beside `amount`.

    First those that were refused, then those that were not tried: of others nobody knows whether they were made.
    """
    excess = await repository.asked_back(session, payment.id) + amount - payment.amount
    released, step = 0, least_charge(payment.currency)
    pending = [each for each in await repository.refunds_of(session, [payment.id]) if is_pending(each)]
    for refund in sorted(pending, key=lambda each: (each.refusals == 0, each.attempts > 0)):
        by = min(max(excess, 0), refund.amount)
        excess -= by
        if by == refund.amount:
            released += await _cancel(session, refund, now)
        elif by > 0:
            part = rules.cut(refund.amount, refund.owner_amount, by, step)
            refund.amount, refund.owner_amount = refund.amount - by, refund.owner_amount - part
            released += part
    await session.flush()
    return released


async def _cancel(session: AsyncSession, refund: Refund, now: datetime) -> int:
    """Make a pending refund no more; what the owner was to bear of it."""
    if not is_pending(refund):
        return 0
    refund.status, refund.act_at, refund.tell_at = RefundStatus.CANCELLED, reversals.when_due(refund, now), None
    await session.flush()
    return refund.owner_amount


def is_pending(refund: Refund) -> bool:
    return refund.status is RefundStatus.PENDING


async def _added(
    session: AsyncSession,
    payment: Payment,
    amount: int,
    owner_amount: int,
    cause: str,
    reason: str | None,
    now: datetime,
) -> Refund:
    refund = Refund(
        payment_id=payment.id,
        cause=cause,
        amount=amount,
        owner_amount=owner_amount,
        reason=reason,
        status=RefundStatus.PENDING,
        act_at=now,
    )
    session.add(refund)
    await session.flush()
    return refund


def owner_part(payment: Payment, amount: int) -> int:
    return rules.owner_part(amount, payment.amount, payment.owner_amount, least_charge(payment.currency))
