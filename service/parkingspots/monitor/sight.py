"""What is seen of a pod at a moment, and of several together."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from parkingspots.monitor.samples import BUILD, CACHE_UP, DATABASE_UP, JOB_AGE, Series
from parkingspots.monitor.window import Rates

OF_ALL: Mapping[str, Callable[[float, float], float]] = {BUILD: max, JOB_AGE: max, DATABASE_UP: min, CACHE_UP: min}
"""Gauges that do not add up: what the database knows, every pod tells; what one pod misses, is missing."""


@dataclass(frozen=True)
class Sight:
    """Figures of one pod or of more; `rates` of the last seconds, `slow_rates` of the last minute."""

    gauges: Mapping[Series, float]
    rates: Rates | None
    slow_rates: Rates | None
    declared: frozenset[str]

    def gauges_of(self, name: str) -> Mapping[Series, float]:
        return {series: value for series, value in self.gauges.items() if series.name == name}


NOTHING = Sight({}, None, None, frozenset())


def together(sights: Sequence[Sight]) -> Sight:
    """The whole of which they are parts."""
    gauges: dict[Series, float] = {}
    for sight in sights:
        for series, value in sight.gauges.items():
            combine = OF_ALL.get(series.name, _add)
            gauges[series] = combine(gauges[series], value) if series in gauges else value
    return Sight(
        gauges,
        _added(sight.rates for sight in sights),
        _added(sight.slow_rates for sight in sights),
        frozenset[str]().union(*(sight.declared for sight in sights)),
    )


def _add(one: float, other: float) -> float:
    return one + other


def _added(parts: Iterable[Rates | None]) -> Rates | None:
    known = [part for part in parts if part is not None]
    if not known:
        return None
    total: dict[Series, float] = {}
    for rates in known:
        for series, rate in rates.items():
            total[series] = total.get(series, 0.0) + rate
    return total
