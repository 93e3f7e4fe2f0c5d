"""What a spot is: sizes, minutes of the day, distances."""

from datetime import time
from math import radians, sin

import pytest
from hypothesis import given
from hypothesis import strategies as some

from distances import haversine
from parkingspots.spots.rules import (
    MINUTES_A_DAY,
    VehicleSize,
    chord,
    ground_km,
    minute_of,
    on_the_unit_sphere,
    sizes_that_fit,
    slot_minutes,
    time_of,
)

latitudes = some.floats(-90, 90)
longitudes = some.floats(-180, 180)


def test_a_vehicle_fits_spots_of_its_own_size_and_larger() -> None:
    assert sizes_that_fit(VehicleSize.LARGE) == [VehicleSize.LARGE, VehicleSize.OVERSIZED]
    assert sizes_that_fit(VehicleSize.MOTORCYCLE) == list(VehicleSize)
    assert sizes_that_fit(VehicleSize.OVERSIZED) == [VehicleSize.OVERSIZED]


@given(some.integers(0, MINUTES_A_DAY - 1))
def test_a_minute_of_the_day_is_a_time_and_back(minute: int) -> None:
    assert minute_of(time_of(minute)) == minute


def test_the_days_end_is_midnight_on_the_clock() -> None:
    assert time_of(MINUTES_A_DAY) == time()
    assert slot_minutes(time(), time()) == (0, MINUTES_A_DAY)
    assert slot_minutes(time(8, 30), time(20, 15)) == (510, 1215)


@given(latitudes, longitudes)
def test_every_place_lies_on_the_unit_sphere(latitude: float, longitude: float) -> None:
    assert sum(part * part for part in on_the_unit_sphere(latitude, longitude)) == pytest.approx(1)


@given(latitudes, longitudes, latitudes, longitudes)
def test_the_chord_between_two_places_gives_the_way_on_the_ground(
    latitude: float, longitude: float, other_latitude: float, other_longitude: float
) -> None:
    here, there = on_the_unit_sphere(latitude, longitude), on_the_unit_sphere(other_latitude, other_longitude)
    straight = sum((a - b) ** 2 for a, b in zip(here, there, strict=True)) ** 0.5
    expected = haversine(latitude, longitude, other_latitude, other_longitude)
    assert ground_km(straight) == pytest.approx(expected, rel=0.001, abs=0.001)


@given(some.floats(0.001, 20_000))
def test_a_radius_and_its_chord_tell_the_same_distance(km: float) -> None:
    assert ground_km(chord(km)) == pytest.approx(km, abs=0.001)


def test_a_degree_of_the_equator_is_111_kilometres() -> None:
    straight = chord(111.195)
    assert ground_km(straight) == pytest.approx(111.195)
    assert straight == pytest.approx(2 * sin(radians(0.5)), rel=1e-5)


def test_a_chord_a_hair_longer_than_the_sphere_is_its_antipode() -> None:
    assert ground_km(2.0000000001) == pytest.approx(20_015.1, abs=0.1)
