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
    """What was found, in a sentence; `mend` is the command, or the page, that mends it or says more."""

    state: State
    says: str
    mend: str | None = None
    behind: tuple[str, str] | None = None
    """The group and name of the check that says more of what kept this one from looking."""


class Skip(Exception):  # noqa: N818 - a state, not a mistake
    """There is nothing to look at; the message says why."""

    behind: tuple[str, str] | None = None


class Blocked(Skip):
    """Nothing can be looked at before what another check looks at is mended."""

    def __init__(self, says: str, group: str, check: str) -> None:
        super().__init__(says)
        self.behind = group, check


def ended(sentence: str) -> str:
    """What another program says, with a full stop unless it has an end of its own."""
    return sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."


def ok(says: str, mend: str | None = None) -> Finding:
    return Finding(State.OK, says, mend)


def warn(says: str, mend: str) -> Finding:
    return Finding(State.WARN, says, mend)


def fail(says: str, mend: str) -> Finding:
    return Finding(State.FAIL, says, mend)
