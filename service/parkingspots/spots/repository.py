"""SQL of spots, their counters and their availability slots."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from asyncpg import Record
from sqlalchemy import CTE, Update, delete, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from parkingspots.bookings.models import Booking
from parkingspots.kit.database import RawConnection
from parkingspots.kit.paging import Page, newest
from parkingspots.kit.timing import timed
from parkingspots.reviews.models import Review
from parkingspots.spots import search as finding
from parkingspots.spots.models import AvailabilitySlot, Spot, SpotStats
from parkingspots.spots.search import Place, Window, Wishes


async def search(
    connection: RawConnection, wishes: Wishes, place: Place | None, window: Window | None, page: Page
) -> Sequence[Record]:
    """The spots of the page and one more, where there is one."""
    asked = finding.parameters(wishes, place, window, page)
    return await connection.fetch(*finding.statement(frozenset(asked)).given(**asked))


async def add(session: AsyncSession, spot: Spot) -> Spot:
    spot.stats = SpotStats(total_bookings=0, total_reviews=0, average_rating=0)
    session.add(spot)
    await session.flush()
    return spot


async def by_id(session: AsyncSession, spot_id: UUID) -> Spot | None:
    """The spot with its counters, or None where there is none or it was deleted."""
    query = select(Spot).options(joinedload(Spot.stats)).where(Spot.id == spot_id, Spot.is_kept())
    return await session.scalar(query)


async def of_owner(session: AsyncSession, owner_id: UUID, page: Page) -> Sequence[Spot]:
    """The owner's spots, newest first; those of the page and one more, where there is one."""
    query = select(Spot).options(joinedload(Spot.stats)).where(Spot.owner_id == owner_id, Spot.is_kept())
    if page.after is not None:
        created_at, spot_id = page.after
        query = query.where((Spot.created_at < created_at) | ((Spot.created_at == created_at) & (Spot.id > spot_id)))
    query = query.order_by(Spot.created_at.desc(), Spot.id).offset(page.offset).limit(page.fetch)
    return (await session.scalars(query)).all()


async def count_of_owner(session: AsyncSession, owner_id: UUID) -> int:
    query = select(func.count()).select_from(Spot).where(Spot.owner_id == owner_id, Spot.is_kept())
    return (await session.scalar(query)) or 0


async def of_anybody(
    session: AsyncSession, words: str | None, owner_id: UUID | None, page: Page, *, is_active: bool | None
) -> Sequence[Spot]:
    """Spots that were not deleted, newest first; those of the page and one more, where there is one."""
    query = select(Spot).options(joinedload(Spot.stats)).where(Spot.is_kept())
    if words:
        query = query.where(Spot.words.like(func.holding(words)))
    if owner_id is not None:
        query = query.where(Spot.owner_id == owner_id)
    if is_active is not None:
        query = query.where(Spot.is_active.is_(is_active))
    return (await session.scalars(newest(query, Spot.id, page))).all()


async def lock(session: AsyncSession, spot_id: UUID) -> Spot | None:
    """The spot, its row locked against bookings and changes until the transaction ends (FOR NO KEY UPDATE)."""
    return await session.scalar(
        select(Spot)
        .options(joinedload(Spot.stats))
        .where(Spot.id == spot_id, Spot.is_kept())
        .with_for_update(of=Spot, key_share=True)
        .execution_options(populate_existing=True)
    )


async def lock_all_of(session: AsyncSession, owner_id: UUID) -> Sequence[UUID]:
    """All spots of the owner, locked in the order of their ids until the transaction ends (FOR NO KEY UPDATE)."""
    kept = select(Spot.id).where(Spot.owner_id == owner_id, Spot.is_kept()).order_by(Spot.id)
    return (await session.scalars(kept.with_for_update(key_share=True))).all()


async def withdraw(session: AsyncSession, spot_ids: Sequence[UUID]) -> None:
    """Take the (locked) spots off the market for good. Only what the history of their bookings names stays."""
    await session.execute(delete(AvailabilitySlot).where(AvailabilitySlot.spot_id.in_(spot_ids)))
    gone: dict[str, object] = {"is_active": False, "disabled_at": None, "owner_disabled_at": None}
    forgotten = dict.fromkeys(("description", "access_instructions", "operating_hours"))
    withdrawn = update(Spot).where(Spot.id.in_(spot_ids)).values(**gone, **forgotten, images=[])
    await session.execute(withdrawn.execution_options(synchronize_session=False))


async def disable_all_of(session: AsyncSession, owner_id: UUID, now: datetime) -> None:
    """Take the owner's (locked) spots off the market; those that are so for that reason stay so since then."""
    since = func.coalesce(Spot.owner_disabled_at, now)
    await _update_all_of(session, owner_id, owner_disabled_at=since, is_active=False)


async def enable_all_of(session: AsyncSession, owner_id: UUID) -> None:
    """Put the owner's (locked) spots back, but those that were disabled for themselves."""
    await _update_all_of(session, owner_id, owner_disabled_at=None, is_active=Spot.disabled_at.is_(None))


async def _update_all_of(session: AsyncSession, owner_id: UUID, **values: object) -> None:
    changed = update(Spot).where(Spot.owner_id == owner_id, Spot.is_kept()).values(**values)
    await session.execute(changed.execution_options(synchronize_session=False))


async def has_live_bookings(session: AsyncSession, spot_id: UUID, now: datetime) -> bool:
    live = exists().where(Booking.spot_id == spot_id, Booking.is_live(now))
    return bool(await session.scalar(select(live)))


async def admits(session: AsyncSession, spot_id: UUID, user_id: UUID, latest_start: datetime, now: datetime) -> bool:
    """Whether the user has a paid booking of the spot that starts by `latest_start` and has not ended."""
    near = exists().where(
        Booking.spot_id == spot_id,
        Booking.user_id == user_id,
        Booking.is_good(),
        Booking.start_time <= latest_start,
        Booking.end_time > now,
    )
    return bool(await session.scalar(select(near)))


async def renters(session: AsyncSession, spot_id: UUID, window: Window) -> Sequence[UUID]:
    """Users who hold a part of the window, in bookings paid or not."""
    held = Booking.spot_id == spot_id, Booking.is_live(), Booking.overlaps(window.start, window.end)
    return (await session.scalars(select(Booking.user_id).where(*held))).all()


async def slots(session: AsyncSession, spot_id: UUID) -> Sequence[AvailabilitySlot]:
    """The spot's weekly slots, then its dated ones, in the order of time."""
    query = select(AvailabilitySlot).where(AvailabilitySlot.spot_id == spot_id)
    order = (
        AvailabilitySlot.day_of_week.nulls_last(),
        AvailabilitySlot.specific_date,
        AvailabilitySlot.start_minute,
        AvailabilitySlot.id,
    )
    return (await session.scalars(query.order_by(*order))).all()


async def slots_of(session: AsyncSession, spot_ids: Sequence[UUID]) -> Sequence[AvailabilitySlot]:
    return (await session.scalars(select(AvailabilitySlot).where(AvailabilitySlot.spot_id.in_(spot_ids)))).all()


async def count_slots(session: AsyncSession, spot_id: UUID) -> int:
    query = select(func.count()).select_from(AvailabilitySlot).where(AvailabilitySlot.spot_id == spot_id)
    return (await session.scalar(query)) or 0


async def add_slot(session: AsyncSession, slot: AvailabilitySlot) -> AvailabilitySlot:
    session.add(slot)
    await session.flush()
    return slot


async def delete_slot(session: AsyncSession, spot_id: UUID, slot_id: UUID) -> bool:
    """Whether there was such a slot of the spot."""
    deleted = await session.scalar(
        delete(AvailabilitySlot)
        .where(AvailabilitySlot.id == slot_id, AvailabilitySlot.spot_id == spot_id)
        .returning(AvailabilitySlot.id)
    )
    return deleted is not None


async def add_completed(session: AsyncSession, spot_id: UUID) -> None:
    """Count one more completed booking of the spot."""
    await session.execute(
        update(SpotStats)
        .where(SpotStats.spot_id == spot_id)
        .values(total_bookings=SpotStats.total_bookings + 1)
        .execution_options(synchronize_session=False)
    )


def adding_completed(mentioned: CTE) -> Update:
    """Adds one for each mention of a spot to its counter. The rows are locked in the order of their ids."""
    counted = select(mentioned.c.spot_id, func.count().label("mentions")).group_by(mentioned.c.spot_id).cte("counted")
    rows = select(SpotStats.spot_id, counted.c.mentions).join(counted, SpotStats.spot_id == counted.c.spot_id)
    locked = rows.order_by(SpotStats.spot_id).with_for_update(of=SpotStats).cte("locked")
    return (
        update(SpotStats)
        .where(SpotStats.spot_id == locked.c.spot_id)
        .values(total_bookings=SpotStats.total_bookings + locked.c.mentions)
    )


async def lock_counters(session: AsyncSession, spot_id: UUID) -> None:
    """Lock the spot's counters until the transaction ends."""
    await session.execute(select(SpotStats.spot_id).where(SpotStats.spot_id == spot_id).with_for_update())


async def rerate(session: AsyncSession, spot_id: UUID) -> None:
    """Count the spot's reviews, and their stars, anew."""
    counted = Review.spot_id == spot_id, Review.is_shown()
    total = select(func.count(Review.id)).where(*counted)
    average = select(func.coalesce(Review.average(Review.overall_rating), 0)).where(*counted)
    await session.execute(
        update(SpotStats)
        .where(SpotStats.spot_id == spot_id)
        .values(total_reviews=total.scalar_subquery(), average_rating=average.scalar_subquery())
        .execution_options(synchronize_session=False)
    )


timed(__name__)
