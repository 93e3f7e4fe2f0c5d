"""What goes over the wire about spots."""

from datetime import date, time
from typing import Annotated, Any
from uuid import UUID

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)

from parkingspots.kit.wire import (
    Cents,
    Currency,
    DateOnly,
    ImageURL,
    Instant,
    Latitude,
    Line,
    Longitude,
    NoBoolean,
    Paragraph,
    Rate,
    TimeOfDay,
    Wire,
    not_null,
)
from parkingspots.settings import time_zones
from parkingspots.spots.models import AvailabilitySlot, Spot
from parkingspots.spots.rules import CancellationPolicy, SpotType, VehicleSize, slot_minutes, time_of

MOST_IMAGES = 20
MOST_DAYS = 20
"""More than there are, so that a few that are misspelt are named one by one."""
SPOT_IN: dict[str, Any] = {
    "title": "Covered spot near Syntagma",
    "description": "Ground floor, wide entrance.",
    "spot_type": "covered",
    "vehicle_size": "standard",
    "address": "Ermou 12",
    "city": "Athens",
    "prefecture": "Attica",
    "zip_code": "10563",
    "country": "Greece",
    "latitude": 37.9755,
    "longitude": 23.7348,
    "hourly_rate": 350,
    "daily_rate": 2000,
    "monthly_rate": 30000,
    "is_covered": True,
    "has_ev_charging": True,
    "has_security": False,
    "has_lighting": True,
    "is_handicap_accessible": False,
    "access_instructions": "The code of the gate is 2468.",
    "operating_hours": {
        "monday": {"open": "08:00", "close": "20:00"},
        "tuesday": {"open": "08:00", "close": "20:00"},
    },
    "images": ["https://images.example.com/ermou-12.jpg"],
    "time_zone": "Europe/Athens",
    "currency": "EUR",
    "cancellation_policy": "flexible",
}
SPOT_ID = "0198c0de-7a10-7000-8000-000000000002"
SPOT: dict[str, Any] = {
    "id": SPOT_ID,
    "owner_id": "0198c0de-7a10-7000-8000-000000000001",
    **SPOT_IN,
    "is_active": True,
    "is_available": True,
    "total_bookings": 3,
    "average_rating": 4.5,
    "total_reviews": 2,
    "created_at": "2030-01-31T09:00:00Z",
    "updated_at": "2030-01-31T09:00:00Z",
}
SLOT_IN: dict[str, Any] = {"day_of_week": 0, "start_time": "08:00", "end_time": "20:00", "is_available": True}


def _known_time_zone(name: str) -> str:
    if name not in time_zones():
        raise ValueError("must be an IANA time zone such as Europe/Athens")
    return name


Title = Annotated[Line, Field(min_length=5, max_length=255)]
Address = Annotated[Line, Field(min_length=5, max_length=500)]
PlaceName = Annotated[Line, Field(min_length=1, max_length=100)]
ZipCode = Annotated[Line, Field(min_length=1, max_length=20)]
Images = Annotated[list[ImageURL], Field(max_length=MOST_IMAGES)]
TimeZone = Annotated[Line, Field(max_length=64), AfterValidator(_known_time_zone)]


class OpenHours(Wire):
    """Local times; a close at or before the open lies on the next day, equal times mean the whole local day."""

    open: TimeOfDay
    close: TimeOfDay


class OperatingHours(Wire):
    """Opening hours by weekday; a day that is missing or null is closed."""

    model_config = ConfigDict(extra="forbid")

    monday: OpenHours | None = None
    tuesday: OpenHours | None = None
    wednesday: OpenHours | None = None
    thursday: OpenHours | None = None
    friday: OpenHours | None = None
    saturday: OpenHours | None = None
    sunday: OpenHours | None = None

    @model_validator(mode="before")
    @classmethod
    def _few(cls, value: Any) -> Any:  # noqa: ANN401 - whatever the client sent
        """One that is no day is named; of tens of thousands each would cost more than the rest of the request."""
        if isinstance(value, dict) and len(value) > MOST_DAYS:
            raise ValueError("must have days of the week, monday to sunday, and nothing else")
        return value

    @model_serializer(mode="wrap")
    def _as_sent(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {day: hours for day, hours in serialize(self).items() if day in self.model_fields_set}


class SpotIn(Wire):
    model_config = ConfigDict(json_schema_extra={"examples": [SPOT_IN]})

    title: Title
    description: Paragraph | None = None
    spot_type: SpotType
    vehicle_size: VehicleSize
    address: Address
    city: PlaceName
    prefecture: PlaceName
    zip_code: ZipCode
    country: PlaceName = "Greece"
    latitude: Latitude
    longitude: Longitude
    hourly_rate: Rate
    daily_rate: Rate | None = None
    monthly_rate: Rate | None = None
    is_covered: bool = False
    has_ev_charging: bool = False
    has_security: bool = False
    has_lighting: bool = False
    is_handicap_accessible: bool = False
    access_instructions: Paragraph | None = None
    operating_hours: OperatingHours | None = None
    images: Images = Field(default_factory=list)
    time_zone: TimeZone | None = Field(default=None, description="IANA name; by default the service's own")
    currency: Currency | None = Field(default=None, description="ISO 4217; by default the service's own")
    cancellation_policy: CancellationPolicy = Field(
        default=CancellationPolicy.FLEXIBLE, description="what a renter who cancels gets back"
    )


class SpotUpdate(Wire):
    """What the owner may change; what is not sent stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"hourly_rate": 400, "is_available": True}]})

    title: Title | None = None
    description: Paragraph | None = None
    spot_type: SpotType | None = None
    vehicle_size: VehicleSize | None = None
    address: Address | None = None
    city: PlaceName | None = None
    prefecture: PlaceName | None = None
    zip_code: ZipCode | None = None
    country: PlaceName | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    hourly_rate: Rate | None = None
    daily_rate: Rate | None = None
    monthly_rate: Rate | None = None
    is_covered: bool | None = None
    has_ev_charging: bool | None = None
    has_security: bool | None = None
    has_lighting: bool | None = None
    is_handicap_accessible: bool | None = None
    access_instructions: Paragraph | None = None
    operating_hours: OperatingHours | None = None
    images: Images | None = None
    time_zone: TimeZone | None = None
    currency: Currency | None = None
    cancellation_policy: CancellationPolicy | None = None
    is_available: bool | None = None

    _not_null = field_validator(
        *("title", "spot_type", "vehicle_size", "address", "city", "prefecture", "zip_code", "country"),
        *("latitude", "longitude", "hourly_rate", "is_covered", "has_ev_charging", "has_security", "has_lighting"),
        *("is_handicap_accessible", "images", "time_zone", "currency", "cancellation_policy"),
        "is_available",
        mode="before",
    )(not_null)


class SpotOut(Wire):
    """A spot in full. `access_instructions` are for the owner and for a renter whose booking is near or running."""

    model_config = ConfigDict(title="Spot", json_schema_extra={"examples": [SPOT]})

    id: UUID
    owner_id: UUID
    title: str
    description: str | None
    spot_type: SpotType
    vehicle_size: VehicleSize
    address: str
    city: str
    prefecture: str
    zip_code: str
    country: str
    latitude: float
    longitude: float
    hourly_rate: Cents
    daily_rate: Cents | None
    monthly_rate: Cents | None
    currency: str
    is_covered: bool
    has_ev_charging: bool
    has_security: bool
    has_lighting: bool
    is_handicap_accessible: bool
    access_instructions: str | None
    operating_hours: OperatingHours | None
    images: list[str]
    time_zone: str
    cancellation_policy: CancellationPolicy
    is_active: bool
    is_available: bool
    total_bookings: int
    average_rating: float
    total_reviews: int
    created_at: Instant
    updated_at: Instant

    @classmethod
    def of(cls, spot: Spot, *, with_instructions: bool) -> "SpotOut":
        shown = {name: getattr(spot, name) for name in cls.model_fields if name not in COUNTED}
        counted = {name: getattr(spot.stats, name) for name in COUNTED}
        if not with_instructions:
            shown["access_instructions"] = None
        return cls.model_validate(shown | counted)


COUNTED = {"total_bookings", "average_rating", "total_reviews"}


class SpotItem(Wire):
    """A spot in a list. `distance_km`, great-circle, where a place was given."""

    id: UUID
    title: str
    address: str
    city: str
    prefecture: str
    latitude: float
    longitude: float
    hourly_rate: Cents
    daily_rate: Cents | None
    monthly_rate: Cents | None
    currency: str
    spot_type: SpotType
    vehicle_size: VehicleSize
    is_covered: bool
    has_ev_charging: bool
    has_security: bool
    has_lighting: bool
    is_handicap_accessible: bool
    is_available: bool
    average_rating: float
    total_reviews: int
    images: list[str]
    distance_km: float | None = None

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{name: SPOT[name] for name in __annotations__ if name in SPOT} | {"distance_km": 0.42}]
        }
    )


class SlotIn(Wire):
    """A time of a weekday (0 is Monday), or of one date: exactly one of the two. An end of 00:00 is the day's end."""

    model_config = ConfigDict(json_schema_extra={"examples": [SLOT_IN]})

    day_of_week: Annotated[int, Field(ge=0, le=6), NoBoolean] | None = None
    specific_date: DateOnly | None = None
    start_time: TimeOfDay
    end_time: TimeOfDay
    is_available: bool = True

    @field_validator("end_time")
    @classmethod
    def _ends_after_it_starts(cls, end: time, info: ValidationInfo) -> time:
        first, last = slot_minutes(info.data.get("start_time", time()), end)
        if first >= last:
            raise ValueError("must lie after start_time, or be 00:00 for the end of the day")
        return end

    @model_validator(mode="after")
    def _has_one_day(self) -> "SlotIn":
        if (self.day_of_week is None) == (self.specific_date is None):
            raise ValueError("Send either day_of_week or specific_date, not both.")
        return self

    def slot_of(self, spot_id: UUID) -> AvailabilitySlot:
        first, last = slot_minutes(self.start_time, self.end_time)
        return AvailabilitySlot(
            spot_id=spot_id,
            day_of_week=self.day_of_week,
            specific_date=self.specific_date,
            start_minute=first,
            end_minute=last,
            is_available=self.is_available,
        )


class SlotOut(Wire):
    model_config = ConfigDict(
        title="AvailabilitySlot",
        json_schema_extra={
            "examples": [
                {
                    "id": "0198c0de-7a10-7000-8000-000000000003",
                    "parking_spot_id": SPOT_ID,
                    "specific_date": None,
                    **SLOT_IN,
                }
            ]
        },
    )

    id: UUID
    parking_spot_id: UUID
    day_of_week: int | None
    specific_date: date | None
    start_time: TimeOfDay
    end_time: TimeOfDay
    is_available: bool

    @classmethod
    def of(cls, slot: AvailabilitySlot) -> "SlotOut":
        return cls(
            id=slot.id,
            parking_spot_id=slot.spot_id,
            day_of_week=slot.day_of_week,
            specific_date=slot.specific_date,
            start_time=time_of(slot.start_minute),
            end_time=time_of(slot.end_minute),
            is_available=slot.is_available,
        )
