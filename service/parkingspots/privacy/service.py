"""Use cases of privacy: one function each, one transaction each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.accounts import service as accounts
from parkingspots.accounts import sessions
from parkingspots.accounts.models import Session, User
from parkingspots.bookings import service as bookings
from parkingspots.bookings.models import Booking
from parkingspots.kit import idempotency
from parkingspots.kit.database import retried
from parkingspots.kit.paging import WHOLE
from parkingspots.reviews import service as reviews
from parkingspots.reviews.models import Review
from parkingspots.spots import service as spots
from parkingspots.spots.models import AvailabilitySlot, Spot


@dataclass(frozen=True)
class Belongings:
    """All that is kept about a user."""

    sessions: Sequence[Session]
    spots: Sequence[Spot]
    slots: Mapping[UUID, Sequence[AvailabilitySlot]]
    bookings: Sequence[Booking]
    bookings_of_my_spots: Sequence[Booking]
    reviews: Sequence[Review]
    helpful_reviews: Sequence[UUID]


async def belongings(session: AsyncSession, user: User, now: datetime) -> Belongings:
    """What the user may take home."""
    return Belongings(
        sessions=(await sessions.of_user(session, user, now, WHOLE))[0],
        spots=await spots.of_owner(session, user, WHOLE),
        slots=await spots.slots_of_owner(session, user),
        bookings=(await bookings.of_renter(session, user, None, WHOLE)).bookings,
        bookings_of_my_spots=(await bookings.of_owner(session, user, None, WHOLE)).bookings,
        reviews=await reviews.of_reviewer(session, user),
        helpful_reviews=await reviews.votes_of(session, user),
    )


@retried
async def close_account(session: AsyncSession, user_id: UUID, now: datetime) -> None:
    """Take the user's spots off the market and forget who the user is, or raise LiveBookings."""
    user = await accounts.lock(session, user_id)
    await spots.withdraw_all_of(session, user.id)
    await bookings.forget_renter(session, user.id)
    await reviews.forget(session, user.id)
    await idempotency.forget(session, user.id)
    await accounts.forget(session, user, now)
