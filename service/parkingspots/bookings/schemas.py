"""What goes over the wire about bookings."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from parkingspots.bookings.models import Booking
from parkingspots.bookings.rules import PaymentStatus, Quote, Status
from parkingspots.kit.wire import Cents, Instant, Line, Paragraph, Wire
from parkingspots.spots.rules import CancellationPolicy

SPOT_ID = "0198c0de-7a10-7000-8000-000000000002"
WINDOW = {"start_time": "2030-02-01T10:00:00Z", "end_time": "2030-02-01T12:00:00Z"}
QUOTE: dict[str, Any] = {"subtotal": 700, "service_fee": 70, "total": 770, "owner_payout": 700, "duration_hours": 2.0}
CAR = {
    "vehicle_plate": "ABC-1234",
    "vehicle_make": "Toyota",
    "vehicle_model": "Yaris",
    "vehicle_color": "blue",
    "special_requests": None,
}
BOOKING: dict[str, Any] = {
    "id": "0198c0de-7a10-7000-8000-000000000004",
    "user_id": "0198c0de-7a10-7000-8000-000000000005",
    "parking_spot_id": SPOT_ID,
    **WINDOW,
    **CAR,
    "status": "confirmed",
    "total_amount": 770,
    "service_fee": 70,
    "owner_payout": 700,
    "currency": "EUR",
    "payment_intent_id": None,
    "payment_status": "completed",
    "cancellation_reason": None,
    "checked_in_at": None,
    "checked_out_at": None,
    "expires_at": None,
    "cancellation_policy": "flexible",
    "refund_amount": None,
    "receipt": None,
    "created_at": "2030-01-31T09:00:00Z",
    "updated_at": "2030-01-31T09:00:00Z",
    "parking_spot": {
        "id": SPOT_ID,
        "title": "Covered spot near Syntagma",
        "address": "Ermou 12",
        "city": "Athens",
        "prefecture": "Attica",
    },
}

Word = Annotated[Line, Field(max_length=64)]
Reason = Annotated[Line, Field(max_length=500)]


class QuoteIn(Wire):
    model_config = ConfigDict(json_schema_extra={"examples": [{"parking_spot_id": SPOT_ID, **WINDOW}]})

    parking_spot_id: UUID
    start_time: Instant
    end_time: Instant


class QuoteOut(Wire):
    model_config = ConfigDict(title="Quote", json_schema_extra={"examples": [QUOTE]})

    subtotal: Cents
    service_fee: Cents
    total: Cents
    owner_payout: Cents
    duration_hours: float

    @classmethod
    def of(cls, quote: Quote, wish: QuoteIn) -> "QuoteOut":
        return cls(
            subtotal=quote.subtotal,
            service_fee=quote.service_fee,
            total=quote.total,
            owner_payout=quote.subtotal,
            duration_hours=(wish.end_time - wish.start_time).total_seconds() / 3600,
        )


class BookingIn(QuoteIn):
    model_config = ConfigDict(json_schema_extra={"examples": [{"parking_spot_id": SPOT_ID, **WINDOW, **CAR}]})

    vehicle_plate: Word | None = None
    vehicle_make: Word | None = None
    vehicle_model: Word | None = None
    vehicle_color: Word | None = None
    special_requests: Paragraph | None = None


class StatusIn(Wire):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"status": "cancelled", "cancellation_reason": "Plans changed"}]}
    )

    status: Status
    cancellation_reason: Reason | None = None


class CancelIn(Wire):
    model_config = ConfigDict(json_schema_extra={"examples": [{"cancellation_reason": "Plans changed"}]})

    cancellation_reason: Reason | None = None


class BookedSpotOut(Wire):
    """Which spot a booking is of."""

    model_config = ConfigDict(title="BookedSpot")

    id: UUID
    title: str
    address: str
    city: str
    prefecture: str


class Receipt(Wire):
    """What was paid for a booking."""

    amount: Cents
    currency: str
    paid_at: Instant
    payment_method: str | None
    card_brand: str | None
    last_four: str | None
    refunded_amount: Cents


class BookingOut(Wire):
    model_config = ConfigDict(title="Booking", json_schema_extra={"examples": [BOOKING]})

    id: UUID
    user_id: UUID
    parking_spot_id: UUID
    start_time: Instant
    end_time: Instant
    vehicle_plate: str | None
    vehicle_make: str | None
    vehicle_model: str | None
    vehicle_color: str | None
    special_requests: str | None
    status: Status
    total_amount: Cents
    service_fee: Cents
    owner_payout: Cents
    currency: str
    payment_intent_id: str | None
    payment_status: PaymentStatus
    cancellation_reason: str | None
    checked_in_at: Instant | None
    checked_out_at: Instant | None
    expires_at: Instant | None = Field(description="until when an unpaid booking holds its slot")
    cancellation_policy: CancellationPolicy = Field(description="as it was when the spot was booked")
    refund_amount: Cents | None = Field(description="what the cancellation gives back")
    receipt: Receipt | None = Field(description="what was paid, how and when")
    created_at: Instant
    updated_at: Instant
    parking_spot: BookedSpotOut

    @classmethod
    def of(cls, booking: Booking) -> "BookingOut":
        named = {"parking_spot_id": booking.spot_id, "parking_spot": booking.spot}
        rest = {name: getattr(booking, name) for name in cls.model_fields if name not in named}
        return cls.model_validate(rest | named)

    @classmethod
    def of_row(cls, booking: Mapping[str, Any], spot: object) -> "BookingOut":
        return cls.model_validate({**booking, "parking_spot_id": booking["spot_id"], "parking_spot": spot})
