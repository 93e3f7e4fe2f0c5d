"""SQL of the audit log."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots.kit.audit import AuditEntry
from parkingspots.kit.paging import Page


async def acts(
    session: AsyncSession, actor_id: UUID | None, subject_id: UUID | None, page: Page
) -> Sequence[AuditEntry]:
    """Acts of staff, newest first; those of the page and one more, where there is one."""
    query = select(AuditEntry)
    if actor_id is not None:
        query = query.where(AuditEntry.actor_id == actor_id)
    if subject_id is not None:
        query = query.where(AuditEntry.subject_id == subject_id)
    if page.after is not None:
        query = query.where(AuditEntry.id < page.after[0])
    query = query.order_by(AuditEntry.id.desc()).offset(page.offset).limit(page.fetch)
    return (await session.scalars(query)).all()
