"""What goes over the wire when somebody takes their data home."""

from collections.abc import Sequence
from uuid import UUID

from pydantic import ConfigDict

from parkingspots.accounts.schemas import USER, SessionOut, UserOut
from parkingspots.bookings.models import Booking
from parkingspots.bookings.rules import PaymentStatus, Status
from parkingspots.bookings.schemas import BOOKING, BookingOut
from parkingspots.kit.wire import Cents, Instant, Wire
from parkingspots.payments.schemas import PaymentOut, PayoutOut
from parkingspots.reviews.schemas import ReviewOut
from parkingspots.spots.models import AvailabilitySlot, Spot
from parkingspots.spots.schemas import SPOT, SlotOut, SpotOut


class ExportedSpotOut(SpotOut):
    """A spot with the times at which it is open or closed."""

    model_config = ConfigDict(title="ExportedSpot", json_schema_extra={"examples": [SPOT | {"availability": []}]})

    availability: list[SlotOut]

    @classmethod
    def having(cls, spot: Spot, slots: Sequence[AvailabilitySlot]) -> "ExportedSpotOut":
        shown = SpotOut.of(spot, with_instructions=True).model_dump()
        return cls.model_validate(shown | {"availability": [SlotOut.of(slot) for slot in slots]})


class HostedBookingOut(Wire):
    """A booking of one of my spots, without what its renter said: that is the renter's."""

    id: UUID
    parking_spot_id: UUID
    start_time: Instant
    end_time: Instant
    status: Status
    payment_status: PaymentStatus
    total_amount: Cents
    service_fee: Cents
    owner_payout: Cents
    currency: str
    created_at: Instant
    updated_at: Instant

    model_config = ConfigDict(
        title="HostedBooking", json_schema_extra={"examples": [{name: BOOKING[name] for name in __annotations__}]}
    )

    @classmethod
    def of(cls, booking: Booking) -> "HostedBookingOut":
        shown = {name: getattr(booking, name) for name in cls.model_fields if name != "parking_spot_id"}
        return cls.model_validate(shown | {"parking_spot_id": booking.spot_id})


class ExportOut(Wire):
    """What is kept about me: account, sessions that go on, spots, bookings, money, reviews, votes."""

    model_config = ConfigDict(
        title="Export",
        json_schema_extra={
            "examples": [
                {
                    "exported_at": "2030-02-03T08:00:00Z",
                    "user": USER,
                    "sessions": [],
                    "spots": [SPOT | {"availability": []}],
                    "bookings": [BOOKING],
                    "bookings_of_my_spots": [],
                    "payments": [],
                    "payouts": [],
                    "reviews": [],
                    "helpful_reviews": [],
                }
            ]
        },
    )

    exported_at: Instant
    user: UserOut
    sessions: list[SessionOut]
    spots: list[ExportedSpotOut]
    bookings: list[BookingOut]
    bookings_of_my_spots: list[HostedBookingOut]
    payments: list[PaymentOut]
    payouts: list[PayoutOut]
    reviews: list[ReviewOut]
    helpful_reviews: list[UUID]
