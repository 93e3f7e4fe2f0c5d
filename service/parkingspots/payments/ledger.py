"""The ledger: what money came, went and is owed. Entries are added, at zero together, and never changed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from parkingspots.kit.tables import Base, Word, one_of
from parkingspots.payments.models import Payment
from parkingspots.payments.rules import Account, Entries


class LedgerEntry(Base):
    """One side of a transaction. All entries of a cause add up to zero, which a trigger sees to at the commit."""

    __tablename__ = "ledger_entries"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    cause: Mapped[str]
    account: Mapped[Account] = mapped_column(Word(Account))
    amount: Mapped[int]
    currency: Mapped[str]
    payment_id: Mapped[UUID] = mapped_column(ForeignKey("payments.id"))
    owner_id: Mapped[UUID]

    __table_args__ = (
        UniqueConstraint("cause", "account"),
        one_of("account", Account),
        CheckConstraint("amount <> 0", name="amount"),
        Index("ix_ledger_entries_payment_id", "payment_id"),
        Index("ix_ledger_entries_owner", "owner_id", "at", postgresql_where=text("account = 'owner'")),
    )


async def post(session: AsyncSession, payment: Payment, cause: str, entries: Entries, now: datetime) -> None:
    """Write a transaction down; the same cause again writes nothing."""
    rows = [
        {
            "at": now,
            "cause": cause,
            "account": account,
            "amount": amount,
            "currency": payment.currency,
            "payment_id": payment.id,
            "owner_id": payment.owner_id,
        }
        for account, amount in entries.items()
        if amount
    ]
    if rows:
        await session.execute(insert(LedgerEntry).values(rows).on_conflict_do_nothing())


async def is_owed(session: AsyncSession, owner_id: UUID) -> bool:
    """Whether something is still to be paid to the owner, in any currency."""
    owed = select(LedgerEntry.currency).where(LedgerEntry.owner_id == owner_id, LedgerEntry.account == Account.OWNER)
    by_currency = owed.group_by(LedgerEntry.currency).having(func.sum(LedgerEntry.amount) < 0)
    return (await session.execute(by_currency)).first() is not None


async def owner_totals(session: AsyncSession, owner_id: UUID, month: datetime) -> Sequence[Any]:
    """By currency: what the owner has earned in all and since `month`, what was paid out, what is still owed."""
    earned, is_payout = -LedgerEntry.amount, LedgerEntry.cause.like("payout%")
    query = (
        select(
            LedgerEntry.currency,
            func.coalesce(func.sum(earned).filter(~is_payout), 0).label("total_earnings"),
            func.coalesce(func.sum(earned).filter(~is_payout, LedgerEntry.at >= month), 0).label("this_month_earnings"),
            func.coalesce(func.sum(-earned).filter(is_payout), 0).label("completed_payouts"),
            func.sum(earned).label("pending_payouts"),
        )
        .where(LedgerEntry.owner_id == owner_id, LedgerEntry.account == Account.OWNER)
        .group_by(LedgerEntry.currency)
        .order_by(func.count().desc(), LedgerEntry.currency)
    )
    return (await session.execute(query)).all()
