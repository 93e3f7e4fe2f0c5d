"""What a process counts for itself: so many in a moving window."""

import pytest
from limits import parse

from parkingspots.kit import windows
from parkingspots.kit.windows import MovingWindows

TWO = parse("2 per hour")


def test_there_is_room_for_as_many_as_the_limit_says_and_each_key_has_its_own() -> None:
    own = MovingWindows()
    assert [own.hit(TWO, "one") for _ in range(3)] == [True, True, False]
    assert own.hit(TWO, "another")


def test_looking_and_being_refused_count_nothing() -> None:
    own = MovingWindows()
    assert all(own.test(TWO, "one") for _ in range(3))
    assert [own.hit(TWO, "one") for _ in range(9)].count(True) == 2


def test_there_is_room_again_when_the_first_is_as_old_as_the_window(monkeypatch: pytest.MonkeyPatch) -> None:
    moment, clock = 1_000.0, 1_000_000.0
    monkeypatch.setattr("parkingspots.kit.windows.time.monotonic", lambda: moment)
    monkeypatch.setattr("parkingspots.kit.windows.time.time", lambda: clock)
    own = MovingWindows()
    own.hit(TWO, "one")
    moment += 1_800
    clock -= 7_200  # somebody sets it
    own.hit(TWO, "one")
    assert own.reset_time(TWO, "one") == clock + 1_800
    moment += 1_801
    assert [own.hit(TWO, "one") for _ in range(2)] == [True, False]


def test_it_remembers_so_many_keys_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "MOST_KEYS", 2)
    own = MovingWindows()
    for key in ("old", "newer", "newest"):
        assert [own.hit(TWO, key) for _ in range(3)] == [True, True, False]
    assert own.test(TWO, "old")
    assert not own.test(TWO, "newer")
