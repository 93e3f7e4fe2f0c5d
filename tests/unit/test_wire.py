"""The types of what goes over the wire: strict where the language is lax."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError, field_validator

from parkingspots.kit.wire import (
    Currency,
    DateOnly,
    ImageURL,
    Instant,
    Latitude,
    Line,
    Longitude,
    Message,
    Paragraph,
    Rate,
    Text,
    TimeOfDay,
    Wire,
    not_null,
    rendered,
)


def read(kind: Any, value: object) -> Any:
    return TypeAdapter(kind).validate_python(value)


def is_refused(kind: object, value: object) -> bool:
    try:
        read(kind, value)
    except ValidationError:
        return True
    return False


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2030-05-01T10:00:00+03:00", datetime(2030, 5, 1, 7, tzinfo=UTC)),
        ("2030-05-01T10:00:00Z", datetime(2030, 5, 1, 10, tzinfo=UTC)),
        ("2030-05-01t10:00:00z", datetime(2030, 5, 1, 10, tzinfo=UTC)),
        ("2030-05-01 10:00:00-00:30", datetime(2030, 5, 1, 10, 30, tzinfo=UTC)),
        ("2030-05-01T10:00Z", datetime(2030, 5, 1, 10, tzinfo=UTC)),
        ("2030-05-01T10:00:00.123456Z", datetime(2030, 5, 1, 10, 0, 0, 123456, tzinfo=UTC)),
        ("2028-02-29T00:00:00Z", datetime(2028, 2, 29, tzinfo=UTC)),
        ("0002-01-01T00:00:00Z", datetime(2, 1, 1, tzinfo=UTC)),
        ("9998-12-31T23:59:59Z", datetime(9998, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_a_time_with_an_offset_is_taken_as_utc(text: str, utc: datetime) -> None:
    moment = read(Instant, text)
    assert moment == utc
    assert moment.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "value",
    [
        "2030-05-01T10:00:00",
        "2030-05-01",
        "10:00:00Z",
        "2030-05-01T10:00:00 Z",
        "2030-05-01T10:00:00+0300",
        "2030-05-01T10:00:00+03",
        "2030-05-01T10:00:00+25:00",
        "2030-02-30T10:00:00Z",
        "2030-05-01T24:00:00Z",
        "2030-05-01T10:60:00Z",
        "20300501T100000Z",
        "+12030-05-01T10:00:00Z",
        "-2030-05-01T10:00:00Z",
        "0000-05-01T10:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "0001-12-31T23:59:59Z",
        "9999-01-01T00:00:00Z",
        "9999-12-31T23:59:59-14:00",
        "٢٠٣٠-05-01T10:00:00Z",
        "1893456000",
        1893456000,
        1893456000.0,
        True,
        None,
        "",
        "now",
        "\ud800",
        [],
        {},
    ],
    ids=repr,
)
def test_a_time_without_an_offset_and_what_is_no_time_are_refused(value: object) -> None:
    assert is_refused(Instant, value)


OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(datetime(3, 1, 1), datetime(9998, 1, 1), timezones=OFFSETS))  # noqa: DTZ001 - it adds the zone
def test_what_is_rendered_is_read_back(moment: datetime) -> None:
    text = rendered(moment)
    assert text.endswith("Z")
    assert read(Instant, text) == moment


@pytest.mark.parametrize(
    ("text", "expected"),
    [("00:00", time(0)), ("23:59", time(23, 59)), ("08:30:00", time(8, 30)), ("00:00:00", time(0))],
)
def test_a_time_of_day_is_hours_and_minutes(text: str, expected: time) -> None:
    assert read(TimeOfDay, text) == expected
    assert TypeAdapter(TimeOfDay).dump_python(expected) == text[:5]


@pytest.mark.parametrize(
    "value",
    ["24:00", "8:30", "08:60", "08:30:01", "08:30Z", "08:30+02:00", "0830", "٠٨:30", "08:00:", 830, 8.5, True, None],
)
def test_what_is_no_time_of_day_is_refused(value: object) -> None:
    assert is_refused(TimeOfDay, value)


def test_a_date_is_year_month_and_day() -> None:
    assert read(DateOnly, "2028-02-29") == date(2028, 2, 29)


@pytest.mark.parametrize(
    "value", ["2030-02-29", "2030-2-1", "20300201", "2030-02-01T00:00:00Z", "1893456000", 5, True, None]
)
def test_what_is_no_date_is_refused(value: object) -> None:
    assert is_refused(DateOnly, value)


@pytest.mark.parametrize("kind", [Latitude, Longitude])
def test_zero_is_a_place(kind: object) -> None:
    assert read(kind, 0) == 0


@pytest.mark.parametrize(
    ("kind", "edge"),
    [(Latitude, 90), (Latitude, -90), (Longitude, 180), (Longitude, -180)],
    ids=["north", "south", "east", "west"],
)
def test_the_edges_of_the_earth_are_on_it(kind: object, edge: int) -> None:
    assert read(kind, edge) == edge
    assert is_refused(kind, edge * 1.0001)


@pytest.mark.parametrize("kind", [Latitude, Longitude, Rate])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), 10**400, True, False, "", "x", None, []])
def test_what_is_no_number_is_refused(kind: object, value: object) -> None:
    assert is_refused(kind, value)


@pytest.mark.parametrize("value", [0, -1, 1.5, 100_000_001, 2**63, 1e300])
def test_a_rate_is_a_whole_number_above_nothing(value: object) -> None:
    assert is_refused(Rate, value)


def test_the_least_and_the_highest_rate_are_rates() -> None:
    assert (read(Rate, 1), read(Rate, 100_000_000)) == (1, 100_000_000)


@pytest.mark.parametrize("kind", [Text, Line, Paragraph])
@pytest.mark.parametrize("character", ["\x00", "\x08", "\x0b", "\x1f", "\x7f", "\ud800"])
def test_text_holds_no_character_that_a_database_or_a_terminal_trips_over(kind: object, character: str) -> None:
    assert is_refused(kind, f"a{character}b")


def test_text_may_have_lines_tabs_and_any_script() -> None:
    assert read(Paragraph, " a\tb\r\nΩδή 🚗 ") == "a\tb\r\nΩδή 🚗"


@pytest.mark.parametrize(
    "url", ["https://example.com", "https://example.com:8443/a.jpg?b=c#d", "https://παράδειγμα.gr/ά"]
)
def test_an_https_url_is_an_image(url: str) -> None:
    assert read(ImageURL, url) == url


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com",
        "https://",
        "https:///a",
        "https:a",
        "//example.com/a",
        "ftp://example.com",
        "javascript:alert(1)",
        "data:image/png;base64,AA==",
        "https://exa mple.com",
        'https://example.com/"><script>',
        "https://example.com:port/",
        "https://example.com:99999/",
        "https://[::1/",
        "https://example.com/\x00",
        f"https://example.com/{'a' * 2000}",
        "",
        5,
        None,
    ],
)
def test_what_is_no_https_url_is_refused(url: object) -> None:
    assert is_refused(ImageURL, url)


@pytest.mark.parametrize("code", ["eur", "EURO", "EU", "XYZ", "\u0415UR", "EUR\n", "", 978, None])
def test_a_currency_is_three_capital_letters(code: object) -> None:
    assert read(Currency, "EUR") == "EUR"
    assert is_refused(Currency, code)


class Change(Wire):
    name: str | None = None
    note: str | None = None

    _not_null = field_validator("name", mode="before")(not_null)


def test_a_partial_update_may_leave_out_what_it_may_not_empty() -> None:
    assert Change.model_validate({"note": None}).model_fields_set == {"note"}
    assert Change.model_validate({}).model_fields_set == set()
    with pytest.raises(ValidationError, match="must not be null; leave it out"):
        Change.model_validate({"name": None})


def test_a_line_has_no_second_one() -> None:
    for end in "\t\n\r\x85\u2028":
        assert is_refused(Line, f"a{end}b")


def test_a_body_may_have_fields_that_are_not_known() -> None:
    assert Message.model_validate({"message": "m", "more": 1}).model_dump() == {"message": "m"}
