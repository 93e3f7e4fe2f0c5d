"""`parkingspots-lifecycle` on a machine whose clock is off by CLOCK_OFF seconds."""

import datetime as dt
import os
import time

OFF = int(os.environ["CLOCK_OFF"])
right_time = time.time


class Wrong(dt.datetime):
    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> "Wrong":
        return cls.fromtimestamp(right_time() + OFF, tz)


time.time = lambda: right_time() + OFF
dt.datetime = Wrong  # type: ignore[misc]

from parkingspots_lifecycle.cli import main  # noqa: E402 - with the clock as it is by now

main()
