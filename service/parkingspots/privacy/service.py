"""Use cases of privacy: one function each, one transaction each."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.accounts import service as accounts
from parkingspots.bookings import service as bookings
from parkingspots.kit import idempotency_keys
from parkingspots.kit.database import retried
from parkingspots.payments import earnings
from parkingspots.reviews import service as reviews
from parkingspots.spots import service as spots


@retried
async def close_account(session: AsyncSession, user_id: UUID, now: datetime) -> None:
    """Take the user's spots off the market and forget who the user is, or raise LiveBookings or StillOwed."""
    user = await accounts.lock(session, user_id)
    await spots.withdraw_all_of(session, user.id)
    await bookings.forget_renter(session, user.id)
    await earnings.require_none_stranded(session, user.id)
    await reviews.forget(session, user.id)
    await idempotency_keys.forget(session, user.id)
    await accounts.forget(session, user, now)
