"""The log of what changed: its table, and how a process reads it.

Triggers write it in the transaction of the change itself. Transactions do not commit in the order of their ids, so what
a look has seen is said by its snapshot, and the next one reads what that did not show.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from asyncpg import Record
from sqlalchemy import ARRAY, ColumnElement, Identity, Index, Uuid, func, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from parkingspots.kit import job_runs
from parkingspots.kit.footprints import Change, Kind
from parkingspots.kit.job_runs import Due
from parkingspots.kit.purging import delete_batch
from parkingspots.kit.tables import Base, Word, one_of


class ChangeRow(Base):
    """One thing that changed: where it is, when it was created, which time it takes."""

    __tablename__ = "changes"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    xid: Mapped[int] = mapped_column(server_default=text("pg_current_xact_id()::text::bigint"))
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    kind: Mapped[Kind] = mapped_column(Word(Kind))
    subject_id: Mapped[UUID | None]
    subjects: Mapped[list[UUID] | None] = mapped_column(ARRAY(Uuid))
    """Spots whose pages alone have changed; `subject_id` is empty then, and the kind everything."""
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

    def up_to(self, highest: int) -> "Snapshot":
        """Of the transactions that the log names alone: ids of others are given again after a crash."""
        following = min(self.next, highest + 1)
        running = sorted(xid for xid in self.running if xid < following)
        return Snapshot.of(f"{running[0] if running else following}:{following}:{','.join(map(str, running))}")

    def shows(self, xid: int) -> bool:
        return xid < self.next and xid not in self.running


MOST_AT_ONCE = 2_000
"""Changes that one look takes in, in some milliseconds; where there are more, everything counts as changed."""
MOST_SUBJECTS_AT_ONCE = 20_000
"""Spots that they may name all together; where they name more, none is told, and everything counts as changed."""
WHICH_DATABASE = """md5(concat_ws(' ', (SELECT system_identifier FROM pg_control_system()),
        substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8),
        (SELECT oid FROM pg_database WHERE datname = current_database())))"""
"""The same for every process, another after a restore or a failover (the WAL's timeline): those have other transactions
under the same ids."""


def _look(which: str) -> str:
    """At least one row, whose `xid` is null where there is no change."""
    return f"""
        SELECT pg_current_snapshot()::text AS snapshot, {WHICH_DATABASE} AS database,
            coalesce((SELECT max(xid) FROM changes), 0) AS highest,
            extract(epoch FROM clock_timestamp())::float8 AS now, found.*
        FROM (VALUES (1)) AS one LEFT JOIN (
            SELECT xid, kind, subject_id, latitude, longitude, extract(epoch FROM born)::float8 AS born,
                extract(epoch FROM starts)::float8 AS starts, extract(epoch FROM ends)::float8 AS ends,
                CASE WHEN sum(cardinality(subjects)) OVER () <= {MOST_SUBJECTS_AT_ONCE} THEN subjects END AS subjects
            FROM (SELECT * FROM changes WHERE {which} LIMIT {MOST_AT_ONCE + 1}) AS looked
        ) AS found ON true"""  # noqa: S608 - our own words


LOOK = _look("""xid >= pg_snapshot_xmin($1::text::pg_snapshot)::text::bigint
                AND NOT pg_visible_in_snapshot(xid::text::xid8, $1::text::pg_snapshot)""")
"""What has changed since the snapshot $1. Planned while the log was small, it would read all of it once that is large:
whoever looks has switched that off."""
FIRST_LOOK = _look("at > now() - make_interval(secs => $1)")
"""What has changed within the last $1 seconds."""
KEPT = timedelta(hours=2)
"""Longer than an answer is kept and a transaction lasts."""


KINDS = {str(kind): kind for kind in Kind}


def change_of(row: Record) -> Change:
    """A row of either look; a kind that a newer release writes may change anything."""
    if row["subjects"] and row["kind"] == Kind.EVERYTHING:  # so called for releases that do not read the names
        return Change(row["xid"], Kind.PAGE, tuple(row["subjects"]))
    return Change(
        row["xid"],
        KINDS.get(row["kind"], Kind.EVERYTHING),
        () if row["subject_id"] is None else (row["subject_id"],),
        row["latitude"],
        row["longitude"],
        row["born"] or 0.0,
        row["starts"] or 0.0,
        row["ends"] or 0.0,
    )


def _is_old() -> ColumnElement[bool]:
    return ChangeRow.at < func.now() - KEPT


async def to_purge(session: AsyncSession) -> Due:
    return await job_runs.due(session, ChangeRow.at + KEPT, _is_old())


async def purge(session: AsyncSession, limit: int) -> int:
    """Delete up to `limit` changes that no process looks at any more; how many there were."""
    return await delete_batch(session, [ChangeRow.id], ChangeRow.at, _is_old(), limit=limit)
