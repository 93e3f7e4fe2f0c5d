"""A scenario: what is done to the product, what was promised of it, and what came of that."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from pathlib import Path


class Length(Enum):
    """Seconds, for `make e2e`; or as long as a figure needs, for `make reliability`."""

    SHORT = "short"
    LONG = "long"


class Group(StrEnum):
    """In the order of the page."""

    KILLED = "Killed"
    SLOW_OR_CUT = "Slow or cut"
    OVERLOAD = "Overload"
    LONG = "Long"
    UPGRADES = "Upgrades"
    BACKUP = "Backup"


@dataclass
class Outcome:
    measured: str
    """The figures, in a sentence."""
    flaws: list[str] = field(default_factory=list)
    """What did not hold."""


@dataclass(frozen=True)
class Scenario:
    name: str
    group: Group
    promised: str
    run: Callable[[Path, Length], Awaitable[Outcome]]
    """In a folder of its own, which is empty."""
    lacks: str | None = None
    """What this machine would have to have, where it cannot be tried here."""

    @property
    def command(self) -> str:
        return f'make reliability RELIABILITY_ARGS="--only {self.name}"'
