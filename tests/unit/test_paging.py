"""Cursors: what we gave is read back, anything else is refused."""

import base64
import json
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from parkingspots.kit.paging import Page, asked, by_age, cut
from parkingspots.kit.problems import Invalid
from parkingspots.spots.search import key_by_distance

LATER = datetime(2040, 1, 2, 10, 0, 0, 123456, tzinfo=UTC)
ID = "0198c0de-7a10-7000-8000-000000000002"
json_values = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(), inner, max_size=3),
    max_leaves=6,
)


def forged(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def test_a_page_is_a_size_and_an_offset() -> None:
    assert asked(3, 20, None, by_age) == Page(20, offset=40)


def test_one_row_more_than_the_page_is_fetched_to_see_whether_there_is_a_next() -> None:
    assert Page(20).fetch == 21


def test_the_last_page_has_no_cursor() -> None:
    assert cut(Page(2), [1, 2], lambda row: (row,)) == ([1, 2], None)
    assert cut(Page(2), list[int](), lambda row: (row,)) == ([], None)


@given(some.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)), some.uuids())  # noqa: DTZ001
def test_a_cursor_by_age_is_read_as_it_was_written(moment: datetime, row: UUID) -> None:
    key = (moment.replace(tzinfo=UTC), row)
    rows, cursor = cut(Page(1), [key, key], lambda each: each)
    assert rows == [key]
    assert asked(1, 1, cursor, by_age) == Page(1, after=key)


@given(some.floats(0, 2), some.uuids())
def test_a_cursor_by_distance_is_read_to_the_last_bit(chord: float, row: UUID) -> None:
    _, cursor = cut(Page(1), [(chord, row)] * 2, lambda each: each)
    assert asked(1, 1, cursor, key_by_distance) == Page(1, after=(chord, row))


def test_a_cursor_goes_before_the_page_number() -> None:
    assert asked(7, 5, forged([0.5, ID]), key_by_distance) == Page(5, after=(0.5, UUID(ID)))


@pytest.mark.parametrize(
    "parts",
    [
        [0.5, ID],
        ["2040-01-02 10:00:00", ID],
        ["2040-01-02", ID],
        ["0001-01-01 00:00:00+14:00", ID],
        ["9999-12-31 23:59:59-14:00", ID],
        ["10000-01-01 00:00:00+00:00", ID],
        [str(LATER), "not-a-uuid"],
        [str(LATER), 7],
        [str(LATER)],
        [str(LATER), ID, ID],
        [None, None],
        "ab",
        7,
        None,
        {"a": 1},
    ],
)
def test_a_forged_cursor_by_age_is_refused(parts: object) -> None:
    with pytest.raises(Invalid):
        asked(1, 1, forged(parts), by_age)


@pytest.mark.parametrize(
    "parts",
    [
        [str(LATER), ID],
        [float("nan"), ID],
        [float("inf"), ID],
        [-float("inf"), ID],
        ["nan", ID],
        [10**310, ID],
        [-0.1, ID],
        [2.1, ID],
        [True, True],
        [[0.5], ID],
        [0.5, None],
        [0.5],
        "ab",
        7,
    ],
)
def test_a_forged_cursor_by_distance_is_refused(parts: object) -> None:
    with pytest.raises(Invalid):
        asked(1, 1, forged(parts), key_by_distance)


@given(some.text(max_size=500))
@example("=" * 500)
@example("é")
@example(base64.urlsafe_b64encode(b"[" * 370).decode())
@example(base64.urlsafe_b64encode(b"\xff\xfe").decode())
def test_any_text_is_a_cursor_or_is_refused(text: str) -> None:
    for key in (by_age, key_by_distance):
        with pytest.raises(Invalid):
            asked(1, 1, text, key)


@given(json_values | some.tuples(json_values, some.uuids().map(str)))
def test_any_json_is_a_cursor_or_is_refused(value: object) -> None:
    for key in (by_age, key_by_distance):
        try:
            page = asked(1, 1, forged(value), key)
        except Invalid:
            continue
        assert page.after is not None
        assert isinstance(page.after[1], UUID)


def test_a_cursor_of_another_offset_names_the_same_moment() -> None:
    row = str(uuid4())
    in_athens = (LATER + timedelta(hours=2)).replace(tzinfo=None).isoformat() + "+02:00"
    page = asked(1, 1, forged([in_athens, row]), by_age)
    assert page.after == (LATER, UUID(row))
