"""Rows of a search as they go over the wire: SpotItems, written without building them one by one."""

from collections.abc import Sequence

from asyncpg import Record
from pydantic_core import to_json

from parkingspots.spots.rules import ground_km


def items(rows: Sequence[Record]) -> bytes:
    """The JSON array of SpotItems; `distance_km` is null where no place was asked for."""
    return to_json([_item(row) for row in rows])


def _item(row: Record) -> dict[str, object]:
    """The columns of a search are the fields of an item, but for two by which the rows are ordered."""
    item = dict(row)
    del item["created_at"]
    chord = item.pop("chord", None)
    item["distance_km"] = None if chord is None else ground_km(chord)
    return item
