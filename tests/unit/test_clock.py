"""The time that a process goes by."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from parkingspots.kit.clock import SystemClock

HOURS = timedelta(hours=3)


@pytest.mark.parametrize("hours", [-3, 3])
def test_a_clock_that_is_set_changes_nothing(monkeypatch: pytest.MonkeyPatch, hours: int) -> None:
    clock = SystemClock()
    wrong = time.time() + hours * 3_600
    monkeypatch.setattr(time, "time", lambda: wrong)
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(minutes=5)


def test_who_began_with_a_wrong_clock_goes_by_the_databases(monkeypatch: pytest.MonkeyPatch) -> None:
    right = datetime.now(UTC)
    wrong = time.time() + HOURS.total_seconds()
    monkeypatch.setattr(time, "time", lambda: wrong)
    clock = SystemClock()
    assert clock.now() - right > HOURS / 2
    clock.hear(right, time.monotonic())
    assert timedelta() <= clock.now() - right < timedelta(minutes=5)
