"""How fast counters went up over the last seconds."""

from collections import deque
from collections.abc import Mapping

from parkingspots.monitor.samples import Series

Rates = Mapping[Series, float]
"""A second."""


class Window:
    """The last looks at counters that never fall; two at least, however long ago the first of them was."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._looks: deque[tuple[float, Mapping[Series, float]]] = deque()

    def take(self, at: float, counts: Mapping[Series, float]) -> None:
        """A look at the moment `at`, in seconds, later than the one before."""
        self._looks.append((at, counts))
        while len(self._looks) > 2 and self._looks[0][0] < at - self._seconds:  # noqa: PLR2004 - two make a rate
            self._looks.popleft()

    def rates(self) -> Rates | None:
        """What each counter gained a second; None before there were two looks.

        A counter that was not there yet stood at nothing: Prometheus' clients show it when it first counts.
        """
        if len(self._looks) < 2:  # noqa: PLR2004 - two make a rate
            return None
        (began, before), (ended, after) = self._looks[0], self._looks[-1]
        return {series: (count - before.get(series, 0.0)) / (ended - began) for series, count in after.items()}
