"""What somebody has to look at, for Prometheus: read from the tables, as the job's process ends before it is asked."""

import asyncio
from math import nan

import structlog
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from parkingspots.kit.database import Database, described
from parkingspots.payments import counts
from parkingspots.payments.checking import LedgerCheck
from parkingspots.payments.models import Event, Payout, Refund

PAUSE = 60.0  # seconds

log = structlog.get_logger(__name__)


async def look_again_and_again(database: Database) -> None:
    """A database that is away is somebody else's alarm."""
    while True:
        try:
            await look(database)
        except (SQLAlchemyError, OSError) as error:
            log.info("payments could not be looked at", error=described(error))
            for gauge in counts.WATCHED:
                gauge.set(nan)  # nobody knows
        await asyncio.sleep(PAUSE)


async def look(database: Database) -> None:
    """Set the gauges."""
    checked = select(LedgerCheck.differences).where(LedgerCheck.ended_at.is_not(None))
    parked = select(func.count()).where(Event.parked_at.is_not(None))
    refunds = select(func.count()).where(Refund.act_at.is_not(None), Refund.refusals > 0)
    payouts = select(func.count()).where(Payout.act_at.is_not(None), Payout.refusals > 0)
    waits = select(func.extract("epoch", func.now() - func.min(Event.received_at))).where(Event.act_at.is_not(None))
    async with database.reader() as session:
        differences = await session.scalar(checked.order_by(LedgerCheck.day.desc()).limit(1))
        counts.DIFFERENCES.set(nan if differences is None else differences)
        counts.OLDEST.set(await session.scalar(waits) or 0)
        counts.PARKED.set(await session.scalar(parked) or 0)
        counts.REFUSED.set((await session.scalar(refunds) or 0) + (await session.scalar(payouts) or 0))
