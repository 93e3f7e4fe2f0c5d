"""What the product promises, and from where on a figure is red: where the chart's alerts begin to fire."""

from dataclasses import dataclass

AVAILABILITY = 0.999
BUDGET = 0.001
SEARCH = 0.25  # seconds within which 99 % of searches are answered
BOOKING = 0.5  # seconds, of bookings
QUICKLY = 0.99

GREEN, YELLOW, RED = "green", "yellow", "red"


@dataclass(frozen=True)
class Limits:
    """Colours from a value on: `beginning` below the first."""

    beginning: str
    steps: tuple[tuple[float, str], ...] = ()


CALM = Limits("text")


def worse_from(red: float, yellow: float | None = None) -> Limits:
    """Good while it is small."""
    return Limits(GREEN, (*(() if yellow is None else ((yellow, YELLOW),)), (red, RED)))


def notable_from(yellow: float) -> Limits:
    """Worth a look, and never an alarm."""
    return Limits(GREEN, ((yellow, YELLOW),))


def worse_below(red: float, yellow: float | None = None) -> Limits:
    """Good while it is large: red below the first value, yellow below the second."""
    return Limits(RED, ((red, GREEN),) if yellow is None else ((red, YELLOW), (yellow, GREEN)))
