"""A drill: what breaks, the alert that must tell of it, and until when, and where somebody sees it; what came of it."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from drills.hurried import Hurry, in_seconds
from drills.sight import Row, Rows, Shown
from drills.stage import Stage
from monitoring.alerts import Rule, alerts

SCRAPE, EVALUATION = 30.0, 30.0
"""Seconds between two, as the chart and most Prometheus servers have it."""
CALM = 5
"""Scrapes of a product that is well before anything breaks."""
LEEWAY = 3.0
"""Seconds by which a busy machine may be late, in a world that is hurried."""


@dataclass(frozen=True)
class Scene:
    """`broken` breaks something for as long as its block lasts, and mends it."""

    broken: Callable[[], AbstractAsyncContextManager[None]]
    jobs: Sequence[Mapping[str, Any]] = ()
    """What Prometheus scrapes besides the product's own process."""


Setting = Callable[[Stage], AbstractAsyncContextManager[Scene]]


def where(breaking: Callable[[Stage], AbstractAsyncContextManager[None]]) -> Setting:
    """Nothing is needed besides the product."""

    @asynccontextmanager
    async def setting(stage: Stage) -> AsyncIterator[Scene]:
        yield Scene(lambda: breaking(stage))

    return setting


@dataclass(frozen=True)
class Promise:
    """The seconds until an alert fires, besides its `for`, a scrape and an evaluation."""

    of_rule: float = 0
    """Windows that must fill, ages that must be reached, a scrape more: a hurry shortens them."""
    of_product: float = 0
    """Between two looks of the product at something, and its own waits: nothing shortens them."""
    before: float = 0
    """Until the product looks at all; a drill begins with that look."""


@dataclass(frozen=True)
class Drill:
    name: str
    fault: str
    alert: str
    labels: Mapping[str, str]
    """Of the rule that must fire, of those that have the alert's name."""
    promise: Promise
    panel: Shown
    cause: Rows
    """What must be among what the runbook's first query finds."""
    setting: Setting
    related: frozenset[str] = frozenset()
    """Other alerts that may fire: they tell of the same."""
    calm: int = CALM

    @property
    def rule(self) -> Rule:
        (found,) = [rule for rule in alerts()[self.alert] if self.labels.items() <= rule["labels"].items()]
        return found

    @property
    def firing(self) -> str:
        named = {"alertstate": "firing", "alertname": self.alert, **self.rule["labels"]}
        matchers = ",".join(f'{name}="{value}"' for name, value in named.items())
        return f"ALERTS{{{matchers}}}"

    def _by_rule(self) -> float:
        return self.promise.of_rule + in_seconds(self.rule.get("for", "0s")) + SCRAPE + EVALUATION

    def promised(self) -> float:
        """Seconds, at most, until it fires in the world as it is."""
        return self.promise.before + self.promise.of_product + self._by_rule()

    def allowed(self, hurry: Hurry) -> float:
        """Seconds in a world that is hurried."""
        return self.promise.of_product + hurry.seconds(self._by_rule())


@dataclass
class Outcome:
    drill: Drill
    allowed: float
    fired_after: float | None = None
    ended_after: float | None = None
    panel: Sequence[Row] = ()
    cause: Sequence[Row] = ()
    strange: frozenset[str] = frozenset()
    """Alerts that fired and tell of something else."""
    flaws: list[str] = field(default_factory=list)

    def all_flaws(self) -> list[str]:
        """With what a busy machine may be to blame for, too."""
        late = self.fired_after is not None and self.fired_after > self.allowed + LEEWAY
        others = [f"an alert of something else fired: {name}" for name in sorted(self.strange)]
        return [*self.flaws, *(["the alert fired too late"] if late else []), *others]
