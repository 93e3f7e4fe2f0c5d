"""The time, as something that tests can set."""

import time
from datetime import UTC, datetime
from typing import Protocol


class TimeSource(Protocol):
    def now(self) -> datetime:
        """The present moment, in UTC."""
        ...


class SystemClock:
    """The machine's time, until the database's is known: then all processes go by that, whoever sets their clocks."""

    def __init__(self) -> None:
        self._ahead = time.time() - time.monotonic()

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.monotonic() + self._ahead, UTC)

    def hear(self, moment: datetime, at: float) -> None:
        """What time it was in the database at a moment of the monotonic clock."""
        self._ahead = moment.timestamp() - at
