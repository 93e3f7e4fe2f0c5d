"""What is kept of requests that must not be carried out twice; how they are, `idempotency` says."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, ForeignKey, Index, SmallInteger, delete, func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from parkingspots.kit import job_runs
from parkingspots.kit.job_runs import Due
from parkingspots.kit.problems import Conflict, Problem
from parkingspots.kit.purging import delete_batch
from parkingspots.kit.tables import Base

KEPT = timedelta(hours=24)
RUNNING = 102
"""Processing: the status of a claim that was committed ahead, as long as there is no answer."""
ABANDONED = timedelta(minutes=1)
"""After which whoever had such a claim is taken for dead."""


class IdempotencyKey(Base):
    """The answer to a request that must not be carried out twice, kept for a day."""

    __tablename__ = "idempotency_keys"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    route: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[bytes]
    status: Mapped[int] = mapped_column(SmallInteger)
    body: Mapped[bytes]
    created_at: Mapped[datetime]

    __table_args__ = (Index("ix_idempotency_keys_created_at", "created_at"),)


class StillRunning(Conflict):
    title = "Still running"
    detail = "A request with this Idempotency-Key is still being carried out. Send it again in a moment."

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "1"})


class KeyReused(Problem):
    status, title = 422, "Idempotency-Key reused"
    detail = "This Idempotency-Key was sent with another body. Take a new key for a new request."


def _is_over() -> ColumnElement[bool]:
    return IdempotencyKey.created_at <= func.now() - KEPT


async def to_purge(session: AsyncSession) -> Due:
    return await job_runs.due(session, IdempotencyKey.created_at + KEPT, _is_over())


async def purge(session: AsyncSession, batch: int) -> int:
    """Delete up to `batch` answers whose day is over by the database's clock; how many."""
    key = [IdempotencyKey.user_id, IdempotencyKey.route, IdempotencyKey.key]
    return await delete_batch(session, key, IdempotencyKey.created_at, _is_over(), limit=batch)


async def forget(session: AsyncSession, user_id: UUID) -> None:
    """Forget the answers kept for a user who leaves."""
    await session.execute(delete(IdempotencyKey).where(IdempotencyKey.user_id == user_id))
