"""Moving windows of this process alone. The library's take a thread for each key that they know, at every hit."""

import time
from collections import OrderedDict, deque

from limits import RateLimitItem

MOST_KEYS = 20_000
"""Whoever was not heard of for longest is forgotten."""


class MovingWindows:
    """When each key was counted, as far back as its limit looks; by a clock that nobody sets."""

    def __init__(self) -> None:
        self._counted: OrderedDict[str, deque[float]] = OrderedDict()

    def hit(self, item: RateLimitItem, key: str) -> bool:
        """Count one more; False, and nothing counted, where there is no room."""
        if not self.test(item, key):
            return False
        self._counted.setdefault(key, deque()).append(time.monotonic())
        self._counted.move_to_end(key)
        if len(self._counted) > MOST_KEYS:
            self._counted.popitem(last=False)
        return True

    def test(self, item: RateLimitItem, key: str) -> bool:
        """Whether there is room for one more."""
        counted = self._counted.get(key)
        if counted is None:
            return True
        since = time.monotonic() - item.get_expiry()
        while counted and counted[0] < since:
            counted.popleft()
        return len(counted) < item.amount

    def reset_time(self, item: RateLimitItem, key: str) -> float:
        """When there is room for one more; in seconds since the epoch."""
        counted = self._counted.get(key)
        return time.time() + (counted[0] + item.get_expiry() - time.monotonic() if counted else 0)
