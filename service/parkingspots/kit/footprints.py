"""What changed, what an answer rests on, and whether the one can alter the other. Pure."""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from math import floor
from uuid import UUID

CELL = 0.1
"""Degrees: about eleven kilometres. Changes are looked up by the cell in which they lie."""
MOST_CELLS = 16

Bucket = Hashable
"""Under which changes are kept and looked up: a subject's id, a cell, or one of the two below."""
ALWAYS: Bucket = "always"
ANYWHERE: Bucket = "anywhere"


class Kind(StrEnum):
    EVERYTHING = "everything"
    LISTING = "listing"
    """A spot as lists show it, or whether they do."""
    PAGE = "page"
    """Of a spot, what its own page alone shows."""
    OPENING = "opening"
    """When a spot is open."""
    BOOKING = "booking"
    """When a spot is taken."""
    REVIEWS = "reviews"
    """Of a spot."""
    USER = "user"
    """What everybody may see of a user."""


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the log. Degrees; seconds since the epoch."""

    xid: int
    """The transaction that made it."""
    kind: Kind
    subjects: tuple[UUID, ...] = ()
    """The spot, or the user; of what pages alone show, several spots."""
    latitude: float | None = None
    longitude: float | None = None
    born: float = 0.0
    """When the spot was created."""
    starts: float = 0.0
    ends: float = 0.0

    def buckets(self) -> Iterator[Bucket]:
        if self.kind is Kind.EVERYTHING:
            yield ALWAYS
        yield from self.subjects
        if self.latitude is not None and self.longitude is not None:
            yield ANYWHERE
            yield _cell(self.latitude), _cell(self.longitude)


@dataclass(frozen=True, slots=True)
class Area:
    """A box in degrees; without `west` and `east` it goes all around the globe."""

    south: float
    north: float
    west: float | None = None
    east: float | None = None

    def holds(self, latitude: float, longitude: float) -> bool:
        if not self.south <= latitude <= self.north:
            return False
        return self.west is None or self.east is None or self.west <= longitude <= self.east

    def cells(self) -> list[Bucket]:
        """The cells that cover it, or ANYWHERE where they would be too many."""
        if self.west is None or self.east is None:
            return [ANYWHERE]
        rows = range(_cell(self.south), _cell(self.north) + 1)
        columns = range(_cell(self.west), _cell(self.east) + 1)
        return list(product(rows, columns)) if len(rows) * len(columns) <= MOST_CELLS else [ANYWHERE]


@dataclass(frozen=True, slots=True)
class Span:
    """[starts, ends) in seconds since the epoch."""

    starts: float
    ends: float

    def overlaps(self, starts: float, ends: float) -> bool:
        return starts < self.ends and self.starts < ends


@dataclass(frozen=True, slots=True)
class Subjects:
    """The footprint of an answer about single things: changes of these kinds to these spots and users.

    With a window it rests on bookings that overlap it too.
    """

    kinds: frozenset[Kind]
    ids: frozenset[UUID]
    window: Span | None = None

    def buckets(self) -> list[Bucket]:
        return [ALWAYS, *self.ids]

    def is_touched_by(self, change: Change) -> bool:
        if change.kind is Kind.BOOKING and self.window is not None:
            return self.window.overlaps(change.starts, change.ends)
        return change.kind in self.kinds or change.kind is Kind.EVERYTHING


@dataclass(frozen=True, slots=True)
class Listed:
    """The footprint of a list of spots.

    It rests on all spots of an area, listed or not, or on all that were created since a moment (seconds since the
    epoch); with a window on their opening hours too, and on bookings that overlap it.
    """

    area: Area | None
    since: float | None
    window: Span | None

    def buckets(self) -> list[Bucket]:
        return [ALWAYS, *(self.area.cells() if self.area is not None else [ANYWHERE])]

    def is_touched_by(self, change: Change) -> bool:
        if change.kind is Kind.EVERYTHING:
            return True
        return self._is_about_it(change) and self._reaches(change)

    def _is_about_it(self, change: Change) -> bool:
        match change.kind:
            case Kind.LISTING:
                return True
            case Kind.OPENING:
                return self.window is not None
            case Kind.BOOKING:
                return self.window is not None and self.window.overlaps(change.starts, change.ends)
            case _:
                return False

    def _reaches(self, change: Change) -> bool:
        if change.latitude is None or change.longitude is None:
            return True
        if self.area is not None and not self.area.holds(change.latitude, change.longitude):
            return False
        return self.since is None or change.born >= self.since


Footprint = Subjects | Listed


def _cell(degrees: float) -> int:
    return floor(degrees / CELL)
