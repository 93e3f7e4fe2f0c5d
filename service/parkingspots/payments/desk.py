"""What endpoints of payments have in common: the till, and how the gateway's words are answered."""

from typing import Annotated, cast

from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse

from parkingspots.accounts.identity import CurrentUser
from parkingspots.bookings.problems import NotPayable
from parkingspots.bookings.rules import Status
from parkingspots.kit.answers import answer
from parkingspots.kit.dependencies import CurrentSettings
from parkingspots.kit.limits import CurrentLimits
from parkingspots.payments.gateway import AwayError, Intent, IntentStatus, NonsenseError, RefusedError
from parkingspots.payments.problems import (
    AuthenticationNeeded,
    Declined,
    NotPaidYet,
    PaidTooLate,
    PaymentsAway,
    PaymentsOff,
    Refused,
)
from parkingspots.payments.schemas import ConfirmedOut
from parkingspots.payments.till import Till

NOT_SET_UP = "This server cannot take payments yet: it has no key of the payment provider's. Tell those who run it."


async def _till(request: Request, settings: CurrentSettings) -> Till:
    till: Till | None = request.app.state.till
    if till is None:
        raise PaymentsOff() if settings.skip_payment_processing else PaymentsOff(NOT_SET_UP)
    return till


async def _within_limit(user: CurrentUser, limits: CurrentLimits) -> None:
    await limits.count(limits.payments, str(user.id))


CurrentTill = Annotated[Till, Depends(_till)]
LIMITED = Depends(_within_limit)
"""Of an endpoint that moves money or asks the gateway: all of them together, by account, ahead of everything else."""


def confirmation(booking_status: Status, intent: Intent) -> ConfirmedOut:
    """What a client is told of a payment; raises where the booking is not confirmed by it."""
    match intent.status:
        case IntentStatus.PAID if booking_status in {Status.PENDING, Status.CANCELLED}:  # pending: it has lapsed
            raise PaidTooLate
        case IntentStatus.PAID:
            return ConfirmedOut(message="The booking is paid and confirmed.", status="succeeded")
        case IntentStatus.PROCESSING:
            return ConfirmedOut(
                message="The payment is being processed. The booking is confirmed with it.", status="processing"
            )
        case IntentStatus.NEEDS_ACTION:
            raise AuthenticationNeeded
        case IntentStatus.CANCELLED:
            raise NotPayable
        case IntentStatus.OPEN if intent.declined:
            raise Declined
        case IntentStatus.OPEN:
            raise NotPaidYet


def install(app: FastAPI) -> None:
    """Answer what the gateway refuses, and its absence, as problem documents."""

    async def on_refused(_: Request, error: Exception) -> JSONResponse:
        return answer(Refused(f"The payment provider does not do this: {cast('RefusedError', error)}"))

    async def on_away(_: Request, __: Exception) -> JSONResponse:
        return answer(PaymentsAway())

    app.add_exception_handler(RefusedError, on_refused)
    app.add_exception_handler(AwayError, on_away)
    app.add_exception_handler(NonsenseError, on_away)
