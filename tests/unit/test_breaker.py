"""What has failed is left alone for a second."""

import pytest

from parkingspots.kit.breaker import PAUSE, Breaker


class Watch:
    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def breaker(watch: Watch) -> Breaker:
    return Breaker(watch)


def test_what_works_may_be_asked_by_everybody(breaker: Breaker) -> None:
    assert [breaker.allows() for _ in range(3)] == [True, True, True]
    assert not breaker.succeeded(), "it was not open"
    assert breaker.is_closed


def test_what_has_failed_is_left_alone_for_a_second(breaker: Breaker, watch: Watch) -> None:
    assert breaker.failed()
    assert not breaker.is_closed
    watch.time += PAUSE * 0.99
    assert not breaker.allows()


def test_after_the_second_one_may_try(breaker: Breaker, watch: Watch) -> None:
    breaker.failed()
    watch.time += PAUSE
    assert [breaker.allows() for _ in range(3)] == [True, False, False]
    watch.time += PAUSE
    assert breaker.allows(), "whoever tried may have been lost"


def test_the_first_success_lets_everybody_in_again(breaker: Breaker, watch: Watch) -> None:
    breaker.failed()
    watch.time += PAUSE
    assert breaker.allows()
    assert breaker.succeeded()
    assert [breaker.allows() for _ in range(3)] == [True, True, True]


def test_only_the_first_failure_is_news(breaker: Breaker, watch: Watch) -> None:
    assert [breaker.failed(), breaker.failed()] == [True, False]
    watch.time += PAUSE
    assert breaker.allows()
    assert not breaker.failed()
    assert not breaker.allows(), "the second begins anew"
