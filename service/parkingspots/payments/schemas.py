"""What goes over the wire about payments."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from parkingspots.bookings.rules import PaymentStatus
from parkingspots.kit.wire import Cents, Instant, Line, Rate, Wire
from parkingspots.payments.gateway import Intent
from parkingspots.payments.models import Payment, Payout, Refund
from parkingspots.payments.rules import DISPUTED, NO_ACCOUNT, DisputeStatus, PayoutStatus, RefundStatus

BOOKING_ID = "0198c0de-7a10-7000-8000-000000000004"
PAYMENT_ID = "0198c0de-7a10-7000-8000-000000000007"
REFUND: dict[str, Any] = {
    "id": "0198c0de-7a10-7000-8000-000000000008",
    "original_amount": 770,
    "refund_amount": 385,
    "status": "succeeded",
    "reason": "Plans changed",
    "refunded_at": "2030-01-31T12:00:00Z",
}

Text = Annotated[Line, Field(max_length=500)]
Name = Annotated[Line, Field(min_length=1, max_length=255)]
Country = Annotated[str, Field(pattern="^[A-Z]{2}$", description="ISO 3166-1, two letters")]
BusinessType = Literal["individual", "company", "non_profit", "government_entity"]


class IntentIn(Wire):
    model_config = ConfigDict(json_schema_extra={"examples": [{"booking_id": BOOKING_ID}]})

    booking_id: UUID


class IntentOut(Wire):
    """What Stripe's own code in the client needs to take the payment."""

    model_config = ConfigDict(
        title="PaymentIntent",
        json_schema_extra={
            "examples": [
                {
                    "client_secret": "pi_3Nx_secret_9Qk",
                    "payment_intent_id": "pi_3Nx",
                    "amount": 770,
                    "currency": "EUR",
                }
            ]
        },
    )

    client_secret: str
    payment_intent_id: str
    amount: Cents
    currency: str

    @classmethod
    def of(cls, intent: Intent) -> "IntentOut":
        return cls(
            client_secret=intent.client_secret,
            payment_intent_id=intent.id,
            amount=intent.amount,
            currency=intent.currency,
        )


class ConfirmedOut(Wire):
    model_config = ConfigDict(
        title="PaymentConfirmation",
        json_schema_extra={"examples": [{"message": "The booking is confirmed.", "status": "succeeded"}]},
    )

    message: str
    status: str


class SubjectIn(Wire):
    """What an event is about; some things have no id."""

    id: Name | None = None


class AboutIn(Wire):
    object: SubjectIn | None = None


class EventIn(Wire):
    """An event of Stripe's, as far as it is believed; one without a subject is only acknowledged."""

    id: Name
    type: Name
    created: Annotated[int, Field(ge=0, lt=1 << 37, description="seconds since 1970")] | None = None
    data: AboutIn | None = None


class ReceivedOut(Wire):
    model_config = ConfigDict(title="Received", json_schema_extra={"examples": [{"status": "received"}]})

    status: str = "received"


class RefundIn(Wire):
    model_config = ConfigDict(json_schema_extra={"examples": [{"payment_id": PAYMENT_ID, "amount": 385}]})

    payment_id: UUID
    amount: Rate | None = Field(default=None, description="all that is left, where none is given")
    reason: Text | None = None


class RefundOut(Wire):
    """A refund that is pending is tried until Stripe has made it."""

    model_config = ConfigDict(title="Refund", json_schema_extra={"examples": [REFUND]})

    id: UUID
    original_amount: Cents
    refund_amount: Cents
    status: RefundStatus
    reason: str | None
    refunded_at: Instant | None

    @classmethod
    def of(cls, refund: Refund, payment: Payment) -> "RefundOut":
        return cls(
            id=refund.id,
            original_amount=payment.amount,
            refund_amount=refund.amount,
            status=refund.status,
            reason=refund.reason,
            refunded_at=refund.refunded_at,
        )


class PaymentOut(Wire):
    model_config = ConfigDict(
        title="Payment",
        json_schema_extra={
            "examples": [
                {
                    "id": PAYMENT_ID,
                    "booking_id": BOOKING_ID,
                    "amount": 770,
                    "currency": "EUR",
                    "status": "partially_refunded",
                    "payment_method": "card",
                    "last_four": "4242",
                    "card_brand": "visa",
                    "payment_intent_id": "pi_3Nx",
                    "refunded_amount": 385,
                    "dispute_status": None,
                    "refunds": [REFUND],
                    "paid_at": "2030-01-31T09:01:00Z",
                    "created_at": "2030-01-31T09:00:00Z",
                }
            ]
        },
    )

    id: UUID
    booking_id: UUID
    amount: Cents
    currency: str
    status: PaymentStatus
    payment_method: str | None
    last_four: str | None
    card_brand: str | None
    payment_intent_id: str | None
    refunded_amount: Cents
    dispute_status: DisputeStatus | None
    refunds: list[RefundOut]
    paid_at: Instant | None
    created_at: Instant

    @classmethod
    def of(cls, payment: Payment, refunds: Sequence[Refund]) -> "PaymentOut":
        own = [RefundOut.of(refund, payment) for refund in refunds]
        named = {"refunds": own, "payment_intent_id": payment.intent_id}
        return cls.model_validate(
            {name: getattr(payment, name) for name in cls.model_fields if name not in named} | named
        )


TRIED_AGAIN = "The payment provider has not made it yet. It is tried again by itself."


class PayoutOut(Wire):
    model_config = ConfigDict(
        title="Payout",
        json_schema_extra={
            "examples": [
                {
                    "id": "0198c0de-7a10-7000-8000-000000000009",
                    "owner_id": "0198c0de-7a10-7000-8000-000000000001",
                    "booking_id": BOOKING_ID,
                    "amount": 700,
                    "reversed_amount": 0,
                    "currency": "EUR",
                    "status": "paid",
                    "waits_for": None,
                    "processed_at": "2030-02-02T12:01:00Z",
                    "created_at": "2030-02-02T12:00:00Z",
                }
            ]
        },
    )

    id: UUID
    owner_id: UUID
    booking_id: UUID
    amount: Cents
    reversed_amount: Cents
    currency: str
    status: PayoutStatus
    waits_for: str | None = Field(description="why it is not paid yet")
    processed_at: Instant | None
    created_at: Instant

    @classmethod
    def of(cls, payout: Payout) -> "PayoutOut":
        shown = {name: getattr(payout, name) for name in cls.model_fields if name != "waits_for"}
        is_for_the_owner = payout.failure in {None, NO_ACCOUNT, DISPUTED}
        return cls.model_validate(shown | {"waits_for": payout.failure if is_for_the_owner else TRIED_AGAIN})


class Earnings(Wire):
    """Of one currency."""

    currency: str
    total_earnings: Cents
    pending_payouts: Cents
    completed_payouts: Cents
    this_month_earnings: Cents


EARNINGS: dict[str, Any] = {
    "currency": "EUR",
    "total_earnings": 42_000,
    "pending_payouts": 700,
    "completed_payouts": 41_300,
    "this_month_earnings": 3_500,
}


class EarningsOut(Earnings):
    """The amounts of the currency in which most was earned; `currencies` has each of them."""

    model_config = ConfigDict(
        title="OwnerSummary", json_schema_extra={"examples": [EARNINGS | {"currencies": [EARNINGS]}]}
    )

    currencies: list[Earnings]

    @classmethod
    def of(cls, totals: Sequence[Any], currency: str) -> "EarningsOut":
        each = [Earnings.model_validate(row) for row in totals]
        nothing = dict.fromkeys(("total_earnings", "pending_payouts", "completed_payouts", "this_month_earnings"), 0)
        first = each[0].model_dump() if each else {"currency": currency} | nothing
        return cls.model_validate(first | {"currencies": each})


class AccountIn(Wire):
    model_config = ConfigDict(json_schema_extra={"examples": [{"country": "GR", "business_type": "individual"}]})

    country: Country
    business_type: BusinessType


class AccountOut(Wire):
    model_config = ConfigDict(
        title="ConnectedAccount",
        json_schema_extra={
            "examples": [
                {"account_id": "acct_1Nx", "onboarding_url": "https://connect.stripe.com/setup/e/acct_1Nx/9Qk"}
            ]
        },
    )

    account_id: str
    onboarding_url: str
