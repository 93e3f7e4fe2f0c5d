"""The log of what staff did: rows are added, in the transaction of the act itself, and never changed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, desc, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from parkingspots.kit.tables import Base, Identified


class AuditEntry(Identified, Base):
    """One act: who did what to which user, spot, booking or review. Without an actor it came from a terminal."""

    __tablename__ = "audit_log"

    at: Mapped[datetime] = mapped_column(server_default=func.now())
    actor_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    action: Mapped[str]
    subject: Mapped[str]
    subject_id: Mapped[UUID]
    reason: Mapped[str | None]
    details: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))

    __table_args__ = (
        Index("ix_audit_log_subject_id", "subject_id", desc("id")),
        Index("ix_audit_log_actor_id", "actor_id", desc("id")),
    )


async def record(
    session: AsyncSession,
    *,
    actor_id: UUID | None,
    action: str,
    subject: str,
    subject_id: UUID,
    reason: str | None = None,
    **details: object,
) -> None:
    """Note an act of staff; it stands in the log if and only if the act itself is committed."""
    session.add(
        AuditEntry(
            actor_id=actor_id,
            action=action,
            subject=subject,
            subject_id=subject_id,
            reason=reason,
            details={name: str(value) for name, value in details.items()},
        )
    )
    await session.flush()
