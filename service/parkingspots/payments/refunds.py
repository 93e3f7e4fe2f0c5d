"""Giving money back: decided in a transaction, once for each cause; done afterwards, until the gateway has done it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.accounts.models import User
from parkingspots.accounts.rules import Role
from parkingspots.bookings import settling as bookings
from parkingspots.bookings.rules import HOLDING
from parkingspots.kit import audit
from parkingspots.kit.currencies import least_charge
from parkingspots.kit.database import retried
from parkingspots.kit.idempotency import KeyReused
from parkingspots.kit.problems import Invalid
from parkingspots.payments import books, counts, ledger, repository, reversals, rules
from parkingspots.payments.gateway import AwayError, GivenBack, RefundState, RefusedError
from parkingspots.payments.models import Payment, Refund
from parkingspots.payments.problems import NothingToRefund, NotYoursToRefund, PaymentNotFound, StillBooked
from parkingspots.payments.rules import RefundStatus
from parkingspots.payments.till import Till

CANCELLATION, LATE = "cancellation", "late"
"""Causes of refunds that nobody has to ask for."""

log = structlog.get_logger(__name__)


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
    refund = Refund(
        payment_id=payment.id,
        cause=cause,
        amount=amount,
        owner_amount=owner_part(payment, asked + amount) - owner_part(payment, asked),
        reason=reason,
        status=RefundStatus.PENDING,
        act_at=now,
    )
    session.add(refund)
    await session.flush()
    await reversals.take_from_payout(session, payment, refund)
    return refund


def owner_part(payment: Payment, amount: int) -> int:
    return rules.owner_part(amount, payment.amount, payment.owner_amount, least_charge(payment.currency))


@retried
async def decide_due(session: AsyncSession, now: datetime) -> bool:
    """Decide what one cancelled booking's policy gives back; False where none is due."""
    due = await bookings.take_refund_due(session)
    if due is None:
        return False
    booking = await bookings.lock(session, due.booking_id)
    payment = await repository.lock(session, (await repository.of_booking(session, booking, now)).id)
    left = due.amount - await repository.asked_back(session, payment.id)
    if left > 0:
        await decide(session, payment, left, CANCELLATION, booking.cancellation_reason, now)
    return True


@dataclass(frozen=True)
class Asked:
    """What somebody wants to go back: all that is left, where `amount` is None. One cause is one refund."""

    payment_id: UUID
    amount: int | None
    reason: str | None
    cause: str


async def ask(till: Till, user: User, asked: Asked, now: datetime) -> tuple[Refund, Payment]:
    """A refund that the owner or an admin decides, after an attempt at it.

    The renter of a cancelled booking gets what its policy has decided. Raises PaymentNotFound, NotYoursToRefund,
    StillBooked, NothingToRefund, Invalid or KeyReused.
    """
    async with till.database.transaction() as session:
        refund, payment = await _asked(session, user, asked, now)
    return await carry_out(till, refund.id, now), payment


@retried
async def _asked(session: AsyncSession, user: User, asked: Asked, now: datetime) -> tuple[Refund, Payment]:
    payment = await repository.by_id(session, asked.payment_id)
    if payment is None or (user.id not in {payment.payer_id, payment.owner_id} and user.role is not Role.ADMIN):
        raise PaymentNotFound
    booking, payment = await books.locked(session, payment.id)
    if user.role is not Role.ADMIN and user.id != payment.owner_id:
        return await _of_policy(session, payment), payment
    known = await repository.refund_for(session, payment.id, asked.cause)
    if known is not None and asked.amount in {None, known.amount}:
        return known, payment
    if known is not None:
        raise KeyReused
    left = payment.amount - await repository.asked_back(session, payment.id)
    wanted = left if asked.amount is None else asked.amount
    if wanted == 0:
        raise NothingToRefund
    if wanted % (step := least_charge(payment.currency)):
        raise Invalid.field(
            "/amount", f"must be a multiple of {step}: less than that of {payment.currency} cannot be moved"
        )
    if booking.status in HOLDING and wanted >= left:
        raise StillBooked
    await _note_act_of_staff(session, user, asked, wanted)
    return await decide(session, payment, wanted, asked.cause, asked.reason, now), payment


async def _note_act_of_staff(session: AsyncSession, user: User, asked: Asked, amount: int) -> None:
    if user.role is Role.ADMIN:
        await audit.record(
            session,
            actor_id=user.id,
            action="refund",
            subject="payment",
            subject_id=asked.payment_id,
            reason=asked.reason,
            amount=amount,
        )


async def _of_policy(session: AsyncSession, payment: Payment) -> Refund:
    for cause in (CANCELLATION, LATE):
        if (decided := await repository.refund_for(session, payment.id, cause)) is not None:
            return decided
    raise NotYoursToRefund


async def carry_out_next(till: Till, now: datetime) -> bool:
    """Do what is due of one refund; False where nothing is."""
    async with till.database.transaction() as session:
        refund = await repository.claim(session, Refund, Refund.act_at, Refund.attempts, now)
    if refund is not None:
        await _carry_out(till, refund, now)
    return refund is not None


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


async def _carry_out(till: Till, refund: Refund, now: datetime) -> None:
    """Failures are written down, and tried again later and later."""
    async with till.database.reader() as session:
        payment = await session.get_one(Payment, refund.payment_id)
    try:
        if refund.status is RefundStatus.PENDING:
            given = await _given(till, payment, refund)
            async with till.database.transaction() as session:
                await record(session, refund.id, given, now)
        else:
            await reversals.carry_out(till, payment, refund, now)
    except RefusedError as error:
        await _put_off(till, refund, str(error), now, refused=True)
    except AwayError as error:
        await _put_off(till, refund, str(error), now, refused=False)
    except Exception as error:
        log.exception("a refund could not be carried out", id=str(refund.id))
        await _put_off(till, refund, type(error).__name__, now, refused=False)


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
    if await told(session, payment, refund, given.id, now):
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
    counts.REFUNDS.labels("made").inc()
    counts.GIVEN_BACK.labels(payment.currency).inc(refund.amount)
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
    counts.REFUNDS.labels("failed").inc()
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
        is_alike = refund.status is RefundStatus.PENDING and refund.amount == given.amount
        if is_alike and (refund.refusals > 0 or left < given.amount):
            return refund.id  # somebody has made by hand what could not be made
    if left <= 0:
        return None
    refund = await decide(session, payment, min(given.amount, left), f"stripe:{given.id}", "Made at Stripe.", now)
    return refund.id


async def _put_off(till: Till, claimed: Refund, why: str, now: datetime, *, refused: bool) -> None:
    async with till.database.transaction() as session:
        refund = await repository.lock_refund(session, claimed.id)
        if refund.act_at is None or refund.attempts != claimed.attempts:
            return
        refund.failure, refund.act_at = why, rules.next_attempt(refund.attempts, now)
        refund.refusals += refused
    if refused:
        counts.REFUNDS.labels("refused").inc()
