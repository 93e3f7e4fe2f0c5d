"""What lists of spots rest on."""

from collections.abc import Sequence

from asyncpg import Record

from parkingspots.kit.footprints import Area, Listed, Span
from parkingspots.spots.queries import Asked
from parkingspots.spots.rules import box_around, ground_km
from parkingspots.spots.search import Place

MARGIN_KM = 0.01
"""More than distances are rounded by."""


def footprint(asked: Asked, found: Sequence[Record]) -> Listed:
    """Of the list that `found` is the page of, with one row more where there is a next page.

    A full page rests on nothing beyond its last row: what is farther, or older, comes behind it whatever becomes of it.
    """
    last = found[-1] if len(found) == asked.page.fetch else None
    window = Span(asked.window.start.timestamp(), asked.window.end.timestamp()) if asked.window else None
    if asked.place is not None:
        return Listed(_area(asked.place, last), None, window)
    return Listed(None, last["created_at"].timestamp() if last else None, window)


def _area(place: Place, last: Record | None) -> Area:
    reach = place.radius_km if last is None else ground_km(last["chord"]) + MARGIN_KM
    box = box_around(place.latitude, place.longitude, reach)
    return Area(box.south, box.north, box.west, box.east)
