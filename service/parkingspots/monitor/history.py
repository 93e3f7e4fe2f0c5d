"""The figures of the last minutes, look by look."""

from collections import deque
from collections.abc import Callable, Sequence

from parkingspots.monitor.figures import Figures

MINUTES = 5


class History:
    """As many looks as fit into the last minutes; older ones make room."""

    def __init__(self, interval: float) -> None:
        self._looks: deque[Figures] = deque(maxlen=max(2, round(MINUTES * 60 / interval)))
        self._taken = 0

    def take(self, figures: Figures) -> None:
        self._looks.append(figures)
        self._taken += 1

    def highest(self, value: Callable[[Figures], float | None], columns: int) -> Sequence[float | None]:
        """The highest value in each of `columns` parts of time, the newest at the right; None: not known.

        A part is one look while they fit, and twice as many each time that they no longer do. Parts hold the same looks
        from one time to the next, so that a line moves to the left and keeps its shape.
        """
        size = self._part(columns)
        newest = (self._taken - 1) // size
        found: list[float | None] = [None] * columns
        for number, figures in enumerate(self._looks, self._taken - len(self._looks)):
            place = columns - 1 - (newest - number // size)
            known = value(figures)
            if place >= 0 and known is not None:
                highest = found[place]
                found[place] = known if highest is None else max(known, highest)
        return found

    def _part(self, columns: int) -> int:
        """How many looks a column stands for."""
        size = 1
        while size * columns < len(self._looks):
            size *= 2
        return size
