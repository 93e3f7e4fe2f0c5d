"""The answers that this process keeps."""

from collections import OrderedDict
from dataclasses import dataclass

from parkingspots.reads.entries import Entry

FOR_POPULAR = 0.8
"""Of the room, for what was asked for more than once."""


@dataclass(slots=True)
class Kept:
    """`checked`: up to which number of what was heard (see kit.knowledge) the entry is known to stand."""

    entry: Entry
    size: int
    checked: int
    is_shared: bool
    """Whether Valkey has been given it, or has given it."""


class Local:
    """As many as fit into `room` bytes: first go those that were asked for once, then those that nobody asks for again.

    So a flood of searches that nobody repeats washes away none that many do: a segmented LRU (Karedla, Love and Wherry,
    Caching Strategies to Improve Disk System Performance, 1994).
    """

    def __init__(self, room: int) -> None:
        self.room = room
        self.used = 0
        self._of_popular = 0
        self._popular: OrderedDict[str, Kept] = OrderedDict()
        self._others: OrderedDict[str, Kept] = OrderedDict()

    def get(self, key: str) -> Kept | None:
        kept = self._popular.get(key)
        if kept is not None:
            self._popular.move_to_end(key)
            return kept
        kept = self._others.pop(key, None)
        if kept is not None:
            self._make_popular(key, kept)
        return kept

    def put(self, key: str, entry: Entry, checked: int, *, is_shared: bool = False) -> None:
        was_popular = key in self._popular
        self.drop(key)
        size = entry.size + 2 * len(key)
        if size > self.room:
            return
        kept = Kept(entry, size, checked, is_shared)
        self.used += size
        if was_popular:
            self._make_popular(key, kept)
        else:
            self._others[key] = kept
        while self.used > self.room:
            _, oldest = self._others.popitem(last=False)
            self.used -= oldest.size

    def _make_popular(self, key: str, kept: Kept) -> None:
        self._popular[key] = kept
        self._of_popular += kept.size
        while self._of_popular > FOR_POPULAR * self.room:
            name, oldest = self._popular.popitem(last=False)
            self._of_popular -= oldest.size
            self._others[name] = oldest

    def drop(self, key: str) -> None:
        kept = self._popular.pop(key, None)
        if kept is not None:
            self._of_popular -= kept.size
        else:
            kept = self._others.pop(key, None)
        if kept is not None:
            self.used -= kept.size

    def clear(self) -> None:
        self._popular.clear()
        self._others.clear()
        self.used = self._of_popular = 0

    def __len__(self) -> int:
        return len(self._popular) + len(self._others)
