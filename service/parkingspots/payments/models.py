"""Tables: payments, refunds, payouts, connected accounts, Stripe's events."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, desc, false, text
from sqlalchemy.orm import Mapped, mapped_column

from parkingspots.bookings.rules import PaymentStatus
from parkingspots.kit.tables import Base, Identified, Stamped, Word, one_of
from parkingspots.payments.rules import DisputeStatus, PayoutStatus, RefundStatus

NONE = text("0")


class Payment(Identified, Stamped, Base):
    """What a renter pays for a booking, once; minor units. `look_at` is when the job has to look at it again."""

    __tablename__ = "payments"

    booking_id: Mapped[UUID] = mapped_column(ForeignKey("bookings.id"))
    payer_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    amount: Mapped[int]
    owner_amount: Mapped[int]
    """What the owner gets of it."""
    currency: Mapped[str]
    status: Mapped[PaymentStatus] = mapped_column(Word(PaymentStatus))
    intent_id: Mapped[str | None]
    charge_id: Mapped[str | None]
    payment_method: Mapped[str | None]
    card_brand: Mapped[str | None]
    last_four: Mapped[str | None]
    failure: Mapped[str | None]
    paid_at: Mapped[datetime | None]
    refunded_amount: Mapped[int] = mapped_column(server_default=NONE)
    dispute_id: Mapped[str | None]
    """The last that was heard of."""
    dispute_status: Mapped[DisputeStatus | None] = mapped_column(Word(DisputeStatus))
    """The heaviest of all."""
    look_at: Mapped[datetime | None]
    looks: Mapped[int] = mapped_column(server_default=NONE)

    __table_args__ = (
        UniqueConstraint("booking_id"),
        UniqueConstraint("intent_id"),
        one_of("status", PaymentStatus),
        one_of("dispute_status", DisputeStatus),
        CheckConstraint(
            "0 <= owner_amount AND owner_amount <= amount AND 0 <= refunded_amount AND refunded_amount <= amount",
            name="amounts",
        ),
        Index("ix_payments_payer", "payer_id", desc("created_at"), desc("id")),
        Index("ix_payments_updated_at", "updated_at", "id"),
        Index("ix_payments_to_look_at", "look_at", "id", postgresql_where=text("look_at IS NOT NULL")),
    )


class Refund(Identified, Stamped, Base):
    """A part of a payment that goes back, once for each cause. `act_at` is when it is tried (again)."""

    __tablename__ = "refunds"

    payment_id: Mapped[UUID] = mapped_column(ForeignKey("payments.id"))
    cause: Mapped[str]
    amount: Mapped[int]
    owner_amount: Mapped[int]
    """What the owner bears of it."""
    reason: Mapped[str | None]
    status: Mapped[RefundStatus] = mapped_column(Word(RefundStatus))
    stripe_id: Mapped[str | None]
    refunded_at: Mapped[datetime | None]
    refusals: Mapped[int] = mapped_column(server_default=NONE)
    failure: Mapped[str | None]
    reversal_amount: Mapped[int] = mapped_column(server_default=NONE)
    """What has to come back of a payout that was made before."""
    reversal_id: Mapped[str | None]
    act_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(server_default=NONE)
    tell_at: Mapped[datetime | None]
    """When the renter is written to (again)."""
    tells: Mapped[int] = mapped_column(server_default=NONE)

    __table_args__ = (
        UniqueConstraint("payment_id", "cause"),
        UniqueConstraint("stripe_id"),
        one_of("status", RefundStatus),
        CheckConstraint("0 < amount AND 0 <= owner_amount AND owner_amount <= amount", name="amounts"),
        Index("ix_refunds_to_act_on", "act_at", "id", postgresql_where=text("act_at IS NOT NULL")),
        Index("ix_refunds_to_tell", "tell_at", "id", postgresql_where=text("tell_at IS NOT NULL")),
    )


class Disputed(Stamped, Base):
    """A dispute of a payment, of which there may be several."""

    __tablename__ = "disputes"

    id: Mapped[str] = mapped_column(primary_key=True)
    payment_id: Mapped[UUID] = mapped_column(ForeignKey("payments.id"))
    amount: Mapped[int]
    status: Mapped[DisputeStatus] = mapped_column(Word(DisputeStatus))

    __table_args__ = (one_of("status", DisputeStatus), Index("ix_disputes_payment_id", "payment_id"))


class Payout(Identified, Stamped, Base):
    """What the owner of a spot gets for a booking, once it is over."""

    __tablename__ = "payouts"

    payment_id: Mapped[UUID] = mapped_column(ForeignKey("payments.id"))
    booking_id: Mapped[UUID] = mapped_column(ForeignKey("bookings.id"))
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    amount: Mapped[int]
    currency: Mapped[str]
    status: Mapped[PayoutStatus] = mapped_column(Word(PayoutStatus))
    transfer_id: Mapped[str | None]
    processed_at: Mapped[datetime | None]
    reversed_amount: Mapped[int] = mapped_column(server_default=NONE)
    refusals: Mapped[int] = mapped_column(server_default=NONE)
    failure: Mapped[str | None]
    is_in_doubt: Mapped[bool] = mapped_column(server_default=false())
    """A transfer was asked for of which nothing was heard: it may have been made."""
    act_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(server_default=NONE)

    __table_args__ = (
        UniqueConstraint("payment_id"),
        UniqueConstraint("transfer_id"),
        one_of("status", PayoutStatus),
        CheckConstraint("0 <= amount AND 0 <= reversed_amount AND reversed_amount <= amount", name="amounts"),
        Index("ix_payouts_owner", "owner_id", desc("created_at"), desc("id")),
        Index("ix_payouts_to_act_on", "act_at", "id", postgresql_where=text("act_at IS NOT NULL")),
    )


class Connected(Stamped, Base):
    """An owner's account at Stripe, to which payouts go."""

    __tablename__ = "connected_accounts"

    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    account_id: Mapped[str | None]
    country: Mapped[str]
    business_type: Mapped[str]
    takes_payouts: Mapped[bool] = mapped_column(server_default=false())

    __table_args__ = (UniqueConstraint("account_id"),)


class Event(Base):
    """An event of Stripe's: that something happened to `subject_id`, which is then looked up, as events come late."""

    __tablename__ = "stripe_events"

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    subject_id: Mapped[str | None]
    created: Mapped[datetime]
    received_at: Mapped[datetime]
    handled_at: Mapped[datetime | None]
    parked_at: Mapped[datetime | None]
    act_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(server_default=NONE)
    failure: Mapped[str | None]

    __table_args__ = (
        Index("ix_stripe_events_to_act_on", "act_at", "id", postgresql_where=text("act_at IS NOT NULL")),
        Index("ix_stripe_events_parked", "parked_at", postgresql_where=text("parked_at IS NOT NULL")),
        Index("ix_stripe_events_received_at", "received_at"),
    )
