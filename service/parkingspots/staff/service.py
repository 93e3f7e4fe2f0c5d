"""Use cases of staff: one function each, one transaction each, one entry in the audit log each."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.accounts import service as accounts
from parkingspots.accounts.models import User
from parkingspots.kit import audit
from parkingspots.kit.audit import AuditEntry
from parkingspots.kit.database import retried
from parkingspots.kit.paging import Page
from parkingspots.spots import service as spots
from parkingspots.spots.models import Spot
from parkingspots.staff import repository
from parkingspots.staff.problems import OneselfDisabled, UserNotFound


async def read_user(session: AsyncSession, user_id: UUID) -> User:
    return _found(await accounts.find(session, user_id))


@retried
async def disable_user(session: AsyncSession, admin: User, user_id: UUID, reason: str, now: datetime) -> User:
    """End the user's sessions, let nobody sign in, and take the user's spots off the market. Bookings stay."""
    if user_id == admin.id:
        raise OneselfDisabled
    user = _found(await accounts.disable(session, user_id, now))
    await spots.disable_all_of(session, user.id, now)
    await audit.record(session, actor_id=admin.id, action="disable", subject="user", subject_id=user.id, reason=reason)
    return user


@retried
async def enable_user(session: AsyncSession, admin: User, user_id: UUID, reason: str) -> User:
    """Let the user in again, and put back the spots that went with the user."""
    user = _found(await accounts.find(session, user_id, lock=True))
    accounts.enable(user)
    await spots.enable_all_of(session, user.id)
    await audit.record(session, actor_id=admin.id, action="enable", subject="user", subject_id=user.id, reason=reason)
    return user


def _found(user: User | None) -> User:
    if user is None:
        raise UserNotFound
    return user


@retried
async def disable_spot(session: AsyncSession, admin: User, spot_id: UUID, reason: str, now: datetime) -> Spot:
    """Take the spot off the market until staff puts it back. Its owner still sees it; bookings stay."""
    spot = await spots.disable(session, spot_id, now)
    await audit.record(session, actor_id=admin.id, action="disable", subject="spot", subject_id=spot.id, reason=reason)
    return spot


@retried
async def enable_spot(session: AsyncSession, admin: User, spot_id: UUID, reason: str) -> Spot:
    spot = await spots.enable(session, spot_id)
    await audit.record(session, actor_id=admin.id, action="enable", subject="spot", subject_id=spot.id, reason=reason)
    return spot


async def acts(
    session: AsyncSession, actor_id: UUID | None, subject_id: UUID | None, page: Page
) -> Sequence[AuditEntry]:
    """Acts of staff, newest first; those of the page and one more, where there is one."""
    return await repository.acts(session, actor_id, subject_id, page)
