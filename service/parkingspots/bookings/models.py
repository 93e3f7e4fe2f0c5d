"""Table: bookings."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    desc,
    func,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from parkingspots.bookings.rules import HOLDING, PaymentStatus, Status
from parkingspots.kit.tables import Base, Identified, Stamped, Word, one_of
from parkingspots.spots.models import Spot
from parkingspots.spots.rules import CancellationPolicy

HOLDS_ITS_SLOT = "status IN ({})".format(", ".join(f"'{status}'" for status in Status if status in HOLDING))


class Booking(Identified, Stamped, Base):
    """A spot taken by a renter for [start_time, end_time); amounts in minor units of `currency`."""

    __tablename__ = "bookings"

    spot_id: Mapped[UUID] = mapped_column(ForeignKey("spots.id"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    start_time: Mapped[datetime]
    end_time: Mapped[datetime]
    status: Mapped[Status] = mapped_column(Word(Status))
    payment_status: Mapped[PaymentStatus] = mapped_column(Word(PaymentStatus))
    total_amount: Mapped[int]
    service_fee: Mapped[int]
    owner_payout: Mapped[int]
    currency: Mapped[str]
    vehicle_plate: Mapped[str | None]
    vehicle_make: Mapped[str | None]
    vehicle_model: Mapped[str | None]
    vehicle_color: Mapped[str | None]
    special_requests: Mapped[str | None]
    payment_intent_id: Mapped[str | None]
    cancellation_reason: Mapped[str | None]
    checked_in_at: Mapped[datetime | None]
    checked_out_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    cancellation_policy: Mapped[CancellationPolicy] = mapped_column(
        Word(CancellationPolicy), server_default=CancellationPolicy.FLEXIBLE
    )
    refund_amount: Mapped[int | None]
    """What the cancellation gives back."""
    receipt: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))

    spot: Mapped[Spot] = relationship(lazy="raise")

    @classmethod
    def is_live(cls, now: datetime | None = None) -> ColumnElement[bool]:
        """That the booking holds its slot; with `now`, that it is no unpaid hold whose time is over either.

        In literals, as the exclusion constraint's index says it: a plan for any parameters could not use that.
        """
        holding = cls.status.in_([literal_column(f"'{status}'") for status in Status if status in HOLDING])
        return holding if now is None else holding & func.coalesce(cls.expires_at > now, True)

    @classmethod
    def is_good(cls) -> ColumnElement[bool]:
        """That the booking is confirmed or running."""
        return cls.status.in_(HOLDING - {Status.PENDING})

    @classmethod
    def overlaps(cls, start: datetime, end: datetime) -> ColumnElement[bool]:
        """That the booking shares time with [start, end); in the exclusion constraint's words, whose index answers."""
        taken = func.tstzrange(cls.start_time, cls.end_time, literal_column("'[)'"))
        return taken.op("&&", return_type=Boolean())(func.tstzrange(start, end, literal_column("'[)'")))

    __table_args__ = (
        one_of("status", Status),
        one_of("payment_status", PaymentStatus),
        one_of("cancellation_policy", CancellationPolicy),
        CheckConstraint("refund_amount BETWEEN 0 AND total_amount", name="refund_amount"),
        CheckConstraint("start_time < end_time", name="window"),
        CheckConstraint(
            "total_amount = owner_payout + service_fee AND service_fee >= 0 AND owner_payout >= 0",
            name="amounts",
        ),
        CheckConstraint("(status = 'pending') = (expires_at IS NOT NULL)", name="hold"),
        # The backstop against double booking, and the index of every overlap test.
        ExcludeConstraint(
            ("spot_id", "="),
            (func.tstzrange(literal_column("start_time"), literal_column("end_time"), text("'[)'")), "&&"),
            where=text(HOLDS_ITS_SLOT),
            using="gist",
            name="ex_bookings_slot",
        ),
        Index("ix_bookings_renter", "user_id", desc("created_at"), desc("id")),
        Index("ix_bookings_owner", "owner_id", desc("created_at"), desc("id")),
        Index("ix_bookings_to_start", "start_time", "id", postgresql_where=text("status = 'confirmed'")),
        Index(
            "ix_bookings_to_complete",
            "end_time",
            "id",
            postgresql_where=text("status IN ('confirmed', 'in_progress')"),
        ),
        Index("ix_bookings_to_expire", "expires_at", "id", postgresql_where=text("status = 'pending'")),
    )


class RefundDue(Base):
    """A cancelled booking whose payment has to be asked for what goes back; gone when it has been."""

    __tablename__ = "refunds_due"

    booking_id: Mapped[UUID] = mapped_column(ForeignKey("bookings.id"), primary_key=True)
    amount: Mapped[int]
