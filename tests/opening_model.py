"""When a spot is open, told slowly: no SQL, no set arithmetic, one moment after the other."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAY = timedelta(days=1)
AROUND = 3 * DAY
"""No local day, its neighbour's night hours included, reaches further than this from its date in UTC."""

Hours = Mapping[str, Mapping[str, str] | None]


@dataclass(frozen=True)
class Slot:
    """Minutes `start` to `end` of a weekday (0 is Monday) or of one date."""

    day: int | date
    start: int
    end: int
    is_available: bool


@dataclass(frozen=True)
class Opening:
    """What an owner has said about a spot's times."""

    zone: str
    hours: Hours | None
    slots: Sequence[Slot]


@dataclass(frozen=True)
class Interval:
    """[start, end), empty where the end does not lie after the start."""

    start: datetime
    end: datetime

    def holds(self, moment: datetime) -> bool:
        return self.start <= moment < self.end


def instant(day: date, minute: int, zone: str) -> datetime:
    """RFC 5545, 3.3.5: a repeated local time is its first one, a skipped one is read by the offset before the gap."""
    wall = datetime.combine(day, time()) + timedelta(minutes=minute)
    return wall.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)


def is_open(opening: Opening, start: datetime, end: datetime) -> bool:
    """Whether the spot is open in all of [start, end): at each moment from which on something may be different."""
    by_hours = None if opening.hours is None else list(_hours(opening, start, end))
    by_slots = list(_slots(opening, start, end))
    changes = {
        edge
        for interval in [*(by_hours or []), *(interval for _, interval in by_slots)]
        for edge in (interval.start, interval.end)
        if start < edge < end
    }
    return all(_hours_allow(by_hours, moment) and _slots_allow(by_slots, moment) for moment in {start, *changes})


def _hours_allow(intervals: Sequence[Interval] | None, moment: datetime) -> bool:
    return intervals is None or any(interval.holds(moment) for interval in intervals)


def _slots_allow(intervals: Sequence[tuple[bool, Interval]], moment: datetime) -> bool:
    said = {is_available for is_available, interval in intervals if interval.holds(moment)}
    return said == {True}


def _hours(opening: Opening, start: datetime, end: datetime) -> Iterator[Interval]:
    for day in _days(opening.zone, start, end):
        entry = (opening.hours or {}).get(WEEKDAYS[day.weekday()])
        if entry is not None:
            first, last = _minute(entry["open"]), _minute(entry["close"])
            if first == last:
                first, last = 0, 1440
            yield _interval(opening.zone, day, first, last + 1440 if last < first else last)


def _slots(opening: Opening, start: datetime, end: datetime) -> Iterator[tuple[bool, Interval]]:
    for day in _days(opening.zone, start, end):
        for slot in _slots_of(opening.slots, day):
            yield slot.is_available, _interval(opening.zone, day, slot.start, slot.end)


def _slots_of(slots: Sequence[Slot], day: date) -> Iterator[Slot]:
    dated = [slot for slot in slots if slot.day == day]
    if not any(slot.is_available for slot in dated):
        if not any(slot.is_available for slot in slots if isinstance(slot.day, int)):
            yield Slot(day, 0, 1440, is_available=True)
        yield from (slot for slot in slots if slot.day == day.weekday())
    yield from dated


def _days(zone: str, start: datetime, end: datetime) -> Iterator[date]:
    day = (start.astimezone(ZoneInfo(zone)) - AROUND).date()
    last = (end.astimezone(ZoneInfo(zone)) + AROUND).date()
    while day <= last:
        yield day
        day += DAY


def _interval(zone: str, day: date, first: int, last: int) -> Interval:
    return Interval(instant(day, first, zone), instant(day, last, zone))


def _minute(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)
