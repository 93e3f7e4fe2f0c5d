"""Counting what a transaction does once it is committed: what was undone has not happened."""

from typing import Any

from prometheus_client import Counter
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

TO_COUNT = "to_count"


def counted(session: AsyncSession, counter: Counter, amount: float = 1) -> None:
    """Add `amount` to the counter when the session's transaction is committed."""
    session.info.setdefault(TO_COUNT, []).append((counter, amount))


@event.listens_for(Session, "after_commit")
def _committed(session: Session) -> None:
    if session.in_nested_transaction():  # a savepoint, which may still be undone
        return
    for counter, amount in session.info.pop(TO_COUNT, ()):
        counter.inc(amount)


@event.listens_for(Session, "after_soft_rollback")
def _undone(session: Session, _: Any) -> None:  # noqa: ANN401 - SQLAlchemy's event
    session.info.pop(TO_COUNT, None)
