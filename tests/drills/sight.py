"""What somebody sees in a drill: a dashboard's panel, coloured as Grafana colours it, and a runbook's first query."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from drills.hurried import Hurry
from monitoring.boards import Panel, boards, panels, with_variables
from monitoring.prometheus import Prometheus
from monitoring.runbooks import blocks, pages

CHOSEN = {"$__rate_interval": "2m", "$__range": "1h", "$namespace": ".*", "$pod": ".*"}
"""In Grafana: four times a scrape of every 30 seconds, the last hour, and everything."""
RED = "red"
OF_SCRAPING = {"__name__", "namespace", "container", "instance", "job"}
"""Labels that say nothing of a fault."""

Row = tuple[Mapping[str, str], float]


@dataclass(frozen=True)
class Rows:
    """Those that show the cause: they have these labels and more than `above`, or are all `equal`."""

    labels: Mapping[str, str]
    above: float = -math.inf
    equal: float | None = None

    def among(self, found: Sequence[Row]) -> list[Row]:
        return [row for row in found if self._is_one(*row)]

    def _is_one(self, labels: Mapping[str, str], value: float) -> bool:
        has_them = all(labels.get(name) == wanted for name, wanted in self.labels.items())
        return has_them and (value == self.equal if self.equal is not None else value > self.above)


@dataclass(frozen=True)
class Shown:
    """A panel that shows a fault: one of its series turns red or, where the panel has no red, these rows come up."""

    board: str
    title: str
    rows: Rows | None = None

    @property
    def panel(self) -> Panel:
        (found,) = [panel for panel in panels(boards()[self.board]) if panel["title"] == self.title]
        return found

    @property
    def name(self) -> str:
        return f"{boards()[self.board]['title'].removeprefix('ParkingSpots: ')}: {self.title}"

    async def found(self, prometheus: Prometheus, hurry: Hurry) -> list[Row]:
        """The rows of the panel that show the fault, if there are any."""
        rows = []
        for target in self.panel["targets"]:
            query = with_variables(target["expr"], CHOSEN)
            asked = await prometheus.ask(hurry.query(query))
            rows += (
                [row for row in asked if colour(self.panel, hurry, query, row[1]) == RED]
                if self.rows is None
                else (self.rows.among(asked))
            )
        return rows


def colour(panel: Panel, hurry: Hurry, query: str, value: float) -> str:
    """Of a value on the panel; of an age by what it is compared with in a hurry."""
    defaults = panel["fieldConfig"]["defaults"]
    for mapping in defaults.get("mappings", []):
        if mapping["type"] == "value" and (named := mapping["options"].get(f"{value:g}")):
            return str(named["color"])
    reached = ""
    for step in defaults.get("thresholds", {}).get("steps", []):
        if step["value"] is None or value >= hurry.age(query, step["value"]):
            reached = step["color"]
    return reached


def first_query(alert: str) -> str:
    """Of the alert's page."""
    return blocks(pages()[alert].sections["How to look"], "promql")[0]


def told(row: Row) -> str:
    """For a table: `function="bookings.lock"` 9.8."""
    labels, value = row
    names = ", ".join(f'{name}="{labels[name]}"' for name in sorted(labels.keys() - OF_SCRAPING))
    return f"`{names}` {value:.3g}" if names else f"{value:.3g}"
