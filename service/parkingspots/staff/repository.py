"""SQL of the audit log."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.kit.audit import AuditEntry
from parkingspots.kit.paging import Page, newest


async def acts(
    session: AsyncSession, actor_id: UUID | None, subject_id: UUID | None, page: Page
) -> Sequence[AuditEntry]:
    """Acts of staff, newest first; those of the page and one more, where there is one."""
    query = select(AuditEntry)
    if actor_id is not None:
        query = query.where(AuditEntry.actor_id == actor_id)
    if subject_id is not None:
        query = query.where(AuditEntry.subject_id == subject_id)
    return (await session.scalars(newest(query, AuditEntry.id, page))).all()
