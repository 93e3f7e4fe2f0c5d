"""Distances, told in another way than the product does."""

from math import asin, cos, radians, sin, sqrt

EARTH_RADIUS_KM = 6371.0088


def haversine(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Kilometres on the ground between two places in degrees."""
    phi, other_phi = radians(latitude), radians(other_latitude)
    half = sin((other_phi - phi) / 2) ** 2
    half += cos(phi) * cos(other_phi) * sin(radians(other_longitude - longitude) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * asin(min(1, sqrt(half)))
