"""Endpoints of /payments."""

from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Query, Request, Response

from parkingspots.accounts.identity import ONCE_AHEAD, CurrentUser
from parkingspots.accounts.problems import NotSignedIn
from parkingspots.bookings.problems import BookingNotFound, NotPayable, NotYours
from parkingspots.kit import idempotency, pages, paging
from parkingspots.kit.dependencies import HURRIES, Clock, CurrentSettings, Reader, Transaction
from parkingspots.kit.idempotency import KeepingRoute
from parkingspots.kit.paging import Page
from parkingspots.kit.problems import problems
from parkingspots.payments import connect, earnings, events, refunds, service
from parkingspots.payments.desk import LIMITED, CurrentTill, confirmation
from parkingspots.payments.problems import (
    AuthenticationNeeded,
    BadSignature,
    Declined,
    NotAnEvent,
    NotAnOwner,
    NothingToRefund,
    NotPaidYet,
    NotYoursToRefund,
    NoWebhook,
    PaidTooLate,
    PaymentNotFound,
    PaymentsAway,
    PaymentsOff,
    Refused,
    StillBooked,
)
from parkingspots.payments.schemas import (
    AccountIn,
    AccountOut,
    ConfirmedOut,
    EarningsOut,
    IntentIn,
    IntentOut,
    PaymentOut,
    PayoutOut,
    ReceivedOut,
    RefundIn,
    RefundOut,
)
from parkingspots.payments.webhook import VerifiedBody

PAYMENTS_A_PAGE = 100
PaymentPage = Annotated[Page, pages.by(paging.by_age, PAYMENTS_A_PAGE)]
IntentId = Annotated[str, Query(pattern="^[A-Za-z0-9_]{1,255}$", description="from the payment intent")]

router = APIRouter(prefix="/payments", tags=["payments"], route_class=KeepingRoute)


@router.post(
    "/create-payment-intent",
    dependencies=[LIMITED, ONCE_AHEAD],
    responses=problems(NotSignedIn, BookingNotFound, NotYours, NotPayable, Refused, PaymentsOff, PaymentsAway),
)
async def create_payment_intent(wish: IntentIn, renter: CurrentUser, till: CurrentTill, clock: Clock) -> IntentOut:
    """Begin to pay for a pending booking of mine: the same intent each time, for what the booking costs."""
    return IntentOut.of(await service.begin(till, renter, wish.booking_id, clock.now()))


@router.post(
    "/confirm-payment",
    dependencies=[LIMITED, ONCE_AHEAD],
    responses=problems(
        *(
            NotSignedIn,
            PaymentNotFound,
            Declined,
            AuthenticationNeeded,
            NotPaidYet,
            PaidTooLate,
            NotPayable,
            Refused,
            PaymentsOff,
            PaymentsAway,
        )
    ),
)
async def confirm_payment(
    payment_intent_id: IntentId, payer: CurrentUser, till: CurrentTill, clock: Clock
) -> ConfirmedOut:
    """Say that I have paid: Stripe is asked, and the booking is confirmed. The webhook does the same without me."""
    return confirmation(*await service.confirm(till, payer, payment_intent_id, clock.now()))


@router.post("/webhook", dependencies=[HURRIES], responses=problems(NoWebhook, BadSignature, NotAnEvent))
async def receive_event(body: VerifiedBody, session: Transaction, clock: Clock) -> ReceivedOut:
    """For Stripe: keeps a signed event, once, and handles it after the answer."""
    await events.store(session, body, clock.now())
    return ReceivedOut()


@router.post(
    "/refund",
    dependencies=[LIMITED, ONCE_AHEAD],
    responses=problems(NotSignedIn, PaymentNotFound, NotYoursToRefund, NothingToRefund, StillBooked, PaymentsOff),
)
async def refund_payment(
    wish: RefundIn, user: CurrentUser, till: CurrentTill, clock: Clock, key: idempotency.Key = None
) -> RefundOut:
    """Give money back as the owner of the spot or an admin; a renter gets to see what a cancellation has given back."""
    cause = f"{user.id}:{key or uuid4()}"
    asked = refunds.Asked(wish.payment_id, wish.amount, wish.reason, cause)
    return RefundOut.of(*await refunds.ask(till, user, asked, clock.now()))


@router.get("/my-payments", responses=problems(NotSignedIn))
async def list_my_payments(
    payer: CurrentUser, session: Reader, request: Request, response: Response, page: PaymentPage
) -> list[PaymentOut]:
    """What I have paid for bookings, newest first, and what went back."""
    found, total = await service.of_payer(session, payer, page)
    paid, cursor = paging.cut(page, found, lambda row: (row[0].created_at, row[0].id))
    pages.link(request, response, cursor)
    pages.count(response, total)
    return [PaymentOut.of(*row) for row in paid]


@router.get("/owner/payouts", responses=problems(NotSignedIn))
async def list_my_payouts(
    owner: CurrentUser, session: Reader, request: Request, response: Response, page: PaymentPage
) -> list[PayoutOut]:
    """What I get for bookings of my spots, newest first."""
    found, total = await earnings.payouts(session, owner, page)
    payouts, cursor = paging.cut(page, found, lambda payout: (payout.created_at, payout.id))
    pages.link(request, response, cursor)
    pages.count(response, total)
    return [PayoutOut.of(payout) for payout in payouts]


@router.get("/owner/summary", responses=problems(NotSignedIn))
async def summarise_my_earnings(
    owner: CurrentUser, session: Reader, settings: CurrentSettings, clock: Clock
) -> EarningsOut:
    """What my spots have earned, as the ledger has it: after fees and refunds."""
    totals = await earnings.summary(session, owner, settings, clock.now())
    return EarningsOut.of(totals, settings.default_currency)


@router.post(
    "/connect/create-account",
    dependencies=[LIMITED, ONCE_AHEAD],
    responses=problems(NotSignedIn, NotAnOwner, Refused, PaymentsOff, PaymentsAway),
)
async def create_connected_account(wish: AccountIn, owner: CurrentUser, till: CurrentTill) -> AccountOut:
    """Open my account for payouts, or go on with it: the URL leads to Stripe's questions, once."""
    account_id, url = await connect.onboarding(till, owner, wish.country, wish.business_type)
    return AccountOut(account_id=account_id, onboarding_url=url)
