"""Letters about money."""

from parkingspots.accounts import service as accounts
from parkingspots.accounts import texts
from parkingspots.accounts.texts import Language
from parkingspots.kit.currencies import written
from parkingspots.payments.models import Payment
from parkingspots.payments.till import Till


async def late_payment(till: Till, payment: Payment) -> None:
    """To whoever paid for a booking that was over by then: the money goes back."""
    async with till.database.reader() as session:
        payer = await accounts.find(session, payment.payer_id)
    if payer is not None and payer.is_active:
        amount = written(payment.amount, payment.currency)
        await till.mailer.send(texts.letter("late_payment", Language.ENGLISH, payer.email, amount=amount))
