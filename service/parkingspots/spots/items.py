"""Rows of a search as they go over the wire: SpotItems."""

from collections.abc import Sequence

from asyncpg import Record

from parkingspots.spots.rules import ground_km


def items(rows: Sequence[Record]) -> bytes:
    """The JSON array of SpotItems; `distance_km` is null where no place was asked for."""
    return f"[{','.join(map(_item, rows))}]".encode()


def _item(row: Record) -> str:
    chord = row.get("chord")
    distance = "null" if chord is None else ground_km(chord)
    return f'{row["item"][:-1]},"distance_km":{distance}}}'
