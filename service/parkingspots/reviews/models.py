"""Tables: reviews, and who found them helpful."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ColumnElement, Float, ForeignKey, Index, SmallInteger, cast, desc, func, text
from sqlalchemy.orm import InstrumentedAttribute, Mapped, mapped_column, relationship

from parkingspots.accounts.models import User
from parkingspots.kit.tables import Base, Identified
from parkingspots.spots.models import Spot

RATINGS = ("overall_rating", "cleanliness_rating", "accessibility_rating", "accuracy_rating", "value_rating")


class Review(Identified, Base):
    """What the renter of a completed booking thinks of the spot; 1 to 5 stars each.

    `updated_at` is when its author or the spot's owner last wrote; a vote leaves it as it is. One that staff has
    removed is shown to nobody, and stays so that its booking is not reviewed again.
    """

    __tablename__ = "reviews"

    booking_id: Mapped[UUID] = mapped_column(ForeignKey("bookings.id"), unique=True)
    spot_id: Mapped[UUID] = mapped_column(ForeignKey("spots.id"))
    reviewer_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    overall_rating: Mapped[int] = mapped_column(SmallInteger)
    cleanliness_rating: Mapped[int | None] = mapped_column(SmallInteger)
    accessibility_rating: Mapped[int | None] = mapped_column(SmallInteger)
    accuracy_rating: Mapped[int | None] = mapped_column(SmallInteger)
    value_rating: Mapped[int | None] = mapped_column(SmallInteger)
    title: Mapped[str | None]
    comment: Mapped[str | None]
    owner_response: Mapped[str | None]
    owner_responded_at: Mapped[datetime | None]
    helpful_count: Mapped[int] = mapped_column(server_default=text("0"))
    removed_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())

    reviewer: Mapped[User] = relationship(lazy="raise")
    spot: Mapped[Spot] = relationship(lazy="raise")

    @classmethod
    def is_shown(cls) -> ColumnElement[bool]:
        return cls.removed_at.is_(None)

    @staticmethod
    def average(rating: InstrumentedAttribute[Any]) -> ColumnElement[float]:
        """The mean of a rating to two decimals, as it is shown everywhere; null where there is none."""
        return cast(func.round(func.avg(rating), 2), Float(53))

    __table_args__ = (
        CheckConstraint(" AND ".join(f"{rating} BETWEEN 1 AND 5" for rating in RATINGS), name="ratings"),
        Index("ix_reviews_spot", "spot_id", desc("created_at"), desc("id")),
    )


class ReviewVote(Base):
    """That somebody found a review helpful."""

    __tablename__ = "review_votes"

    review_id: Mapped[UUID] = mapped_column(ForeignKey("reviews.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True, index=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
