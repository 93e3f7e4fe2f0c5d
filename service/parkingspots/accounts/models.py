"""Tables: users, sessions, one-time tokens."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, ForeignKey, Index, SQLColumnExpression, false, func, literal_column, true
from sqlalchemy.orm import Mapped, mapped_column

from parkingspots.accounts.rules import Purpose, Role
from parkingspots.kit.tables import Base, Identified, Stamped, Word, one_of


def lowered(email: SQLColumnExpression[str]) -> ColumnElement[str]:
    """Without regard to case by PostgreSQL's own rules, whatever the database's locale: Turkish has another i."""
    return func.lower(email.collate("pg_c_utf8"))


def over_at(ended_at: SQLColumnExpression[Any], expires_at: SQLColumnExpression[Any]) -> ColumnElement[datetime]:
    """When a session is over: LEAST passes over a NULL, that of one which nobody has ended."""
    return func.least(ended_at, expires_at)


class User(Identified, Stamped, Base):
    """A person. A deleted one stays as a row without personal data, as bookings refer to it."""

    __tablename__ = "users"

    email: Mapped[str]
    password_hash: Mapped[str]
    full_name: Mapped[str]
    phone_number: Mapped[str | None]
    role: Mapped[Role] = mapped_column(Word(Role))
    is_active: Mapped[bool] = mapped_column(server_default=true())
    is_verified: Mapped[bool] = mapped_column(server_default=false())
    profile_image: Mapped[str | None]
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    disabled_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]

    __table_args__ = (one_of("role", Role), Index("uq_users_email", lowered(literal_column("email")), unique=True))


class Session(Identified, Base):
    """A signed-in client: one family of refresh tokens, of which only the newest (`token_id`) is good.

    `address` and `user_agent` are those of the client that got the newest one; `signed_in_from` is the address at which
    somebody gave the password.
    """

    __tablename__ = "sessions"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    token_id: Mapped[UUID]
    previous_token_id: Mapped[UUID | None]
    signed_in_from: Mapped[str | None]
    address: Mapped[str | None]
    user_agent: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    refreshed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_sessions_over_at", over_at(literal_column("ended_at"), literal_column("expires_at"))),)


class OneTimeToken(Identified, Base):
    """A token that was sent to `email`, of which only the SHA-256 digest is kept."""

    __tablename__ = "one_time_tokens"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    purpose: Mapped[Purpose] = mapped_column(Word(Purpose))
    email: Mapped[str]
    digest: Mapped[bytes] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]

    __table_args__ = (one_of("purpose", Purpose),)
