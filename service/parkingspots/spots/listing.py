"""The answer to both searches, as their endpoints give it and as the cache asks for it: one function for both."""

from fastapi import Response

from parkingspots.kit import paging
from parkingspots.kit.database import Database
from parkingspots.kit.freshness import RestsOn
from parkingspots.spots import search, service
from parkingspots.spots.footprints import footprint
from parkingspots.spots.items import items
from parkingspots.spots.queries import Asked


async def listing(database: Database, asked: Asked, path: str, rests: RestsOn) -> Response:
    """The page of SpotItems that is asked for at `path`; what it rests on is said to `rests`."""
    async with database.raw() as connection:
        found = await service.search(connection, asked.wishes, asked.place, asked.window, asked.page)
    rests.footprint = footprint(asked, found)
    rows, cursor = paging.cut(asked.page, found, search.key)
    link = paging.next_page(path, cursor, asked.pairs())
    return Response(items(rows), media_type="application/json", headers=link)
