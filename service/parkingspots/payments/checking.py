"""Holding the ledger against itself and against Stripe."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import Date, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from parkingspots.kit.tables import Base
from parkingspots.payments import counts, repository
from parkingspots.payments.gateway import AwayError, Intent, IntentStatus, RefusedError
from parkingspots.payments.ledger import LedgerEntry
from parkingspots.payments.models import Payment
from parkingspots.payments.rules import Account
from parkingspots.payments.till import Till

BATCH = 200
LOOKS_BACK = timedelta(days=2)
"""Of the daily comparison."""
ABANDONED = timedelta(hours=1)
"""After which another process takes a comparison over that was begun and not ended."""

log = structlog.get_logger(__name__)


class LedgerCheck(Base):
    """The comparison of a day (UTC)."""

    __tablename__ = "ledger_checks"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    payments: Mapped[int] = mapped_column(server_default="0")
    differences: Mapped[int] = mapped_column(server_default="0")


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


@dataclass(frozen=True)
class Written:
    """What the ledger says of a payment, in minor units."""

    taken: int = 0
    given_back: int = 0


async def compare(till: Till, since: datetime) -> Found:
    """The ledger against itself, and of payments that have changed since then against the gateway."""
    async with till.database.reader() as session:
        differences = [Difference("balance", *row, 0) for row in await _unbalanced(session)]
    count = 0
    async for payment, written in _payments(till, since):
        count += 1
        try:
            intent = await till.gateway.intent(payment.intent_id or "")
        except (RefusedError, AwayError) as error:
            log.warning("a payment could not be compared", payment=str(payment.id), error=str(error))
            differences.append(Difference("payment that Stripe does not tell of", str(payment.id), written.taken, 0))
            continue
        differences += _differences(payment, written, intent)
    return Found(count, differences)


async def compare_daily(till: Till, now: datetime) -> Found | None:
    """The comparison of the day, by whichever process comes first; None where it was made."""
    async with till.database.transaction() as session:
        mine = await _begun(session, now)
    if not mine:
        return None
    found = await compare(till, now - LOOKS_BACK)
    async with till.database.transaction() as session:
        check = await session.get_one(LedgerCheck, now.date())
        check.ended_at, check.payments, check.differences = now, found.payments, len(found.differences)
    counts.DIFFERENCES.set(len(found.differences))
    for difference in found.differences:
        log.error("the ledger differs", of=difference.of, subject=difference.subject, detail=str(difference))
    return found


async def _begun(session: AsyncSession, now: datetime) -> bool:
    begun = insert(LedgerCheck).values(day=now.date(), began_at=now)
    begun = begun.on_conflict_do_update(
        index_elements=["day"],
        set_={"began_at": now},
        where=LedgerCheck.ended_at.is_(None) & (LedgerCheck.began_at < now - ABANDONED),
    )
    return await session.scalar(begun.returning(LedgerCheck.day)) is not None


def _differences(payment: Payment, written: Written, intent: Intent) -> list[Difference]:
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


async def _payments(till: Till, since: datetime) -> AsyncIterator[tuple[Payment, Written]]:
    """No connection is held while the gateway is asked."""
    after: UUID | None = None
    while True:
        async with till.database.reader() as session:
            payments = await repository.changed_since(session, since, after, BATCH)
            written = await _written(session, [payment.id for payment in payments])
        for payment in payments:
            yield payment, written.get(payment.id, Written())
        if len(payments) < BATCH:
            return
        after = payments[-1].id


async def _written(session: AsyncSession, payment_ids: Sequence[UUID]) -> dict[UUID, Written]:
    amount, cause = func.sum(LedgerEntry.amount), LedgerEntry.cause
    rows = await session.execute(
        select(
            LedgerEntry.payment_id,
            func.coalesce(amount.filter(cause.like("charge:%")), 0),
            func.coalesce(-amount.filter(cause.like("refund%")), 0),
        )
        .where(LedgerEntry.payment_id.in_(payment_ids), LedgerEntry.account == Account.STRIPE)
        .group_by(LedgerEntry.payment_id)
    )
    return {payment_id: Written(int(taken), int(back)) for payment_id, taken, back in rows}


async def _unbalanced(session: AsyncSession) -> list[tuple[str, int]]:
    total = func.sum(LedgerEntry.amount)
    rows = await session.execute(select(LedgerEntry.cause, total).group_by(LedgerEntry.cause).having(total != 0))
    return [(cause, int(amount)) for cause, amount in rows]
