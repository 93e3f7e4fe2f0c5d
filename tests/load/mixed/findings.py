"""What a run of the mix has found."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from load.mixed.server import Outcomes

HITS = frozenset({"hit", "shared"})
LONGEST_THERE = 1.0
"""Seconds after a write was answered for which another process may still serve what was before."""


@dataclass
class Findings:
    """Filled in while the run lasts. `here` is the process that was written to, `there` the other one."""

    reads: int = 0
    writes: int = 0
    refused: int = 0
    """Bookings of a time that was taken; they count for nothing else."""
    checked_here: int = 0
    checked_there: int = 0
    stale: int = 0
    """Reads that showed what was before: here after a write was answered, there more than a second later."""
    longest_there: float = 0.0
    """Seconds from the answer to a write to the beginning of the last read that showed what was before."""
    examples: list[str] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)
    outcomes: Outcomes = field(default_factory=Counter)
    """Of public reads, on both processes."""

    def saw_stale(self, text: str) -> None:
        self.stale += 1
        if len(self.examples) < 10:
            self.examples.append(text)

    def objections(self) -> list[str]:
        """What is wrong with it, but for the part of hits, which the checks' own reads lower."""
        found = {f"{self.stale} stale reads": self.stale, f"{self.failures.total()} failures": self.failures.total()}
        return [reason for reason, count in found.items() if count]


def hits(outcomes: Outcomes) -> float:
    """The part of public reads that were answered from what was kept."""
    return sum(count for (_, outcome), count in outcomes.items() if outcome in HITS) / max(outcomes.total(), 1)


def by_route(outcomes: Outcomes) -> Mapping[str, Outcomes]:
    found: dict[str, Outcomes] = {}
    for (route, outcome), count in outcomes.items():
        found.setdefault(route, Counter())[route, outcome] = count
    return found
