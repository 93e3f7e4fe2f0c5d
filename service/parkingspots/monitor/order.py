"""In which order pods stand."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self, TypeVar

from parkingspots.monitor.columns import COLUMNS
from parkingspots.monitor.watched import Watched

AnyWatched = TypeVar("AnyWatched", bound=Watched)


@dataclass(frozen=True)
class Order:
    """By a column, where 0 is the name; the highest first, but names and versions by the alphabet."""

    column: int = 0
    reverse: bool = False

    @property
    def titles(self) -> Sequence[str]:
        """What stands above the columns, with an arrow above the one that sorts."""
        arrow = "▲" if self._rises else "▼"
        names = ("pod", *(column.title for column in COLUMNS))
        return [f"{name} {arrow}" if number == self.column else name for number, name in enumerate(names)]

    def by(self, column: int) -> Self:
        """By that column; by the same once more, the other way round."""
        return replace(self, column=column, reverse=column == self.column and not self.reverse)

    def moved(self, step: int) -> Self:
        """By a column to the right or to the left, round and round."""
        return self.by((self.column + step) % (len(COLUMNS) + 1))

    def sorted(self, pods: Sequence[AnyWatched]) -> list[AnyWatched]:
        """Pods in this order, those of whom it is not known last, and alike ones by name."""
        by_name = sorted(pods, key=lambda pod: pod.name)
        known = [(pod, value) for pod in by_name if (value := self._value(pod)) is not None]
        unknown = [pod for pod in by_name if self._value(pod) is None]
        ordered = sorted(known, key=lambda pair: _comparable(pair[1]), reverse=not self._rises)
        return [pod for pod, _ in ordered] + unknown

    @property
    def _rises(self) -> bool:
        return self._is_of_words != self.reverse

    @property
    def _is_of_words(self) -> bool:
        return self.column in {0, len(COLUMNS)}

    def _value(self, pod: Watched) -> float | str | None:
        return COLUMNS[self.column - 1].value(pod.figures) if self.column else pod.name


def _comparable(value: float | str) -> tuple[float, str]:
    return (0.0, value) if isinstance(value, str) else (value, "")
