"""What a process has heard of changes, for as long as an answer that rests on them may live. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from parkingspots.kit.changes import Snapshot
from parkingspots.kit.footprints import Bucket, Change, Footprint

MOST_CHANGES, MOST_SUBJECTS = 10_000, 40_000
"""Kept at one time, twice over; where more come, older answers are trusted no longer."""

LAG = 2.0
"""Seconds that an answer's snapshot may be older than its loading, and some."""

Heard = list[tuple[int, Change]]
"""In the order in which they were heard of, each with its number."""


@dataclass
class Generation:
    """Changes heard of since a moment, in seconds since the epoch."""

    since: float
    heard: dict[Bucket, Heard] = field(default_factory=dict)
    count: int = 0
    subjects: int = 0

    @property
    def is_full(self) -> bool:
        return self.count > MOST_CHANGES or self.subjects > MOST_SUBJECTS


class Knowledge:
    """`span`: seconds for which a change is remembered at least."""

    def __init__(self, span: float) -> None:
        self.version = 0
        """Grows with each change that is heard of, and when everything is forgotten."""
        self.snapshot = Snapshot.of("1:1:")
        self._span = span
        self._recent = self._older = Generation(0.0)

    def start(self, since: float) -> None:
        """Forget everything; from here on it is known what has changed since then."""
        self.version += 1
        self._recent, self._older = Generation(since), Generation(since)

    def learn(self, snapshot: Snapshot, changes: Sequence[Change], now: float) -> None:
        """Take in what one look has found; `now` in seconds since the epoch, of the database."""
        if now - self._recent.since > self._span or self._recent.is_full:
            self._recent, self._older = Generation(now), self._recent
        for change in changes:
            self.version += 1
            numbered = self.version, change
            for bucket in change.buckets():
                self._recent.heard.setdefault(bucket, []).append(numbered)
            self._recent.subjects += len(change.subjects)
        self._recent.count += len(changes)
        self.snapshot = snapshot

    def covers(self, loaded_at: float) -> bool:
        """Whether every change is remembered that an answer of then may not have seen."""
        return loaded_at - LAG >= self._older.since

    def stands(self, footprint: Footprint, shown: Callable[[int], bool], heard: int = 0) -> bool:
        """Whether nothing that was heard of after `heard` touches an answer, but for transactions that were `shown`."""
        for generation in (self._recent, self._older):
            for bucket in footprint.buckets():
                for number, change in reversed(generation.heard.get(bucket, ())):
                    if number <= heard:
                        break
                    if not shown(change.xid) and footprint.is_touched_by(change):
                        return False
        return True
