"""Use cases of spots: one function each, one transaction each."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from asyncpg import Record
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.accounts import service as accounts
from parkingspots.accounts.models import User
from parkingspots.kit.database import INVALID_PARAMETER, RawConnection, sqlstate
from parkingspots.kit.paging import Page
from parkingspots.kit.problems import Invalid, NotFound
from parkingspots.spots import repository
from parkingspots.spots.models import AvailabilitySlot, Spot
from parkingspots.spots.problems import SpotHasBookings, SpotNotFound, TooManySlots
from parkingspots.spots.search import Place, Window, Wishes

INSTRUCTIONS_BEFORE = timedelta(hours=24)
MOST_SLOTS = 100


async def search(
    connection: RawConnection, wishes: Wishes, place: Place | None, window: Window | None, page: Page
) -> Sequence[Record]:
    """The spots of the page and one more, where there is one: nearest or newest first."""
    return await repository.search(connection, wishes, place, window, page)


async def create(session: AsyncSession, owner: User, fields: Mapping[str, Any]) -> Spot:
    """List a spot. Its owner is an owner from now on."""
    await accounts.become_owner(session, owner.id)
    with _time_zone_known_to_the_database():
        return await repository.add(session, Spot(owner_id=owner.id, **fields))


@contextmanager
def _time_zone_known_to_the_database() -> Iterator[None]:
    """PostgreSQL's list of zones may be older or shorter than Python's; the table's constraint asks it."""
    try:
        yield
    except DBAPIError as error:
        if sqlstate(error) == INVALID_PARAMETER:
            raise Invalid.field(
                "/time_zone", "is not known here; use the zone's main name, such as Europe/Athens"
            ) from None
        raise


async def read(session: AsyncSession, spot_id: UUID) -> Spot:
    """The spot, or raise SpotNotFound, also where staff has disabled it."""
    spot = await repository.by_id(session, spot_id)
    if spot is None or not spot.is_active:
        raise SpotNotFound
    return spot


async def shown_to(session: AsyncSession, visitor: User | None, spot_id: UUID, now: datetime) -> tuple[Spot, bool]:
    """The spot, and whether `visitor` may know how to get in: the owner, and a renter whose booking is near or running.

    These two see a spot that staff has disabled too; for everybody else it raises SpotNotFound.
    """
    spot = await repository.by_id(session, spot_id)
    if spot is None:
        raise SpotNotFound
    belongs = visitor is not None and (
        visitor.id == spot.owner_id
        or await repository.admits(session, spot.id, visitor.id, now + INSTRUCTIONS_BEFORE, now)
    )
    if not (spot.is_active or belongs):
        raise SpotNotFound
    return spot, belongs


async def insiders(session: AsyncSession, spot: Spot, soon: Window) -> Sequence[UUID]:
    """Who may be told within that time how to get in: the owner, and whoever has the spot then, paid or not yet."""
    return [spot.owner_id, *await repository.renters(session, spot.id, soon)]


async def of_owner(session: AsyncSession, owner: User, page: Page) -> Sequence[Spot]:
    """The owner's spots, newest first; those of the page and one more, where there is one."""
    return await repository.of_owner(session, owner.id, page)


async def count_of_owner(session: AsyncSession, owner: User) -> int:
    return await repository.count_of_owner(session, owner.id)


async def update(
    session: AsyncSession, owner: User, spot_id: UUID, changes: Mapping[str, Any], unchanged: Callable[[Spot], None]
) -> Spot:
    """The spot after `changes`, by column; `unchanged` raises where the locked spot is not what the owner has seen."""
    spot = await _own(session, owner, spot_id)
    unchanged(spot)
    for column, value in changes.items():
        setattr(spot, column, value)
    with _time_zone_known_to_the_database():
        await session.flush()
    return spot


async def delete(session: AsyncSession, owner: User, spot_id: UUID, now: datetime) -> None:
    """Take the spot off the market for good, or raise SpotHasBookings. What was booked stays in the history."""
    spot = await _own(session, owner, spot_id)
    if await repository.has_live_bookings(session, spot.id, now):
        raise SpotHasBookings
    await repository.withdraw(session, [spot.id])


async def withdraw_all_of(session: AsyncSession, owner_id: UUID) -> None:
    """Take all spots of an owner who leaves off the market. The caller has locked the account and looks at bookings."""
    if spot_ids := await repository.lock_all_of(session, owner_id):
        await repository.withdraw(session, spot_ids)


async def disable(session: AsyncSession, spot_id: UUID, now: datetime) -> Spot:
    """The spot, off the market; one that was disabled before stays so since then."""
    spot = await _kept(session, spot_id)
    spot.disabled_at = spot.disabled_at or now
    return await _listed_or_not(session, spot)


async def enable(session: AsyncSession, spot_id: UUID) -> Spot:
    """The spot, back on the market unless its owner is disabled too."""
    spot = await _kept(session, spot_id)
    spot.disabled_at = None
    return await _listed_or_not(session, spot)


async def _kept(session: AsyncSession, spot_id: UUID) -> Spot:
    spot = await repository.lock(session, spot_id)
    if spot is None:
        raise SpotNotFound
    return spot


async def disable_all_of(session: AsyncSession, owner_id: UUID, now: datetime) -> None:
    """Take the spots of a disabled owner off the market. The caller has locked the account."""
    if await repository.lock_all_of(session, owner_id):
        await repository.disable_all_of(session, owner_id, now)


async def enable_all_of(session: AsyncSession, owner_id: UUID) -> None:
    """Put the owner's spots back, but those that were disabled for themselves. The caller has locked the account."""
    if await repository.lock_all_of(session, owner_id):
        await repository.enable_all_of(session, owner_id)


async def _listed_or_not(session: AsyncSession, spot: Spot) -> Spot:
    """The spot, active where neither it nor its owner is disabled."""
    spot.is_active = spot.disabled_at is None and spot.owner_disabled_at is None
    await session.flush()
    return spot


async def of_anybody(
    session: AsyncSession, words: str | None, owner_id: UUID | None, page: Page, *, is_active: bool | None
) -> Sequence[Spot]:
    """Spots that were not deleted, newest first; those of the page and one more, where there is one."""
    return await repository.of_anybody(session, words, owner_id, page, is_active=is_active)


async def count_completed(session: AsyncSession, spot_id: UUID) -> None:
    """Count one more completed booking of the spot."""
    await repository.add_completed(session, spot_id)


async def lock_counters(session: AsyncSession, spot_id: UUID) -> None:
    """Keep the spot's reviews from being rated by others until the transaction ends. Comes before any review's lock."""
    await repository.lock_counters(session, spot_id)


async def rerate(session: AsyncSession, spot_id: UUID) -> None:
    """Make the spot's rating that of its reviews as they are now. The caller has locked the counters before.

    A statement of its own, so that it sees what others committed before they let go of the lock.
    """
    await repository.rerate(session, spot_id)


async def slots(
    session: AsyncSession, visitor: User | None, spot_id: UUID, now: datetime
) -> Sequence[AvailabilitySlot]:
    """The slots of a spot that `visitor` may see, or raise SpotNotFound."""
    await shown_to(session, visitor, spot_id, now)
    return await repository.slots(session, spot_id)


async def with_slots(
    session: AsyncSession, owner: User, page: Page
) -> Sequence[tuple[Spot, Sequence[AvailabilitySlot]]]:
    """As `of_owner`, each spot with its slots."""
    spots = await repository.of_owner(session, owner.id, page)
    slots: dict[UUID, list[AvailabilitySlot]] = {spot.id: [] for spot in spots}
    for slot in await repository.slots_of(session, list(slots)):
        slots[slot.spot_id].append(slot)
    return [(spot, slots[spot.id]) for spot in spots]


async def add_slot(session: AsyncSession, owner: User, slot: AvailabilitySlot) -> AvailabilitySlot:
    """Add a slot to the owner's spot, or raise TooManySlots."""
    spot = await _own(session, owner, slot.spot_id)
    if await repository.count_slots(session, spot.id) >= MOST_SLOTS:
        raise TooManySlots
    return await repository.add_slot(session, slot)


async def delete_slot(session: AsyncSession, owner: User, spot_id: UUID, slot_id: UUID) -> None:
    spot = await _own(session, owner, spot_id)
    if not await repository.delete_slot(session, spot.id, slot_id):
        raise NotFound


async def _own(session: AsyncSession, owner: User, spot_id: UUID) -> Spot:
    """The owner's spot, locked, also where staff has disabled it; another's is not found."""
    spot = await repository.lock(session, spot_id)
    if spot is None or spot.owner_id != owner.id:
        raise SpotNotFound
    return spot
