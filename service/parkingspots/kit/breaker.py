"""A circuit breaker: what has just failed is left alone for a moment."""

import time
from collections.abc import Callable

PAUSE = 1.0
"""Seconds."""


class Breaker:
    """Open for a second after each failure; then one may try, and the others after it has succeeded."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._rests_until: float | None = None

    @property
    def is_closed(self) -> bool:
        """Whether the last try succeeded."""
        return self._rests_until is None

    def allows(self) -> bool:
        """Whether to try; who is allowed while it is open is the only one for a second."""
        if self._rests_until is None:
            return True
        if self._clock() < self._rests_until:
            return False
        self._rests_until = self._clock() + PAUSE
        return True

    def failed(self) -> bool:
        """Whether this was the first failure, of which somebody should be told."""
        was_closed = self._rests_until is None
        self._rests_until = self._clock() + PAUSE
        return was_closed

    def succeeded(self) -> bool:
        """Whether it was open until now."""
        was_closed, self._rests_until = self._rests_until is None, None
        return not was_closed
