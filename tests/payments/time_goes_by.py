"""What time would do, done in the database: processes of their own have a clock that nobody sets."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

OVER = text("""
    UPDATE bookings SET start_time = now() - interval '3 hours', end_time = now() - interval '1 hour' WHERE id = :id
""")
DUE = (
    "UPDATE payments SET look_at = now() WHERE look_at IS NOT NULL",
    "UPDATE refunds SET act_at = now() WHERE act_at IS NOT NULL",
    "UPDATE payouts SET act_at = now() WHERE act_at IS NOT NULL",
    "UPDATE stripe_events SET act_at = now() WHERE act_at IS NOT NULL",
    "DELETE FROM ledger_checks",
)


async def the_booking_is_over(session: AsyncSession, booking_id: str) -> None:
    await session.execute(OVER, {"id": booking_id})


async def the_hold_has_lapsed(session: AsyncSession, booking_id: str) -> None:
    lapsed = text("UPDATE bookings SET expires_at = now() - interval '1 minute' WHERE id = :id")
    await session.execute(lapsed, {"id": booking_id})


async def everything_is_due(session: AsyncSession) -> None:
    """No lease of somebody who has died lasts any longer, nor any delay, and the ledger is to be looked at again."""
    for change in DUE:
        await session.execute(text(change))
