"""Letters about money."""

from datetime import datetime

from parkingspots.accounts import service as accounts
from parkingspots.accounts import texts
from parkingspots.accounts.texts import Language
from parkingspots.kit.currencies import written
from parkingspots.payments import repository, rules
from parkingspots.payments.models import Payment, Refund
from parkingspots.payments.rules import Attempt
from parkingspots.payments.till import Till

MOST_TELLS = 30
"""Attempts at a letter, the last ones six hours apart: a week."""


async def tell_next(till: Till, now: datetime) -> Attempt:
    """Write to one renter whose payment came too late that it goes back.

    Where the process ends between sending and noting it, the letter comes twice.
    """
    async with till.database.transaction() as session:
        refund = await repository.claim(session, Refund, Refund.tell_at, Refund.tells, now)
    if refund is None:
        return Attempt.NONE
    outcome, tell_at = Attempt.DONE, None
    if not await _late_payment(till, refund):
        outcome = Attempt.FAILED
        tell_at = rules.next_attempt(refund.tells, now) if refund.tells < MOST_TELLS else None
    async with till.database.transaction() as session:
        (await repository.lock_refund(session, refund.id)).tell_at = tell_at
    return outcome


async def _late_payment(till: Till, refund: Refund) -> bool:
    """Whether there is no more to be done about it."""
    async with till.database.reader() as session:
        payment = await session.get_one(Payment, refund.payment_id)
        payer = await accounts.find(session, payment.payer_id)
    if payer is None or not payer.is_active:
        return True
    amount = written(refund.amount, payment.currency)
    return await till.mailer.send(texts.letter("late_payment", Language.ENGLISH, payer.email, amount=amount))
