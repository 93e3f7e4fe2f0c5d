"""The minute job by a test's clock, where the database's own is far behind."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from conftest import SetClock
from parkingspots.bookings import repository
from paying import work_through
from product import Api

MOST_MOMENTS = 300
COMPLETE = text("""
    UPDATE bookings SET status = 'completed' WHERE status IN ('confirmed', 'in_progress') AND end_time <= :now
""")
START = text("UPDATE bookings SET status = 'in_progress' WHERE status = 'confirmed' AND start_time <= :now")
NEXT_DUE = text("""
    SELECT min(at) FROM (
        SELECT act_at FROM refunds UNION ALL SELECT tell_at FROM refunds
        UNION ALL SELECT act_at FROM payouts UNION ALL SELECT act_at FROM stripe_events
        UNION ALL SELECT look_at FROM payments UNION ALL SELECT expires_at FROM bookings
        UNION ALL SELECT end_time FROM bookings WHERE status IN ('confirmed', 'in_progress')
    ) AS due (at)
""")


async def move_bookings_on(session: AsyncSession, now: datetime) -> None:
    """Cancel lapsed holds, complete what is past, start what has come."""
    await session.execute(repository.cancelled_as_lapsed().where(*repository.lapsed(now)))
    await session.execute(COMPLETE, {"now": now})
    await session.execute(START, {"now": now})


async def let_time_pass(api: Api, session: AsyncSession, clock: SetClock, hours: float) -> None:
    """So many hours, after which the job runs."""
    clock.pass_by(hours=hours)
    await move_bookings_on(session, clock.now())
    await work_through(api)


async def let_everything_come(api: Api, session: AsyncSession, clock: SetClock) -> None:
    """The clock goes from one moment at which something is due to the next, until nothing is."""
    for _ in range(MOST_MOMENTS):
        await move_bookings_on(session, clock.now())
        await work_through(api)
        due = await session.scalar(NEXT_DUE)
        if due is None:
            return
        clock.moment = max(due, clock.now())
    raise AssertionError("something is due again and again")
