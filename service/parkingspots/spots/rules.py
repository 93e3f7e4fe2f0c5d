"""What a spot is and when it is open. Imports no framework and no database."""

from dataclasses import dataclass
from datetime import time
from enum import StrEnum
from math import asin, cos, degrees, radians, sin

MINUTES_A_DAY = 1440
RIGHT_ANGLE, HALF_TURN = 90.0, 180.0
SLACK = 1e-6
"""Degrees, a decimetre: more than rounding takes away."""
EARTH_RADIUS_KM = 6371.0088
"""The mean radius (IUGG)."""
DIAMETER = 2.0
"""Of the unit sphere: the longest chord."""


class SpotType(StrEnum):
    INDOOR = "indoor"
    OUTDOOR = "outdoor"
    COVERED = "covered"
    GARAGE = "garage"
    DRIVEWAY = "driveway"
    LOT = "lot"


class VehicleSize(StrEnum):
    """In ascending order: a spot for one size fits every smaller one."""

    MOTORCYCLE = "motorcycle"
    COMPACT = "compact"
    STANDARD = "standard"
    LARGE = "large"
    OVERSIZED = "oversized"


class CancellationPolicy(StrEnum):
    """How much of the price a renter who cancels gets back; see bookings.rules."""

    FLEXIBLE = "flexible"
    MODERATE = "moderate"
    STRICT = "strict"


def sizes_that_fit(vehicle: VehicleSize) -> list[VehicleSize]:
    """The sizes of spot into which `vehicle` goes."""
    ascending = list(VehicleSize)
    return ascending[ascending.index(vehicle) :]


def minute_of(at: time) -> int:
    """The minute of the local day, 0 to 1439."""
    return at.hour * 60 + at.minute


def time_of(minute: int) -> time:
    """The time of day at `minute`; 1440, the day's end, is 00:00 again."""
    hours, minutes = divmod(minute % MINUTES_A_DAY, 60)
    return time(hours, minutes)


def slot_minutes(start: time, end: time) -> tuple[int, int]:
    """The first minute of a slot and the one it ends before; an end of 00:00 is the day's end, 1440."""
    return minute_of(start), minute_of(end) or MINUTES_A_DAY


def on_the_unit_sphere(latitude: float, longitude: float) -> tuple[float, float, float]:
    """The point of a place given in degrees."""
    phi, lam = radians(latitude), radians(longitude)
    return cos(phi) * cos(lam), cos(phi) * sin(lam), sin(phi)


def chord(km: float) -> float:
    """The straight line through the unit sphere that spans `km` on the ground: c = 2 sin(d / 2R)."""
    return 2 * sin(km / (2 * EARTH_RADIUS_KM))


@dataclass(frozen=True)
class Box:
    """Degrees; without `east` and `west` it goes all around the globe."""

    south: float
    north: float
    west: float | None
    east: float | None


def box_around(latitude: float, longitude: float, km: float) -> Box:
    """A box that holds the circle of `km` around a place: Δφ = d/R, Δλ = asin(sin(d/R) / cos φ).

    Where it would reach over a pole or the date line it goes all around.
    """
    arc = km / EARTH_RADIUS_KM
    height = degrees(arc) + SLACK
    south, north = latitude - height, latitude + height
    if not -RIGHT_ANGLE < south < north < RIGHT_ANGLE:
        return Box(south, north, None, None)
    width = degrees(asin(min(sin(arc) / cos(radians(latitude)), 1.0))) + SLACK
    west, east = longitude - width, longitude + width
    return Box(south, north, west, east) if -HALF_TURN <= west < east <= HALF_TURN else Box(south, north, None, None)


def ground_km(chord: float) -> float:
    """The distance on the ground that a `chord` of the unit sphere spans, to the metre: d = 2R asin(c / 2)."""
    return round(2 * EARTH_RADIUS_KM * asin(min(chord / 2, 1.0)), 3)
