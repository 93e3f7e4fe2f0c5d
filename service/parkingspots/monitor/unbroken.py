"""Counters that a restart sets back to nothing, as if they had gone on."""

from collections.abc import Mapping

from parkingspots.monitor.samples import STARTED, Page, Series


class Unbroken:
    """What a target has counted since it was first looked at, whichever of its processes did."""

    def __init__(self) -> None:
        self._before: dict[Series, float] = {}
        self._now: Mapping[Series, float] = {}
        self._started: float | None = None

    def take(self, page: Page) -> Mapping[Series, float]:
        """What a new page adds up to with those before. It never falls.

        All counters of a process begin anew together, so where one has fallen, all have.
        """
        started = page.gauges.get(Series(STARTED))
        if _differ(self._started, started) or _has_fallen(self._now, page.counts):
            for series, count in self._now.items():
                self._before[series] = self._before.get(series, 0.0) + count
        self._now, self._started = page.counts, started
        return {
            series: self._before.get(series, 0.0) + page.counts.get(series, 0.0)
            for series in self._before.keys() | page.counts.keys()
        }


def _differ(one: float | None, other: float | None) -> bool:
    return one is not None and other is not None and one != other


def _has_fallen(before: Mapping[Series, float], after: Mapping[Series, float]) -> bool:
    return any(after.get(series, 0.0) < count for series, count in before.items())
