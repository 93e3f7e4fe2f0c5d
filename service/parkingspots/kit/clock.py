"""The time, as something that tests can set."""

from datetime import UTC, datetime
from typing import Annotated, Protocol, cast

from fastapi import Depends, Request


class TimeSource(Protocol):
    def now(self) -> datetime:
        """The present moment, in UTC."""
        ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


def _clock(request: Request) -> TimeSource:
    return cast("TimeSource", request.app.state.clock)


Clock = Annotated[TimeSource, Depends(_clock)]
