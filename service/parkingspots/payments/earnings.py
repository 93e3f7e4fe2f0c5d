"""What an owner has earned and was paid."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.accounts.models import User
from parkingspots.kit.paging import Page
from parkingspots.payments import ledger, repository
from parkingspots.payments.models import Payout
from parkingspots.payments.problems import StillOwed
from parkingspots.settings import Settings


async def payouts(session: AsyncSession, owner: User, page: Page) -> tuple[Sequence[Payout], int]:
    """Those of the page and one more, where there is one, and how many there are in all."""
    return await every_payout(session, owner, page), await repository.count_of_payouts(session, owner.id)


async def every_payout(session: AsyncSession, owner: User, page: Page) -> Sequence[Payout]:
    """As `payouts`, uncounted."""
    return await repository.payouts_of(session, owner.id, page)


async def require_none_stranded(session: AsyncSession, owner_id: UUID) -> None:
    """Raise StillOwed where the owner is owed money and has no account that it could go to."""
    account = await repository.share_connected(session, owner_id)
    if account is not None and account.takes_payouts:
        return
    if await ledger.is_owed(session, owner_id):
        raise StillOwed


async def summary(session: AsyncSession, owner: User, settings: Settings, now: datetime) -> Sequence[Any]:
    """Of each currency; a month begins where the service is at home."""
    today = now.astimezone(ZoneInfo(settings.default_time_zone))
    month = today.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return await ledger.owner_totals(session, owner.id, month)
