"""Deleting what has been kept long enough, in batches that keep nobody waiting."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, delete, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import QueryableAttribute


async def delete_batch(
    session: AsyncSession,
    key: Sequence[QueryableAttribute[Any]],
    oldest_first: SQLColumnExpression[Any],
    *which: ColumnElement[bool],
    limit: int,
) -> int:
    """Delete up to `limit` rows, passing over what somebody else has locked; how many. `key` is the table's."""
    due = select(*key).where(*which).order_by(oldest_first).limit(limit)
    old = due.with_for_update(skip_locked=True).cte("old")  # looked for once, whatever the plan
    deleted = delete(key[0].class_).where(tuple_(*key).in_(select(old))).returning(key[0])
    return len((await session.scalars(deleted)).all())
