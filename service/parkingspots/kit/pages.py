"""Pages as endpoints are asked for them, and what their answers say of the list."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from fastapi import Depends, Query, Request, Response

from parkingspots.kit.paging import HIGHEST_PAGE, MOST, Key, Page, asked, next_page

PageNumber = Annotated[int, Query(ge=1, le=HIGHEST_PAGE, description="from 1; `cursor` is the faster way")]
PageSize = Annotated[int | None, Query(ge=1, le=MOST, description="rows a page")]
Limit = Annotated[int | None, Query(ge=1, le=MOST, description="another name for page_size")]
CursorText = Annotated[str | None, Query(max_length=500, description="from the Link header; replaces `page`")]


def by(key: Callable[[list[Any]], Key], default_size: int) -> Any:  # noqa: ANN401 - a FastAPI dependency
    """The dependency of a list whose rows are ordered by `key`."""

    async def page(
        page: PageNumber = 1, page_size: PageSize = None, limit: Limit = None, cursor: CursorText = None
    ) -> Page:
        return asked(page, page_size or limit or default_size, cursor, key)

    return Depends(page)


def link(
    request: Request, response: Response, cursor: str | None, asked_for: Sequence[tuple[str, str]] | None = None
) -> None:
    """Name the next page in the Link header.

    `asked_for` are the parameters in their one form; without them they are repeated as they were sent.
    """
    sent = request.query_params.multi_items() if asked_for is None else asked_for
    response.headers.update(next_page(request.url.path, cursor, sent))


def count(response: Response, rows: int) -> None:
    """Say how many rows the whole list has."""
    response.headers["X-Total-Count"] = str(rows)
