"""Doing what was decided to go back, until the gateway has done it, and hearing what has become of it."""

from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.kit.counting import counted
from parkingspots.kit.database import retried
from parkingspots.payments import books, counts, ledger, repository, reversals, rules, sharing
from parkingspots.payments.gateway import BrokenError, GatewayError, GivenBack, RefundState, RefusedError
from parkingspots.payments.models import Payment, Refund
from parkingspots.payments.rules import Attempt, RefundStatus
from parkingspots.payments.till import Till

log = structlog.get_logger(__name__)


async def carry_out_next(till: Till, now: datetime) -> Attempt:
    """Do what is due of one refund."""
    async with till.database.transaction() as session:
        refund = await repository.claim(session, Refund, Refund.act_at, Refund.attempts, now)
    return Attempt.NONE if refund is None else await _carry_out(till, refund, now)


async def carry_out(till: Till, refund_id: UUID, now: datetime) -> Refund:
    """The refund after an attempt at it, unless somebody else is at it."""
    async with till.database.transaction() as session:
        refund = await repository.lock_refund(session, refund_id)
        is_due = refund.act_at is not None and refund.act_at <= now
        if is_due:
            refund.act_at, refund.attempts = now + repository.LEASE, refund.attempts + 1
    if is_due:
        await _carry_out(till, refund, now)
    async with till.database.reader() as session:
        return await session.get_one(Refund, refund_id)


async def _carry_out(till: Till, refund: Refund, now: datetime) -> Attempt:
    """Failures are written down, and tried again later and later."""
    async with till.database.reader() as session:
        payment = await session.get_one(Payment, refund.payment_id)
    try:
        if sharing.is_pending(refund):
            given = await _given(till, payment, refund)
            async with till.database.transaction() as session:
                await record(session, refund.id, given, now)
        else:
            await reversals.carry_out(till, payment, refund, now)
    except Exception as error:
        if not isinstance(error, GatewayError):
            log.exception("a refund could not be carried out", id=str(refund.id))
        await _put_off(till, refund, error, now)
        return Attempt.FAILED
    return Attempt.DONE


async def _given(till: Till, payment: Payment, refund: Refund) -> GivenBack:
    """What the gateway has done; an earlier attempt of which nothing was heard may have done it."""
    assert payment.intent_id is not None  # noqa: S101 - it was paid
    if refund.attempts > 1:
        for given in await till.gateway.refunds_of(payment.intent_id):
            if given.refund_id == refund.id and given.state is not RefundState.FAILED:
                return given
    key = f"refund-{refund.id}-{refund.refusals}"
    return await till.gateway.refund(payment.intent_id, refund.amount, payment.currency, refund.id, key)


@retried
async def record(session: AsyncSession, refund_id: UUID, given: GivenBack, now: datetime) -> None:
    """Write down what became of a refund at the gateway, whoever tells it and however often."""
    refund = await session.get_one(Refund, refund_id)
    booking, payment = await books.locked(session, refund.payment_id)
    refund = await repository.lock_refund(session, refund_id)
    told = _failed if given.state is RefundState.FAILED else _made
    is_other = refund.status is RefundStatus.CANCELLED or (sharing.is_pending(refund) and refund.amount != given.amount)
    if is_other and told is _made:  # it was made before it was cancelled or made smaller, and nobody has heard of it
        refund = await _taken_over(session, payment, given, now, instead_of=refund)
    if refund.status is not RefundStatus.CANCELLED and await told(session, payment, refund, given.id, now):
        await books.show(session, booking, payment)


async def _made(session: AsyncSession, payment: Payment, refund: Refund, gateway_id: str, now: datetime) -> bool:
    """Whether that is news: nothing is made twice, and what has failed is not made any more."""
    if refund.status is RefundStatus.SUCCEEDED or refund.stripe_id == gateway_id:
        return False
    refund.status, refund.stripe_id, refund.refunded_at = RefundStatus.SUCCEEDED, gateway_id, now
    refund.act_at, refund.failure = reversals.when_due(refund, now), None
    payment.refunded_amount += refund.amount
    entries = rules.given_back(refund.amount, refund.owner_amount)
    await ledger.post(session, payment, f"refund:{refund.id}:{refund.refusals}", entries, now)
    counted(session, counts.REFUNDS.labels("made"))
    counted(session, counts.GIVEN_BACK.labels(payment.currency), refund.amount)
    return True


async def _failed(session: AsyncSession, payment: Payment, refund: Refund, gateway_id: str, now: datetime) -> bool:
    """Whether that is news: another attempt may have been made since, and a failure is told of more than once."""
    is_made = refund.status is RefundStatus.SUCCEEDED
    if is_made != (refund.stripe_id == gateway_id):
        return False
    if is_made:
        cause = f"refund-failed:{refund.id}:{refund.refusals}"
        entries = rules.undone(rules.given_back(refund.amount, refund.owner_amount))
        await ledger.post(session, payment, cause, entries, now)
        payment.refunded_amount -= refund.amount
    refund.status, refund.stripe_id, refund.refunded_at = RefundStatus.PENDING, gateway_id, None
    refund.refusals, refund.failure = refund.refusals + 1, "The refund failed at the bank."
    refund.act_at = rules.next_attempt(refund.refusals, now)
    counted(session, counts.REFUNDS.labels("failed"))
    return True


@retried
async def note(session: AsyncSession, given: GivenBack, now: datetime) -> None:
    """What the gateway says of a refund: one of ours, or one that somebody made past us in Stripe's own pages."""
    known = await repository.refund_at_gateway(session, given.id, given.refund_id)
    if known is None and given.intent_id is not None and given.state is not RefundState.FAILED:
        known = await _adopted(session, given, given.intent_id, now)
    if known is not None:
        await record(session, known, given, now)


async def _adopted(session: AsyncSession, given: GivenBack, intent_id: str, now: datetime) -> UUID | None:
    payment = await repository.by_intent(session, intent_id)
    if payment is None:
        return None
    _, payment = await books.locked(session, payment.id)
    left = payment.amount - await repository.asked_back(session, payment.id)
    for refund in await repository.refunds_of(session, [payment.id]):
        if (
            sharing.is_pending(refund)
            and refund.amount == given.amount
            and (refund.refusals > 0 or left < given.amount)
        ):
            return refund.id  # somebody has made by hand what could not be made
    if payment.paid_at is None or payment.refunded_amount == payment.amount:
        return None
    return (await _taken_over(session, payment, given, now)).id


async def _taken_over(
    session: AsyncSession, payment: Payment, given: GivenBack, now: datetime, instead_of: Refund | None = None
) -> Refund:
    """The refund of the locked payment that somebody has made without being asked here, known or new."""
    cause = f"stripe:{given.id}"
    known = await repository.refund_for(session, payment.id, cause)
    if known is not None:
        return known
    amount = min(given.amount, payment.amount - payment.refunded_amount)
    return await sharing.add_made_elsewhere(session, payment, amount, cause, "Made at Stripe.", now, instead_of)


async def _put_off(till: Till, claimed: Refund, error: Exception, now: datetime) -> None:
    """Where Stripe keeps its answer for the key, the next attempt takes another."""
    is_refused = isinstance(error, RefusedError)
    async with till.database.transaction() as session:
        refund = await repository.lock_refund(session, claimed.id)
        if refund.act_at is None or refund.attempts != claimed.attempts:
            return
        refund.failure, refund.act_at = str(error) or type(error).__name__, rules.next_attempt(refund.attempts, now)
        refund.refusals += is_refused or isinstance(error, BrokenError)
    if is_refused:
        counts.REFUNDS.labels("refused").inc()
