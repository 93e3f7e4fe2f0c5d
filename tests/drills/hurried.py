"""The product's rules and queries in a world where time goes by faster: every duration is divided by one number.

Counts, rates and shares stay what they are. What is a time although it is written as a number is divided too: an age
and what it is compared with, and in budgets the seconds between two looks and the bad seconds that they must hold.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Any

Document = Mapping[str, Any]

UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
PART = re.compile(r"(\d+)(ms|[smhdw])")
DURATION = re.compile(r"((?:\[|\boffset ))((?:\d+(?:ms|[smhdw]))+)")
AGE = re.compile(r"parkingspots_(\w+)_age_seconds\b")
COMPARED = re.compile(r"([<>]=? (?:bool )?)(\d+(?:\.\d+)?)(?![\w.])")
LOOKS = re.compile(r"\b30 \* sum_over_time\(")
OF_TIME = re.compile(r'slo="(?:freshness|webhook)"')
BETWEEN_RECORDINGS = 30.0
"""Seconds, as the rules have it."""
TOLD_LATE: Mapping[str, float] = MappingProxyType({"job": 15.0, "reads_heard": 2.0})
"""Seconds by which an age may be told too high, by what it is of: the product looks no oftener, and is not hurried."""


@dataclass(frozen=True)
class Hurry:
    """Time goes by `factor` times as fast."""

    factor: float = 1

    def seconds(self, real: float) -> float:
        return real / self.factor

    def duration(self, text: str) -> str:
        """Of Prometheus's: 5m is ten seconds at a thirtieth."""
        return f"{round(1000 * self.seconds(in_seconds(text)))}ms"

    def age(self, query: str, limit: float) -> float:
        """What an age that the query asks for is compared with; anything else stays."""
        found = AGE.search(query)
        if found is None or limit == 0:
            return limit
        late = max((seconds for of, seconds in TOLD_LATE.items() if found[1].startswith(of)), default=0.0)
        return self.seconds(limit) + (late if self.factor > 1 else 0.0)

    def query(self, promql: str) -> str:
        query = DURATION.sub(lambda found: f"{found[1]}{self.duration(found[2])}", promql)
        if AGE.search(query):
            return self._compared(query, lambda limit: self.age(query, limit))
        if LOOKS.search(query):
            query = LOOKS.sub(f"{self.seconds(BETWEEN_RECORDINGS):g} * sum_over_time(", query)
            if OF_TIME.search(query):
                shares, _, seconds = query.rpartition(" >= ")
                return f"{shares} >= {self.seconds(float(seconds)):g}"
        return query

    def _compared(self, query: str, hurried: Callable[[float], float]) -> str:
        return COMPARED.sub(lambda found: f"{found[1]}{hurried(float(found[2])):g}", query)

    def rules(self, document: Document) -> Document:
        """A file of rules."""
        return {"groups": [self._group(group) for group in document["groups"]]}

    def _group(self, group: Document) -> Document:
        interval = {"interval": self.duration(group["interval"])} if "interval" in group else {}
        return {**group, **interval, "rules": [self._rule(rule) for rule in group["rules"]]}

    def _rule(self, rule: Document) -> Document:
        held = {"for": self.duration(rule["for"])} if "for" in rule else {}
        return {**rule, **held, "expr": self.query(rule["expr"])}


def in_seconds(text: str) -> float:
    """Of a duration such as 1h30m."""
    parts = PART.findall(text)
    assert "".join(number + unit for number, unit in parts) == text, text
    return sum(int(number) * UNITS[unit] for number, unit in parts)


def words(seconds: float) -> str:
    """A duration for people: 2 min 10 s."""
    rest, parts = timedelta(seconds=round(seconds)), []
    for unit, size in (("d", timedelta(days=1)), ("h", timedelta(hours=1)), ("min", timedelta(minutes=1))):
        if rest >= size:
            parts.append(f"{rest // size} {unit}")
            rest %= size
    if rest or not parts:
        parts.append(f"{rest.seconds} s")
    return " ".join(parts)
