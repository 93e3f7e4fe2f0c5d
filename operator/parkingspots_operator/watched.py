"""Whether what is watched still reaches us: each look compares what it reads with what the streams have told."""

from collections.abc import Callable, Iterable
from time import monotonic

from parkingspots_operator.objects import Object, text

PATIENCE = 120.0
"""Seconds that a stream may stay behind; it reconnects by itself within a minute and a half."""


class Watched:
    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._versions: dict[str, str] = {}
        self._behind: dict[str, float] = {}

    def told(self, kind: str | None, body: Object) -> None:
        """A stream told of the object; of its end where `kind` is DELETED."""
        uid = text(body, "metadata", "uid")
        if kind == "DELETED":
            self._versions.pop(uid, None)
        else:
            self._versions[uid] = text(body, "metadata", "resourceVersion")

    def compare(self, kind: str, bodies: Iterable[Object]) -> None:
        """Note since when the stream of this kind has not told of all that is there."""
        versions = ((text(body, "metadata", "uid"), text(body, "metadata", "resourceVersion")) for body in bodies)
        if all(self._versions.get(uid) == version for uid, version in versions):
            self._behind.pop(kind, None)
        else:
            self._behind.setdefault(kind, self._clock())

    def interrupted(self) -> None:
        """Nothing could be read, so nothing is known of a stream: what is behind then has its time from then on."""
        self._behind.clear()

    def silent(self) -> list[str]:
        """The kinds whose stream has been behind for too long."""
        return sorted(kind for kind, since in self._behind.items() if self._clock() - since > PATIENCE)
