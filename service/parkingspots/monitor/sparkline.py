"""A line of bars, in letters."""

from collections.abc import Sequence

EIGHTHS = " ▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float | None], height: int = 1, top: float | None = None) -> list[str]:
    """`height` rows, the upper one first; `top` is as high as they go, else the highest value is.

    What is 0 is the lowest of bars, what is None is none.
    """
    highest = top or max((value for value in values if value is not None), default=0.0) or 1.0
    eighths = [0 if value is None else max(1, round(8 * height * min(value / highest, 1.0))) for value in values]
    return ["".join(EIGHTHS[min(8, max(0, bar - 8 * below))] for bar in eighths) for below in reversed(range(height))]
