"""Holding the ledger against itself and against Stripe."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import structlog
from sqlalchemy import Date, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from parkingspots.kit.job_runs import Due
from parkingspots.kit.tables import Base
from parkingspots.payments import catching_up, repository
from parkingspots.payments.gateway import AwayError, Intent, IntentStatus, NonsenseError, RefusedError
from parkingspots.payments.ledger import LedgerEntry
from parkingspots.payments.models import Payment
from parkingspots.payments.rules import Account, Attempt
from parkingspots.payments.till import Till

BATCH = 5
"""Payments; Stripe takes some tenths of a second for each, several times."""
LOOKS_BACK = timedelta(days=2)
"""Of the daily comparison, before the day."""
LEASE = timedelta(minutes=5)
"""For which a batch belongs to whoever claimed it."""

log = structlog.get_logger(__name__)


class LedgerCheck(Base):
    """The comparison of a day (UTC): as far as `after`, by whoever has claimed it until `leased_until`."""

    __tablename__ = "ledger_checks"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    payments: Mapped[int] = mapped_column(server_default="0")
    differences: Mapped[int] = mapped_column(server_default="0")
    after: Mapped[UUID | None]
    leased_until: Mapped[datetime | None]


@dataclass(frozen=True)
class Difference:
    """What the ledger says and what it should say, in minor units."""

    of: str
    subject: str
    ledger: int
    expected: int

    def __str__(self) -> str:
        return f"{self.of} of {self.subject}: the ledger says {self.ledger}, expected was {self.expected}"


@dataclass(frozen=True)
class Found:
    payments: int
    differences: Sequence[Difference]
    last: UUID | None = None
    """The payment that was compared last; None where there are no more."""


@dataclass(frozen=True)
class Written:
    """What the ledger says of a payment, in minor units."""

    taken: int = 0
    given_back: int = 0
    paid_out: int = 0


async def compare(till: Till, since: datetime, now: datetime) -> Found:
    """The ledger of payments that have changed since then; raises AwayError."""
    count, differences, after = 0, list[Difference](), None
    while True:
        found = await _compared(till, since, after, now)
        count += found.payments
        differences += found.differences
        if found.last is None:
            return Found(count, differences)
        after = found.last


async def due(session: AsyncSession) -> Due:
    """The day's comparison, until it has ended, and those of days before that have not."""
    today = func.timezone("UTC", func.now()).cast(Date)
    ended = select(LedgerCheck.day).where(LedgerCheck.day == today, LedgerCheck.ended_at.is_not(None))
    earlier = select(func.count()).where(LedgerCheck.day < today, LedgerCheck.ended_at.is_(None))
    return Due((await session.scalar(earlier) or 0) + (0 if await session.scalar(ended) else 1))


async def compare_daily(till: Till, now: datetime) -> Attempt:
    """Compare some payments for the day's check, unless it is made, or somebody else is at it."""
    async with till.database.transaction() as session:
        check = await _claimed(session, now)
    if check is None:
        return Attempt.NONE
    since = datetime.combine(check.day, time(), UTC) - LOOKS_BACK
    try:
        found = await _compared(till, since, check.after, now)
    except AwayError as error:
        log.warning("the ledger could not be compared; it is tried again", error=str(error))
        return Attempt.FAILED
    async with till.database.transaction() as session:
        leased_until = check.leased_until
        check = await session.get_one(LedgerCheck, check.day, with_for_update=True)
        if check.leased_until != leased_until:
            return Attempt.DONE  # it took too long, and somebody else is at it
        check.payments += found.payments
        check.differences += len(found.differences)
        check.after, check.leased_until = found.last, None
        check.ended_at = now if found.last is None else None
    for difference in found.differences:
        log.error("the ledger differs", of=difference.of, subject=difference.subject, detail=str(difference))
    return Attempt.DONE


async def _claimed(session: AsyncSession, now: datetime) -> LedgerCheck | None:
    """The day's check, or one of a day before that was not ended."""
    begun = insert(LedgerCheck).values(day=now.date(), began_at=now)
    await session.execute(begun.on_conflict_do_nothing())
    open_ones = select(LedgerCheck).where(
        LedgerCheck.ended_at.is_(None), func.coalesce(LedgerCheck.leased_until, now) <= now
    )
    check: LedgerCheck | None = await session.scalar(
        open_ones.order_by(LedgerCheck.day).limit(1).with_for_update(skip_locked=True)
    )
    if check is not None:
        check.leased_until = now + LEASE
    return check


async def _compared(till: Till, since: datetime, after: UUID | None, now: datetime) -> Found:
    """A batch behind that payment. No connection is held while the gateway is asked."""
    async with till.database.reader() as session:
        payments = await repository.changed_since(session, since, after, BATCH)
    differences: list[Difference] = []
    for payment in payments:  # what differs may only be on its way between the two: it is looked at twice
        if await _differences(till, payment, now):
            differences += await _differences(till, payment, now)
    return Found(len(payments), differences, payments[-1].id if len(payments) == BATCH else None)


async def _differences(till: Till, payment: Payment, now: datetime) -> list[Difference]:
    """What differs after all that the gateway knows of the payment has been heard of."""
    subject = str(payment.id)
    try:
        intent = await till.gateway.intent(payment.intent_id or "")
        await catching_up.hear_of(till, payment, intent, now)
        paid_out = await _paid_out(till, payment.id)
    except (RefusedError, NonsenseError) as error:
        log.warning("a payment could not be compared", payment=subject, error=str(error))
        return [Difference("a payment that Stripe does not tell of", subject, payment.amount, 0)]
    async with till.database.reader() as session:
        payment = await session.get_one(Payment, payment.id)
        written = await _written(session, payment.id)
        unbalanced = await _unbalanced(session, payment.id)
    return [
        *(Difference("balance", cause, amount, 0) for cause, amount in unbalanced),
        *_of_payment(payment, written, intent),
        *([Difference("money paid out", subject, written.paid_out, paid_out)] if written.paid_out != paid_out else []),
    ]


async def _paid_out(till: Till, payment_id: UUID) -> int:
    async with till.database.reader() as session:
        payout = await repository.payout_of(session, payment_id)
    if payout is None:
        return 0
    return await till.gateway.transferred(payout.id)


def _of_payment(payment: Payment, written: Written, intent: Intent) -> list[Difference]:
    taken = intent.amount if intent.status is IntentStatus.PAID else 0
    given_back = intent.charge.refunded if intent.charge else 0
    pairs = (
        ("money taken", written.taken, taken),
        ("money given back", written.given_back, given_back),
        ("money that the payment says was given back", written.given_back, payment.refunded_amount),
    )
    is_disputed = payment.dispute_id is not None  # what the bank has taken back is no refund to Stripe
    return [
        Difference(of, str(payment.id), ours, theirs)
        for of, ours, theirs in pairs
        if ours != theirs and not (is_disputed and of != "money taken")
    ]


async def _written(session: AsyncSession, payment_id: UUID) -> Written:
    amount, cause = func.sum(LedgerEntry.amount), LedgerEntry.cause
    sums = select(
        func.coalesce(amount.filter(cause.like("charge:%")), 0),
        func.coalesce(-amount.filter(cause.like("refund%")), 0),
        func.coalesce(-amount.filter(cause.like("payout%")), 0),
    )
    of_it = sums.where(LedgerEntry.payment_id == payment_id, LedgerEntry.account == Account.STRIPE)
    return Written(*(int(each) for each in (await session.execute(of_it)).one()))


async def _unbalanced(session: AsyncSession, payment_id: UUID) -> list[tuple[str, int]]:
    total = func.sum(LedgerEntry.amount)
    of_it = select(LedgerEntry.cause, total).where(LedgerEntry.payment_id == payment_id)
    rows = await session.execute(of_it.group_by(LedgerEntry.cause).having(total != 0))
    return [(cause, int(amount)) for cause, amount in rows]
