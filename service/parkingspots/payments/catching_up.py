"""Hearing of what Stripe's events did not tell: refunds made or failed there, and disputes."""

from datetime import datetime

from parkingspots.payments import disputes, giving_back, service
from parkingspots.payments.gateway import Intent
from parkingspots.payments.models import Payment
from parkingspots.payments.rules import Road
from parkingspots.payments.till import Till


async def hear_of(till: Till, payment: Payment, intent: Intent, now: datetime) -> None:
    """Write down whatever differs between the payment and what its intent says by now."""
    payment = (await service.settled(till, payment.id, intent, Road.RECONCILER, now)).payment
    if intent.charge is None:
        return
    if intent.charge.refunded != payment.refunded_amount:
        for given in await till.gateway.refunds_of(intent.id):
            async with till.database.transaction() as session:
                await giving_back.note(session, given, now)
    if intent.charge.is_disputed:
        for dispute in await till.gateway.disputes_of(intent.id):
            async with till.database.transaction() as session:
                await disputes.note(session, dispute, now)
