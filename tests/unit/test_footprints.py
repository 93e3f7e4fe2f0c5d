"""Which changes touch which answers."""

from datetime import UTC, datetime, timedelta
from math import asin, atan2, cos, degrees, dist, radians, sin
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from asyncpg import Record
from hypothesis import assume, example, given
from hypothesis import strategies as some

from parkingspots.kit.footprints import ALWAYS, ANYWHERE, Area, Change, Footprint, Kind, Listed, Span, Subjects
from parkingspots.spots.footprints import footprint
from parkingspots.spots.queries import ListQuery
from parkingspots.spots.rules import EARTH_RADIUS_KM, on_the_unit_sphere

SPOT, OTHER = uuid4(), uuid4()
SYNTAGMA = (37.9755, 23.7348)
NEARBY = Area(37.9, 38.1, 23.6, 23.9)
NOON = datetime(2040, 1, 2, 12, tzinfo=UTC)
latitudes, longitudes = some.floats(-90, 90), some.floats(-180, 180)


def change(kind: Kind, place: tuple[float, float] = SYNTAGMA, **more: Any) -> Change:
    return Change(1, kind, (SPOT,), *place, **more)


def is_told(answer: Footprint, of: Change) -> bool:
    """Whether the change is found where the answer looks, and touches it."""
    return bool({*of.buckets()} & {*answer.buckets()}) and answer.is_touched_by(of)


def rows(number: int, **last: Any) -> list[Record]:
    """As a search finds them."""
    return [cast("Record", {"chord": 0.0, "created_at": NOON} | last)] * number


@pytest.mark.parametrize("window", [None, Span(10, 20)])
@pytest.mark.parametrize("area", [None, NEARBY])
def test_a_change_of_everything_touches_every_answer(area: Area | None, window: Span | None) -> None:
    everything = Change(1, Kind.EVERYTHING)
    assert is_told(Listed(area, None, window), everything)
    assert is_told(Subjects(frozenset({Kind.PAGE}), frozenset({SPOT})), everything)


def test_a_page_rests_on_changes_of_its_kinds_to_its_spot_alone() -> None:
    page = Subjects(frozenset({Kind.LISTING, Kind.PAGE}), frozenset({SPOT}))
    assert is_told(page, change(Kind.LISTING))
    assert is_told(page, change(Kind.PAGE))
    assert not is_told(page, change(Kind.OPENING))
    assert not is_told(page, change(Kind.BOOKING, starts=1, ends=2))
    assert not is_told(page, Change(1, Kind.LISTING, (OTHER,), *SYNTAGMA))


def test_a_change_of_several_pages_touches_each_and_nothing_else() -> None:
    counted = Change(1, Kind.PAGE, (SPOT, OTHER))
    pages = [Subjects(frozenset({Kind.PAGE}), frozenset({spot})) for spot in (SPOT, OTHER, uuid4())]
    assert [is_told(page, counted) for page in pages] == [True, True, False]
    assert not is_told(Subjects(frozenset({Kind.REVIEWS}), frozenset({SPOT})), counted)
    assert not is_told(Listed(None, None, None), counted)


def test_a_page_with_a_window_rests_on_bookings_that_overlap_it() -> None:
    page = Subjects(frozenset({Kind.LISTING}), frozenset({SPOT}), Span(10, 20))
    assert is_told(page, change(Kind.BOOKING, starts=19, ends=25))
    assert not is_told(page, change(Kind.BOOKING, starts=20, ends=25))


def test_a_booking_touches_lists_for_a_time_that_it_shares() -> None:
    answer = Listed(NEARBY, None, Span(10, 20))
    for starts, ends in ((10, 20), (0, 11), (19, 30), (12, 13), (0, 30)):
        assert is_told(answer, change(Kind.BOOKING, starts=starts, ends=ends))
    for starts, ends in ((0, 10), (20, 30)):
        assert not is_told(answer, change(Kind.BOOKING, starts=starts, ends=ends))
    assert not is_told(Listed(NEARBY, None, None), change(Kind.BOOKING, starts=10, ends=20))


def test_opening_hours_touch_lists_for_a_time() -> None:
    assert is_told(Listed(NEARBY, None, Span(10, 20)), change(Kind.OPENING))
    assert not is_told(Listed(NEARBY, None, None), change(Kind.OPENING))


def test_what_lists_do_not_show_leaves_them_alone() -> None:
    for kind in (Kind.PAGE, Kind.REVIEWS, Kind.USER):
        assert not is_told(Listed(NEARBY, None, Span(10, 20)), change(kind))


def test_a_list_around_a_place_is_touched_by_its_neighbourhood() -> None:
    assert is_told(Listed(NEARBY, None, None), change(Kind.LISTING))
    assert not is_told(Listed(NEARBY, None, None), change(Kind.LISTING, (38.2, 23.7)))
    assert not is_told(Listed(NEARBY, None, None), change(Kind.LISTING, (38.0, 23.95)))


def test_a_list_of_the_newest_is_touched_by_spots_as_new_as_its_last() -> None:
    newest = Listed(None, 1_000.0, None)
    assert is_told(newest, change(Kind.LISTING, born=1_000.0))
    assert is_told(newest, change(Kind.LISTING, born=2_000.0))
    assert not is_told(newest, change(Kind.LISTING, born=999.0))


@given(latitudes, longitudes, some.floats(-1, 1), some.floats(-3, 3), some.floats(0, 2), some.floats(0, 6))
def test_what_lies_in_an_area_is_looked_up_there(
    latitude: float, longitude: float, north: float, east: float, height: float, width: float
) -> None:
    area = Area(latitude - height, latitude + height, longitude - width, longitude + width)
    point = latitude + north, longitude + east
    assert is_told(Listed(area, None, None), change(Kind.LISTING, point)) is area.holds(*point)


def test_a_large_area_is_looked_up_anywhere() -> None:
    assert Listed(Area(30.0, 40.0, 20.0, 30.0), None, None).buckets() == [ALWAYS, ANYWHERE]
    assert Listed(Area(89.0, 91.0), None, None).buckets() == [ALWAYS, ANYWHERE]


@example(latitude=38.0, longitude=24.0, bearing=0.0, km=1.00049)  # due north, and rounded down
@given(latitudes, longitudes, some.floats(0, 360), some.floats(0.001, 500))
def test_a_full_page_rests_on_its_last_row_and_on_all_that_is_nearer(
    latitude: float, longitude: float, bearing: float, km: float
) -> None:
    """The last row is the one that is not shown and tells that there is a next page."""
    asked = ListQuery(latitude=latitude, longitude=longitude, radius_km=500, page_size=2)
    there = moved(latitude, longitude, bearing, km)
    chord = dist(on_the_unit_sphere(latitude, longitude), on_the_unit_sphere(*there))
    nearer = rows(2, chord=chord / 2)
    answer = footprint(asked.asked(timedelta(days=30), NOON), [*nearer, *rows(1, chord=chord)])
    for share in (1.0, 0.5):
        assert is_told(answer, change(Kind.LISTING, moved(latitude, longitude, bearing, km * share)))


@given(some.floats(-60, 60), some.floats(-170, 170), some.floats(0, 360), some.floats(0.5, 200))
def test_a_full_page_does_not_rest_on_what_is_much_farther(
    latitude: float, longitude: float, bearing: float, km: float
) -> None:
    asked = ListQuery(latitude=latitude, longitude=longitude, radius_km=500, page_size=2)
    there = moved(latitude, longitude, bearing, km)
    chord = dist(on_the_unit_sphere(latitude, longitude), on_the_unit_sphere(*there))
    answer = footprint(asked.asked(timedelta(days=30), NOON), rows(3, chord=chord))
    assert not is_told(answer, change(Kind.LISTING, moved(latitude, longitude, bearing, km * 1.6 + 0.5)))


def test_a_page_that_is_not_full_rests_on_the_whole_circle() -> None:
    asked = ListQuery(latitude=SYNTAGMA[0], longitude=SYNTAGMA[1], radius_km=50, page_size=2)
    answer = footprint(asked.asked(timedelta(days=30), NOON), rows(2))
    assert is_told(answer, change(Kind.LISTING, moved(*SYNTAGMA, 45, 49.9)))
    assert not is_told(answer, change(Kind.LISTING, moved(*SYNTAGMA, 45, 80)))


def test_a_page_of_the_newest_rests_on_older_spots_only_where_it_is_not_full() -> None:
    asked = ListQuery(page_size=2).asked(timedelta(days=30), NOON)
    older = change(Kind.LISTING, born=(NOON - timedelta(days=1)).timestamp())
    as_old = change(Kind.LISTING, born=NOON.timestamp())
    assert not is_told(footprint(asked, rows(3)), older)
    assert is_told(footprint(asked, rows(3)), as_old)
    assert is_told(footprint(asked, rows(2)), older)


@given(some.lists(some.uuids(), max_size=5), some.uuids())
def test_subjects_are_looked_up_by_their_ids(ids: list[UUID], another: UUID) -> None:
    assume(another not in ids)
    answer = Subjects(frozenset({Kind.USER}), frozenset(ids))
    assert all(is_told(answer, Change(1, Kind.USER, (each,))) for each in ids)
    assert not is_told(answer, Change(1, Kind.USER, (another,)))


def moved(latitude: float, longitude: float, bearing: float, km: float) -> tuple[float, float]:
    """The place so far away in that direction (degrees from north), on the sphere."""
    phi, lam, theta, arc = radians(latitude), radians(longitude), radians(bearing), km / EARTH_RADIUS_KM
    north = asin(max(-1.0, min(1.0, sin(phi) * cos(arc) + cos(phi) * sin(arc) * cos(theta))))
    east = lam + atan2(sin(theta) * sin(arc) * cos(phi), cos(arc) - sin(phi) * sin(north))
    return degrees(north), (degrees(east) + 540) % 360 - 180
