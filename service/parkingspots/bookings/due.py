"""What the minute job does to bookings. A million may be due at once, so the driver sends it, each batch one statement.

Batches are claimed by the database's clock, the earliest first; what others have locked is passed over, and left to the
next run. Each begins at the moment where the one before it ended: what that moved lies dead at the head of the index
until the next vacuum, and would be read by every batch anew. Each is waited for until it is on the disk: left to the
server, many would go there at once, and a client's commit, which waits for what lies before it, three times as long.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import CTE, ColumnElement, DateTime, Integer, Update, func, literal_column, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.bookings import repository
from parkingspots.bookings.models import Booking
from parkingspots.bookings.rules import Status
from parkingspots.kit import job_runs
from parkingspots.kit.database import RawConnection
from parkingspots.kit.job_runs import Due
from parkingspots.kit.statements import Statement, parameter
from parkingspots.spots.repository import adding_completed

TO_START = (
    Booking.status == literal_column(f"'{Status.CONFIRMED}'"),
    Booking.start_time <= func.now(),
    Booking.end_time > func.now(),
)
TO_COMPLETE = (
    Booking.status.in_([literal_column(f"'{status}'") for status in (Status.CONFIRMED, Status.IN_PROGRESS)]),
    Booking.end_time <= func.now(),
)
TO_CANCEL = repository.lapsed(func.now())


def _moving(move: Update, moment: Any, *due: ColumnElement[bool]) -> tuple[CTE, CTE]:  # noqa: ANN401 - a column
    """A batch of those that are `due` since a moment, and what `move` makes of them: the spot of each."""
    since = func.coalesce(parameter("since", DateTime(timezone=True)), literal_column("'-infinity'"))
    earliest = select(Booking.id, moment.label("moment")).where(*due, moment >= since).order_by(moment, Booking.id)
    claimed = earliest.limit(parameter("batch", Integer)).with_for_update(skip_locked=True).cte("claimed")
    moved = move.where(Booking.id.in_(select(claimed.c.id))).returning(Booking.spot_id).cte("moved")
    return claimed, moved


def _counted(claimed: CTE, moved: CTE, *also: Update) -> Statement:
    """How many bookings are moved, and up to which moment; `also` is done in the same statement."""
    until = select(func.max(claimed.c.moment)).scalar_subquery()
    told = select(func.count(), until).select_from(moved)
    return Statement(told.add_cte(*(each.cte() for each in also)))


_COMPLETING = _moving(update(Booking).values(status=Status.COMPLETED), Booking.end_time, *TO_COMPLETE)
COMPLETE = _counted(*_COMPLETING, adding_completed(_COMPLETING[1]))
"""Counts them on their spots, too."""
START = _counted(*_moving(update(Booking).values(status=Status.IN_PROGRESS), Booking.start_time, *TO_START))
CANCEL = _counted(*_moving(repository.cancelled_as_lapsed(), Booking.expires_at, *TO_CANCEL))


async def move(
    connection: RawConnection, statement: Statement, batch: int, since: datetime | None
) -> tuple[int, datetime | None]:
    """Send one of the statements for up to `batch` bookings, due since a moment if one is given.

    How many were moved, and up to which moment they had been due.
    """
    (row,) = await connection.fetch(*statement.given(batch=batch, since=since))
    return row[0], row[1]


async def to_start(session: AsyncSession) -> Due:
    return await job_runs.due(session, Booking.start_time, *TO_START)


async def to_complete(session: AsyncSession) -> Due:
    return await job_runs.due(session, Booking.end_time, *TO_COMPLETE)


async def to_cancel(session: AsyncSession) -> Due:
    return await job_runs.due(session, Booking.expires_at, *TO_CANCEL)
