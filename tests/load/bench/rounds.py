"""Two programs by turns: what slows the machine for a while slows both."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from load.bench.figures import Rounds, Run
from load.bench.stage import Stage

Side = Callable[[float], Run]
"""Puts load on one of the two for so many seconds."""
WARM_UP = 2.0  # seconds


@dataclass(frozen=True)
class Bench:
    """What each row is measured on, and how long."""

    stage: Stage
    large: Stage | None
    rounds: int
    seconds: float


def interleaved(bench: Bench, ours: Side, reference: Side) -> Rounds:
    """Both warmed up, then in each round the reference and ours; the one that comes first changes each time."""
    for side in (reference, ours):
        side(WARM_UP)
    return [_round(ours, reference, bench.seconds, ours_first=bool(number % 2)) for number in range(bench.rounds)]


def _round(ours: Side, reference: Side, seconds: float, *, ours_first: bool) -> tuple[Run, Run]:
    if ours_first:
        mine = ours(seconds)
        return mine, reference(seconds)
    theirs = reference(seconds)
    return ours(seconds), theirs


def typical(rounds: Rounds) -> str:
    """The median latency of ours, in words."""
    p50, p95 = (median(getattr(mine, name) for mine, _ in rounds) for name in ("p50", "p95"))
    return f"p50 {p50:.1f} ms, p95 {p95:.1f} ms"
