"""Payments from a terminal, and in the minute job: a till of one's own."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime, timedelta

from parkingspots.kit.database import Database
from parkingspots.kit.mail import mailer
from parkingspots.payments import checking
from parkingspots.payments.checking import Found
from parkingspots.payments.gateways import gateway
from parkingspots.payments.till import Till
from parkingspots.settings import Settings


class PaymentsAreOff(Exception):  # noqa: N818 - a sentence for a person at a terminal
    """There is nothing to compare."""


def why_off(settings: Settings) -> str:
    """For those who run the service."""
    if settings.skip_payment_processing:
        return "payments are switched off. Set SKIP_PAYMENT_PROCESSING=false and STRIPE_SECRET_KEY."
    return "there is no STRIPE_SECRET_KEY. Set it to that of the platform's account."


@asynccontextmanager
async def till_of(settings: Settings, database: Database) -> AsyncIterator[Till | None]:
    """None where payments are skipped."""
    used = gateway(settings)
    if used is None:
        yield None
        return
    async with aclosing(used):
        yield Till(database, used, settings, mailer(settings))


async def check(settings: Settings, days: int) -> Found:
    """What differs over so many days; raises PaymentsAreOff."""
    async with aclosing(Database(settings, pool_size=1)) as database, till_of(settings, database) as till:
        if till is None:
            raise PaymentsAreOff(why_off(settings))
        now = datetime.now(UTC)
        return await checking.compare(till, now - timedelta(days=days), now)
