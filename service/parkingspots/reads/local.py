"""The answers that this process keeps."""

from collections import OrderedDict
from dataclasses import dataclass

from parkingspots.reads.entries import Entry


@dataclass(slots=True)
class Kept:
    """`checked`: up to which number of what was heard (see kit.knowledge) the entry is known to stand."""

    entry: Entry
    size: int
    checked: int
    is_shared: bool
    """Whether Valkey has been given it, or has given it."""


class Local:
    """Those used last, as many as fit into `room` bytes."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.used = 0
        self._kept: OrderedDict[str, Kept] = OrderedDict()

    def get(self, key: str) -> Kept | None:
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
        return kept

    def put(self, key: str, entry: Entry, checked: int, *, is_shared: bool = False) -> None:
        self.drop(key)
        size = entry.size + 2 * len(key)
        if size > self.room:
            return
        self._kept[key] = Kept(entry, size, checked, is_shared)
        self.used += size
        while self.used > self.room:
            _, oldest = self._kept.popitem(last=False)
            self.used -= oldest.size

    def drop(self, key: str) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            self.used -= kept.size

    def clear(self) -> None:
        self._kept.clear()
        self.used = 0

    def __len__(self) -> int:
        return len(self._kept)
