"""Finding spots: one SQL statement from wishes, place and time to the rows of one page.

Its text depends on which parameters are asked for alone, so it is put together once for each set of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from asyncpg import Record
from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    DateTime,
    Float,
    Select,
    Text,
    Uuid,
    cast,
    exists,
    func,
    literal_column,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY, DOUBLE_PRECISION, array

from parkingspots.bookings.models import Booking
from parkingspots.kit.paging import Key, Page
from parkingspots.kit.statements import Statement, parameter
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


@dataclass(frozen=True, slots=True)
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


Rows = Select[*tuple[Any, ...]]
SHOWN = (
    *(Spot.id, Spot.title, Spot.address, Spot.city, Spot.prefecture, Spot.latitude, Spot.longitude),
    *(Spot.hourly_rate, Spot.daily_rate, Spot.monthly_rate, Spot.currency, Spot.spot_type, Spot.vehicle_size),
    *(Spot.is_covered, Spot.has_ev_charging, Spot.has_security, Spot.has_lighting, Spot.is_handicap_accessible),
    *(Spot.is_available, SpotStats.average_rating, SpotStats.total_reviews, Spot.images),
)
"""The fields of a SpotItem, but for the distance."""


def _item() -> ColumnElement[str]:
    """The JSON of a row: PostgreSQL writes it in less time than it takes to read its columns and write it here."""
    fields = ", ".join(f"{_written(column.expression)} AS {column.key}" for column in SHOWN)
    return literal_column(f"(SELECT row_to_json(item)::text FROM (SELECT {fields}) AS item)", Text)  # noqa: S608 - ours


def _written(column: ColumnElement[Any]) -> str:
    """A float as one, also where it is whole: 38.0, which some clients do not take 38 for."""
    if not isinstance(column.type, Float):
        return str(column)
    return f"(CASE WHEN {column} = trunc({column}) THEN {column} || '.0' ELSE {column}::text END)::json"


def parameters(wishes: Wishes, place: Place | None, window: Window | None, page: Page) -> dict[str, Any]:
    """What is asked for, by name; a condition is part of the statement where its parameter is."""
    wished = {name: value for name, value in vars(wishes).items() if value is not None}
    if wishes.vehicle_size is not None:
        wished["vehicle_size"] = sizes_that_fit(wishes.vehicle_size)
    around = {} if place is None else _circle(place)
    during = {} if window is None else vars(window)
    return wished | around | during | _part(page, by_distance=place is not None)


def _circle(place: Place) -> dict[str, float]:
    x, y, z = on_the_unit_sphere(place.latitude, place.longitude)
    box = box_around(place.latitude, place.longitude, place.radius_km)
    within = {name: value for name, value in vars(box).items() if value is not None}
    return {"x": x, "y": y, "z": z, "reach": chord(place.radius_km)} | within


def _part(page: Page, *, by_distance: bool) -> dict[str, Any]:
    if page.after is None:
        return {"rows": page.fetch, "offset": page.offset}
    last, last_id = page.after
    return {"rows": page.fetch, "last_chord" if by_distance else "last_created_at": last, "last_id": last_id}


@lru_cache(maxsize=512)
def statement(names: frozenset[str]) -> Statement:
    """The listed spots that fit `names`d parameters: nearest first where a place is given, else newest; then by id.

    Each row has its `id` and `created_at` and, as `item`, the JSON of a SpotItem but for the distance; with a place it
    has `chord`, its distance on the unit sphere.
    """
    return Statement(_query(names))


def _query(names: frozenset[str]) -> Rows:
    shown = Spot.id, Spot.created_at, _item().label("item")
    query: Rows = select(*shown).join(SpotStats, SpotStats.spot_id == Spot.id).where(Spot.is_active, Spot.is_available)
    query = query.where(*(condition for name, condition in CONDITIONS.items() if name in names))
    if "start" in names:
        query = query.where(_free(), open_throughout(START, END))
    query = _nearest(query, names) if "reach" in names else _newest(query, names)
    query = query.offset(parameter("offset", BigInteger)) if "offset" in names else query
    return query.limit(parameter("rows", BigInteger))


START, END = parameter("start", DateTime(timezone=True)), parameter("end", DateTime(timezone=True))
CONDITIONS: Mapping[str, ColumnElement[bool]] = {
    "words": Spot.words.like(func.holding(parameter("words", Text))),
    "city": func.folded(Spot.city).like(func.holding(parameter("city", Text))),
    "prefecture": func.folded(Spot.prefecture).like(func.holding(parameter("prefecture", Text))),
    "zip_code": Spot.zip_code == parameter("zip_code", Text),
    "spot_type": Spot.spot_type == parameter("spot_type", Text),
    "vehicle_size": Spot.vehicle_size == func.any(parameter("vehicle_size", ARRAY(Text))),
    "max_hourly_rate": Spot.hourly_rate <= parameter("max_hourly_rate", BigInteger),
    "has_ev_charging": Spot.has_ev_charging == parameter("has_ev_charging", Boolean),
    "is_covered": Spot.is_covered == parameter("is_covered", Boolean),
    "south": Spot.latitude >= parameter("south", DOUBLE_PRECISION),
    "north": Spot.latitude <= parameter("north", DOUBLE_PRECISION),
    "west": Spot.longitude >= parameter("west", DOUBLE_PRECISION),
    "east": Spot.longitude <= parameter("east", DOUBLE_PRECISION),
}
"""The box holds the circle around a place; the index walks nearest-first within it."""


def open_throughout(start: Any, end: Any) -> ColumnElement[bool]:  # noqa: ANN401 - times, or parameters for them
    """That a spot's hours and slots allow all of [start, end), in its own time zone. Booking asks the same."""
    return func.open_throughout(Spot.id, Spot.operating_hours, Spot.time_zone, start, end)


def key_by_distance(parts: list[Any]) -> Key:
    distance, spot_id = parts
    if not 0 <= (length := float(distance)) <= DIAMETER:
        raise ValueError("no distance on the unit sphere")
    return length, UUID(spot_id)


def _free() -> ColumnElement[bool]:
    """That no live booking overlaps the window."""
    return ~exists().where(Booking.spot_id == Spot.id, Booking.is_live(), Booking.overlaps(START, END))


def _nearest(query: Rows, names: frozenset[str]) -> Rows:
    point = func.cube(cast(array([parameter(axis, DOUBLE_PRECISION) for axis in "xyz"]), ARRAY(DOUBLE_PRECISION)))
    distance: ColumnElement[float] = Spot.location.op("<->", return_type=DOUBLE_PRECISION())(point)
    query = query.add_columns(distance.label("chord")).where(distance <= parameter("reach", DOUBLE_PRECISION))
    if "last_id" in names:
        query = query.where(tuple_(distance, Spot.id) > tuple_(parameter("last_chord", DOUBLE_PRECISION), _LAST_ID))
    return query.order_by(distance, Spot.id)


def _newest(query: Rows, names: frozenset[str]) -> Rows:
    if "last_id" in names:
        last = parameter("last_created_at", DateTime(timezone=True))
        query = query.where(Spot.created_at <= last, (Spot.created_at < last) | (Spot.id > _LAST_ID))
    return query.order_by(Spot.created_at.desc(), Spot.id)


_LAST_ID = parameter("last_id", Uuid)


def key(row: Record) -> Key:
    """Where a page goes on behind the row."""
    return row.get("chord", row["created_at"]), row["id"]
