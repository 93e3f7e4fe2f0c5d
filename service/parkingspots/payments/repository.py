"""SQL of payments."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from parkingspots.bookings.models import Booking
from parkingspots.bookings.rules import PaymentStatus
from parkingspots.kit.paging import Page, newest_by_age
from parkingspots.kit.purging import delete_batch
from parkingspots.kit.timing import timed
from parkingspots.payments.models import Connected, Disputed, Event, Payment, Payout, Refund
from parkingspots.payments.rules import PayoutStatus, RefundStatus

LEASE = timedelta(minutes=2)
"""For which a row belongs to whoever claimed it; longer than what is done with it takes."""
STANDS = Refund.status != RefundStatus.CANCELLED
Row = TypeVar("Row", Payment, Refund, Payout, Event)


async def of_booking(session: AsyncSession, booking: Booking, look_at: datetime) -> Payment:
    """The payment of the locked booking, made where there is none yet."""
    known = await session.scalar(select(Payment).where(Payment.booking_id == booking.id))
    if known is not None:
        return known
    payment = Payment(
        booking_id=booking.id,
        payer_id=booking.user_id,
        owner_id=booking.owner_id,
        amount=booking.total_amount,
        owner_amount=booking.owner_payout,
        currency=booking.currency,
        status=PaymentStatus.PENDING,
        look_at=look_at,
    )
    session.add(payment)
    await session.flush()
    return payment


async def by_id(session: AsyncSession, payment_id: UUID) -> Payment | None:
    return await session.get(Payment, payment_id)


async def by_intent(session: AsyncSession, intent_id: str) -> Payment | None:
    found: Payment | None = await session.scalar(select(Payment).where(Payment.intent_id == intent_id))
    return found


async def booking_of(session: AsyncSession, payment_id: UUID) -> UUID:
    return (await session.execute(select(Payment.booking_id).where(Payment.id == payment_id))).scalar_one()


async def lock(session: AsyncSession, payment_id: UUID) -> Payment:
    """The payment, locked until the transaction ends. Whoever locks its booking too has done that before."""
    return await _locked(session, Payment, Payment.id == payment_id)


async def lock_refund(session: AsyncSession, refund_id: UUID) -> Refund:
    return await _locked(session, Refund, Refund.id == refund_id)


async def lock_payout_of(session: AsyncSession, payment_id: UUID) -> Payout | None:
    query = select(Payout).where(Payout.payment_id == payment_id).with_for_update(key_share=True)
    found: Payout | None = await session.scalar(query.execution_options(populate_existing=True))
    return found


async def _locked(session: AsyncSession, table: type[Row], which: ColumnElement[bool]) -> Row:
    query = select(table).where(which).with_for_update(key_share=True).execution_options(populate_existing=True)
    return (await session.scalars(query)).one()


async def claim(
    session: AsyncSession,
    table: type[Row],
    due_at: InstrumentedAttribute[datetime | None],
    tries: InstrumentedAttribute[int],
    now: datetime,
) -> Row | None:
    """The row that is due for longest, for as long as the lease lasts; those that others claim are passed over."""
    first = select(table.id).where(due_at <= now).order_by(due_at, table.id).limit(1).with_for_update(skip_locked=True)
    claimed = update(table).where(table.id == first.scalar_subquery()).values({due_at: now + LEASE, tries: tries + 1})
    found: Row | None = await session.scalar(claimed.returning(table).execution_options(populate_existing=True))
    return found


async def refund_for(session: AsyncSession, payment_id: UUID, cause: str) -> Refund | None:
    found: Refund | None = await session.scalar(
        select(Refund).where(Refund.payment_id == payment_id, Refund.cause == cause)
    )
    return found


async def asked_back(session: AsyncSession, payment_id: UUID) -> int:
    """What of the payment has been given back, or is about to be."""
    standing = select(func.sum(Refund.amount)).where(Refund.payment_id == payment_id, STANDS)
    return (await session.scalar(standing)) or 0


async def refunds_of(session: AsyncSession, payment_ids: Sequence[UUID]) -> Sequence[Refund]:
    """Those that were not cancelled, the oldest first."""
    query = select(Refund).where(Refund.payment_id.in_(payment_ids), STANDS)
    return (await session.scalars(query.order_by(Refund.created_at, Refund.id))).all()


async def reversals_owed(session: AsyncSession, payment_id: UUID) -> Sequence[Refund]:
    """Refunds, cancelled ones too, for which a part of the payout has to come back and has not."""
    owed = select(Refund).where(Refund.payment_id == payment_id, Refund.reversal_amount > 0)
    return (await session.scalars(owed.where(Refund.reversal_id.is_(None)).order_by(Refund.id))).all()


async def of_payer(session: AsyncSession, payer_id: UUID, page: Page) -> Sequence[Payment]:
    """Newest first; those of the page and one more, where there is one."""
    query = select(Payment).where(Payment.payer_id == payer_id)
    return (await session.scalars(newest_by_age(query, Payment.created_at, Payment.id, page))).all()


async def count_of_payer(session: AsyncSession, payer_id: UUID) -> int:
    return (await session.scalar(select(func.count()).where(Payment.payer_id == payer_id))) or 0


async def payouts_of(session: AsyncSession, owner_id: UUID, page: Page) -> Sequence[Payout]:
    """Newest first; those of the page and one more, where there is one."""
    query = select(Payout).where(Payout.owner_id == owner_id)
    return (await session.scalars(newest_by_age(query, Payout.created_at, Payout.id, page))).all()


async def count_of_payouts(session: AsyncSession, owner_id: UUID) -> int:
    return (await session.scalar(select(func.count()).where(Payout.owner_id == owner_id))) or 0


async def connect(session: AsyncSession, owner_id: UUID, country: str, business_type: str) -> Connected:
    """What is known of the owner's account; as long as it has no id, what was said of it may be corrected."""
    row = insert(Connected).values(owner_id=owner_id, country=country, business_type=business_type)
    corrected = {"country": country, "business_type": business_type}
    await session.execute(
        row.on_conflict_do_update(index_elements=["owner_id"], set_=corrected, where=Connected.account_id.is_(None))
    )
    return (await session.scalars(select(Connected).where(Connected.owner_id == owner_id))).one()


async def tie_account(session: AsyncSession, owner_id: UUID, account_id: str) -> str:
    """The account that is the owner's: this one, unless another was tied before."""
    account = await session.get_one(Connected, owner_id, with_for_update=True)
    account.account_id = account.account_id or account_id
    return account.account_id


async def share_connected(session: AsyncSession, owner_id: UUID) -> Connected | None:
    """The owner's account, which does not change until the transaction ends. Locked before any payout."""
    query = select(Connected).where(Connected.owner_id == owner_id).with_for_update(read=True)
    found: Connected | None = await session.scalar(query.execution_options(populate_existing=True))
    return found


async def note_account(session: AsyncSession, account_id: str, *, takes_payouts: bool) -> UUID | None:
    """Whose account it is."""
    noted = update(Connected).where(Connected.account_id == account_id).values(takes_payouts=takes_payouts)
    found: UUID | None = await session.scalar(noted.returning(Connected.owner_id))
    return found


async def hasten_payouts(session: AsyncSession, owner_id: UUID, now: datetime) -> None:
    """Try at once what waited for the owner's account."""
    waiting = select(Payout.id).where(
        Payout.owner_id == owner_id, Payout.status == PayoutStatus.PENDING, Payout.act_at > now + LEASE
    )
    in_order = waiting.order_by(Payout.id).with_for_update(key_share=True).scalar_subquery()
    await session.execute(update(Payout).where(Payout.id.in_(in_order)).values(act_at=now))


async def hasten_payout_of(session: AsyncSession, payment_id: UUID, now: datetime) -> None:
    """Try at once what waited for the end of the locked payment's disputes."""
    payout = await lock_payout_of(session, payment_id)
    if payout is not None and payout.act_at is not None and payout.act_at > now + LEASE:
        payout.act_at = now


async def disputes_of(session: AsyncSession, payment_id: UUID) -> Sequence[Disputed]:
    return (await session.scalars(select(Disputed).where(Disputed.payment_id == payment_id))).all()


async def store_event(session: AsyncSession, event: dict[str, object]) -> bool:
    """Whether it is new."""
    stored = insert(Event).values(event).on_conflict_do_nothing().returning(Event.id)
    return await session.scalar(stored) is not None


def handled_long_ago(kept: timedelta) -> tuple[ColumnElement[bool], ...]:
    return Event.received_at < func.now() - kept, Event.handled_at.is_not(None)


async def purge_events(session: AsyncSession, kept: timedelta, batch: int) -> int:
    """Delete up to `batch` events that were handled; how many. Those that are parked stay."""
    return await delete_batch(session, [Event.id], Event.received_at, *handled_long_ago(kept), limit=batch)


async def changed_since(session: AsyncSession, since: datetime, after: UUID | None, limit: int) -> Sequence[Payment]:
    """Payments with an intent that were paid or changed since then, by id."""
    query = select(Payment).where(Payment.updated_at >= since, Payment.intent_id.is_not(None))
    if after is not None:
        query = query.where(Payment.id > after)
    return (await session.scalars(query.order_by(Payment.id).limit(limit))).all()


async def payout_of(session: AsyncSession, payment_id: UUID) -> Payout | None:
    found: Payout | None = await session.scalar(select(Payout).where(Payout.payment_id == payment_id))
    return found


async def refund_at_gateway(session: AsyncSession, gateway_id: str, refund_id: UUID | None) -> UUID | None:
    """Ours, by the id that the gateway has given it, or else by its own."""
    is_named = Refund.stripe_id == gateway_id
    either = select(Refund.id).where(is_named | (Refund.id == refund_id))
    found: UUID | None = await session.scalar(either.order_by(is_named.desc().nulls_last()).limit(1))
    return found


timed(__name__)
