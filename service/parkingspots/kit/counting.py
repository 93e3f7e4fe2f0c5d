"""Counting what a transaction does once it is committed: what was undone has not happened."""

from prometheus_client import Counter
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session, SessionTransaction

TO_COUNT = "to_count"


def counted(session: AsyncSession, counter: Counter, amount: float = 1) -> None:
    """Add `amount` to the counter when the session's transaction is committed, if no savepoint's end undoes it."""
    here = session.sync_session.get_nested_transaction() or session.sync_session.get_transaction()
    session.info.setdefault(TO_COUNT, []).append((here, counter, amount))


@event.listens_for(Session, "after_commit")
def _committed(session: Session) -> None:
    if session.in_nested_transaction():  # a savepoint, which may still be undone
        return
    for _, counter, amount in session.info.pop(TO_COUNT, ()):
        counter.inc(amount)


@event.listens_for(Session, "after_soft_rollback")
def _undone(session: Session, transaction: SessionTransaction) -> None:
    waiting = session.info.pop(TO_COUNT, ())
    session.info[TO_COUNT] = [each for each in waiting if not _is_within(each[0], transaction)]


def _is_within(inner: SessionTransaction | None, outer: SessionTransaction) -> bool:
    while inner is not None and inner is not outer:
        inner = inner.parent
    return inner is outer
