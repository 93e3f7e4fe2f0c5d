"""What a check says, in one shape for all of them."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """What was found, in a sentence; `mend` is the command that mends it, or that says more."""

    state: State
    says: str
    mend: str | None = None


class Skip(Exception):  # noqa: N818 - a state, not a mistake
    """There is nothing to look at; the message says why."""


def ok(says: str, mend: str | None = None) -> Finding:
    return Finding(State.OK, says, mend)


def warn(says: str, mend: str) -> Finding:
    return Finding(State.WARN, says, mend)


def fail(says: str, mend: str) -> Finding:
    return Finding(State.FAIL, says, mend)
