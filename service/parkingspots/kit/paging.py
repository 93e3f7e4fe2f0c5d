"""Lists in pages: page and page_size as ever, or a keyset cursor that travels in the Link header (RFC 8288)."""

import base64
import binascii
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from sqlalchemy import Select, tuple_
from sqlalchemy.orm import QueryableAttribute

from parkingspots.kit.problems import Invalid

MOST = 200
DEEPEST_OFFSET = 10_000
"""Rows that OFFSET may skip, each of which costs what a shown one does; a cursor has no such limit."""
HIGHEST_PAGE = DEEPEST_OFFSET + 1
Row = TypeVar("Row")
Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is asked for: `size` rows from `offset`, or those behind the key `after`."""

    size: int
    offset: int = 0
    after: Key | None = None

    @property
    def fetch(self) -> int:
        """One row more than is answered tells whether there is a next page."""
        return self.size + 1


def asked(page: int, size: int, cursor: str | None, key: Callable[[list[Any]], Key]) -> Page:
    """The page that a client asked for; `key` reads a cursor's parts. Raises Invalid for a cursor that is not ours."""
    if cursor is None and (page - 1) * size > DEEPEST_OFFSET:
        raise Invalid.parameter("page", f"reaches {DEEPEST_OFFSET} rows deep at most; follow the Link header further")
    if cursor is None:
        return Page(size, offset=(page - 1) * size)
    return Page(size, after=_key_of(cursor, key))


def by_age(parts: list[Any]) -> Key:
    """The key of a list that is ordered by `created_at`, then by id; ValueError or its like where it is none."""
    created_at, row_id = parts
    moment = datetime.fromisoformat(created_at)
    if moment.tzinfo is None:
        raise ValueError("a moment has an offset")
    return moment.astimezone(UTC), UUID(row_id)


def by_id(parts: list[Any]) -> Key:
    """The key of a list that is ordered by id alone; ids are time-ordered."""
    (row_id,) = parts
    return (UUID(row_id),)


def newest(query: Select[Row], row_id: QueryableAttribute[UUID], page: Page) -> Select[Row]:
    """The rows of the page and one more, where there is one, of a list that is ordered by id alone, newest first."""
    if page.after is not None:
        query = query.where(row_id < page.after[0])
    return query.order_by(row_id.desc()).offset(page.offset).limit(page.fetch)


def newest_by_age(
    query: Select[Row], created_at: QueryableAttribute[datetime], row_id: QueryableAttribute[UUID], page: Page
) -> Select[Row]:
    """As `newest`, of a list that is ordered by age, then by id; see `by_age`."""
    if page.after is not None:
        query = query.where(tuple_(created_at, row_id) < page.after)
    return query.order_by(created_at.desc(), row_id.desc()).offset(page.offset).limit(page.fetch)


def cut(page: Page, rows: Sequence[Row], key: Callable[[Row], Key]) -> tuple[list[Row], str | None]:
    """The rows to answer out of those fetched, and the cursor of the next page, where there is one."""
    answered = list(rows[: page.size])
    return answered, _cursor(key(answered[-1])) if len(rows) > page.size else None


def next_page(path: str, cursor: str | None, parameters: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The Link header, where there is a next page: a relative reference, so no header of the client's gets into it."""
    if cursor is None:
        return {}
    kept = [(name, value) for name, value in parameters if name not in {"page", "cursor"}]
    query = urlencode([*kept, ("cursor", cursor)], errors="replace")
    return {"Link": f'<{path}?{query}>; rel="next"'}


async def every(fetch: Callable[[Page], Awaitable[Sequence[Row]]], key: Callable[[Row], Key]) -> AsyncIterator[Row]:
    """All rows of a list, fetched a page at a time, so that no list is too long to be taken home."""
    page, more = Page(MOST), True
    while more:
        fetched = await fetch(page)
        rows, more = fetched[: page.size], len(fetched) > page.size
        for row in rows:
            yield row
        page = Page(MOST, after=key(rows[-1]) if rows else None)


def _cursor(key: Key) -> str:
    text = json.dumps([str(part) if not isinstance(part, float) else part for part in key])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _key_of(cursor: str, key: Callable[[list[Any]], Key]) -> Key:
    try:
        return key(json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))))
    except (ValueError, TypeError, AttributeError, OverflowError, binascii.Error, RecursionError):
        raise Invalid.parameter("cursor", "is not a cursor of this list; take it from the Link header") from None
