"""What the ledger says."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

BALANCES = text("SELECT account, sum(amount)::int AS balance FROM ledger_entries GROUP BY account")
UNBALANCED = text("SELECT cause FROM ledger_entries GROUP BY cause HAVING sum(amount) <> 0")


async def balances(session: AsyncSession) -> dict[str, int]:
    """Of the ledger's accounts, in minor units; each cause is at zero."""
    assert (await session.scalars(UNBALANCED)).all() == []
    return {row.account: row.balance for row in await session.execute(BALANCES)}
