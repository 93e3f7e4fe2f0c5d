"""The time, as something that tests can set."""

from datetime import UTC, datetime
from typing import Protocol


class TimeSource(Protocol):
    def now(self) -> datetime:
        """The present moment, in UTC."""
        ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)
