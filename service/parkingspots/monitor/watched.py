"""What is seen of a pod, or of all of them, now and in the last minutes."""

from parkingspots.monitor.figures import UNKNOWN, Figures, figures
from parkingspots.monitor.history import History
from parkingspots.monitor.samples import CONFLICTS, TRANSITIONS, Page
from parkingspots.monitor.sight import NOTHING, Sight
from parkingspots.monitor.unbroken import Unbroken
from parkingspots.monitor.window import Window

LAST = 10.0
"""Seconds that rates and quantiles are of."""
MINUTE = 60.0
RARE = frozenset({TRANSITIONS, CONFLICTS})
"""Of the last minute: bookings are too few to be counted in seconds."""


class Watched:
    """A pod, or all of them: what is seen of it now and was in the last minutes."""

    def __init__(self, name: str, interval: float) -> None:
        self.name = name
        self.url = ""
        self.trouble: str | None = None
        self.sight: Sight = NOTHING
        self.figures: Figures = UNKNOWN
        self.history = History(interval)

    def see(self, sight: Sight) -> None:
        self.sight, self.figures = sight, figures(sight)
        self.history.take(self.figures)


class Pod(Watched):
    """One target."""

    def __init__(self, name: str, interval: float) -> None:
        super().__init__(name, interval)
        self._unbroken = Unbroken()
        self._last, self._minute = Window(LAST), Window(MINUTE)

    def answered(self, page: Page, at: float) -> None:
        """Its page, and when it was read, in seconds."""
        self.trouble = None
        counts = self._unbroken.take(page)
        self._last.take(at, counts)
        self._minute.take(at, {series: count for series, count in counts.items() if series.name in RARE})
        self.see(Sight(page.gauges, self._last.rates(), self._minute.rates(), page.declared))

    def failed(self, trouble: str) -> None:
        """There was no page, for which `trouble` says why."""
        self.trouble = trouble
        self.see(NOTHING)
