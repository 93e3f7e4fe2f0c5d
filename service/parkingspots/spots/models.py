"""Tables: spots, their counters, their availability slots."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    ColumnElement,
    Computed,
    Date,
    Float,
    ForeignKey,
    Index,
    SmallInteger,
    Text,
    desc,
    false,
    func,
    literal_column,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import Mapped, mapped_column, relationship
from sqlalchemy.types import UserDefinedType

from parkingspots.kit.tables import Base, Identified, Stamped, Word, one_of
from parkingspots.spots.rules import CancellationPolicy, SpotType, VehicleSize


class Cube(UserDefinedType[Any]):
    """A point on the unit sphere: PostgreSQL's cube, whose GiST gives both radius and nearest-first."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:  # noqa: ANN401 - SQLAlchemy's signature
        return "cube"

    def bind_processor(self, dialect: Dialect) -> None:  # noqa: ARG002 - points are made by SQL
        return None


ON_THE_UNIT_SPHERE = (
    "cube(ARRAY[cos(radians(latitude)) * cos(radians(longitude)),"
    " cos(radians(latitude)) * sin(radians(longitude)), sin(radians(latitude))])"
)
LISTED = "is_active AND is_available"


class Spot(Identified, Stamped, Base):
    """A place to park. One that was deleted, or disabled by staff, is not active; its row stays for its bookings."""

    __tablename__ = "spots"

    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    title: Mapped[str]
    description: Mapped[str | None]
    spot_type: Mapped[SpotType] = mapped_column(Word(SpotType))
    vehicle_size: Mapped[VehicleSize] = mapped_column(Word(VehicleSize))
    address: Mapped[str]
    city: Mapped[str]
    prefecture: Mapped[str]
    zip_code: Mapped[str]
    country: Mapped[str]
    latitude: Mapped[float] = mapped_column(Float(53))
    longitude: Mapped[float] = mapped_column(Float(53))
    location: Mapped[Any] = mapped_column(Cube, Computed(ON_THE_UNIT_SPHERE, persisted=True), deferred=True)
    words: Mapped[str] = mapped_column(
        Computed(
            "folded(title || ' ' || coalesce(description, '') || ' ' || address || ' ' || city)",
            persisted=True,
        ),
        deferred=True,
    )
    hourly_rate: Mapped[int]
    daily_rate: Mapped[int | None]
    monthly_rate: Mapped[int | None]
    currency: Mapped[str]
    is_covered: Mapped[bool] = mapped_column(server_default=false())
    has_ev_charging: Mapped[bool] = mapped_column(server_default=false())
    has_security: Mapped[bool] = mapped_column(server_default=false())
    has_lighting: Mapped[bool] = mapped_column(server_default=false())
    is_handicap_accessible: Mapped[bool] = mapped_column(server_default=false())
    access_instructions: Mapped[str | None]
    operating_hours: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    images: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    time_zone: Mapped[str]
    cancellation_policy: Mapped[CancellationPolicy] = mapped_column(
        Word(CancellationPolicy), server_default=CancellationPolicy.FLEXIBLE
    )
    is_active: Mapped[bool] = mapped_column(server_default=true())
    is_available: Mapped[bool] = mapped_column(server_default=true())
    disabled_at: Mapped[datetime | None]
    owner_disabled_at: Mapped[datetime | None]

    stats: Mapped["SpotStats"] = relationship(lazy="raise", passive_deletes=True)

    @classmethod
    def is_kept(cls) -> ColumnElement[bool]:
        """That the spot was not deleted: it is active, or staff has disabled it or its owner."""
        return cls.is_active | cls.disabled_at.is_not(None) | cls.owner_disabled_at.is_not(None)

    __table_args__ = (
        one_of("spot_type", SpotType),
        one_of("vehicle_size", VehicleSize),
        one_of("cancellation_policy", CancellationPolicy),
        CheckConstraint("hourly_rate > 0 AND daily_rate > 0 AND monthly_rate > 0", name="rates"),
        CheckConstraint("latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180", name="place"),
        # Raises where PostgreSQL does not know the zone, so that no later search can.
        CheckConstraint("(timestamptz 'epoch' AT TIME ZONE time_zone) IS NOT NULL", name="time_zone"),
        Index(
            "ix_spots_location",
            "location",
            "latitude",
            "longitude",
            postgresql_using="gist",
            postgresql_where=text(LISTED),
        ),
        Index("ix_spots_newest", desc("created_at"), "id", postgresql_where=text(LISTED)),
        Index("ix_spots_owner", "owner_id", desc("created_at"), "id"),
        Index(
            "ix_spots_words",
            "words",
            func.folded(literal_column("city")).label("folded_city"),
            func.folded(literal_column("prefecture")).label("folded_prefecture"),
            postgresql_using="gin",
            postgresql_ops=dict.fromkeys(("words", "folded_city", "folded_prefecture"), "gin_trgm_ops"),
            postgresql_where=text(LISTED),
        ),
    )


class SpotStats(Base):
    """What is counted about a spot, apart from it: no counter takes the lock that a booking waits for."""

    __tablename__ = "spot_stats"

    spot_id: Mapped[UUID] = mapped_column(ForeignKey("spots.id"), primary_key=True)
    total_bookings: Mapped[int] = mapped_column(server_default=text("0"))
    total_reviews: Mapped[int] = mapped_column(server_default=text("0"))
    average_rating: Mapped[float] = mapped_column(Float(53), server_default=text("0"))


class AvailabilitySlot(Identified, Base):
    """A time of a weekday, or of one date, at which a spot is open or closed; minutes of the spot's local day."""

    __tablename__ = "availability_slots"

    spot_id: Mapped[UUID] = mapped_column(ForeignKey("spots.id"))
    day_of_week: Mapped[int | None] = mapped_column(SmallInteger)
    specific_date: Mapped[date | None] = mapped_column(Date)
    start_minute: Mapped[int] = mapped_column(SmallInteger)
    end_minute: Mapped[int] = mapped_column(SmallInteger)
    is_available: Mapped[bool]

    __table_args__ = (
        CheckConstraint("num_nonnulls(day_of_week, specific_date) = 1", name="day"),
        CheckConstraint("day_of_week BETWEEN 0 AND 6", name="day_of_week"),
        CheckConstraint("0 <= start_minute AND start_minute < end_minute AND end_minute <= 1440", name="minutes"),
        Index("ix_availability_slots_spot", "spot_id", "day_of_week", "specific_date"),
    )
