"""The log of what changed: its table, and how a process reads it.

Triggers write it in the transaction of the change itself. Transactions do not commit in the order of their ids, so what
a look has seen is said by its snapshot, and the next one reads what that did not show.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Identity, Index, delete, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from parkingspots.kit.footprints import Change, Kind
from parkingspots.kit.tables import Base, Word, one_of


class ChangeRow(Base):
    """One thing that changed: where it is, when it was created, which time it takes."""

    __tablename__ = "changes"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    xid: Mapped[int] = mapped_column(server_default=text("pg_current_xact_id()::text::bigint"))
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    kind: Mapped[Kind] = mapped_column(Word(Kind))
    subject_id: Mapped[UUID | None]
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    born: Mapped[datetime | None]
    starts: Mapped[datetime | None]
    ends: Mapped[datetime | None]

    __table_args__ = (one_of("kind", Kind), Index("ix_changes_xid", "xid"), Index("ix_changes_at", "at"))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Which transactions a look has seen: those before `next` but for the ones that were `running`."""

    text: str
    """PostgreSQL's pg_snapshot, `xmin:xmax:xip,…` (manual, 9.28)."""
    next: int
    running: frozenset[int]

    @classmethod
    def of(cls, text: str) -> "Snapshot":
        _, following, running = text.split(":")
        return cls(text, int(following), frozenset(map(int, filter(None, running.split(",")))))

    def shows(self, xid: int) -> bool:
        return xid < self.next and xid not in self.running


COLUMNS = """xid, kind, subject_id, latitude, longitude, extract(epoch FROM born)::float8 AS born,
        extract(epoch FROM starts)::float8 AS starts, extract(epoch FROM ends)::float8 AS ends"""
_LOOK = f"""
    SELECT pg_current_snapshot()::text AS snapshot, extract(epoch FROM clock_timestamp())::float8 AS now, {COLUMNS}
    FROM (VALUES (1)) AS one LEFT JOIN changes ON """  # noqa: S608 - our own columns
LOOK = f"""{_LOOK} xid >= pg_snapshot_xmin($1::text::pg_snapshot)::text::bigint
        AND NOT pg_visible_in_snapshot(xid::text::xid8, $1::text::pg_snapshot)"""
"""What has changed since the snapshot $1; at least one row, whose `xid` is null where nothing has."""
FIRST_LOOK = f"{_LOOK} at > clock_timestamp() - make_interval(secs => $1)"
"""As LOOK, for what has changed within the last $1 seconds."""
WHICH_DATABASE = """
    SELECT md5(concat_ws(' ', system_identifier, timeline_id, oid))
    FROM pg_control_system(), pg_control_checkpoint(), pg_database WHERE datname = current_database()
"""
"""The same for every process, and another one after a restore: that has other transactions under the same ids."""
KEPT = text("interval '2 hours'")
"""Longer than an answer is kept and a transaction lasts."""


KINDS = {str(kind): kind for kind in Kind}


def change_of(row: Mapping[str, Any]) -> Change:
    """A row of either look; a kind that a newer release writes may change anything."""
    return Change(
        row["xid"],
        KINDS.get(row["kind"], Kind.EVERYTHING),
        row["subject_id"],
        row["latitude"],
        row["longitude"],
        row["born"] or 0.0,
        row["starts"] or 0.0,
        row["ends"] or 0.0,
    )


async def purge(session: AsyncSession, limit: int) -> int:
    """Delete up to `limit` changes that no process looks at any more; how many there were."""
    old = select(ChangeRow.id).where(ChangeRow.at < func.clock_timestamp() - KEPT).order_by(ChangeRow.at).limit(limit)
    old = old.with_for_update(skip_locked=True)
    deleted = await session.scalars(delete(ChangeRow).where(ChangeRow.id.in_(old)).returning(ChangeRow.id))
    return len(deleted.all())
