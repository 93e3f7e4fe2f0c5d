"""When the demo spots are open: most of them always, the others in the ways that owners choose."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from types import MappingProxyType
from typing import NamedTuple

from parkingspots.seed.plan import pick

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WORKING_DAYS = 5
WHOLE_DAY = (0, 1440)
LONGEST_WEEKEND = 3  # days

Span = tuple[int, int]
"""Minutes of a local day, from and to; past 1440 it is the next one."""
Week = tuple[Span | None, ...]


class Slot(NamedTuple):
    """An availability slot; of its two days, a weekday and a date as an ordinal, one is set."""

    day_of_week: int | None
    specific_day: int | None
    start_minute: int
    end_minute: int
    is_available: bool


@dataclass(frozen=True)
class Opening:
    """`week` from Monday on; `exceptions` by the day's ordinal. By weekly slots, or else by operating hours."""

    week: Week = (WHOLE_DAY,) * 7
    by_slots: bool = False
    exceptions: Mapping[int, Span | None] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def is_always(self) -> bool:
        return not self.exceptions and self.week == ALWAYS.week

    def on(self, day: int) -> Span | None:
        """When the spot is open on a day, or None where it is not."""
        return self.exceptions[day] if day in self.exceptions else self.week[(day - 1) % 7]

    def days(self, first: int, after: int) -> Sequence[int]:
        """The days from `first` to the one before `after` on which the spot is open."""
        everyday = range(first, after)
        return everyday if self.is_always else [day for day in everyday if self.on(day)]

    @property
    def hours(self) -> dict[str, dict[str, str]] | None:
        """The spot's `operating_hours`."""
        if self.by_slots or self.week == ALWAYS.week:
            return None
        spans = zip(DAYS, self.week, strict=True)
        return {day: {"open": _clock(span[0]), "close": _clock(span[1])} for day, span in spans if span}

    @property
    def slots(self) -> list[Slot]:
        weekly = enumerate(self.week) if self.by_slots else ()
        regular = [Slot(day, None, *span, is_available=True) for day, span in weekly if span]
        dated = self.exceptions.items()
        return regular + [Slot(None, day, *(span or WHOLE_DAY), is_available=bool(span)) for day, span in dated]


ALWAYS = Opening()


def _clock(minute: int) -> str:
    return f"{minute // 60 % 24:02}:{minute % 60:02}"


def _daytime(rng: Random) -> Week:
    return ((60 * (6 + pick(rng, 3)), 60 * (20 + pick(rng, 4))),) * 7


def _working_days(rng: Random) -> Week:
    return ((60 * (7 + pick(rng, 2)), 60 * (17 + pick(rng, 4))),) * WORKING_DAYS + (None, None)


def _past_midnight(rng: Random) -> Week:
    return ((60 * (6, 12, 18)[pick(rng, 3)], 1440 + 60 * (1 + pick(rng, 2))),) * 7


def _closed_on_sunday(_: Random) -> Week:
    return (WHOLE_DAY,) * 6 + (None,)


def an_opening(rng: Random, today: int) -> Opening:
    """One of the ways to be open; exceptions lie in the weeks after `today`, an ordinal."""
    chance = pick(rng, 100)
    for below, week in ((9, _daytime), (17, _working_days), (22, _past_midnight), (24, _closed_on_sunday)):
        if chance < below:
            return Opening(week(rng))
    if chance < 26:
        return Opening(exceptions=_days_off(rng, today))
    if chance < 29:
        return _while_the_owner_works(rng, today)
    return ALWAYS


def _days_off(rng: Random, today: int) -> dict[int, None]:
    first = today + 5 + pick(rng, 30)
    return dict.fromkeys(range(first, first + 1 + pick(rng, LONGEST_WEEKEND)))


def _while_the_owner_works(rng: Random, today: int) -> Opening:
    """Weekly slots, one Saturday morning beside them, and a day off when the owner stays at home."""
    monday = today - (today - 1) % 7
    saturday, day_off = monday + 7 * (1 + pick(rng, 4)) + 5, monday + 7 * (1 + pick(rng, 4)) + pick(rng, 5)
    return Opening(_working_days(rng), by_slots=True, exceptions={saturday: (540, 840), day_off: None})
