"""What must be true once all is over, whatever has happened: read in the database, against what clients were told."""

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.kit.database import Database
from resilience.told import Away, Told
from resilience.traffic import BOUND

BOOKINGS = text("SELECT id::text, spot_id, start_time, status FROM bookings")
RULES = {
    "slots with two holders": """
        SELECT count(*) FROM (
            SELECT start_time, max(end_time) OVER (
                PARTITION BY spot_id ORDER BY start_time, id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ) AS taken_until
            FROM bookings WHERE status IN ('pending', 'confirmed', 'in_progress')
        ) AS held WHERE start_time < taken_until
    """,
    "causes in the ledger that do not add up to zero": """
        SELECT count(*) FROM
            (SELECT cause FROM ledger_entries GROUP BY cause, currency HAVING sum(amount) <> 0) AS wrong
    """,
    "spots with a wrong number of bookings": """
        SELECT count(*) FROM spot_stats WHERE total_bookings <>
            (SELECT count(*) FROM bookings WHERE bookings.spot_id = spot_stats.spot_id AND status = 'completed')
    """,
    "spots with a wrong number of reviews": """
        SELECT count(*) FROM spot_stats WHERE total_reviews <>
            (SELECT count(*) FROM reviews JOIN bookings ON bookings.id = booking_id
                WHERE bookings.spot_id = spot_stats.spot_id)
    """,
    "spots with a wrong rating": """
        SELECT count(*) FROM spot_stats WHERE abs(average_rating - coalesce(
            (SELECT avg(overall_rating) FROM reviews JOIN bookings ON bookings.id = booking_id
                WHERE bookings.spot_id = spot_stats.spot_id), 0)) > 0.005
    """,
}
AFTER_A_RETURN = 1.0
"""Seconds from the return of the database until a process has heard of its log again."""


async def flaws(database: Database, told: Told, away: Away = ()) -> list[str]:
    """What is not as it was acknowledged, or contradicts itself. `away`: when the database could not be reached."""
    async with database.reader() as session:
        return [
            *told.wrong,
            *(f"it was never answered: {write}" for write in told.unsettled),
            *await of_bookings(session, told),
            *await of_rules(session),
            *of_reads(told, away),
        ]


async def of_bookings(session: AsyncSession, told: Told) -> list[str]:
    """Each that was acknowledged is there once, as it was acknowledged; others are not there."""
    there = {row.id: row for row in await session.execute(BOOKINGS)}
    found = []
    for booking, taken in told.booked.items():
        row = there.get(booking)
        if row is None:
            found.append(f"the booking {booking} was acknowledged and is not there")
        elif (row.spot_id, row.start_time) != (taken.spot, taken.start):
            found.append(f"the booking {booking} is of another slot than was acknowledged")
        elif (booking in told.cancelled) != (row.status == "cancelled"):
            found.append(f"the booking {booking} is {row.status}, which nobody was told")
        elif booking in told.completed and row.status != "completed":
            found.append(f"the booking {booking} is {row.status}, and its renter has left")
    unheard = there.keys() - told.booked.keys() - told.made
    if len(unheard) > len(told.unsettled):
        found.append(f"{len(unheard)} bookings are there of which nobody was told")
    slots = Counter((row.spot_id, row.start_time) for row in there.values() if row.status != "cancelled")
    return found + [f"{count} bookings of {spot} at {start}" for (spot, start), count in slots.items() if count > 1]


async def of_rules(session: AsyncSession) -> list[str]:
    counts = {name: await session.scalar(text(query)) for name, query in RULES.items()}
    return [f"{count} {name}" for name, count in counts.items() if count]


def of_reads(told: Told, away: Away) -> Sequence[str]:
    """While the database is away, what was kept may be served, whatever its age."""

    def is_excused(began: float) -> bool:
        return any(since - BOUND <= began <= until + AFTER_A_RETURN for since, until in away)

    return [f"stale: {each.says}" for each in told.stale if not is_excused(each.began)]
