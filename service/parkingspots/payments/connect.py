"""Owners' accounts at Stripe, to which payouts go."""

from datetime import datetime
from uuid import uuid5

from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.accounts import service as accounts
from parkingspots.accounts.models import User
from parkingspots.accounts.rules import Role
from parkingspots.kit.database import retried
from parkingspots.payments import repository
from parkingspots.payments.gateway import ConnectedAccount, even_if_broken
from parkingspots.payments.models import Connected
from parkingspots.payments.problems import NotAnOwner
from parkingspots.payments.till import Till


async def onboarding(till: Till, owner: User, country: str, business_type: str) -> tuple[str, str]:
    """The owner's account, made where there is none yet, and where to go on with it; raises NotAnOwner."""
    if owner.role is Role.RENTER:
        raise NotAnOwner
    async with till.database.transaction() as session:
        account = await _opened(session, owner, country, business_type)
    account_id = account.account_id
    if account_id is None:
        said = (owner.email, account.country, account.business_type)
        key = f"account-{uuid5(owner.id, ' '.join(said))}"
        account_id = await even_if_broken(lambda key: till.gateway.create_account(owner.id, *said, key), key)
        async with till.database.transaction() as session:
            account_id = await repository.tie_account(session, owner.id, account_id)
    return account_id, await till.gateway.onboarding_url(account_id)


@retried
async def _opened(session: AsyncSession, owner: User, country: str, business_type: str) -> Connected:
    await accounts.hold(session, owner.id)
    return await repository.connect(session, owner.id, country, business_type)


@retried
async def note(session: AsyncSession, account: ConnectedAccount, now: datetime) -> None:
    """Write down whether the account takes payouts; those that waited for it are tried."""
    owner_id = await repository.note_account(session, account.id, takes_payouts=account.takes_payouts)
    if owner_id is not None and account.takes_payouts:
        await repository.hasten_payouts(session, owner_id, now)
