"""The types of what goes over the wire, strict where the language is lax."""

import re
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, time
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)

from parkingspots.kit.currencies import ISO_4217

RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:\d\d)")
HH_MM = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
YYYY_MM_DD = re.compile(r"\d{4}-\d\d-\d\d")
NOT_IN_A_URL = re.compile(r'[\s"<>\\^`{|}]')
"""RFC 3986, appendix C; a page that quotes the URL stays whole."""
LINE_END = re.compile(r"[\t\n\v\f\r\x85\u2028\u2029]")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
"""Lone surrogates too, which JSON can hold and UTF-8 cannot."""
HIGHEST_AMOUNT = 100_000_000
"""Minor units: a million of the major one."""


class Wire(BaseModel):
    """The base of every body: reads ORM rows, refuses NaN and infinity, ignores fields it does not know."""

    model_config = ConfigDict(from_attributes=True, allow_inf_nan=False, hide_input_in_errors=True)


def _without_control_characters(text: str) -> str:
    if CONTROL.search(text):
        raise ValueError("must not contain control characters")
    return text


def _on_one_line(text: str) -> str:
    if LINE_END.search(text):
        raise ValueError("must be on one line")
    return text


def _no_boolean(value: Any) -> Any:  # noqa: ANN401 - whatever the client sent
    if isinstance(value, bool):
        raise ValueError("must be a number")  # noqa: TRY004 - pydantic's way to refuse
    return value


def _rfc_3339(value: Any) -> Any:  # noqa: ANN401 - whatever the client sent
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not RFC_3339.fullmatch(value):
        raise ValueError(
            "must be a time with an offset, such as 2030-05-01T10:00:00+03:00 (in a query, + is %2B) or …Z"
        )
    return value.upper()


def _in_utc(moment: datetime) -> datetime:
    """Not the ends of the calendar, which an offset leaves and asyncpg takes for infinity."""
    if not MINYEAR < moment.year < MAXYEAR:
        raise ValueError(f"must lie between the years {MINYEAR + 1} and {MAXYEAR - 1}")
    return moment.astimezone(UTC)


def rendered(moment: datetime) -> str:
    """RFC 3339 in UTC, with a Z."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def lowered(text: str | None) -> str | None:
    """The text in lower case as far as the database, which folds case by single letters, finds the same with it."""
    return text and "".join(low if len(low := letter.lower()) == 1 else letter for letter in text)


def _iso_date(value: Any) -> Any:  # noqa: ANN401 - whatever the client sent
    if type(value) is not date and not (isinstance(value, str) and YYYY_MM_DD.fullmatch(value)):
        raise ValueError("must be a date as YYYY-MM-DD")
    return value


def _iso_4217(code: str) -> str:
    if code not in ISO_4217:
        raise ValueError("must be a currency of ISO 4217, such as EUR")
    return code


def _https(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme == "https" and bool(parts.hostname) and parts.port is not False
        usable = usable and "@" not in parts.netloc  # who it is from would be read as where it leads
    except ValueError:
        usable = False
    if not usable or NOT_IN_A_URL.search(url) or not url.isprintable():
        raise ValueError("must be an https URL without a user name, such as https://images.example.com/1.jpg")
    return url


def _hh_mm(value: Any) -> Any:  # noqa: ANN401 - whatever the client sent
    """Seconds are taken where they are zero: some clients send HH:MM:SS."""
    if isinstance(value, time):
        return value
    if not isinstance(value, str) or not HH_MM.fullmatch(
        value.removesuffix(":00") if len(value) == len("HH:MM:SS") else value
    ):
        raise ValueError("must be a time of day as HH:MM")
    return value


Text = Annotated[str, AfterValidator(_without_control_characters)]
Stripped = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_without_control_characters)]
Line = Annotated[Stripped, AfterValidator(_on_one_line)]
NoBoolean = BeforeValidator(_no_boolean)
"""Stands behind a number's bounds: pydantic forgets those that come later when it describes the type."""
Paragraph = Annotated[Stripped, Field(max_length=5_000)]
Instant = Annotated[
    datetime,
    BeforeValidator(_rfc_3339),
    AfterValidator(_in_utc),
    PlainSerializer(rendered, return_type=str),
    Field(json_schema_extra={"format": "date-time"}),
]
TimeOfDay = Annotated[
    time,
    BeforeValidator(_hh_mm),
    PlainSerializer(lambda at: at.strftime("%H:%M"), return_type=str),
    WithJsonSchema({"type": "string", "pattern": f"^{HH_MM.pattern}(:00)?$"}),  # `time` has an offset in JSON Schema
]
DateOnly = Annotated[date, BeforeValidator(_iso_date)]
Cents = Annotated[int, Field(description="integer minor units of the currency")]
Rate = Annotated[int, Field(gt=0, le=HIGHEST_AMOUNT, description="integer minor units of the currency"), NoBoolean]
Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False), NoBoolean]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False), NoBoolean]
ImageURL = Annotated[Line, Field(max_length=2_000), AfterValidator(_https)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$"), AfterValidator(_iso_4217)]


class Message(Wire):
    model_config = ConfigDict(json_schema_extra={"examples": [{"message": "Done."}]})

    message: str


def not_null(value: Any) -> Any:  # noqa: ANN401 - whatever the client sent
    """A validator (mode="before") of a partial update's field: it may be left out, but not be null."""
    if value is None:
        raise ValueError("must not be null; leave it out to keep what it is")
    return value
