"""Finding spots: one SQL statement from wishes, place and time to the rows of one page."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, cast, exists, func, literal, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY, DOUBLE_PRECISION, array

from parkingspots.bookings.models import Booking
from parkingspots.kit.paging import Key, Page
from parkingspots.spots.models import Spot, SpotStats
from parkingspots.spots.rules import (
    DIAMETER,
    SpotType,
    VehicleSize,
    box_around,
    chord,
    on_the_unit_sphere,
    sizes_that_fit,
)


@dataclass(frozen=True)
class Place:
    """The circle of `radius_km` around a point in degrees."""

    latitude: float
    longitude: float
    radius_km: float


@dataclass(frozen=True)
class Window:
    """[start, end)"""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class Wishes:
    """What a spot must be; None asks for nothing."""

    words: str | None = None
    city: str | None = None
    prefecture: str | None = None
    zip_code: str | None = None
    spot_type: SpotType | None = None
    vehicle_size: VehicleSize | None = None
    max_hourly_rate: int | None = None
    has_ev_charging: bool | None = None
    is_covered: bool | None = None


Columns = tuple[Any, ...]
SHOWN = (
    Spot.id,
    Spot.title,
    Spot.address,
    Spot.city,
    Spot.prefecture,
    Spot.latitude,
    Spot.longitude,
    Spot.hourly_rate,
    Spot.daily_rate,
    Spot.monthly_rate,
    Spot.currency,
    Spot.spot_type,
    Spot.vehicle_size,
    Spot.is_covered,
    Spot.has_ev_charging,
    Spot.has_security,
    Spot.has_lighting,
    Spot.is_handicap_accessible,
    Spot.is_available,
    Spot.images,
    Spot.created_at,
    SpotStats.average_rating,
    SpotStats.total_reviews,
)


def statement(wishes: Wishes, place: Place | None, window: Window | None, page: Page) -> Select[*Columns]:
    """The listed spots that fit: nearest first where a place is given, else newest first; then by id.

    With a place each row has `chord`, its distance on the unit sphere.
    """
    query: Select[*Columns] = select(*SHOWN).join(SpotStats, SpotStats.spot_id == Spot.id)
    query = query.where(Spot.is_active, Spot.is_available, *_fitting(wishes))
    if window is not None:
        query = query.where(_free(window), open_throughout(window))
    query = _nearest(query, place, page.after) if place else _newest(query, page.after)
    return query.offset(page.offset).limit(page.fetch)


def open_throughout(window: Window) -> ColumnElement[bool]:
    """That a spot's hours and slots allow the whole window, in its own time zone. Booking asks the same."""
    return func.open_throughout(Spot.id, Spot.operating_hours, Spot.time_zone, window.start, window.end)


def key_by_distance(parts: list[Any]) -> Key:
    distance, spot_id = parts
    if not 0 <= (length := float(distance)) <= DIAMETER:
        raise ValueError("no distance on the unit sphere")
    return length, UUID(spot_id)


def _fitting(wishes: Wishes) -> list[ColumnElement[bool]]:
    parts = (
        (Spot.words, wishes.words),
        (func.folded(Spot.city), wishes.city),
        (func.folded(Spot.prefecture), wishes.prefecture),
    )
    equals = (
        (Spot.zip_code, wishes.zip_code),
        (Spot.spot_type, wishes.spot_type),
        (Spot.has_ev_charging, wishes.has_ev_charging),
        (Spot.is_covered, wishes.is_covered),
    )
    conditions: list[ColumnElement[bool]] = [
        column.like(func.holding(wished)) for column, wished in parts if wished is not None
    ]
    conditions += [column == wished for column, wished in equals if wished is not None]
    if wishes.vehicle_size is not None:
        conditions.append(Spot.vehicle_size.in_(sizes_that_fit(wishes.vehicle_size)))
    if wishes.max_hourly_rate is not None:
        conditions.append(Spot.hourly_rate <= wishes.max_hourly_rate)
    return conditions


def _free(window: Window) -> ColumnElement[bool]:
    """That no live booking overlaps the window."""
    return ~exists().where(Booking.spot_id == Spot.id, Booking.is_live(), Booking.overlaps(window.start, window.end))


def _nearest(query: Select[*Columns], place: Place, after: Key | None) -> Select[*Columns]:
    point = func.cube(cast(array(on_the_unit_sphere(place.latitude, place.longitude)), ARRAY(DOUBLE_PRECISION)))
    reach = literal(chord(place.radius_km), DOUBLE_PRECISION)
    distance: ColumnElement[float] = Spot.location.op("<->", return_type=DOUBLE_PRECISION())(point)
    query = query.add_columns(distance.label("chord")).where(*_within(place), distance <= reach)
    if after is not None:
        query = query.where(tuple_(distance, Spot.id) > after)
    return query.order_by(distance, Spot.id)


def _within(place: Place) -> list[ColumnElement[bool]]:
    """That a spot lies in the box around the circle; the index walks nearest-first within it."""
    box = box_around(place.latitude, place.longitude, place.radius_km)
    bounds: list[ColumnElement[bool]] = [Spot.latitude.between(box.south, box.north)]
    if box.west is not None and box.east is not None:
        bounds.append(Spot.longitude.between(box.west, box.east))
    return bounds


def _newest(query: Select[*Columns], after: Key | None) -> Select[*Columns]:
    if after is not None:
        created_at, spot_id = after
        older = Spot.created_at < created_at
        query = query.where(Spot.created_at <= created_at, older | (Spot.id > spot_id))
    return query.order_by(Spot.created_at.desc(), Spot.id)
